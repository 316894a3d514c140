MODEL (
  name gold.dim_users,
  kind FULL,
  grain (user_key),
  description 'Who was measured: a row and a key for each version of a user',
  audits (
    not_null(columns := (user_key, user_id, age_group, region, valid_from)),
    unique_values(columns := (user_key)),
    accepted_values(column := sex, is_in := ('Female', 'Male')),
    accepted_values(column := age_group, is_in := ('under 30', '30 to 44', '45 to 59', '60 and over'))
  )
);

WITH versions AS (
  SELECT
    u.*,
    CAST(u.updated_at AS DATE) AS update_date,
    -- The first version of a user has the user's number, each later one a million more: a version that comes changes
    -- no key that facts hold already.
    CAST(
      u.user_id + 1000000 * (ROW_NUMBER() OVER (PARTITION BY u.user_id ORDER BY u.valid_from) - 1) AS INTEGER
    ) AS user_key
  FROM silver.dim_users AS u
), aged AS (
  SELECT
    v.*,
    -- Full years on the day the version was written.
    CAST(EXTRACT(YEAR FROM v.update_date) AS INTEGER) - CAST(EXTRACT(YEAR FROM v.birth_date) AS INTEGER)
    - CASE
        WHEN EXTRACT(MONTH FROM v.update_date) * 100 + EXTRACT(DAY FROM v.update_date)
          < EXTRACT(MONTH FROM v.birth_date) * 100 + EXTRACT(DAY FROM v.birth_date)
        THEN 1
        ELSE 0
      END AS age_years
  FROM versions AS v
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
  a.valid_from,
  a.valid_to
FROM aged AS a;
