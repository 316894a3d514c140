MODEL (
  name silver.dim_activities,
  kind FULL,
  grain (activity_key),
  description 'The activities a watch can report',
  audits (
    not_null(columns := (activity_key, activity_id, activity_name)),
    unique_values(columns := (activity_key, activity_id, activity_name)),
    number_of_rows(threshold := 1)
  )
);

SELECT
  CAST(ROW_NUMBER() OVER (ORDER BY a.activity_id, a.last_update) AS INTEGER) AS activity_key,
  a.activity_id,
  a.activity_name,
  CAST(CAST(a.last_update AS TIMESTAMP) AS DATE) AS start_date,
  CAST(NULL AS DATE) AS end_date
FROM bronze.activities AS a
WHERE a.activity_id IS NOT NULL;
