-- sum, avg, min, max of a column
SELECT sum(heart_rate) AS s, avg(heart_rate) AS a, min(heart_rate) AS lo, max(heart_rate) AS hi FROM {events}
