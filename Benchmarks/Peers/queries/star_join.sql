-- star join by country and activity
SELECT u.country, a.activity_name, count(*) AS n, avg(e.heart_rate) AS mean
FROM {events} e
JOIN {users} u ON u.user_id = e.user_id
JOIN {activities} a ON a.activity_id = e.activity_id
GROUP BY u.country, a.activity_name
