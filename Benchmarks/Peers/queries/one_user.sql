-- all events of one user
SELECT user_id, activity_id, {time} AS event_time, heart_rate, latitude, longitude FROM {events} WHERE user_id = {user}
