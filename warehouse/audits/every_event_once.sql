-- Each day of the fact has exactly as many rows as there are events: a join that loses or multiplies rows shows here.
AUDIT (
  name every_event_once
);

SELECT fact.event_date, fact.row_count, event.event_count
FROM (
  SELECT f.event_date, COUNT(*) AS row_count FROM @this_model AS f GROUP BY f.event_date
) AS fact
LEFT JOIN (
  SELECT h.event_date, COUNT(*) AS event_count FROM silver.heart_rate AS h GROUP BY h.event_date
) AS event ON event.event_date = fact.event_date
WHERE event.event_count IS NULL OR event.event_count <> fact.row_count;
