-- Research question 3 on one page: the three likeliest activities of every hour, by region.
WITH measured AS (
  SELECT
    u.region,
    a.activity_name AS activity,
    MOD(t.hour_of_day + CAST(ROUND(f.longitude / 15) AS INTEGER) + 24, 24) AS local_hour
  FROM gold.fct_heart_rate AS f
  JOIN gold.dim_users AS u ON u.user_key = f.user_key
  JOIN gold.dim_activities AS a ON a.activity_key = f.activity_key
  JOIN gold.dim_time AS t ON t.time_key = f.time_key
), counted AS (
  SELECT m.region, m.local_hour, m.activity, COUNT(*) AS events
  FROM measured AS m
  GROUP BY m.region, m.local_hour, m.activity
), ranked AS (
  SELECT
    c.region,
    c.local_hour,
    c.activity,
    ROUND(
      CAST(100.0 * c.events / SUM(c.events) OVER (PARTITION BY c.region, c.local_hour) AS NUMERIC), 1
    ) AS percent,
    ROW_NUMBER() OVER (PARTITION BY c.region, c.local_hour ORDER BY c.events DESC, c.activity) AS place
  FROM counted AS c
)
SELECT
  r.region,
  r.local_hour,
  MAX(CASE WHEN r.place = 1 THEN r.activity END) AS likeliest,
  MAX(CASE WHEN r.place = 1 THEN r.percent END) AS percent_1,
  MAX(CASE WHEN r.place = 2 THEN r.activity END) AS second,
  MAX(CASE WHEN r.place = 2 THEN r.percent END) AS percent_2,
  MAX(CASE WHEN r.place = 3 THEN r.activity END) AS third,
  MAX(CASE WHEN r.place = 3 THEN r.percent END) AS percent_3
FROM ranked AS r
GROUP BY r.region, r.local_hour
ORDER BY r.region, r.local_hour;
