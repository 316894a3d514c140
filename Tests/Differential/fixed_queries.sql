SELECT ARRAY[1,2,3]
SELECT ARRAY[1,NULL,3]::text[]
SELECT '{1,2,"a b",NULL,"null"}'::text[]
SELECT (ARRAY[10,20,30])[2], (ARRAY[10,20,30])[9], (ARRAY[10,20,30])[2:3], (ARRAY[10,20,30])[:2]
SELECT array_length(ARRAY[1,2],1), cardinality('{}'::int[]), array_upper(ARRAY[1,2],1), array_lower(ARRAY[1,2],1), array_length('{}'::int[],1)
SELECT array_to_string(ARRAY[1,NULL,3], ','), array_to_string(ARRAY[1,NULL,3], ',', '*'), string_to_array('a,b,,c', ','), string_to_array('a,b', NULL), string_to_array('', ','), string_to_array('abc', ''), string_to_array('a,b', ',', 'b')
SELECT ARRAY[1,2] || 3, 0 || ARRAY[1,2], ARRAY[1,2] || ARRAY[3], ARRAY['a'] || 'b'::text, array_append(ARRAY[1],2), array_prepend(1,ARRAY[2]), array_cat(ARRAY[1],ARRAY[2])
SELECT ARRAY[1,2] || NULL, NULL || ARRAY[1], ARRAY[1,2,3] @> ARRAY[2], ARRAY[1] <@ ARRAY[1,2], ARRAY[1,2] && ARRAY[2,3], ARRAY[1,2] = ARRAY[1,2], ARRAY[1,2] <> ARRAY[1,3]
SELECT 2 = ANY(ARRAY[1,2]), 2 = ALL(ARRAY[2,2]), 2 < ANY('{1,3}'::int[]), NULL = ANY(ARRAY[1]), 5 = ANY(ARRAY[1,NULL]), 'a' = ANY('{a,b}')
SELECT array_position(ARRAY['a','b'],'b'), array_remove(ARRAY[1,2,1],1), array_position(ARRAY[1,2],7)
SELECT array_agg(x ORDER BY x DESC) FROM (VALUES (1),(3),(NULL),(2)) v(x)
SELECT array_agg(x) FROM (SELECT 1 AS x WHERE false) v
SELECT array_agg(DISTINCT x ORDER BY x) FROM (VALUES (1),(3),(1)) v(x)
SELECT ARRAY(SELECT x FROM generate_series(1,3) x), ARRAY(SELECT 1 WHERE false)
SELECT unnest(ARRAY[1,2,3])
SELECT x, unnest(string_to_array(t, ' ')) FROM (VALUES (1,'a b'),(2,'c'),(3,NULL)) v(x,t)
SELECT v.x, u FROM (VALUES (1,'a b'),(2,'c'),(3,NULL)) v(x,t), unnest(string_to_array(t,' ')) u
SELECT v.x, u.w, u.n FROM (VALUES (1,'a b'),(2,'c')) v(x,t), unnest(string_to_array(t,' ')) WITH ORDINALITY AS u(w,n)
SELECT v.x, u FROM (VALUES (1,'a b'),(3,NULL)) v(x,t) LEFT JOIN LATERAL unnest(string_to_array(t,' ')) u ON true
SELECT v.x, g FROM (VALUES (1),(3)) v(x), generate_series(1, v.x) g
SELECT v.x, g FROM (VALUES (1),(3)) v(x) CROSS JOIN LATERAL (SELECT g*10 AS g FROM generate_series(1, v.x) g WHERE g > 1) q
SELECT x, (SELECT sum(g) FROM generate_series(1,x) g) FROM (VALUES (1),(3)) v(x)
SELECT g, count(*) FROM (VALUES ('a,b'),('b,c')) v(t), regexp_split_to_table(t, ',') g GROUP BY g
SELECT generate_series(1,3), generate_series(1,2)
SELECT count(*), generate_series(1,2) FROM (VALUES (1),(2)) v
SELECT DISTINCT unnest(ARRAY[1,1,2])
SELECT unnest(ARRAY[3,1,2]) AS z ORDER BY z DESC LIMIT 2
SELECT * FROM generate_series(1,3) WITH ORDINALITY
SELECT * FROM ROWS FROM (generate_series(1,3), generate_series(5,6)) AS r(a,b)
SELECT * FROM generate_series(timestamp '2020-01-31', timestamp '2020-05-31', interval '1 month')
SELECT d, g FROM (VALUES (timestamp '2020-01-01')) v(d), generate_series(d, d + interval '2 days', interval '1 day') g
SELECT regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('abc','x'), regexp_match('abc','b.')
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g')
SELECT regexp_split_to_array('the quick  brown', '\s+'), regexp_split_to_array('abc', '')
SELECT (regexp_match('k=v', '(\w)=(\w)'))[2]
SELECT string_to_table('a~b', '~')
SELECT '{"b":1, "a":[1,2,{"x":null}], "b":2}'::jsonb
SELECT '{"b":1, "a":[1,2]}'::json
SELECT '{"a":{"b":[1,"x",null]}}'::jsonb -> 'a' -> 'b' -> 1, '{"a":{"b":[1,"x"]}}'::jsonb -> 'a' -> 'b' ->> 1, '{"a":1}'::jsonb ->> 'zz', '[1,2,3]'::jsonb -> -1
SELECT '{"a":{"b":[1,"x"]}}'::jsonb #> '{a,b,1}', '{"a":{"b":[1,"x"]}}'::jsonb #>> '{a,b,1}', '{"a":{"b":[1, "x"]}}'::json #>> '{a,b}'
SELECT '{"a":1,"b":2}'::jsonb @> '{"b":2}', '[1,2]'::jsonb @> '1', '{"b":2}'::jsonb <@ '{"a":1,"b":2}', '{"a":[1,{"z":1}]}'::jsonb @> '{"a":[{"z":1}]}'
SELECT '{"a":1}'::jsonb ? 'a', '["a"]'::jsonb ? 'a', '{"a":1}'::jsonb ?| ARRAY['x','a'], '{"a":1}'::jsonb ?& ARRAY['x','a']
SELECT '{"a":1}'::jsonb || '{"b":2}', '[1]'::jsonb || '2', '{"a":1,"b":2}'::jsonb - 'a', '[1,2,3]'::jsonb - 1, '{"a":1,"b":2}'::jsonb - ARRAY['a','b']
SELECT jsonb_typeof('[]'), jsonb_typeof('1.5'), jsonb_typeof('null'), jsonb_array_length('[1,2]'), json_array_length('[1]')
SELECT jsonb_array_elements('[1,"a",null]'), jsonb_array_elements_text('[1,"a",null]')
SELECT * FROM jsonb_each('{"a":1,"b":"x"}')
SELECT * FROM jsonb_each_text('{"a":1,"b":"x"}') AS t(k,v)
SELECT jsonb_object_keys('{"a":1,"bb":2}')
SELECT jsonb_build_object('a', 1, 'b', 'x', 'c', NULL, 'd', true), jsonb_build_array(1, 'x', 1.50, NULL), to_jsonb('x'::text), to_jsonb(1.5), to_jsonb(ARRAY[1,2]), to_jsonb(timestamp '2020-01-02 03:04:05')
SELECT jsonb_agg(x ORDER BY x), jsonb_object_agg(x::text, x*2) FROM (VALUES (1),(2)) v(x)
SELECT jsonb_pretty('{"a":[1,2],"b":1}'), jsonb_strip_nulls('{"a":null,"b":{"c":null,"d":1}}')
SELECT ('{"a":5}'::jsonb->'a')::int, ('{"a":5.5}'::jsonb->'a')::numeric, ('true'::jsonb)::boolean
SELECT '1e2'::jsonb, '1.00'::jsonb, '-0'::jsonb, '"\u00e4\n"'::jsonb, '"a\"b"'::jsonb #>> '{}'
SELECT x->>'k' AS k, count(*) FROM (VALUES ('{"k":"a"}'::jsonb),('{"k":"b"}'),('{"k":"a"}')) v(x) GROUP BY 1
SELECT format('%s %I %L %%', 'a', 'B c', 'it''s'), format('%2$s-%1$s', 'a', 'b'), format('|%5s|%-5s|', 'a', 'b'), format('%s', NULL), format('%L', NULL)
SELECT quote_literal('it''s'), quote_literal(E'a\\b'), quote_ident('Foo'), quote_ident('select'), quote_nullable(NULL)
SELECT encode('abc'::bytea,'hex'), encode('abcd'::bytea,'base64'), encode('\x00ff41'::bytea,'escape'), decode('616263','hex'), decode('YWJj','base64')
SELECT encode(sha224('abc'),'hex'), encode(sha256('abc'),'hex'), encode(sha384('abc'),'hex'), encode(sha512('abc'),'hex')
SELECT sind(30), cosd(60), tand(45), cotd(45), asind(0.5), acosd(0.5), atand(1), atan2d(1,1), asinh(1), acosh(2), atanh(0.5)
SELECT scale(1.500), min_scale(1.500), trim_scale(1.500), num_nulls(1,NULL,'a'), num_nonnulls(1,NULL), bit_length('äb')
SELECT bit_or(x), regr_count(x,y), regr_avgx(x,y), regr_avgy(x,y), regr_sxx(x,y), regr_syy(x,y), regr_sxy(x,y), round(regr_slope(x,y)::numeric,12), round(regr_intercept(x,y)::numeric,12), round(regr_r2(x,y)::numeric,12) FROM (VALUES (1,2),(2,4),(3,7),(4,8),(NULL,1)) v(x,y)
SELECT bit_xor(x) FROM (VALUES (1),(2),(7),(NULL)) v(x)
SELECT date_bin('15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01'), make_timestamptz(2020,1,2,3,4,5)
SELECT octet_length('ab'::char(5)), concat('ab'::char(5),'|'), 'ab'::char(5) LIKE 'ab', 'ab'::char(5) LIKE 'ab   ', 'ab'::char(5) ~ 'b$', length('ab'::char(5)), 'ab'::char(5) || '|'
SELECT nullif(1::real, 2), pg_typeof(nullif(1::real, 2)), pg_typeof(ARRAY[1,2.5])
SELECT 'abc' SIMILAR TO '(a|x)%', 'abc' NOT SIMILAR TO '_b_', 'a.c' SIMILAR TO 'a\.c', 'abc' SIMILAR TO 'a#%' ESCAPE '#'
SELECT ARRAY[true,false], ARRAY[date '2020-01-01'], ARRAY['a,b','c"d','']
SELECT x FROM (VALUES (ARRAY[1,2]),(ARRAY[3])) v(x) WHERE x @> ARRAY[3]
SELECT x, count(*) FROM (VALUES (ARRAY[1,2]),(ARRAY[3]),(ARRAY[1,2])) v(x) GROUP BY x
SELECT '{1,2'::int[]
SELECT '{a}'::int[]
SELECT '{bad'::jsonb
SELECT jsonb_array_elements('{}')
SELECT 1 WHERE unnest(ARRAY[1]) = 1
SELECT ARRAY[]
SELECT regexp_replace('a','(','x')
SELECT 'a' ~ '*'
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM t WHERE n < 100) SELECT sum(n) FROM t
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT n FROM t LIMIT 5
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.b FROM r JOIN (VALUES (1,2),(2,3),(3,1),(3,4),(9,10)) e(a,b) ON e.a = r.n) SELECT n FROM r
WITH RECURSIVE t(n) AS (SELECT n FROM t UNION ALL SELECT 1) SELECT * FROM t
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT a.n FROM t a, t b) SELECT * FROM t
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1.5 FROM t) SELECT * FROM t
SELECT (WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT max(a) FROM f)
SELECT nullif(2::numeric, 2), coalesce('ab'::char(4), 'abcdefgh'::text), greatest('b'::char(3), 'abc')
