SELECT activity_id, quantile_cont(heart_rate, 0.5) AS p50, quantile_cont(heart_rate, 0.95) AS p95
FROM {events} GROUP BY activity_id
