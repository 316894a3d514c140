MODEL (
  name silver.dim_date,
  kind FULL,
  grain (date_key),
  description 'Every day from the first event to the last; the key is the date read as a number, 20240131',
  audits (
    not_null(columns := (date_key, calendar_date)),
    unique_values(columns := (date_key, calendar_date)),
    accepted_range(column := month_of_year, min_v := 1, max_v := 12),
    accepted_values(column := northern_season, is_in := ('winter', 'spring', 'summer', 'autumn'))
  )
);

WITH digits AS (
  SELECT 0 AS digit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
  UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), numbers AS (
  SELECT a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit + 10000 * e.digit AS n
  FROM digits AS a
  CROSS JOIN digits AS b
  CROSS JOIN digits AS c
  CROSS JOIN digits AS d
  CROSS JOIN digits AS e
), span AS (
  SELECT MIN(h.event_date) AS first_date, MAX(h.event_date) AS last_date FROM silver.heart_rate AS h
), days AS (
  SELECT s.first_date + n.n AS calendar_date
  FROM span AS s
  CROSS JOIN numbers AS n
  WHERE s.first_date + n.n <= s.last_date
), parts AS (
  SELECT
    d.calendar_date,
    CAST(EXTRACT(YEAR FROM d.calendar_date) AS INTEGER) AS calendar_year,
    CAST(EXTRACT(QUARTER FROM d.calendar_date) AS INTEGER) AS quarter_of_year,
    CAST(EXTRACT(MONTH FROM d.calendar_date) AS INTEGER) AS month_of_year,
    CAST(EXTRACT(DAY FROM d.calendar_date) AS INTEGER) AS day_of_month
  FROM days AS d
)
SELECT
  p.calendar_year * 10000 + p.month_of_year * 100 + p.day_of_month AS date_key,
  p.calendar_date,
  p.calendar_year,
  p.quarter_of_year,
  p.month_of_year,
  p.day_of_month,
  CASE p.month_of_year
    WHEN 1 THEN 'January' WHEN 2 THEN 'February' WHEN 3 THEN 'March' WHEN 4 THEN 'April'
    WHEN 5 THEN 'May' WHEN 6 THEN 'June' WHEN 7 THEN 'July' WHEN 8 THEN 'August'
    WHEN 9 THEN 'September' WHEN 10 THEN 'October' WHEN 11 THEN 'November' ELSE 'December'
  END AS month_name,
  -- The season of the northern half of the earth; the southern half has the opposite one.
  CASE
    WHEN p.month_of_year IN (12, 1, 2) THEN 'winter'
    WHEN p.month_of_year IN (3, 4, 5) THEN 'spring'
    WHEN p.month_of_year IN (6, 7, 8) THEN 'summer'
    ELSE 'autumn'
  END AS northern_season,
  CASE
    WHEN p.month_of_year IN (12, 1, 2) THEN 'summer'
    WHEN p.month_of_year IN (3, 4, 5) THEN 'autumn'
    WHEN p.month_of_year IN (6, 7, 8) THEN 'winter'
    ELSE 'spring'
  END AS southern_season
FROM parts AS p;
