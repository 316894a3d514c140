-- by activity
SELECT activity_id, count(*) AS n, avg(heart_rate) AS a, max(heart_rate) AS hi FROM {events} GROUP BY activity_id
