import Vectors

/// Types that PostgreSQL 15 gives to expressions over a table with a column of each type, as its `\\gdesc` says. Made by
/// asking a server; `..` is an error, `--` a case that is not compared, the last column a literal of unknown type.
enum TypeGoldens {
  static let columns: [(String, LogicalType)] = [
    ("bo", .boolean), ("i2", .smallint), ("i4", .integer), ("i8", .bigint), ("f4", .real), ("f8", .double),
    ("nu", .numeric(precision: nil, scale: nil)), ("tx", .text), ("vc", .varchar(length: 10)), ("ch", .char(length: 5)),
    ("da", .date), ("ti", .time), ("ts", .timestamp), ("tz", .timestamptz), ("iv", .interval), ("uu", .uuid),
    ("js", .json), ("jb", .jsonb),
  ]

  /// A line for each left operand, an entry for each right one, by operator; then CASE, and casts.
  static let pairs = #"""
    # +
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f8 f8 nu .. .. .. da .. .. .. .. .. .. .. i2
    .. i4 i4 i8 f8 f8 nu .. .. .. da .. .. .. .. .. .. .. i4
    .. i8 i8 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i8
    .. f8 f8 f8 f4 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f4
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. da da .. .. .. .. .. .. .. .. ts .. .. ts .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. ts .. ts tz ti .. .. .. ti
    .. .. .. .. .. .. .. .. .. .. .. ts .. .. ts .. .. .. ts
    .. .. .. .. .. .. .. .. .. .. .. tz .. .. tz .. .. .. tz
    .. .. .. .. .. .. .. .. .. .. ts ti ts tz iv .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu .. .. .. .. ti ts tz iv .. .. .. ..
    # -
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i2
    .. i4 i4 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4
    .. i8 i8 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i8
    .. f8 f8 f8 f4 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f4
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. da da .. .. .. .. .. .. .. i4 ts iv iv ts .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. iv .. .. ti .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. iv ts iv iv ts .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. iv tz iv iv tz .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. iv .. .. iv .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. jb jb .. .. .. .. jb jb jb .. .. .. .. .. .. .. .. jb
    .. i2 i4 i8 f4 f8 nu jb jb jb .. .. .. .. iv .. .. .. ..
    # *
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f8 f8 nu .. .. .. .. iv .. .. iv .. .. .. i2
    .. i4 i4 i8 f8 f8 nu .. .. .. .. iv .. .. iv .. .. .. i4
    .. i8 i8 i8 f8 f8 nu .. .. .. .. iv .. .. iv .. .. .. i8
    .. f8 f8 f8 f4 f8 f8 .. .. .. .. iv .. .. iv .. .. .. f4
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. iv .. .. iv .. .. .. f8
    .. nu nu nu f8 f8 nu .. .. .. .. iv .. .. iv .. .. .. nu
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. iv iv iv iv iv iv .. .. .. .. .. .. .. .. .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. iv iv iv iv iv iv .. .. .. .. .. .. .. .. .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu .. .. .. .. iv .. .. iv .. .. .. ..
    # /
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i2
    .. i4 i4 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4
    .. i8 i8 i8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i8
    .. f8 f8 f8 f4 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f4
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. iv iv iv iv iv iv .. .. .. .. .. .. .. .. .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. iv iv iv iv iv iv .. .. .. .. .. .. .. .. .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. ..
    # %
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. i2
    .. i4 i4 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. i4
    .. i8 i8 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. i8
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. nu nu nu .. .. nu .. .. .. .. .. .. .. .. .. .. .. nu
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. i2 i4 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. ..
    # =
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. bo .. .. bo .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. bo .. .. bo .. .. .. bo
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo bo
    bo bo bo bo bo bo bo bo bo bo .. .. .. .. bo .. .. bo bo
    # <
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. bo .. .. bo .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. bo .. bo bo .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. bo .. .. bo .. .. .. bo
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo bo
    bo bo bo bo bo bo bo bo bo bo .. .. .. .. bo .. .. bo bo
    # ||
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. jb jb
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx jb tx
    # ~~
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo
    # case
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo
    .. i2 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i2
    .. i4 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4
    .. i8 i8 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i8
    .. f4 f4 f4 f4 f8 f4 .. .. .. .. .. .. .. .. .. .. .. f4
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8
    .. nu nu nu f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu
    .. .. .. .. .. .. .. tx vc ch .. .. .. .. .. .. .. .. tx
    .. .. .. .. .. .. .. tx vc ch .. .. .. .. .. .. .. .. vc
    .. .. .. .. .. .. .. tx vc ch .. .. .. .. .. .. .. .. ch
    .. .. .. .. .. .. .. .. .. .. da .. ts tz .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. ti .. .. .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. ts .. ts tz .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. tz .. tz tz .. .. .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. iv .. .. .. iv
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. uu .. .. ..
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. js .. js
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. jb jb
    bo i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. iv .. js jb tx
    # cast
    bo .. i4 .. .. .. .. tx vc ch .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    bo i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    .. i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. .. ..
    bo i2 i4 i8 f4 f8 nu tx vc ch da ti ts tz iv uu js jb
    bo i2 i4 i8 f4 f8 nu tx vc ch da ti ts tz iv uu js jb
    bo i2 i4 i8 f4 f8 nu tx vc ch da ti ts tz iv uu js jb
    .. .. .. .. .. .. .. tx vc ch da .. ts tz .. .. .. ..
    .. .. .. .. .. .. .. tx vc ch .. ti .. .. iv .. .. ..
    .. .. .. .. .. .. .. tx vc ch da ti ts tz .. .. .. ..
    .. .. .. .. .. .. .. tx vc ch da ti ts tz .. .. .. ..
    .. .. .. .. .. .. .. tx vc ch .. ti .. .. iv .. .. ..
    .. .. .. .. .. .. .. tx vc ch .. .. .. .. .. uu .. ..
    .. .. .. .. .. .. .. tx vc ch .. .. .. .. .. .. js jb
    bo i2 i4 i8 f4 f8 nu tx vc ch .. .. .. .. .. .. js jb
    """#

  /// An entry for each operand, then the form.
  static let forms = #"""
    .. i2 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  abs(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  ceil(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  floor(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  round(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. --  trunc(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  sign(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  sqrt(%s)
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8  cbrt(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  exp(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  ln(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  log(%s)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  log10(%s)
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8  sin(%s)
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8  degrees(%s)
    .. .. .. .. .. .. .. i4 i4 i4 .. .. .. .. .. .. .. .. i4  length(%s)
    .. .. .. .. .. .. .. i4 i4 i4 .. .. .. .. .. .. .. .. i4  octet_length(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  upper(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  lower(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  initcap(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  btrim(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  reverse(%s)
    .. .. .. .. .. .. .. i4 i4 i4 .. .. .. .. .. .. .. .. i4  ascii(%s)
    .. tx tx .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. tx  chr(%s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  md5(%s)
    .. .. tx tx .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  to_hex(%s)
    .. .. .. .. .. .. .. .. .. .. bo bo bo bo bo .. .. .. ..  isfinite(%s)
    .. .. .. .. .. .. .. .. .. .. .. iv .. .. iv .. .. .. iv  justify_days(%s)
    .. tz tz tz tz tz tz .. .. .. .. .. .. .. .. .. .. .. tz  to_timestamp(%s)
    .. nu nu nu .. .. .. .. .. .. .. .. .. .. .. .. .. .. nu  factorial(%s)
    .. i8 i8 nu f4 f8 nu .. .. .. .. iv .. .. iv .. .. .. ..  sum(%s)
    .. nu nu nu f8 f8 nu .. .. .. .. iv .. .. iv .. .. .. ..  avg(%s)
    .. i2 i4 i8 f4 f8 nu tx tx -- da ti ts tz iv .. .. .. tx  min(%s)
    .. i2 i4 i8 f4 f8 nu tx tx -- da ti ts tz iv .. .. .. tx  max(%s)
    i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8 i8  count(%s)
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  stddev(%s)
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  variance(%s)
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  var_pop(%s)
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  stddev_pop(%s)
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  bool_and(%s)
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  bool_or(%s)
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  every(%s)
    .. i2 i4 i8 .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  bit_and(%s)
    .. i2 i4 i8 .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  bit_or(%s)
    .. .. .. .. .. .. .. da da da da .. da da .. .. .. .. ..  date(%s)
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx  text(%s)
    i4 i4 i4 i4 i4 i4 i4 i4 i4 i4 .. .. .. .. .. .. .. i4 i4  int4(%s)
    .. f8 f8 f8 f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. f8 f8  float8(%s)
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  numeric(%s)
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  varchar(%s)
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  timestamp(%s)
    .. nu nu nu .. .. nu .. .. .. .. .. .. .. .. .. .. .. nu  round(%s, 2)
    .. nu nu nu .. .. nu .. .. .. .. .. .. .. .. .. .. .. nu  trunc(%s, 1)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  power(%s, 2)
    .. nu nu nu f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu  power(%s, 0.5)
    .. i4 i4 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. i4  mod(%s, 3)
    .. i4 i4 i8 .. .. nu .. .. .. .. .. .. .. .. .. .. .. i4  gcd(%s, 4)
    .. nu nu nu .. .. nu .. .. .. .. .. .. .. .. .. .. .. nu  log(2, %s)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  substring(%s, 1)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  substring(%s from 2 for 3)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  left(%s, 2)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  lpad(%s, 3)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  lpad(%s, 3, '0')
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  replace(%s, 'a', 'b')
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  split_part(%s, ',', 1)
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  repeat(%s, 2)
    .. .. .. .. .. .. .. i4 i4 i4 .. .. .. .. .. .. .. .. i4  strpos(%s, 'a')
    .. .. .. .. .. .. .. i4 i4 i4 .. .. .. .. .. .. .. .. i4  position('a' in %s)
    .. .. .. .. .. .. .. .. .. .. tz iv ts tz iv .. .. .. ..  date_trunc('day', %s)
    .. .. .. .. .. .. .. .. .. .. nu nu nu nu nu .. .. .. ..  extract(year from %s)
    .. .. .. .. .. .. .. .. .. .. f8 f8 f8 f8 f8 .. .. .. ..  date_part('year', %s)
    .. tx tx tx tx tx tx .. .. .. tx tx tx tx tx .. .. .. ..  to_char(%s, '99')
    .. .. .. .. .. .. .. .. .. .. iv .. iv iv .. .. .. .. --  age(%s)
    .. .. .. .. .. .. .. .. .. .. iv .. iv iv .. .. .. .. ..  age(%s, '2020-01-01')
    .. .. .. .. .. .. .. .. .. .. ts -- tz ts .. .. .. .. ..  %s at time zone 'UTC'
    bo i2 i4 i8 f4 f8 nu tx -- -- .. .. .. .. iv .. -- -- tx  coalesce(%s, '1')
    .. i4 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4  coalesce(%s, 1)
    .. nu nu nu f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. nu  coalesce(%s, 1.5)
    bo i2 i4 i8 f4 f8 nu tx tx ch .. .. .. .. iv .. .. -- tx  nullif(%s, '1')
    .. i4 i4 i4 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4  nullif(1, %s)
    .. i4 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4  greatest(%s, 1)
    bo i2 i4 i8 f4 f8 nu tx -- -- .. .. .. .. iv .. -- -- tx  greatest(%s, '1')
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo  %s between 1 and 2
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo  %s in (1, 2)
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. -- bo  %s in ('1', 2.5)
    .. bo bo bo bo bo bo .. .. .. .. .. .. .. .. .. .. .. bo  %s is distinct from 1
    .. i2 i4 i8 f4 f8 nu .. .. .. .. iv .. .. iv .. .. .. ..  -%s
    .. i2 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  +%s
    .. i2 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  @ %s
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8  |/ %s
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  %s ^ 2
    .. i4 i4 i8 .. .. .. .. .. .. .. .. .. .. .. .. .. .. i4  %s & 1
    .. i2 i4 i8 .. .. .. .. .. .. .. .. .. .. .. .. .. .. i4  %s << 1
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo  %s ~ 'a'
    bo i2 i4 i8 f4 f8 nu tx -- -- da ti ts tz iv uu js jb ..  lag(%s) over ()
    .. i4 i4 i8 f4 f8 nu .. .. .. .. .. .. .. .. .. .. .. i4  lag(%s, 1, 1) over ()
    bo i2 i4 i8 f4 f8 nu tx -- -- da ti ts tz iv uu js jb ..  first_value(%s) over ()
    .. i4 i4 .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. i4  ntile(%s) over ()
    .. i8 i8 nu f4 f8 nu .. .. .. .. iv .. .. iv .. .. .. ..  sum(%s) over ()
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  string_agg(%s, ',')
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. iv .. .. iv .. .. .. --  percentile_cont(0.5) within group (order by %s)
    bo i2 i4 i8 f4 f8 nu tx -- -- da ti ts tz iv uu .. jb --  percentile_disc(0.5) within group (order by %s)
    bo i2 i4 i8 f4 f8 nu tx -- -- da ti ts tz iv uu .. jb --  mode() within group (order by %s)
    .. f8 f8 f8 f8 f8 f8 .. .. .. .. .. .. .. .. .. .. .. f8  corr(%s, 1)
    tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx tx  concat(%s, 1)
    .. da da .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. da  make_date(%s, 1, 1)
    .. iv iv .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. iv  make_interval(days => %s)
    .. .. .. .. .. .. .. .. .. .. tz .. ts tz .. .. .. .. ..  date_bin('1 day', %s, '2020-01-01')
    vc vc vc vc vc vc vc vc vc vc vc vc vc vc vc vc vc vc vc  %s::varchar(3)
    .. nu nu nu nu nu nu nu nu nu .. .. .. .. .. .. .. nu nu  %s::numeric(8,2)
    .. .. .. .. .. .. .. bo bo bo .. .. .. .. .. .. .. .. bo  starts_with(%s, 'a')
    .. .. .. .. .. .. .. da da da .. .. .. .. .. .. .. .. da  to_date(%s, 'YYYY')
    .. .. .. .. .. .. .. tx tx tx .. .. .. .. .. .. .. .. tx  overlay(%s placing 'b' from 1)
    .. f8 f8 f8 f8 f8 nu .. .. .. .. .. .. .. .. .. .. .. f8  ceiling(%s)
    .. i4 i4 i4 i4 i4 i4 .. .. .. .. .. .. .. .. .. .. .. i4  width_bucket(%s, 1, 2, 3)
    .. .. .. .. .. .. .. tx -- -- da .. ts tz -- .. -- -- tx  least(%s, '2020-01-01')
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  %s is true
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  not %s
    bo .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. bo  %s and true
    .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..  array_position(%s)
    bo bo bo bo bo bo bo bo bo bo bo bo bo bo bo bo bo bo bo  exists(select %s)
    bo i2 i4 i8 f4 f8 nu tx vc ch da ti ts tz iv uu js jb tx  (select %s)
    """#

  /// Expressions on their own: the type, or ! and the SQLSTATE.
  static let expressions = #"""
    integer <- 1
    integer <- 2147483647
    bigint <- 2147483648
    integer <- -2147483648
    numeric <- 9223372036854775808
    numeric <- 1.5
    numeric <- 1e3
    text <- 'a'
    text <- null
    boolean <- true
    date <- date '2020-01-01'
    interval <- interval '1 day'
    interval <- timestamp '2020-01-01' - date '2019-01-01'
    timestamp with time zone <- now()
    date <- current_date
    timestamp with time zone <- current_timestamp
    timestamp without time zone <- localtimestamp
    time without time zone <- localtime
    double precision <- pi()
    bigint <- count(*)
    bigint <- row_number() over ()
    bigint <- rank() over ()
    double precision <- percent_rank() over ()
    double precision <- cume_dist() over ()
    integer <- 1/2
    numeric <- 1/2.0
    smallint <- 1::smallint + 1::smallint
    double precision <- 2^3
    bigint <- sum(1)
    numeric <- avg(1)
    numeric <- case when true then 1 when false then 2.5 end
    integer <- (select 1)
    integer <- 1 + '2'
    integer <- '1' + 1
    !42725 <- '1' + '1'
    !42725 <- date '2020-01-01' + '1 day'
    integer <- date '2020-01-01' - '2019-01-01'
    integer <- '2020-01-01' - date '2019-01-01'
    !22007 <- now() - '1 day'
    timestamp with time zone <- now() - interval '1 day'
    text <- 'a' || 'b'
    text <- 'a' || 1
    !42883 <- 1 || 1
    text <- 1 || 'a'
    text <- null || 'a'
    timestamp with time zone <- to_timestamp('2020','YYYY')
    timestamp without time zone <- make_timestamp(2020,1,1,0,0,0)
    time without time zone <- make_time(1,2,3)
    !42883 <- nosuch(1)
    double precision <- greatest(1, 2.5, 3::float8)
    interval <- interval '1 day' * 2
    interval <- 2 * interval '1 day'
    interval <- interval '1 day' / 2
    time without time zone <- time '10:00' + interval '1 hour'
    interval <- time '10:00' - time '09:00'
    timestamp without time zone <- date '2020-01-01' + time '10:00'
    integer <- int4 '1'
    numeric <- '1'::int + 1.5
    numeric <- mod(5, 2.5)
    numeric <- round(1.5)
    double precision <- round(1)
    double precision <- round(1::float8)
    numeric <- round(1, 2)
    double precision <- abs('-1')
    integer <- length('a')
    double precision <- sqrt('4')
    """#
}
