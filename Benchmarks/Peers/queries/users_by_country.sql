-- users by country, LIKE on the address
SELECT country, count(*) AS n FROM {users} WHERE address LIKE '%a%' GROUP BY country
