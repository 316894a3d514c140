-- Of an event that was delivered several times one stays; the rows come by user and time.
WITH ranked AS (
  SELECT
    e.user_id,
    e.timestamp AS event_epoch,
    e.activity_id,
    e.heart_rate,
    e.latitude,
    e.longitude,
    ROW_NUMBER() OVER (PARTITION BY e.user_id, e.timestamp, e.activity_id ORDER BY e._offset, e.heart_rate) AS delivery
  FROM bronze.heart_rate AS e
  WHERE e.user_id IS NOT NULL AND e.timestamp IS NOT NULL AND e.activity_id IS NOT NULL
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
