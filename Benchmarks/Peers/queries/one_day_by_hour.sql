-- one day by hour
SELECT {hour} AS hour, count(*) AS n, avg(heart_rate) AS a FROM {events} WHERE {on_the_day} GROUP BY {hour}
