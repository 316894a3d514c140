MODEL (
  name silver.dim_time,
  kind FULL,
  grain (time_key),
  description 'Every minute of a day; the key is the time read as a number, 0 for midnight and 2359 for 23:59',
  audits (
    not_null(columns := (time_key, hour_of_day, minute_of_hour)),
    unique_values(columns := (time_key)),
    accepted_range(column := time_key, min_v := 0, max_v := 2359),
    number_of_rows(threshold := 1439)
  )
);

WITH digits AS (
  SELECT 0 AS digit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
  UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), numbers AS (
  SELECT a.digit + 10 * b.digit AS n
  FROM digits AS a
  CROSS JOIN digits AS b
)
SELECT
  h.n * 100 + m.n AS time_key,
  h.n AS hour_of_day,
  m.n AS minute_of_hour,
  LPAD(CAST(h.n AS TEXT), 2, '0') || ':' || LPAD(CAST(m.n AS TEXT), 2, '0') AS time_label,
  CASE
    WHEN h.n < 6 THEN 'night'
    WHEN h.n < 12 THEN 'morning'
    WHEN h.n < 18 THEN 'afternoon'
    ELSE 'evening'
  END AS part_of_day
FROM numbers AS h
CROSS JOIN numbers AS m
WHERE h.n < 24 AND m.n < 60;
