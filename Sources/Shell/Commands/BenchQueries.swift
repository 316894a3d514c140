/// The scan queries of `pulsehouse bench`, over the tables of the heart-rate project.
enum BenchQueries {
  struct Query: Sendable {
    var name: String
    var sql: String
  }

  static let all: [Query] = [
    Query(name: "filter and count", sql: "SELECT count(*) FROM silver.heart_rate WHERE heart_rate > 150"),
    Query(
      name: "sum, avg, min, max",
      sql: "SELECT sum(heart_rate), avg(heart_rate), min(heart_rate), max(heart_rate) FROM silver.heart_rate"),
    Query(
      name: "by activity",
      sql: "SELECT activity_id, count(*), avg(heart_rate), max(heart_rate) FROM silver.heart_rate GROUP BY activity_id"),
    Query(
      name: "by user",
      sql: "SELECT user_id, count(*), avg(heart_rate), max(heart_rate) FROM silver.heart_rate GROUP BY user_id"),
    Query(
      name: "by user, activity and day",
      sql: """
        SELECT user_id, activity_id, event_date, count(*), avg(heart_rate) FROM silver.heart_rate
        GROUP BY user_id, activity_id, event_date
        """),
    Query(
      name: "star join",
      sql: """
        SELECT u.country, a.activity_name, count(*), avg(f.heart_rate) FROM gold.fct_heart_rate f
        JOIN gold.dim_users u ON u.user_key = f.user_key JOIN gold.dim_activities a ON a.activity_key = f.activity_key
        GROUP BY u.country, a.activity_name
        """),
    Query(
      name: "one day by hour",
      sql: """
        SELECT extract(hour FROM event_ts), count(*), avg(heart_rate) FROM silver.heart_rate
        WHERE event_date = (SELECT min(event_date) + 1 FROM silver.heart_rate) GROUP BY 1
        """),
    Query(name: "one user", sql: "SELECT * FROM silver.heart_rate WHERE user_id = 12345"),
    Query(
      name: "top 10 users",
      sql: """
        SELECT user_id, max(heart_rate) FROM silver.heart_rate GROUP BY user_id ORDER BY 2 DESC, 1 LIMIT 10
        """),
    Query(
      name: "distinct users per day",
      sql: "SELECT event_date, count(DISTINCT user_id) FROM silver.heart_rate GROUP BY event_date"),
    Query(
      name: "percentiles by activity",
      sql: """
        SELECT activity_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY heart_rate),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY heart_rate) FROM silver.heart_rate GROUP BY activity_id
        """),
    Query(
      name: "7-day moving average",
      sql: """
        SELECT user_id, event_date, avg(daily) OVER (PARTITION BY user_id ORDER BY event_date
        ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM (SELECT user_id, event_date,
        avg(CAST(heart_rate AS double precision)) AS daily FROM silver.heart_rate GROUP BY user_id, event_date) d
        """),
    Query(
      name: "users by country",
      sql: """
        SELECT country, count(*) FROM gold.dim_users WHERE address LIKE '%a%'
        GROUP BY country
        """),
  ]
}
