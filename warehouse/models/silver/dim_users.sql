MODEL (
  name silver.dim_users,
  kind SCD_TYPE_2_BY_TIME (
    unique_key user_id,
    updated_at_name updated_at
  ),
  grain (user_id, valid_from),
  description 'The wearers of the watches, typed and renamed; a row for each version, from valid_from to valid_to',
  audits (
    not_null(columns := (user_id, birth_date, sex, updated_at, valid_from)),
    unique_combination_of_columns(columns := (user_id, valid_from)),
    -- Gold makes the key of a version from both.
    accepted_range(column := user_id, min_v := 1, max_v := 999999),
    accepted_values(column := sex, is_in := ('F', 'M')),
    accepted_values(column := blood_type, is_in := ('O+', 'A+', 'B+', 'O-', 'A-', 'AB+', 'B-', 'AB-')),
    accepted_range(column := height_cm, min_v := 100, max_v := 230),
    accepted_range(column := weight_kg, min_v := 30, max_v := 250)
  )
);

SELECT
  u.userid AS user_id,
  u.fname AS first_name,
  u.lname AS last_name,
  -- The remainders make every division exact, so that it means the same in every dialect.
  MAKE_DATE(
    CAST((u.dob - MOD(u.dob, 10000)) / 10000 AS INTEGER),
    CAST((MOD(u.dob, 10000) - MOD(u.dob, 100)) / 100 AS INTEGER),
    CAST(MOD(u.dob, 100) AS INTEGER)
  ) AS birth_date,
  u.sex,
  u.height AS height_cm,
  u.weight AS weight_kg,
  u.blood_type,
  u.race,
  u.origin_country_code,
  u.origin_country_name,
  u.address,
  u.address_country_code,
  u.address_country_name,
  CAST(u.last_update AS TIMESTAMP) AS updated_at
FROM bronze.users AS u
WHERE u.userid IS NOT NULL;
