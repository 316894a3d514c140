import Bytes
import Engine
import Vectors

/// The queries of `pulsehouse bench`, over the tables of the heart-rate project: those of `tools/bench`.
struct BenchQueries {
  /// How the events lie: as they arrived in bronze, or by user and time in silver.
  enum Order: String, Sendable, CaseIterable {
    case arrival
    case clustered
  }

  struct Query: Sendable {
    var name: String
    var order: Order
    var sql: String
  }

  /// A user and a day that the data has: a day in the middle of the span, and one who was measured on it.
  private let user: Int64
  private let day: Int64

  init(_ session: Session) throws {
    func number(_ sql: String) throws -> Int64 {
      let sink = CollectingSink()
      try session.run(sql, into: sink)
      guard case .integer(let number)? = sink.rows.first?.first else { return 0 }
      return number
    }
    day = try number("SELECT min(event_date) + (max(event_date) - min(event_date)) / 2 FROM silver.heart_rate")
    user = try number("SELECT user_id FROM silver.heart_rate WHERE event_date >= DATE '1970-01-01' + \(day) LIMIT 1")
  }

  var all: [Query] { Order.allCases.flatMap { scans($0) } + [Self.users] }

  private func scans(_ order: Order) -> [Query] {
    let events = order == .arrival ? "bronze.heart_rate" : "silver.heart_rate"
    let ofDay = order == .arrival ? "timestamp / 86400" : "event_date"
    let hour = order == .arrival ? "timestamp % 86400 / 3600" : "extract(hour FROM event_ts)"
    let time = order == .arrival ? "timestamp" : "event_ts"
    let onTheDay =
      order == .arrival
      ? "timestamp >= \(day * 86_400) AND timestamp < \((day + 1) * 86_400)" : "event_date = DATE '1970-01-01' + \(day)"
    let queries: [(String, String)] = [
      ("filter and count", "SELECT count(*) FROM \(events) WHERE heart_rate > 150"),
      (
        "sum, avg, min, max of a column",
        "SELECT sum(heart_rate), avg(heart_rate), min(heart_rate), max(heart_rate) FROM \(events)"
      ),
      (
        "by activity",
        "SELECT activity_id, count(*), avg(heart_rate), max(heart_rate) FROM \(events) GROUP BY activity_id"
      ),
      ("by user", "SELECT user_id, count(*), avg(heart_rate), max(heart_rate) FROM \(events) GROUP BY user_id"),
      (
        "by user, activity and day",
        """
        SELECT user_id, activity_id, \(ofDay) AS day, count(*), avg(heart_rate) FROM \(events)
        GROUP BY user_id, activity_id, \(ofDay)
        """
      ),
      (
        "star join by country and activity",
        """
        SELECT u.country, a.activity_name, count(*), avg(e.heart_rate) FROM \(events) e
        JOIN gold.dim_users u ON u.user_id = e.user_id JOIN gold.dim_activities a ON a.activity_id = e.activity_id
        GROUP BY u.country, a.activity_name
        """
      ),
      (
        "one day by hour",
        "SELECT \(hour) AS hour, count(*), avg(heart_rate) FROM \(events) WHERE \(onTheDay) GROUP BY \(hour)"
      ),
      (
        "all events of one user",
        """
        SELECT user_id, activity_id, \(time) AS event_time, heart_rate, latitude, longitude FROM \(events)
        WHERE user_id = \(user)
        """
      ),
      (
        "top 10 users",
        "SELECT user_id, max(heart_rate) AS hi FROM \(events) GROUP BY user_id ORDER BY hi DESC, user_id LIMIT 10"
      ),
      (
        "distinct users per day",
        "SELECT \(ofDay) AS day, count(DISTINCT user_id) FROM \(events) GROUP BY \(ofDay)"
      ),
      (
        "percentiles by activity",
        """
        SELECT activity_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY heart_rate),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY heart_rate) FROM \(events) GROUP BY activity_id
        """
      ),
      (
        "7-day moving average by user",
        """
        SELECT user_id, day, avg(daily) OVER (PARTITION BY user_id ORDER BY day
        ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM (SELECT user_id, \(ofDay) AS day,
        avg(CAST(heart_rate AS double precision)) AS daily FROM \(events) GROUP BY user_id, \(ofDay)) d
        """
      ),
    ]
    return queries.map { Query(name: $0.0, order: order, sql: $0.1) }
  }

  private static let users = Query(
    name: "users by country, LIKE on the address", order: .clustered,
    sql: "SELECT country, count(*) FROM gold.dim_users WHERE address LIKE '%a%' GROUP BY country")
}
