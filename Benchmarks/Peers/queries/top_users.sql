-- top 10 users
SELECT user_id, max(heart_rate) AS hi FROM {events} GROUP BY user_id ORDER BY hi DESC NULLS LAST, user_id LIMIT 10
