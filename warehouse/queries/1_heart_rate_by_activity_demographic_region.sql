-- Research question 1: how does the heart rate depend on the activity, on who does it, and on where they live?
-- One row for each activity and region; mean beats per minute over all, by sex and by age group.
SELECT
  a.activity_name AS activity,
  u.region,
  COUNT(*) AS events,
  ROUND(CAST(AVG(f.heart_rate) AS NUMERIC), 1) AS everyone,
  ROUND(CAST(AVG(CASE WHEN u.sex = 'Female' THEN f.heart_rate END) AS NUMERIC), 1) AS women,
  ROUND(CAST(AVG(CASE WHEN u.sex = 'Male' THEN f.heart_rate END) AS NUMERIC), 1) AS men,
  ROUND(CAST(AVG(CASE WHEN u.age_group = 'under 30' THEN f.heart_rate END) AS NUMERIC), 1) AS under_30,
  ROUND(CAST(AVG(CASE WHEN u.age_group = '30 to 44' THEN f.heart_rate END) AS NUMERIC), 1) AS from_30_to_44,
  ROUND(CAST(AVG(CASE WHEN u.age_group = '45 to 59' THEN f.heart_rate END) AS NUMERIC), 1) AS from_45_to_59,
  ROUND(CAST(AVG(CASE WHEN u.age_group = '60 and over' THEN f.heart_rate END) AS NUMERIC), 1) AS from_60
FROM gold.fct_heart_rate AS f
JOIN gold.dim_users AS u ON u.user_key = f.user_key
JOIN gold.dim_activities AS a ON a.activity_key = f.activity_key
GROUP BY a.activity_name, u.region
ORDER BY a.activity_name, u.region;
