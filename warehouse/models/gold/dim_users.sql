MODEL (
  name gold.dim_users,
  kind FULL,
  grain (user_key),
  description 'Who was measured',
  audits (
    not_null(columns := (user_key, user_id, age_group, region)),
    unique_values(columns := (user_key)),
    accepted_values(column := sex, is_in := ('Female', 'Male')),
    accepted_values(column := age_group, is_in := ('under 30', '30 to 44', '45 to 59', '60 and over'))
  )
);

WITH aged AS (
  SELECT
    u.*,
    -- Full years on the day from which the row holds.
    CAST(EXTRACT(YEAR FROM u.start_date) AS INTEGER) - CAST(EXTRACT(YEAR FROM u.birth_date) AS INTEGER)
    - CASE
        WHEN EXTRACT(MONTH FROM u.start_date) * 100 + EXTRACT(DAY FROM u.start_date)
          < EXTRACT(MONTH FROM u.birth_date) * 100 + EXTRACT(DAY FROM u.birth_date)
        THEN 1
        ELSE 0
      END AS age_years
  FROM silver.dim_users AS u
)
SELECT
  a.user_key,
  a.user_id,
  a.first_name,
  a.last_name,
  a.birth_date AS date_of_birth,
  a.age_years,
  CASE
    WHEN a.age_years < 30 THEN 'under 30'
    WHEN a.age_years < 45 THEN '30 to 44'
    WHEN a.age_years < 60 THEN '45 to 59'
    ELSE '60 and over'
  END AS age_group,
  CASE a.sex WHEN 'F' THEN 'Female' WHEN 'M' THEN 'Male' END AS sex,
  a.height_cm,
  a.weight_kg,
  a.weight_kg / (a.height_cm / 100.0 * (a.height_cm / 100.0)) AS body_mass_index,
  a.blood_type,
  a.race,
  a.origin_country_code,
  a.origin_country_name AS origin_country,
  a.address,
  a.address_country_code AS country_code,
  a.address_country_name AS country,
  CASE
    WHEN a.address_country_code = 'US' THEN 'North America'
    WHEN a.address_country_code = 'BR' THEN 'South America'
    WHEN a.address_country_code = 'AU' THEN 'Oceania'
    WHEN a.address_country_code IN ('GB', 'SE', 'NO', 'FI', 'DK') THEN 'Northern Europe'
    WHEN a.address_country_code IN ('FR', 'DE', 'NL') THEN 'Western Europe'
    WHEN a.address_country_code IN ('ES', 'IT') THEN 'Southern Europe'
    WHEN a.address_country_code = 'PL' THEN 'Eastern Europe'
    ELSE 'elsewhere'
  END AS region,
  a.start_date AS valid_from,
  a.end_date AS valid_to
FROM aged AS a;
