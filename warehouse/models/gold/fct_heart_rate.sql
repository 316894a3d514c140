MODEL (
  name gold.fct_heart_rate,
  kind FULL,
  grain (user_key, event_ts, activity_key),
  description 'One row for each measurement; times in UTC',
  -- Read by the audits alone.
  depends_on (gold.dim_users, gold.dim_activities, gold.dim_date, gold.dim_time),
  audits (
    not_null(columns := (user_key, activity_key, date_key, time_key, event_ts, heart_rate)),
    unique_combination_of_columns(columns := (user_key, event_ts, activity_key)),
    accepted_range(column := heart_rate, min_v := 20, max_v := 260),
    accepted_range(column := latitude, min_v := -90, max_v := 90),
    accepted_range(column := longitude, min_v := -180, max_v := 180),
    relationships(column := user_key, parent := gold.dim_users, parent_column := user_key),
    relationships(column := activity_key, parent := gold.dim_activities, parent_column := activity_key),
    relationships(column := date_key, parent := gold.dim_date, parent_column := date_key),
    relationships(column := time_key, parent := gold.dim_time, parent_column := time_key),
    forall(criteria := (
      min_heart_rate <= heart_rate,
      heart_rate <= max_heart_rate,
      avg_heart_rate BETWEEN min_heart_rate AND max_heart_rate
    )),
    every_event_once
  )
);

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
-- An event of an unknown user or activity keeps its row, and the audits of the keys report it.
LEFT JOIN silver.dim_users AS u ON u.user_id = h.user_id
LEFT JOIN silver.dim_activities AS a ON a.activity_id = h.activity_id;
