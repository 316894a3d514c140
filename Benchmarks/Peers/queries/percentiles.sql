-- percentiles by activity
SELECT activity_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY heart_rate) AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY heart_rate) AS p95
FROM {events} GROUP BY activity_id
