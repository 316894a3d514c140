-- The fact has exactly as many rows as there are events: a join that loses or multiplies rows shows here.
AUDIT (
  name every_event_once
);

SELECT counted.fact_rows, counted.event_rows
FROM (
  SELECT
    (SELECT COUNT(*) FROM @this_model) AS fact_rows,
    (SELECT COUNT(*) FROM silver.heart_rate) AS event_rows
) AS counted
WHERE counted.fact_rows <> counted.event_rows;
