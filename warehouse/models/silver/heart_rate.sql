MODEL (
  name silver.heart_rate,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column event_date
  ),
  cron '@daily',
  grain (event_ts, user_id, activity_id),
  description 'Heart-rate events, typed, without the repeated and without those that lack a key',
  audits (
    not_null(columns := (user_id, event_ts, activity_id, heart_rate)),
    unique_combination_of_columns(columns := (event_ts, user_id, activity_id)),
    accepted_range(column := heart_rate, min_v := 20, max_v := 260),
    accepted_range(column := latitude, min_v := -90, max_v := 90),
    accepted_range(column := longitude, min_v := -180, max_v := 180)
  )
);

WITH ranked AS (
  SELECT
    e.user_id,
    e.timestamp AS event_epoch,
    e.activity_id,
    e.heart_rate,
    e.latitude,
    e.longitude,
    -- Of an event that was delivered several times one stays, by its place: an offset, in a file as in a topic.
    -- Time first: so events lie in its order, and those of a day together.
    ROW_NUMBER() OVER (PARTITION BY e.timestamp, e.user_id, e.activity_id ORDER BY e._offset, e.heart_rate) AS delivery
  FROM bronze.heart_rate AS e
  WHERE e.user_id IS NOT NULL AND e.activity_id IS NOT NULL AND e.timestamp BETWEEN @start_epoch AND @end_epoch
)
SELECT
  r.user_id,
  r.activity_id,
  TIMESTAMP '1970-01-01 00:00:00' + r.event_epoch * INTERVAL '1 second' AS event_ts,
  CAST(TIMESTAMP '1970-01-01 00:00:00' + r.event_epoch * INTERVAL '1 second' AS DATE) AS event_date,
  r.heart_rate,
  r.latitude,
  r.longitude
FROM ranked AS r
WHERE r.delivery = 1;
