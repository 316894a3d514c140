/// SQL, and under it the tree it becomes: what `TreeText` writes, or the error.
enum Goldens {
  static let expressions = #"""
    1
    = (literal (integer 1))
    0
    = (literal (integer 0))
    -1
    = (literal (integer -1))
    - 2147483648
    = (literal (integer -2147483648))
    2147483647
    = (literal (integer 2147483647))
    2147483648
    = (literal (integer 2147483648))
    -9223372036854775808
    = (literal (integer -9223372036854775808))
    9223372036854775807
    = (literal (integer 9223372036854775807))
    9223372036854775808
    = (literal (numeric '9223372036854775808'))
    1.50
    = (literal (numeric '1.50'))
    .5
    = (literal (numeric '.5'))
    1e10
    = (literal (numeric '1e10'))
    -1.5e-3
    = (literal (numeric '-1.5e-3'))
    true
    = (literal (boolean true))
    FALSE
    = (literal (boolean false))
    NULL
    = (literal null)
    'it''s'
    = (literal (string 'it's'))
    E'a\tb\\'
    = (literal (string 'a	b\'))
    'two'
    = (literal (string 'two'))
    'parts'
    = (literal (string 'parts'))
    $$dollar 'quoted'$$
    = (literal (string 'dollar 'quoted''))
    $tag$ $$ $tag$
    = (literal (string ' $$ '))
    B'0101'
    = (literal (bits '0101'))
    X'1Fa'
    = (literal (hexadecimal '1Fa'))
    U&'\00e4'
    = (literal (string 'ä'))
    ''
    = (literal (string ''))
    a
    = (column ['a'])
    A
    = (column ['a'])
    "A b"
    = (column ['A b'])
    t.a
    = (column ['t' 'a'])
    s.t.a
    = (column ['s' 't' 'a'])
    *
    = (star [])
    t.*
    = (star ['t'])
    $1
    = (parameter 1)
    $42
    = (parameter 42)
    a + b * c
    = (binary + (column ['a']) (binary * (column ['b']) (column ['c'])))
    a - -1
    = (binary - (column ['a']) (literal (integer -1)))
    -a
    = (unary - (column ['a']))
    +a
    = (unary + (column ['a']))
    @ a
    = (unary @ (column ['a']))
    a || b
    = (binary || (column ['a']) (column ['b']))
    a OPERATOR(pg_catalog.+) b
    = (binary pg_catalog.+ (column ['a']) (column ['b']))
    a = b AND c < d AND e
    = (and [(binary = (column ['a']) (column ['b'])) (binary < (column ['c']) (column ['d'])) (column ['e'])])
    a OR b OR c AND d
    = (or [(column ['a']) (column ['b']) (and [(column ['c']) (column ['d'])])])
    NOT a
    = (not (column ['a']))
    a IS NULL
    = (isNull (column ['a']))
    a IS NOT NULL
    = (isNull (column ['a']) isNegated:true)
    a ISNULL
    = (isNull (column ['a']))
    a IS TRUE
    = (isTruth (column ['a']) true)
    a IS NOT TRUE
    = (isTruth (column ['a']) true isNegated:true)
    a IS FALSE
    = (isTruth (column ['a']) false)
    a IS NOT FALSE
    = (isTruth (column ['a']) false isNegated:true)
    a IS UNKNOWN
    = (isTruth (column ['a']) unknown)
    a IS NOT UNKNOWN
    = (isTruth (column ['a']) unknown isNegated:true)
    a IS DISTINCT FROM b
    = (isDistinct (column ['a']) (column ['b']))
    a IS NOT DISTINCT FROM b
    = (isDistinct (column ['a']) (column ['b']) isNegated:true)
    a BETWEEN 1 AND 2
    = (between {value:(column ['a']) low:(literal (integer 1)) high:(literal (integer 2))})
    a NOT BETWEEN SYMMETRIC 2 AND 1
    = (between {value:(column ['a']) low:(literal (integer 2)) high:(literal (integer 1)) isSymmetric:true isNegated:true})
    a LIKE 'x%'
    = (pattern {kind:like value:(column ['a']) pattern:(literal (string 'x%'))})
    a NOT LIKE 'x!%' ESCAPE '!'
    = (pattern {kind:like value:(column ['a']) pattern:(literal (string 'x!%')) escape:(literal (string '!')) isNegated:true})
    a ILIKE b
    = (pattern {kind:ilike value:(column ['a']) pattern:(column ['b'])})
    a NOT ILIKE b
    = (pattern {kind:ilike value:(column ['a']) pattern:(column ['b']) isNegated:true})
    a SIMILAR TO 'x'
    = (pattern {kind:similar value:(column ['a']) pattern:(literal (string 'x'))})
    a NOT SIMILAR TO 'x' ESCAPE '!'
    = (pattern {kind:similar value:(column ['a']) pattern:(literal (string 'x')) escape:(literal (string '!')) isNegated:true})
    a ~ 'x'
    = (binary ~ (column ['a']) (literal (string 'x')))
    a !~* 'x'
    = (binary !~* (column ['a']) (literal (string 'x')))
    a IN (1, 2)
    = (inList (column ['a']) [(literal (integer 1)) (literal (integer 2))])
    a NOT IN (1)
    = (inList (column ['a']) [(literal (integer 1))] isNegated:true)
    (a, b) IN ((1, 2), (3, 4))
    = (inList (row [(column ['a']) (column ['b'])]) [(row [(literal (integer 1)) (literal (integer 2))]) (row [(literal (integer 3)) (literal (integer 4))])])
    a IN (SELECT 1)
    = (inSubquery (column ['a']) {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    a NOT IN (SELECT 1)
    = (not (inSubquery (column ['a']) {body:(select {distinct:none items:[{value:(literal (integer 1))}]})}))
    (a, b) = (SELECT 1, 2)
    = (binary = (row [(column ['a']) (column ['b'])]) (scalarSubquery {body:(select {distinct:none items:[{value:(literal (integer 1))} {value:(literal (integer 2))}]})}))
    a = ANY (SELECT 1)
    = (quantifiedSubquery (column ['a']) = any {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    a <> SOME (SELECT 1)
    = (quantifiedSubquery (column ['a']) <> any {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    a < ALL (SELECT 1)
    = (quantifiedSubquery (column ['a']) < all {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    a = ANY (ARRAY[1, 2])
    = (quantifiedArray (column ['a']) = any (array [(literal (integer 1)) (literal (integer 2))]))
    a <> ALL ($1)
    = (quantifiedArray (column ['a']) <> all (parameter 1))
    a LIKE ANY (ARRAY['x'])
    = (quantifiedArray (column ['a']) ~~ any (array [(literal (string 'x'))]))
    (SELECT 1)
    = (scalarSubquery {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    EXISTS (SELECT 1)
    = (exists {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    NOT EXISTS (SELECT 1)
    = (not (exists {body:(select {distinct:none items:[{value:(literal (integer 1))}]})}))
    ARRAY(SELECT 1)
    = (arraySubquery {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    ARRAY[1, 2]
    = (array [(literal (integer 1)) (literal (integer 2))])
    ARRAY[]::int[]
    = (cast (array []) {names:['pg_catalog' 'int4'] arrayBounds:[_]})
    ARRAY[[1], [2]]
    = (array [(array [(literal (integer 1))]) (array [(literal (integer 2))])])
    a[1]
    = (subscripted (column ['a']) [(index (literal (integer 1)))])
    a[1][2]
    = (subscripted (column ['a']) [(index (literal (integer 1))) (index (literal (integer 2)))])
    a[1:2]
    = (subscripted (column ['a']) [(slice (literal (integer 1)) (literal (integer 2)))])
    a[:2]
    = (subscripted (column ['a']) [(slice _ (literal (integer 2)))])
    a[1:]
    = (subscripted (column ['a']) [(slice (literal (integer 1)) _)])
    (a).b
    = (field (column ['a']) 'b')
    (a).b.c
    = (field (field (column ['a']) 'b') 'c')
    (a).*
    = (allFields (column ['a']))
    (f(x)).y
    = (field (call {name:['f'] arguments:[{value:(column ['x'])}]}) 'y')
    a[1].b
    = (field (subscripted (column ['a']) [(index (literal (integer 1)))]) 'b')
    (a, b)
    = (row [(column ['a']) (column ['b'])])
    ROW(a)
    = (row [(column ['a'])] isExplicit:true)
    ROW()
    = (row [] isExplicit:true)
    CASE WHEN a THEN 1 END
    = (conditional {branches:[{condition:(column ['a']) result:(literal (integer 1))}]})
    CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END
    = (conditional {operand:(column ['a']) branches:[{condition:(literal (integer 1)) result:(literal (string 'x'))} {condition:(literal (integer 2)) result:(literal (string 'y'))}] otherwise:(literal (string 'z'))})
    COALESCE(a, b)
    = (coalesce [(column ['a']) (column ['b'])])
    NULLIF(a, b)
    = (nullIf (column ['a']) (column ['b']))
    GREATEST(a, b)
    = (greatest [(column ['a']) (column ['b'])])
    LEAST(a)
    = (least [(column ['a'])])
    CAST(a AS int)
    = (cast (column ['a']) {names:['pg_catalog' 'int4']})
    a::text
    = (cast (column ['a']) {names:['text']})
    a::numeric(10, 2)
    = (cast (column ['a']) {names:['pg_catalog' 'numeric'] modifiers:[(literal (integer 10)) (literal (integer 2))]})
    a::varchar(3)
    = (cast (column ['a']) {names:['pg_catalog' 'varchar'] modifiers:[(literal (integer 3))]})
    a::char
    = (cast (column ['a']) {names:['pg_catalog' 'bpchar'] modifiers:[(literal (integer 1))]})
    a::character varying
    = (cast (column ['a']) {names:['pg_catalog' 'varchar']})
    a::double precision
    = (cast (column ['a']) {names:['pg_catalog' 'float8']})
    a::timestamp with time zone
    = (cast (column ['a']) {names:['pg_catalog' 'timestamptz']})
    a::timestamp(3)
    = (cast (column ['a']) {names:['pg_catalog' 'timestamp'] modifiers:[(literal (integer 3))]})
    a::time
    = (cast (column ['a']) {names:['pg_catalog' 'time']})
    a::int[]
    = (cast (column ['a']) {names:['pg_catalog' 'int4'] arrayBounds:[_]})
    a::int[3][]
    = (cast (column ['a']) {names:['pg_catalog' 'int4'] arrayBounds:[3 _]})
    a::int ARRAY
    = (cast (column ['a']) {names:['pg_catalog' 'int4'] arrayBounds:[_]})
    a::s.t
    = (cast (column ['a']) {names:['s' 't']})
    a::uuid::text
    = (cast (cast (column ['a']) {names:['uuid']}) {names:['text']})
    '1'::"Odd Type"
    = (cast (literal (string '1')) {names:['Odd Type']})
    date '2024-01-01'
    = (cast (literal (string '2024-01-01')) {names:['date']})
    timestamptz '2024-01-01 00:00+00'
    = (cast (literal (string '2024-01-01 00:00+00')) {names:['timestamptz']})
    interval '1 day'
    = (cast (literal (string '1 day')) {names:['pg_catalog' 'interval']})
    interval '1' day
    = (cast (literal (string '1')) {names:['pg_catalog' 'interval'] modifiers:[(literal (integer 8))]})
    interval '1-2' year to month
    = (cast (literal (string '1-2')) {names:['pg_catalog' 'interval'] modifiers:[(literal (integer 6))]})
    interval(3) '1 s'
    = (cast (literal (string '1 s')) {names:['pg_catalog' 'interval'] modifiers:[(literal (integer 32767)) (literal (integer 3))]})
    float8 '1.5'
    = (cast (literal (string '1.5')) {names:['float8']})
    a COLLATE "C"
    = (collate (column ['a']) ['C'])
    a AT TIME ZONE 'UTC'
    = (call {name:['pg_catalog' 'timezone'] arguments:[{value:(literal (string 'UTC'))} {value:(column ['a'])}] usesSQLSyntax:true})
    EXTRACT(year FROM a)
    = (call {name:['pg_catalog' 'extract'] arguments:[{value:(literal (string 'year'))} {value:(column ['a'])}] usesSQLSyntax:true})
    EXTRACT('dow' FROM a)
    = (call {name:['pg_catalog' 'extract'] arguments:[{value:(literal (string 'dow'))} {value:(column ['a'])}] usesSQLSyntax:true})
    POSITION('a' IN b)
    = (call {name:['pg_catalog' 'position'] arguments:[{value:(column ['b'])} {value:(literal (string 'a'))}] usesSQLSyntax:true})
    SUBSTRING(a FROM 2 FOR 3)
    = (call {name:['pg_catalog' 'substring'] arguments:[{value:(column ['a'])} {value:(literal (integer 2))} {value:(literal (integer 3))}] usesSQLSyntax:true})
    SUBSTRING(a, 2)
    = (call {name:['substring'] arguments:[{value:(column ['a'])} {value:(literal (integer 2))}]})
    OVERLAY(a PLACING b FROM 2)
    = (call {name:['pg_catalog' 'overlay'] arguments:[{value:(column ['a'])} {value:(column ['b'])} {value:(literal (integer 2))}] usesSQLSyntax:true})
    TRIM(a)
    = (call {name:['pg_catalog' 'btrim'] arguments:[{value:(column ['a'])}] usesSQLSyntax:true})
    TRIM(LEADING 'x' FROM a)
    = (call {name:['pg_catalog' 'ltrim'] arguments:[{value:(column ['a'])} {value:(literal (string 'x'))}] usesSQLSyntax:true})
    TRIM(BOTH FROM a)
    = (call {name:['pg_catalog' 'btrim'] arguments:[{value:(column ['a'])}] usesSQLSyntax:true})
    (a, b) OVERLAPS (c, d)
    = (call {name:['pg_catalog' 'overlaps'] arguments:[{value:(column ['a'])} {value:(column ['b'])} {value:(column ['c'])} {value:(column ['d'])}] usesSQLSyntax:true})
    NORMALIZE(a)
    = (call {name:['pg_catalog' 'normalize'] arguments:[{value:(column ['a'])}] usesSQLSyntax:true})
    CURRENT_DATE
    = (currentValue {kind:currentDate})
    CURRENT_TIMESTAMP
    = (currentValue {kind:currentTimestamp})
    CURRENT_TIMESTAMP(3)
    = (currentValue {kind:currentTimestamp precision:3})
    CURRENT_TIME
    = (currentValue {kind:currentTime})
    LOCALTIME
    = (currentValue {kind:localTime})
    LOCALTIMESTAMP(0)
    = (currentValue {kind:localTimestamp precision:0})
    CURRENT_USER
    = (currentValue {kind:currentUser})
    SESSION_USER
    = (currentValue {kind:sessionUser})
    USER
    = (currentValue {kind:user})
    CURRENT_ROLE
    = (currentValue {kind:currentRole})
    CURRENT_SCHEMA
    = (currentValue {kind:currentSchema})
    CURRENT_CATALOG
    = (currentValue {kind:currentCatalog})
    now()
    = (call {name:['now']})
    s.f(1)
    = (call {name:['s' 'f'] arguments:[{value:(literal (integer 1))}]})
    f(a => 1, b := 2)
    = (call {name:['f'] arguments:[{name:'a' value:(literal (integer 1))} {name:'b' value:(literal (integer 2))}]})
    f(VARIADIC a)
    = (call {name:['f'] arguments:[{value:(column ['a'])}] isVariadic:true})
    count(*)
    = (call {name:['count'] isStar:true})
    count(DISTINCT a)
    = (call {name:['count'] arguments:[{value:(column ['a'])}] isDistinct:true})
    string_agg(a, ',' ORDER BY b DESC NULLS LAST, c)
    = (call {name:['string_agg'] arguments:[{value:(column ['a'])} {value:(literal (string ','))}] orderBy:[{value:(column ['b']) direction:descending nulls:last} {value:(column ['c']) direction:ascending}]})
    percentile_cont(0.5) WITHIN GROUP (ORDER BY a)
    = (call {name:['percentile_cont'] arguments:[{value:(literal (numeric '0.5'))}] orderBy:[{value:(column ['a']) direction:ascending}] isWithinGroup:true})
    sum(a) FILTER (WHERE b > 0)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] filter:(binary > (column ['b']) (literal (integer 0)))})
    sum(a) OVER ()
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {})})
    sum(a) OVER w
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(named 'w')})
    rank() OVER (PARTITION BY a, b ORDER BY c DESC)
    = (call {name:['rank'] over:(inline {partitionBy:[(column ['a']) (column ['b'])] orderBy:[{value:(column ['c']) direction:descending}]})})
    sum(a) OVER (w ROWS UNBOUNDED PRECEDING)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {base:'w' frame:{unit:rows start:unboundedPreceding end:currentRow exclusion:none}})})
    sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {orderBy:[{value:(column ['b']) direction:ascending}] frame:{unit:rows start:(preceding (literal (integer 1))) end:(following (literal (integer 2))) exclusion:none}})})
    sum(a) OVER (ORDER BY b RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {orderBy:[{value:(column ['b']) direction:ascending}] frame:{unit:range start:(preceding (literal (string '1 day'))) end:currentRow exclusion:currentRow}})})
    sum(a) OVER (ORDER BY b GROUPS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE TIES)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {orderBy:[{value:(column ['b']) direction:ascending}] frame:{unit:groups start:currentRow end:unboundedFollowing exclusion:ties}})})
    sum(a) OVER (ORDER BY b RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP)
    = (call {name:['sum'] arguments:[{value:(column ['a'])}] over:(inline {orderBy:[{value:(column ['b']) direction:ascending}] frame:{unit:range start:unboundedPreceding end:unboundedFollowing exclusion:group}})})
    GROUPING(a, b)
    = (grouping [(column ['a']) (column ['b'])])
    a -> 'b' ->> 'c'
    = (binary ->> (binary -> (column ['a']) (literal (string 'b'))) (literal (string 'c')))
    a #>> '{b,c}'
    = (binary #>> (column ['a']) (literal (string '{b,c}')))
    a @> b
    = (binary @> (column ['a']) (column ['b']))
    xmlelement(name x)
    = error: XML is not supported
    """#

  static let statements = #"""
    SELECT
    = (query {body:(select {distinct:none})})
    SELECT a AS x, b y, c "Z" FROM t
    = (query {body:(select {distinct:none items:[{value:(column ['a']) alias:'x'} {value:(column ['b']) alias:'y'} {value:(column ['c']) alias:'Z'}] from:[(table {name:{name:'t'}})]})})
    SELECT FROM t
    = (query {body:(select {distinct:none from:[(table {name:{name:'t'}})]})})
    SELECT ALL a FROM t
    = (query {body:(select {distinct:none items:[{value:(column ['a'])}] from:[(table {name:{name:'t'}})]})})
    SELECT DISTINCT a FROM t
    = (query {body:(select {distinct:all items:[{value:(column ['a'])}] from:[(table {name:{name:'t'}})]})})
    SELECT DISTINCT ON (a, b) c FROM t
    = (query {body:(select {distinct:(on [(column ['a']) (column ['b'])]) items:[{value:(column ['c'])}] from:[(table {name:{name:'t'}})]})})
    TABLE t
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'t'}})]})})
    TABLE s.t
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{schema:'s' name:'t'}})]})})
    VALUES (1, 'a'), (2, DEFAULT)
    = (query {body:(values [[(literal (integer 1)) (literal (string 'a'))] [(literal (integer 2)) defaultValue]])})
    SELECT 1 UNION SELECT 2
    = (query {body:(setOperation {kind:union left:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})} right:{body:(select {distinct:none items:[{value:(literal (integer 2))}]})}})})
    SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3
    = (query {body:(setOperation {kind:union isAll:true left:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})} right:{body:(setOperation {kind:intersect left:{body:(select {distinct:none items:[{value:(literal (integer 2))}]})} right:{body:(select {distinct:none items:[{value:(literal (integer 3))}]})}})}})})
    (SELECT 1 EXCEPT ALL SELECT 2) ORDER BY 1 LIMIT 1
    = (query {body:(setOperation {kind:except isAll:true left:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})} right:{body:(select {distinct:none items:[{value:(literal (integer 2))}]})}}) orderBy:[{value:(literal (integer 1)) direction:ascending}] limit:(literal (integer 1))})
    SELECT 1 LIMIT ALL
    = (query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})
    SELECT 1 LIMIT 5 OFFSET 2
    = (query {body:(select {distinct:none items:[{value:(literal (integer 1))}]}) limit:(literal (integer 5)) offset:(literal (integer 2))})
    SELECT 1 OFFSET 2 ROWS FETCH FIRST 3 ROWS ONLY
    = (query {body:(select {distinct:none items:[{value:(literal (integer 1))}]}) limit:(literal (integer 3)) offset:(literal (integer 2))})
    SELECT a FROM t ORDER BY a FETCH FIRST ROW WITH TIES
    = (query {body:(select {distinct:none items:[{value:(column ['a'])}] from:[(table {name:{name:'t'}})]}) orderBy:[{value:(column ['a']) direction:ascending}] limit:(literal (integer 1)) withTies:true})
    SELECT a FROM t ORDER BY a ASC, b DESC NULLS FIRST, c USING >
    = (query {body:(select {distinct:none items:[{value:(column ['a'])}] from:[(table {name:{name:'t'}})]}) orderBy:[{value:(column ['a']) direction:ascending} {value:(column ['b']) direction:descending nulls:first} {value:(column ['c']) direction:ascending usingOperator:>}]})
    SELECT a FROM t FOR UPDATE OF t
    = (query {body:(select {distinct:none items:[{value:(column ['a'])}] from:[(table {name:{name:'t'}})]}) locking:[{strength:update tables:[{name:'t'}]}]})
    SELECT * FROM c.s.t
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{catalog:'c' schema:'s' name:'t'}})]})})
    SELECT * FROM ONLY t AS x (a, b)
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'t'} isOnly:true alias:{name:'x' columns:['a' 'b']}})]})})
    SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (42)
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'t'} sample:{method:['bernoulli'] arguments:[(literal (integer 10))] seed:(literal (integer 42))}})]})})
    SELECT * FROM a, b
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'a'}}) (table {name:{name:'b'}})]})})
    SELECT * FROM a CROSS JOIN b
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:inner left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:none})]})})
    SELECT * FROM a JOIN b ON a.x = b.x
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:inner left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:(on (binary = (column ['a' 'x']) (column ['b' 'x'])))})]})})
    SELECT * FROM a LEFT JOIN b USING (x, y)
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:left left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:(using ['x' 'y'])})]})})
    SELECT * FROM a FULL JOIN b USING (x) AS u
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:full left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:(using ['x'] alias:'u')})]})})
    SELECT * FROM a NATURAL RIGHT JOIN b
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:right left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:natural})]})})
    SELECT * FROM (a JOIN b ON true) AS j JOIN c ON false
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(join {kind:inner left:(join {kind:inner left:(table {name:{name:'a'}}) right:(table {name:{name:'b'}}) condition:(on (literal (boolean true))) alias:{name:'j'}}) right:(table {name:{name:'c'}}) condition:(on (literal (boolean false)))})]})})
    SELECT * FROM (SELECT 1) AS q (a), LATERAL (SELECT q.a) r
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(subquery {query:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})} alias:{name:'q' columns:['a']}}) (subquery {query:{body:(select {distinct:none items:[{value:(column ['q' 'a'])}]})} isLateral:true alias:{name:'r'}})]})})
    SELECT * FROM (VALUES (1)) v
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(subquery {query:{body:(values [[(literal (integer 1))]])} alias:{name:'v'}})]})})
    SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g (n, i)
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(function {items:[{call:(call {name:['generate_series'] arguments:[{value:(literal (integer 1))} {value:(literal (integer 3))}]})}] hasOrdinality:true alias:{name:'g' columns:['n' 'i']}})]})})
    SELECT * FROM f(1) AS t (a int, b text)
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(function {items:[{call:(call {name:['f'] arguments:[{value:(literal (integer 1))}]})}] alias:{name:'t'} columns:[{name:'a' type:{names:['pg_catalog' 'int4']}} {name:'b' type:{names:['text']}}]})]})})
    SELECT * FROM LATERAL ROWS FROM (f(1) AS (a int), g(2)) WITH ORDINALITY AS z
    = (query {body:(select {distinct:none items:[{value:(star [])}] from:[(function {items:[{call:(call {name:['f'] arguments:[{value:(literal (integer 1))}]}) columns:[{name:'a' type:{names:['pg_catalog' 'int4']}}]} {call:(call {name:['g'] arguments:[{value:(literal (integer 2))}]})}] isRowsFrom:true hasOrdinality:true isLateral:true alias:{name:'z'}})]})})
    SELECT a, sum(b) FROM t WHERE c GROUP BY a HAVING sum(b) > 1
    = (query {body:(select {distinct:none items:[{value:(column ['a'])} {value:(call {name:['sum'] arguments:[{value:(column ['b'])}]})}] from:[(table {name:{name:'t'}})] predicate:(column ['c']) groupBy:[(expression (column ['a']))] having:(binary > (call {name:['sum'] arguments:[{value:(column ['b'])}]}) (literal (integer 1)))})})
    SELECT 1 FROM t GROUP BY ()
    = (query {body:(select {distinct:none items:[{value:(literal (integer 1))}] from:[(table {name:{name:'t'}})] groupBy:[empty]})})
    SELECT 1 FROM t GROUP BY DISTINCT ROLLUP (a, (b, c)), CUBE (d), GROUPING SETS ((a), (), ROLLUP (b))
    = (query {body:(select {distinct:none items:[{value:(literal (integer 1))}] from:[(table {name:{name:'t'}})] groupBy:[(rollup [(expression (column ['a'])) (expression (row [(column ['b']) (column ['c'])]))]) (cube [(expression (column ['d']))]) (sets [(expression (column ['a'])) empty (rollup [(expression (column ['b']))])])] isGroupByDistinct:true})})
    SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b), v AS (w ORDER BY c)
    = (query {body:(select {distinct:none items:[{value:(call {name:['sum'] arguments:[{value:(column ['a'])}] over:(named 'w')})}] from:[(table {name:{name:'t'}})] windows:[{name:'w' window:{partitionBy:[(column ['b'])]}} {name:'v' window:{base:'w' orderBy:[{value:(column ['c']) direction:ascending}]}}]})})
    WITH a AS (SELECT 1), b (x) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b
    = (query {with:{tables:[{name:'a' materialization:automatic statement:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})} {name:'b' columns:['x'] materialization:never statement:(query {body:(select {distinct:none items:[{value:(literal (integer 2))}]})})}]} body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'a'}}) (table {name:{name:'b'}})]})})
    WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r
    = (query {with:{isRecursive:true tables:[{name:'r' columns:['n'] materialization:automatic statement:(query {body:(setOperation {kind:union isAll:true left:{body:(values [[(literal (integer 1))]])} right:{body:(select {distinct:none items:[{value:(binary + (column ['n']) (literal (integer 1)))}] from:[(table {name:{name:'r'}})] predicate:(binary < (column ['n']) (literal (integer 5)))})}})})}]} body:(select {distinct:none items:[{value:(column ['n'])}] from:[(table {name:{name:'r'}})]})})
    WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d
    = (query {with:{tables:[{name:'d' materialization:automatic statement:(delete {table:{name:{name:'t'}} returning:[{value:(star [])}]})}]} body:(select {distinct:none items:[{value:(star [])}] from:[(table {name:{name:'d'}})]})})
    CREATE TABLE t ()
    = (createTable {name:{name:'t'} persistence:permanent})
    CREATE TABLE IF NOT EXISTS s.t (a int PRIMARY KEY, b text NOT NULL DEFAULT 'x' UNIQUE, c numeric(5,1) CONSTRAINT pos CHECK (c > 0), d int REFERENCES u (x) ON DELETE CASCADE, e int GENERATED ALWAYS AS (a + 1) STORED, f bigint GENERATED BY DEFAULT AS IDENTITY, g text COLLATE "C" NULL)
    = (createTable {name:{schema:'s' name:'t'} persistence:permanent ifNotExists:true columns:[{name:'a' type:{names:['pg_catalog' 'int4']} constraints:[{kind:primaryKey}]} {name:'b' type:{names:['text']} constraints:[{kind:notNull} {kind:(defaultValue (literal (string 'x')))} {kind:(unique nullsAreDistinct:true)}]} {name:'c' type:{names:['pg_catalog' 'numeric'] modifiers:[(literal (integer 5)) (literal (integer 1))]} constraints:[{name:'pos' kind:(check (binary > (column ['c']) (literal (integer 0))))}]} {name:'d' type:{names:['pg_catalog' 'int4']} constraints:[{kind:(foreignKey {table:{name:'u'} referencedColumns:['x'] onUpdate:noAction onDelete:cascade})}]} {name:'e' type:{names:['pg_catalog' 'int4']} constraints:[{kind:(generated (binary + (column ['a']) (literal (integer 1))))}]} {name:'f' type:{names:['pg_catalog' 'int8']} constraints:[{kind:identity}]} {name:'g' type:{names:['text']} collation:['C'] constraints:[{kind:null}]}]})
    CREATE TEMP TABLE t (a int, CONSTRAINT k PRIMARY KEY (a), UNIQUE NULLS NOT DISTINCT (a), CHECK (a > 0), FOREIGN KEY (a) REFERENCES s.u ON UPDATE SET NULL) WITH (clustered_by = 'a', fillfactor = 70, flag)
    = (createTable {name:{name:'t'} persistence:temporary columns:[{name:'a' type:{names:['pg_catalog' 'int4']}}] constraints:[{name:'k' kind:(primaryKey columns:['a'])} {kind:(unique columns:['a'])} {kind:(check (binary > (column ['a']) (literal (integer 0))))} {kind:(foreignKey {columns:['a'] table:{schema:'s' name:'u'} onUpdate:setNull onDelete:noAction})}] options:[{name:'clustered_by' value:(text 'a')} {name:'fillfactor' value:(integer 70)} {name:'flag'}]})
    CREATE TABLE t (a date) PARTITION BY RANGE (a, (a + 1))
    = (createTable {name:{name:'t'} persistence:permanent columns:[{name:'a' type:{names:['date']}}] partitioning:{strategy:'range' keys:[(column ['a']) (binary + (column ['a']) (literal (integer 1)))]}})
    CREATE TABLE t AS SELECT 1
    = (createTableAs {name:{name:'t'} persistence:permanent source:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})}) withData:true})
    CREATE TABLE IF NOT EXISTS t (x) WITH (a = 1) AS SELECT 1 WITH NO DATA
    = (createTableAs {name:{name:'t'} persistence:permanent ifNotExists:true columns:['x'] options:[{name:'a' value:(integer 1)}] source:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})})
    CREATE TABLE t AS EXECUTE p (1)
    = (createTableAs {name:{name:'t'} persistence:permanent source:(execute {name:'p' arguments:[(literal (integer 1))]}) withData:true})
    CREATE VIEW v AS SELECT 1
    = (createView {name:{name:'v'} persistence:permanent query:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})} checkOption:none})
    CREATE OR REPLACE TEMP VIEW s.v (a, b) AS SELECT 1, 2 WITH LOCAL CHECK OPTION
    = (createView {name:{schema:'s' name:'v'} persistence:temporary orReplace:true columns:['a' 'b'] query:{body:(select {distinct:none items:[{value:(literal (integer 1))} {value:(literal (integer 2))}]})} checkOption:local})
    CREATE SCHEMA s
    = (createSchema {name:'s'})
    CREATE SCHEMA IF NOT EXISTS s
    = (createSchema {name:'s' ifNotExists:true})
    DROP TABLE a, s.b CASCADE
    = (drop {kind:table names:[{name:'a'} {schema:'s' name:'b'}] isCascade:true})
    DROP VIEW IF EXISTS v
    = (drop {kind:view names:[{name:'v'}] ifExists:true})
    DROP SCHEMA s RESTRICT
    = (drop {kind:schema names:[{name:'s'}]})
    ALTER TABLE t ADD COLUMN IF NOT EXISTS a int DEFAULT 1, DROP COLUMN IF EXISTS b CASCADE
    = (alterTable {target:table name:{name:'t'} actions:[(addColumn {name:'a' type:{names:['pg_catalog' 'int4']} constraints:[{kind:(defaultValue (literal (integer 1)))}]} ifNotExists:true) (dropColumn 'b' ifExists:true isCascade:true)]})
    ALTER TABLE IF EXISTS s.t RENAME COLUMN a TO b
    = (alterTable {target:table name:{schema:'s' name:'t'} ifExists:true actions:[(renameColumn 'a' to:'b')]})
    ALTER TABLE t RENAME TO u
    = (alterTable {target:table name:{name:'t'} actions:[(renameTable to:'u')]})
    ALTER TABLE t SET SCHEMA s
    = (alterTable {target:table name:{name:'t'} actions:[(setSchema 's')]})
    ALTER TABLE t ALTER a SET DEFAULT 1, ALTER a DROP DEFAULT, ALTER a SET NOT NULL, ALTER a DROP NOT NULL, ALTER a TYPE bigint USING a::bigint
    = (alterTable {target:table name:{name:'t'} actions:[(setDefault column:'a' (literal (integer 1))) (dropDefault column:'a') (setNotNull column:'a') (dropNotNull column:'a') (setType column:'a' {names:['pg_catalog' 'int8']} using:(cast (column ['a']) {names:['pg_catalog' 'int8']}))]})
    ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0), DROP CONSTRAINT j
    = (alterTable {target:table name:{name:'t'} actions:[(addConstraint {name:'k' kind:(check (binary > (column ['a']) (literal (integer 0))))}) (dropConstraint 'j')]})
    ALTER TABLE t SET (a = 1), RESET (b)
    = (alterTable {target:table name:{name:'t'} actions:[(setOptions [{name:'a' value:(integer 1)}]) (resetOptions ['b'])]})
    ALTER VIEW v RENAME TO w
    = (alterTable {target:view name:{name:'v'} actions:[(renameTable to:'w')]})
    ALTER SCHEMA s RENAME TO z
    = (alterTable {target:schema name:{name:'s'} actions:[(renameTable to:'z')]})
    INSERT INTO t VALUES (1, DEFAULT)
    = (insert {table:{name:{name:'t'}} source:(query {body:(values [[(literal (integer 1)) defaultValue]])}) overriding:none})
    INSERT INTO s.t AS x (a, b) SELECT 1, 2 RETURNING *, a AS z
    = (insert {table:{name:{schema:'s' name:'t'} alias:{name:'x'}} columns:[{name:'a'} {name:'b'}] source:(query {body:(select {distinct:none items:[{value:(literal (integer 1))} {value:(literal (integer 2))}]})}) overriding:none returning:[{value:(star [])} {value:(column ['a']) alias:'z'}]})
    INSERT INTO t DEFAULT VALUES
    = (insert {table:{name:{name:'t'}} source:defaultValues overriding:none})
    INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING
    = (insert {table:{name:{name:'t'}} source:(query {body:(values [[(literal (integer 1))]])}) overriding:none onConflict:{target:any action:nothing}})
    INSERT INTO t VALUES (1) ON CONFLICT (a, lower(b)) WHERE c DO UPDATE SET a = excluded.a WHERE t.a < 1
    = (insert {table:{name:{name:'t'}} source:(query {body:(values [[(literal (integer 1))]])}) overriding:none onConflict:{target:(columns [(column ['a']) (call {name:['lower'] arguments:[{value:(column ['b'])}]})] predicate:(column ['c'])) action:(update [(single {name:'a'} (column ['excluded' 'a']))] predicate:(binary < (column ['t' 'a']) (literal (integer 1))))}})
    INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT k DO NOTHING
    = (insert {table:{name:{name:'t'}} source:(query {body:(values [[(literal (integer 1))]])}) overriding:none onConflict:{target:(constraint 'k') action:nothing}})
    INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1)
    = (insert {table:{name:{name:'t'}} source:(query {body:(values [[(literal (integer 1))]])}) overriding:system})
    UPDATE t AS x SET a = 1, (b, c) = (SELECT 2, 3), (d) = ROW(4), e = DEFAULT FROM u WHERE x.a = u.a RETURNING x.*
    = (update {table:{name:{name:'t'} alias:{name:'x'}} assignments:[(single {name:'a'} (literal (integer 1))) (multiple [{name:'b'} {name:'c'}] (scalarSubquery {body:(select {distinct:none items:[{value:(literal (integer 2))} {value:(literal (integer 3))}]})})) (multiple [{name:'d'}] (row [(literal (integer 4))] isExplicit:true)) (single {name:'e'} defaultValue)] from:[(table {name:{name:'u'}})] predicate:(binary = (column ['x' 'a']) (column ['u' 'a'])) returning:[{value:(star ['x'])}]})
    DELETE FROM t USING u WHERE t.a = u.a
    = (delete {table:{name:{name:'t'}} using:[(table {name:{name:'u'}})] predicate:(binary = (column ['t' 'a']) (column ['u' 'a']))})
    DELETE FROM ONLY t
    = (delete {table:{name:{name:'t'} isOnly:true}})
    MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.d THEN DELETE WHEN MATCHED THEN UPDATE SET b = s.b WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)
    = (merge {table:{name:{name:'t'}} source:(table {name:{name:'s'}}) condition:(binary = (column ['t' 'a']) (column ['s' 'a'])) clauses:[{isMatched:true condition:(column ['s' 'd']) action:delete} {isMatched:true action:(update [(single {name:'b'} (column ['s' 'b']))])} {action:(insert columns:[{name:'a'}] values:[(column ['s' 'a'])])}]})
    MERGE INTO t USING s ON true WHEN NOT MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT DEFAULT VALUES
    = (merge {table:{name:{name:'t'}} source:(table {name:{name:'s'}}) condition:(literal (boolean true)) clauses:[{action:nothing} {action:insert}]})
    TRUNCATE a, s.b RESTART IDENTITY CASCADE
    = (truncate {tables:[{name:'a'} {schema:'s' name:'b'}] restartsIdentity:true isCascade:true})
    COPY t FROM 'f.csv' WITH (FORMAT csv, HEADER true, DELIMITER ';', NULL '')
    = (copy {subject:(table {name:'t'}) isFrom:true place:(file 'f.csv') options:[{name:'format' value:(text 'csv')} {name:'header' value:(text 'true')} {name:'delimiter' value:(text ';')} {name:'null' value:(text '')}]})
    COPY t (a, b) TO STDOUT
    = (copy {subject:(table {name:'t'} columns:['a' 'b']) place:standard})
    COPY (SELECT 1) TO PROGRAM 'cat' CSV HEADER
    = (copy {subject:(query (query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})) place:(program 'cat') options:[{name:'format' value:(text 'csv')} {name:'header' value:(boolean true)}]})
    COPY t FROM STDIN (FORCE_NOT_NULL (a, b), FORCE_QUOTE *) WHERE a > 0
    = (copy {subject:(table {name:'t'}) isFrom:true place:standard options:[{name:'force_not_null' value:(list [(text 'a') (text 'b')])} {name:'force_quote' value:star}] predicate:(binary > (column ['a']) (literal (integer 0)))})
    EXPLAIN SELECT 1
    = (explain {statement:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})})
    EXPLAIN ANALYZE VERBOSE SELECT 1
    = (explain {options:[{name:'analyze'} {name:'verbose'}] statement:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})})})
    EXPLAIN (ANALYZE, COSTS false, FORMAT json) DELETE FROM t
    = (explain {options:[{name:'analyze'} {name:'costs' value:(text 'false')} {name:'format' value:(text 'json')}] statement:(delete {table:{name:{name:'t'}}})})
    BEGIN
    = (transaction (begin []))
    START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY
    = (transaction (begin [{name:'transaction_isolation' value:(text 'serializable')} {name:'transaction_read_only' value:(integer 1)}]))
    COMMIT AND CHAIN
    = (transaction (commit andChain:true))
    END
    = (transaction commit)
    ROLLBACK
    = (transaction rollback)
    ABORT
    = (transaction rollback)
    SAVEPOINT a
    = (transaction (savepoint 'a'))
    RELEASE a
    = (transaction (release 'a'))
    ROLLBACK TO SAVEPOINT a
    = (transaction (rollbackTo 'a'))
    PREPARE p (int, text) AS SELECT $1
    = (prepare {name:'p' types:[{names:['pg_catalog' 'int4']} {names:['text']}] statement:(query {body:(select {distinct:none items:[{value:(parameter 1)}]})})})
    EXECUTE p (1, 'a')
    = (execute {name:'p' arguments:[(literal (integer 1)) (literal (string 'a'))]})
    DEALLOCATE p
    = (deallocate 'p')
    DEALLOCATE ALL
    = deallocate
    SET a = 1
    = (set {name:'a' values:[(literal (integer 1))]})
    SET LOCAL s.a TO 'x', y, 2.5
    = (set {name:'s.a' values:[(literal (string 'x')) (literal (string 'y')) (literal (numeric '2.5'))] isLocal:true})
    SET a TO DEFAULT
    = (set {name:'a'})
    SET TIME ZONE 'UTC'
    = (set {name:'timezone' values:[(literal (string 'UTC'))]})
    SET search_path = a, b
    = (set {name:'search_path' values:[(literal (string 'a')) (literal (string 'b'))]})
    SHOW a
    = (show 'a')
    SHOW ALL
    = show
    SHOW TIME ZONE
    = (show 'timezone')
    RESET a
    = (reset 'a')
    RESET ALL
    = reset
    LISTEN x
    = error: LISTEN is not supported
    CREATE INDEX i ON t (a)
    = (createIndex {name:'i' table:{name:'t'} keys:[(column ['a'])] nullsAreDistinct:true})
    CREATE UNIQUE INDEX IF NOT EXISTS i ON s.t (a DESC, lower(b)) WHERE a > 0
    = (createIndex {name:'i' table:{schema:'s' name:'t'} keys:[(column ['a']) (call {name:['lower'] arguments:[{value:(column ['b'])}]})] isUnique:true nullsAreDistinct:true ifNotExists:true predicate:(binary > (column ['a']) (literal (integer 0)))})
    CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
    = error: CREATE FUNCTION is not supported
    CREATE MATERIALIZED VIEW v AS SELECT 1
    = (createTableAs {name:{name:'v'} persistence:permanent source:(query {body:(select {distinct:none items:[{value:(literal (integer 1))}]})}) withData:true})
    REFRESH MATERIALIZED VIEW s.v WITH NO DATA
    = (refresh {schema:'s' name:'v'})
    CREATE SEQUENCE IF NOT EXISTS s START 5 INCREMENT BY 2 OWNED BY t.a
    = (createSequence {name:{name:'s'} persistence:permanent ifNotExists:true options:[{name:'start' value:(integer 5)} {name:'increment' value:(integer 2)} {name:'owned_by' value:(list [(text 't') (text 'a')])}]})
    ALTER SEQUENCE s RESTART
    = (alterSequence {name:{name:'s'} options:[{name:'restart'}]})
    DROP INDEX i
    = (drop {kind:index names:[{name:'i'}]})
    DROP MATERIALIZED VIEW v
    = (drop {kind:materializedView names:[{name:'v'}]})
    GRANT SELECT ON t TO x
    = error: GRANT is not supported
    REINDEX TABLE t
    = error: REINDEX is not supported
    SELECT 1 UNION SELECT 2 INTO t
    = error: SELECT INTO here is not supported
    CREATE TABLE t (a int) INHERITS (u)
    = error: INHERITS is not supported
    CREATE TABLE t PARTITION OF u FOR VALUES IN (1)
    = error: PARTITION OF is not supported
    UPDATE t SET a[1] = 2
    = (update {table:{name:{name:'t'}} assignments:[(single {name:'a' subscripts:[(index (literal (integer 1)))]} (literal (integer 2)))]})
    UPDATE t SET a.b = 2
    = error: assigning to a field of a column is not supported
    DELETE FROM t WHERE CURRENT OF c
    = error: WHERE CURRENT OF is not supported
    SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
    = (set {name:'transaction_isolation' values:[(literal (string 'serializable'))] isLocal:true})
    SET TRANSACTION READ ONLY
    = error: SET TRANSACTION is not supported
    PREPARE TRANSACTION 'x'
    = error: two-phase commit is not supported
    ALTER INDEX i RENAME TO j
    = error: ALTER INDEX is not supported
    ALTER TABLE t OWNER TO x
    = error: this form of ALTER TABLE is not supported
    DO 'x'
    = error: DO is not supported
    CALL f()
    = error: CALL is not supported
    DECLARE c CURSOR FOR SELECT 1
    = (declareCursor {name:'c' query:{body:(select {distinct:none items:[{value:(literal (integer 1))}]})}})
    DECLARE c BINARY CURSOR FOR SELECT 1
    = error: a BINARY cursor is not supported
    COMMENT ON DATABASE d IS 'x'
    = error: COMMENT ON DATABASE is not supported
    CREATE TYPE t AS (a int)
    = error: CREATE TYPE is not supported
    CREATE TABLE t (a int, EXCLUDE USING gist (a WITH =))
    = error: EXCLUDE is not supported
    CREATE TABLE t (a int PRIMARY KEY DEFERRABLE)
    = error: DEFERRABLE is not supported
    CREATE TABLE t (a int, UNIQUE (a) INCLUDE (b))
    = error: INCLUDE is not supported
    ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID
    = error: NOT VALID is not supported
    CREATE TABLE t (a int) TABLESPACE x
    = error: TABLESPACE is not supported
    CREATE TEMP TABLE t (a int) ON COMMIT DROP
    = (createTable {name:{name:'t'} persistence:temporary onCommit:drop columns:[{name:'a' type:{names:['pg_catalog' 'int4']}}]})
    CREATE SCHEMA s CREATE INDEX ON t (a) CREATE TABLE t (a int)
    = (createSchema {name:'s' elements:[(createTable {name:{schema:'s' name:'t'} persistence:permanent columns:[{name:'a' type:{names:['pg_catalog' 'int4']}}]}) (createIndex {table:{schema:'s' name:'t'} keys:[(column ['a'])] nullsAreDistinct:true})]})
    CREATE RECURSIVE VIEW v (n) AS VALUES (1)
    = (createView {name:{name:'v'} persistence:permanent columns:['n'] query:{with:{isRecursive:true tables:[{name:'v' columns:['n'] materialization:automatic statement:(query {body:(values [[(literal (integer 1))]])})}]} body:(select {distinct:none items:[{value:(column ['n'])}] from:[(table {name:{name:'v'}})]})} checkOption:none isRecursive:true})
    ALTER TABLE t RENAME CONSTRAINT a TO b
    = (alterTable {target:table name:{name:'t'} actions:[(renameConstraint 'a' to:'b')]})
    ALTER TABLE t ALTER COLUMN a RESTART WITH 5
    = (alterTable {target:table name:{name:'t'} actions:[(setIdentity column:'a' [{name:'restart' value:(integer 5)}])]})
    CREATE TABLE t (LIKE o INCLUDING IDENTITY INCLUDING GENERATED)
    = (createTable {name:{name:'t'} persistence:permanent likes:[{table:{name:'o'} position:0 includesIdentity:true includesGenerated:true}]})
    CREATE SCHEMA AUTHORIZATION x
    = error: AUTHORIZATION is not supported
    SELECT 1; SELECT 2
    = error: cannot take several commands here
    SELECT * FROM (SELECT 1)
    = error: subquery in FROM must have an alias
    """#

  /// Cuts a golden text into its pairs.
  static func pairs(_ text: String) -> [(sql: String, tree: String)] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return stride(from: 0, to: lines.count - 1, by: 2).map { (String(lines[$0]), String(lines[$0 + 1].dropFirst(2))) }
  }
}
