-- Research question 3: how likely is each activity, by hour of day and region?
-- One row for each region, hour and activity, the likeliest first. The hour is that of the sun where it was measured:
-- UTC and an hour for every 15 degrees of longitude.
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
)
SELECT
  c.region,
  c.local_hour,
  RANK() OVER (PARTITION BY c.region, c.local_hour ORDER BY c.events DESC) AS place,
  c.activity,
  c.events,
  ROUND(
    CAST(100.0 * c.events / SUM(c.events) OVER (PARTITION BY c.region, c.local_hour) AS NUMERIC), 2
  ) AS percent
FROM counted AS c
ORDER BY c.region, c.local_hour, c.events DESC, c.activity;
