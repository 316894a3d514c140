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
  case sin, cos, tan, cot, asin, acos, atan, atan2, sinh, cosh, tanh, asinh, acosh, atanh
  /// The same in degrees.
  case sind, cosd, tand, cotd, asind, acosd, atand, atan2d
  case scale
  case minScale = "min_scale"
  case trimScale = "trim_scale"
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
  case ascii, chr, md5, sha224, sha256, sha384, sha512
  /// (bytea, format) and (text, format): `hex`, `base64`, `escape`.
  case encode, decode
  /// (format, values as text...); NULL values count as empty.
  case format
  /// (format, array of the values as text).
  case formatArray = "format_array"
  /// (text, whether nothing may follow): the parts of a qualified name.
  case parseIdentifier = "parse_ident"
  case unicodeEscapes = "unistr"
  case sizeBytes = "pg_size_bytes"
  case quoteLiteral = "quote_literal"
  case quoteIdentifier = "quote_ident"
  /// NULL arguments count as empty.
  case concat
  /// (separator, values...); NULL values are skipped.
  case concatWithSeparator = "concat_ws"
  /// (text, pattern), each case sensitive or not: the operators ~ and ~*.
  case regexMatch = "~"
  case regexMatchInsensitive = "~*"
  case regexpReplace = "regexp_replace"
  case regexpLike = "regexp_like"
  case regexpCount = "regexp_count"
  case regexpInstr = "regexp_instr"
  case regexpSubstr = "regexp_substr"
  /// (text, pattern): the first group of the first match, or the whole of it.
  case substringRegex = "substring_regex"
  /// (pattern[, escape]) of SIMILAR TO, as a regular expression.
  case similarPattern = "similar_to_escape"
  case toHex = "to_hex"
  case toNumber = "to_number"
  /// (bytea, position)
  case getByte = "get_byte"
  case getBit = "get_bit"
  /// (bytea, position, value)
  case setByte = "set_byte"
  case setBit = "set_bit"
  case bitCount = "bit_count"
  /// (bytea, encoding), (text, encoding): UTF8 alone
  case convertFrom = "convert_from"
  case convertTo = "convert_to"

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

  /// (time or timestamp, digits of the second)
  case roundSeconds = "round_seconds"
  /// (text, mask of fields): an interval as a type with fields reads it.
  case readInterval = "read_interval"

  // JSON.
  case jsonGet = "->"
  case jsonGetText = "->>"
  case jsonPath = "#>"
  case jsonPathText = "#>>"
  // Of jsonpath: (jsonb, path[, variables, silent]), the path a text.
  case jsonPathExists = "jsonb_path_exists"
  case jsonPathExistsOperator = "@?"
  case jsonPathMatch = "jsonb_path_match"
  case jsonPathMatchOperator = "@@"
  case jsonPathQueryArray = "jsonb_path_query_array"
  case jsonPathQueryFirst = "jsonb_path_query_first"
  /// A text as a path, in PostgreSQL's form.
  case jsonPathInput = "jsonpath"
  case jsonContains = "jsonb_contains"
  case jsonHasKey = "?"
  case jsonHasAny = "?|"
  case jsonHasAll = "?&"
  case jsonConcatenate = "jsonb_concat"
  case jsonRemove = "jsonb_delete"
  case jsonTypeOf = "jsonb_typeof"
  case jsonArrayLength = "jsonb_array_length"
  case jsonPretty = "jsonb_pretty"
  case jsonStripNulls = "jsonb_strip_nulls"
  case toJSON = "to_jsonb"
  /// (target, path, new value, whether to add what is missing)
  case jsonSet = "jsonb_set"
  /// (target, path, new value, whether after)
  case jsonInsert = "jsonb_insert"
  case jsonRemovePath = "jsonb_delete_path"
  /// (keys and values in turn) or (keys, values), arrays of text
  case jsonObject = "jsonb_object"
  case jsonBuildArray = "jsonb_build_array"
  case jsonBuildObject = "jsonb_build_object"
  /// (name, value, ...): json of a row
  case jsonRow = "row_to_json"
  /// JSON without blanks, with a line for each of its own members.
  case jsonLines = "json_lines"

  // Rows and arrays.
  /// (name, value, ...): a row of these fields.
  case makeRow = "row"
  case makeArray = "array"
  /// (array, index) and (array, lower, upper).
  case arrayElement = "array_element"
  case arraySlice = "array_slice"
  case arrayLength = "array_length"
  case arrayLower = "array_lower"
  case cardinality
  case arrayToString = "array_to_string"
  case stringToArray = "string_to_array"
  case arrayConcatenate = "array_cat"
  case arrayAppend = "array_append"
  case arrayPrepend = "array_prepend"
  case arrayPosition = "array_position"
  case arrayRemove = "array_remove"
  case arrayPositions = "array_positions"
  case arrayReplace = "array_replace"
  /// (value, array of one size)
  case arrayFill = "array_fill"
  case arrayTrim = "trim_array"
  /// (value, ascending bounds)
  case widthBucketArray = "width_bucket_array"
  /// Bytes that are ordered as the arrays are; what arrays are sorted and compared by.
  case arrayOrder = "array_order"
  /// The same for jsonb.
  case jsonOrder = "jsonb_order"
  /// The same of either with the value behind it, and the value taken out again: what the least of them is found by.
  case withOrder = "with_order"
  case withoutOrder = "without_order"
  /// Of recursions, (what it was of the row before, the row's fields ...): the path to a row, and its depth.
  case rowPath = "row_path"
  case rowDepth = "row_depth"
  /// (path, the row's fields ...): whether the row is on it.
  case rowPathContains = "row_path_contains"
  case arrayContains = "arraycontains"
  case arrayOverlaps = "arrayoverlap"
  /// (value, array, operator's symbol, whether it is ANY): the last two are constants.
  case quantified = "quantified_array"
  case regexpMatch = "regexp_match"
  case regexpSplitToArray = "regexp_split_to_array"

  // Sequences, by name.
  case nextValue = "nextval"
  case currentValue = "currval"
  case lastValue = "lastval"
  /// (name, value, whether it was given out).
  case setValue = "setval"

  // Other.
  /// (name, number) of an object of the catalog: the name, and beside numbers the number.
  case objectName = "object_name"
  /// A number from 0 to below 1, another for each row.
  case random
  /// Waits some seconds, for each row.
  case sleep = "pg_sleep"
  case randomUUID = "gen_random_uuid"
  /// A 64-bit hash of the arguments, ours alone; NULL counts as a value. For order-free comparison of tables.
  case hash = "pulsehouse_hash"
  /// (row identifier, seed), both bigint: a number from 0 to below 1, the same for the same arguments.
  case sample = "pulsehouse_sample"
  /// Raises `(message, SQLSTATE)` when it is evaluated; gives the type it is cast to.
  case raise = "pulsehouse_raise"
  /// Arrays and jsonb with another value at a place, for SET and INSERT.
  case assignElement = "pulsehouse_assign_element"
  case assignSlice = "pulsehouse_assign_slice"
  case assignJSON = "pulsehouse_assign_json"
}

extension ScalarFunction {
  /// True for functions that do not simply give NULL for a NULL argument.
  package var seesNulls: Bool {
    switch self {
    case .greatest, .least, .objectName, .concat, .concatWithSeparator, .hash, .raise, .format, .formatArray,
      .makeArray,
      .arrayToString,
      .jsonBuildArray, .jsonBuildObject, .jsonRow, .makeRow,
      .stringToArray, .arrayConcatenate, .arrayAppend, .arrayPrepend, .arrayPosition, .arrayRemove, .arrayPositions,
      .arrayReplace, .arrayFill, .assignElement, .assignSlice, .assignJSON, .jsonObject, .quantified, .rowPath,
      .rowDepth, .rowPathContains:
      true
    default: false
    }
  }

  /// True for functions that give another value each time they are called.
  package var isVolatile: Bool {
    switch self {
    case .random, .randomUUID, .sleep, .raise, .nextValue, .currentValue, .lastValue, .setValue: true
    default: false
    }
  }
}
