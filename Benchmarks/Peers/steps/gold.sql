-- The fact with its windows in one query over all events, which lie by user and time.
SELECT
  u.user_key,
  a.activity_key,
  CAST(EXTRACT(YEAR FROM h.event_date) AS INTEGER) * 10000
  + CAST(EXTRACT(MONTH FROM h.event_date) AS INTEGER) * 100
  + CAST(EXTRACT(DAY FROM h.event_date) AS INTEGER) AS date_key,
  CAST(EXTRACT(HOUR FROM h.event_ts) AS INTEGER) * 100
  + CAST(EXTRACT(MINUTE FROM h.event_ts) AS INTEGER) AS time_key,
  h.event_ts,
  h.heart_rate,
  LAG(h.heart_rate) OVER (PARTITION BY h.user_id ORDER BY h.event_ts, h.activity_id) AS previous_heart_rate,
  MAX(h.heart_rate) OVER (PARTITION BY h.user_id, h.activity_id, h.event_date) AS max_heart_rate,
  MIN(h.heart_rate) OVER (PARTITION BY h.user_id, h.activity_id, h.event_date) AS min_heart_rate,
  AVG(CAST(h.heart_rate AS DOUBLE PRECISION))
    OVER (PARTITION BY h.user_id, h.activity_id, h.event_date) AS avg_heart_rate,
  h.latitude,
  h.longitude
FROM silver.heart_rate AS h
LEFT JOIN gold.dim_users AS u ON u.user_id = h.user_id
LEFT JOIN gold.dim_activities AS a ON a.activity_id = h.activity_id;
