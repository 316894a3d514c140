-- by user, activity and day
SELECT user_id, activity_id, {day} AS day, count(*) AS n, avg(heart_rate) AS a FROM {events}
GROUP BY user_id, activity_id, {day}
