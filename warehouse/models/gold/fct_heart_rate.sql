MODEL (
  name gold.fct_heart_rate,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column event_date
  ),
  cron '@daily',
  grain (event_ts, user_key, activity_key),
  description 'One row for each measurement; times in UTC',
  -- All but the users are read by the audits alone.
  depends_on (gold.dim_users, gold.dim_activities, gold.dim_date, gold.dim_time),
  audits (
    not_null(columns := (user_key, activity_key, date_key, time_key, event_ts, event_date, heart_rate)),
    unique_combination_of_columns(columns := (event_ts, user_key, activity_key)),
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

WITH followed AS (
  SELECT
    h.user_id,
    h.activity_id,
    h.event_ts,
    h.event_date,
    h.heart_rate,
    h.latitude,
    h.longitude,
    LAG(h.heart_rate) OVER (PARTITION BY h.user_id ORDER BY h.event_ts, h.activity_id) AS earlier_heart_rate,
    LAG(h.event_date) OVER (PARTITION BY h.user_id ORDER BY h.event_ts, h.activity_id) AS earlier_date
  FROM silver.heart_rate AS h
  -- Two days more than asked for: so far back may lie the event before.
  WHERE h.event_date BETWEEN @start_date - 2 AND @end_date
), measured AS (
  SELECT
    f.*,
    -- What was measured longer ago says nothing; and so a late event changes no more than its day and the two after it.
    CASE WHEN f.earlier_date >= f.event_date - 2 THEN f.earlier_heart_rate END AS previous_heart_rate,
    MAX(f.heart_rate) OVER (PARTITION BY f.event_date, f.user_id, f.activity_id) AS max_heart_rate,
    MIN(f.heart_rate) OVER (PARTITION BY f.event_date, f.user_id, f.activity_id) AS min_heart_rate,
    AVG(CAST(f.heart_rate AS DOUBLE PRECISION))
      OVER (PARTITION BY f.event_date, f.user_id, f.activity_id) AS avg_heart_rate
  FROM followed AS f
  WHERE f.event_date BETWEEN @start_date AND @end_date
)
SELECT
  u.user_key,
  a.activity_key,
  CAST(EXTRACT(YEAR FROM m.event_date) AS INTEGER) * 10000
  + CAST(EXTRACT(MONTH FROM m.event_date) AS INTEGER) * 100
  + CAST(EXTRACT(DAY FROM m.event_date) AS INTEGER) AS date_key,
  CAST(EXTRACT(HOUR FROM m.event_ts) AS INTEGER) * 100
  + CAST(EXTRACT(MINUTE FROM m.event_ts) AS INTEGER) AS time_key,
  m.event_ts,
  m.event_date,
  m.heart_rate,
  m.previous_heart_rate,
  m.max_heart_rate,
  m.min_heart_rate,
  m.avg_heart_rate,
  m.latitude,
  m.longitude
FROM measured AS m
-- An event of an unknown user or activity keeps its row, and the audits of the keys report it.
LEFT JOIN gold.dim_users AS u
  ON u.user_id = m.user_id AND m.event_ts >= u.valid_from AND (u.valid_to IS NULL OR m.event_ts < u.valid_to)
LEFT JOIN silver.dim_activities AS a ON a.activity_id = m.activity_id;
