-- distinct users per day
SELECT {day} AS day, count(DISTINCT user_id) AS users FROM {events} GROUP BY {day}
