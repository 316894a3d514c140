/// Every scalar function and operator we have, one case each, whatever its argument types.
///
/// The binder's registry gives each its signatures; Execution's exhaustive switch gives each its kernel, so a case
/// without one does not compile. Raw values are PostgreSQL's names where a name exists. NULL in any argument gives
/// NULL unless said otherwise.
package enum ScalarFunction: String, Sendable, Hashable, CaseIterable {
  // Operators. The argument types choose the kernel: number with number, date with integer or interval, and so on.
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case modulo = "%"
  case negate = "neg"
  case bitAnd = "&"
  case bitOr = "|"
  case bitXor = "#"
  case bitNot = "bitnot"
  case shiftLeft = "<<"
  case shiftRight = ">>"
  case concatenate = "||"
  /// (text, pattern) or (text, pattern, escape).
  case like = "~~"
  case ilike = "~~*"
  /// (timestamptz, zone) or (timestamp, zone): AT TIME ZONE.
  case timezone

  // Mathematics.
  case abs, ceil, floor, round, trunc, sign, sqrt, cbrt, power, exp, ln, log10, log, pi, degrees, radians
  case sin, cos, tan, cot, asin, acos, atan, atan2, sinh, cosh, tanh
  case gcd, lcm, div, factorial
  case widthBucket = "width_bucket"
  /// NULL arguments are skipped; NULL only when all are.
  case greatest, least

  // Text. Lengths and positions count characters.
  case length
  case octetLength = "octet_length"
  case upper, lower, initcap
  case substring, left, right
  case trim = "btrim"
  case trimLeft = "ltrim"
  case trimRight = "rtrim"
  case position = "strpos"
  case replace, translate
  case splitPart = "split_part"
  case leftPad = "lpad"
  case rightPad = "rpad"
  case `repeat`, reverse
  case startsWith = "starts_with"
  case ascii, chr, md5, sha256
  /// NULL arguments count as empty.
  case concat
  /// (separator, values...); NULL values are skipped.
  case concatWithSeparator = "concat_ws"
  /// (text, pattern), each case sensitive or not: the operators ~ and ~*.
  case regexMatch = "~"
  case regexMatchInsensitive = "~*"
  case regexpReplace = "regexp_replace"
  case toHex = "to_hex"

  // Date and time.
  case dateTrunc = "date_trunc"
  /// (field, source) giving numeric.
  case extract
  /// (field, source) giving double precision.
  case datePart = "date_part"
  case dateBin = "date_bin"
  case age
  case makeDate = "make_date"
  case makeTime = "make_time"
  case makeTimestamp = "make_timestamp"
  case makeInterval = "make_interval"
  case toTimestamp = "to_timestamp"
  case toChar = "to_char"
  case toDate = "to_date"
  case justifyDays = "justify_days"
  case justifyHours = "justify_hours"
  case justifyInterval = "justify_interval"
  case isFinite = "isfinite"
  /// The start time of the statement's transaction; constant within a query.
  case now

  // Other.
  /// A 64-bit hash of the arguments, ours alone; NULL counts as a value. For order-free comparison of tables.
  case hash = "pulsehouse_hash"
  /// Raises `(message)` when it is evaluated; gives the type it is cast to.
  case raise = "pulsehouse_raise"
}
