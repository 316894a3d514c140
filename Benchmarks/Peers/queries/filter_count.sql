-- filter and count
SELECT count(*) AS n FROM {events} WHERE heart_rate > 150
