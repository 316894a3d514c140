MODEL (
  name gold.dim_date,
  kind FULL,
  grain (date_key),
  description 'The calendar of the events',
  audits (
    not_null(columns := (date_key, calendar_date)),
    unique_values(columns := (date_key))
  )
);

SELECT
  d.date_key,
  d.calendar_date,
  d.calendar_year,
  d.quarter_of_year,
  d.month_of_year,
  d.month_name,
  d.day_of_month,
  d.northern_season,
  d.southern_season
FROM silver.dim_date AS d;
