MODEL (
  name gold.dim_activities,
  kind VIEW,
  grain (activity_key),
  description 'What was done, with how hard it usually is',
  audits (
    not_null(columns := (activity_key, activity_name, intensity)),
    unique_values(columns := (activity_key)),
    accepted_values(column := intensity, is_in := ('rest', 'light', 'moderate', 'hard'))
  )
);

SELECT
  a.activity_key,
  a.activity_id,
  a.activity_name,
  CASE
    WHEN a.activity_name IN ('Sleep', 'Sit', 'Stand') THEN 'rest'
    WHEN a.activity_name IN ('Walk', 'Yoga', 'Tai Chi', 'Pilates', 'Cooldown', 'Other') THEN 'light'
    WHEN a.activity_name IN ('Hiking', 'Functional Strength Training', 'Dance', 'Core Training', 'Wheelchair')
    THEN 'moderate'
    ELSE 'hard'
  END AS intensity
FROM silver.dim_activities AS a;
