-- 7-day moving average by user
SELECT user_id, day, avg(daily) OVER (
  PARTITION BY user_id ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week
FROM (SELECT user_id, {day} AS day, avg(CAST(heart_rate AS double precision)) AS daily
  FROM {events} GROUP BY user_id, {day}) d
