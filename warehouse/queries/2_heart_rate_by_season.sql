-- Research question 2: how does the heart rate change with the season?
-- One row for each activity: mean beats per minute and share of the season's events, by the season where it was
-- measured (below the equator the seasons are the opposite ones).
WITH measured AS (
  SELECT
    a.activity_name AS activity,
    f.heart_rate,
    CASE WHEN f.latitude < 0 THEN d.southern_season ELSE d.northern_season END AS season
  FROM gold.fct_heart_rate AS f
  JOIN gold.dim_activities AS a ON a.activity_key = f.activity_key
  JOIN gold.dim_date AS d ON d.date_key = f.date_key
), totals AS (
  SELECT
    CAST(SUM(CASE WHEN m.season = 'winter' THEN 1 ELSE 0 END) AS DOUBLE PRECISION) AS winter,
    CAST(SUM(CASE WHEN m.season = 'spring' THEN 1 ELSE 0 END) AS DOUBLE PRECISION) AS spring,
    CAST(SUM(CASE WHEN m.season = 'summer' THEN 1 ELSE 0 END) AS DOUBLE PRECISION) AS summer,
    CAST(SUM(CASE WHEN m.season = 'autumn' THEN 1 ELSE 0 END) AS DOUBLE PRECISION) AS autumn
  FROM measured AS m
), seasons AS (
  SELECT
    m.activity,
    COUNT(*) AS events,
    AVG(CASE WHEN m.season = 'winter' THEN m.heart_rate END) AS winter_rate,
    AVG(CASE WHEN m.season = 'spring' THEN m.heart_rate END) AS spring_rate,
    AVG(CASE WHEN m.season = 'summer' THEN m.heart_rate END) AS summer_rate,
    AVG(CASE WHEN m.season = 'autumn' THEN m.heart_rate END) AS autumn_rate,
    SUM(CASE WHEN m.season = 'winter' THEN 1 ELSE 0 END) AS winter_events,
    SUM(CASE WHEN m.season = 'spring' THEN 1 ELSE 0 END) AS spring_events,
    SUM(CASE WHEN m.season = 'summer' THEN 1 ELSE 0 END) AS summer_events,
    SUM(CASE WHEN m.season = 'autumn' THEN 1 ELSE 0 END) AS autumn_events
  FROM measured AS m
  GROUP BY m.activity
)
SELECT
  s.activity,
  s.events,
  ROUND(CAST(s.winter_rate AS NUMERIC), 1) AS winter,
  ROUND(CAST(s.spring_rate AS NUMERIC), 1) AS spring,
  ROUND(CAST(s.summer_rate AS NUMERIC), 1) AS summer,
  ROUND(CAST(s.autumn_rate AS NUMERIC), 1) AS autumn,
  ROUND(CAST(100 * s.winter_events / NULLIF(t.winter, 0) AS NUMERIC), 2) AS winter_percent,
  ROUND(CAST(100 * s.spring_events / NULLIF(t.spring, 0) AS NUMERIC), 2) AS spring_percent,
  ROUND(CAST(100 * s.summer_events / NULLIF(t.summer, 0) AS NUMERIC), 2) AS summer_percent,
  ROUND(CAST(100 * s.autumn_events / NULLIF(t.autumn, 0) AS NUMERIC), 2) AS autumn_percent
FROM seasons AS s
CROSS JOIN totals AS t
ORDER BY s.activity;
