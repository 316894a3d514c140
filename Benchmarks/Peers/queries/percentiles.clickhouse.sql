SELECT activity_id, quantileExactInclusive(0.5)(heart_rate) AS p50, quantileExactInclusive(0.95)(heart_rate) AS p95
FROM {events} GROUP BY activity_id
