MODEL (
  name gold.dim_time,
  kind FULL,
  grain (time_key),
  description 'The minutes of a day, in UTC',
  audits (
    not_null(columns := (time_key, hour_of_day)),
    unique_values(columns := (time_key))
  )
);

SELECT
  t.time_key,
  t.hour_of_day,
  t.minute_of_hour,
  t.time_label,
  t.part_of_day
FROM silver.dim_time AS t;
