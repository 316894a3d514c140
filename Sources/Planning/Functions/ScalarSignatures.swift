/// Scalar functions by SQL name: each line is one signature of PostgreSQL's.
///
/// To add one: a case in `ScalarFunction` with its kernel in Execution, and a line here for each signature.
enum ScalarSignatures {
  typealias Entry = Signature<ScalarFunction>

  /// Returns the signatures of `name`; empty when there is no such function.
  static func named(_ name: String) -> [Entry] { table[name] ?? [] }

  static var names: [String] { Array(table.keys) }

  private static let table: [String: [Entry]] = {
    var table: [String: [Entry]] = [:]
    for group in [mathematics, text, temporal, others] {
      for (name, entry) in group { table[name, default: []].append(entry) }
    }
    for (alias, name) in aliases { table[alias] = table[name] }
    return table
  }()

  private typealias Row = (String, Entry)

  private static func f(
    _ name: String, _ function: ScalarFunction, _ arguments: [TypeKind], _ result: TypeKind, optional: Int = 0,
    variadic: Bool = false
  ) -> Row {
    (
      name,
      Entry(
        function: function, arguments: arguments, result: result, optionalCount: optional, isVariadic: variadic)
    )
  }

  /// One signature for each of `kinds`, giving what it takes.
  private static func same(_ name: String, _ function: ScalarFunction, _ kinds: [TypeKind], count: Int = 1) -> [Row] {
    kinds.map { f(name, function, Array(repeating: $0, count: count), $0) }
  }

  private static let aliases: [(String, String)] = [
    ("ceiling", "ceil"), ("pow", "power"), ("char_length", "length"), ("character_length", "length"),
    ("substr", "substring"),
  ]

  private static let mathematics: [Row] =
    same("abs", .abs, [.int2, .int4, .int8, .float4, .float8, .numeric])
    + same("ceil", .ceil, [.float8, .numeric])
    + same("floor", .floor, [.float8, .numeric])
    + same("round", .round, [.float8, .numeric]) + [f("round", .round, [.numeric, .int4], .numeric)]
    + same("trunc", .trunc, [.float8, .numeric]) + [f("trunc", .trunc, [.numeric, .int4], .numeric)]
    + same("sign", .sign, [.float8, .numeric])
    + same("sqrt", .sqrt, [.float8, .numeric])
    + same("cbrt", .cbrt, [.float8])
    + same("power", .power, [.float8, .numeric], count: 2)
    + same("exp", .exp, [.float8, .numeric])
    + same("ln", .ln, [.float8, .numeric])
    + same("log10", .log10, [.float8, .numeric])
    + same("log", .log10, [.float8, .numeric])
    + [f("log", .log, [.numeric, .numeric], .numeric), f("pi", .pi, [], .float8)]
    + same("degrees", .degrees, [.float8]) + same("radians", .radians, [.float8])
    + same("sin", .sin, [.float8]) + same("cos", .cos, [.float8]) + same("tan", .tan, [.float8])
    + same("cot", .cot, [.float8]) + same("asin", .asin, [.float8]) + same("acos", .acos, [.float8])
    + same("atan", .atan, [.float8]) + same("atan2", .atan2, [.float8], count: 2)
    + same("asinh", .asinh, [.float8]) + same("acosh", .acosh, [.float8]) + same("atanh", .atanh, [.float8])
    + same("sind", .sind, [.float8]) + same("cosd", .cosd, [.float8]) + same("tand", .tand, [.float8])
    + same("cotd", .cotd, [.float8]) + same("asind", .asind, [.float8]) + same("acosd", .acosd, [.float8])
    + same("atand", .atand, [.float8]) + same("atan2d", .atan2d, [.float8], count: 2)
    + [f("scale", .scale, [.numeric], .int4), f("min_scale", .minScale, [.numeric], .int4)]
    + same("trim_scale", .trimScale, [.numeric])
    + same("sinh", .sinh, [.float8]) + same("cosh", .cosh, [.float8]) + same("tanh", .tanh, [.float8])
    + same("mod", .modulo, [.int2, .int4, .int8, .numeric], count: 2)
    + same("gcd", .gcd, [.int4, .int8, .numeric], count: 2)
    + same("lcm", .lcm, [.int4, .int8, .numeric], count: 2)
    + [
      f("div", .div, [.numeric, .numeric], .numeric),
      f("factorial", .factorial, [.int8], .numeric),
      f("width_bucket", .widthBucket, [.float8, .float8, .float8, .int4], .int4),
      f("width_bucket", .widthBucket, [.numeric, .numeric, .numeric, .int4], .int4),
    ]

  private static let text: [Row] = [
    f("length", .length, [.text], .int4),
    f("length", .length, [.bpchar], .int4),
    f("octet_length", .octetLength, [.text], .int4),
    f("octet_length", .octetLength, [.bytea], .int4),
    f("upper", .upper, [.text], .text),
    f("lower", .lower, [.text], .text),
    f("initcap", .initcap, [.text], .text),
    f("substring", .substring, [.text, .int4], .text),
    f("substring", .substring, [.text, .int4, .int4], .text),
    f("left", .left, [.text, .int4], .text),
    f("right", .right, [.text, .int4], .text),
    f("btrim", .trim, [.text, .text], .text, optional: 1),
    f("ltrim", .trimLeft, [.text, .text], .text, optional: 1),
    f("rtrim", .trimRight, [.text, .text], .text, optional: 1),
    f("strpos", .position, [.text, .text], .int4),
    f("position", .position, [.text, .text], .int4),
    f("position", .position, [.bytea, .bytea], .int4),
    f("replace", .replace, [.text, .text, .text], .text),
    f("translate", .translate, [.text, .text, .text], .text),
    f("split_part", .splitPart, [.text, .text, .int4], .text),
    f("lpad", .leftPad, [.text, .int4, .text], .text, optional: 1),
    f("rpad", .rightPad, [.text, .int4, .text], .text, optional: 1),
    f("repeat", .repeat, [.text, .int4], .text),
    f("reverse", .reverse, [.text], .text),
    f("starts_with", .startsWith, [.text, .text], .bool),
    f("ascii", .ascii, [.text], .int4),
    f("chr", .chr, [.int4], .text),
    f("md5", .md5, [.text], .text),
    f("md5", .md5, [.bytea], .text),
    f("sha224", .sha224, [.bytea], .bytea),
    f("sha256", .sha256, [.bytea], .bytea),
    f("sha384", .sha384, [.bytea], .bytea),
    f("sha512", .sha512, [.bytea], .bytea),
    f("encode", .encode, [.bytea, .text], .text),
    f("decode", .decode, [.text, .text], .bytea),
    f("quote_literal", .quoteLiteral, [.text], .text),
    f("parse_ident", .parseIdentifier, [.text, .bool], .array, optional: 1),
    f("unistr", .unicodeEscapes, [.text], .text),
    f("pg_size_bytes", .sizeBytes, [.text], .int8),
    f("quote_ident", .quoteIdentifier, [.text], .text),
    f("regexp_replace", .regexpReplace, [.text, .text, .text], .text),
    f("regexp_replace", .regexpReplace, [.text, .text, .text, .text], .text),
    f("regexp_replace", .regexpReplace, [.text, .text, .text, .int4, .int4, .text], .text, optional: 2),
    f("regexp_match", .regexpMatch, [.text, .text, .text], .array, optional: 1),
    f("regexp_split_to_array", .regexpSplitToArray, [.text, .text, .text], .array, optional: 1),
    f("string_to_array", .stringToArray, [.text, .text, .text], .array, optional: 1),
    f("regexp_like", .regexpLike, [.text, .text, .text], .bool, optional: 1),
    f("regexp_count", .regexpCount, [.text, .text, .int4, .text], .int4, optional: 2),
    f("regexp_instr", .regexpInstr, [.text, .text, .int4, .int4, .int4, .text, .int4], .int4, optional: 5),
    f("regexp_substr", .regexpSubstr, [.text, .text, .int4, .int4, .text, .int4], .text, optional: 4),
    f("substring", .substringRegex, [.text, .text], .text),
    f("to_hex", .toHex, [.int4], .text),
    f("to_hex", .toHex, [.int8], .text),
    f("like", .like, [.text, .text], .bool),
    f("to_number", .toNumber, [.text, .text], .numeric),
    f("get_byte", .getByte, [.bytea, .int4], .int4),
    f("get_bit", .getBit, [.bytea, .int8], .int4),
    f("set_byte", .setByte, [.bytea, .int4, .int4], .bytea),
    f("set_bit", .setBit, [.bytea, .int8, .int4], .bytea),
    f("bit_count", .bitCount, [.bytea], .int8),
    f("length", .octetLength, [.bytea], .int4),
    f("convert_from", .convertFrom, [.bytea, .text], .text),
    f("convert_to", .convertTo, [.text, .text], .bytea),
    f("substring", .substring, [.bytea, .int4], .bytea),
    f("substring", .substring, [.bytea, .int4, .int4], .bytea),
  ]

  private static let temporal: [Row] = [
    f("date_trunc", .dateTrunc, [.text, .timestamp], .timestamp),
    f("date_trunc", .dateTrunc, [.text, .timestamptz], .timestamptz),
    f("date_trunc", .dateTrunc, [.text, .timestamptz, .text], .timestamptz),
    f("date_trunc", .dateTrunc, [.text, .interval], .interval),
    f("extract", .extract, [.text, .date], .numeric),
    f("extract", .extract, [.text, .time], .numeric),
    f("extract", .extract, [.text, .timestamp], .numeric),
    f("extract", .extract, [.text, .timestamptz], .numeric),
    f("extract", .extract, [.text, .interval], .numeric),
    f("date_part", .datePart, [.text, .date], .float8),
    f("date_part", .datePart, [.text, .time], .float8),
    f("date_part", .datePart, [.text, .timestamp], .float8),
    f("date_part", .datePart, [.text, .timestamptz], .float8),
    f("date_part", .datePart, [.text, .interval], .float8),
    f("date_bin", .dateBin, [.interval, .timestamp, .timestamp], .timestamp),
    f("date_bin", .dateBin, [.interval, .timestamptz, .timestamptz], .timestamptz),
    f("age", .age, [.timestamp, .timestamp], .interval),
    f("age", .age, [.timestamptz, .timestamptz], .interval),
    f("make_date", .makeDate, [.int4, .int4, .int4], .date),
    f("make_time", .makeTime, [.int4, .int4, .float8], .time),
    f("make_timestamp", .makeTimestamp, [.int4, .int4, .int4, .int4, .int4, .float8], .timestamp),
    f(
      "make_interval", .makeInterval, [.int4, .int4, .int4, .int4, .int4, .int4, .float8], .interval, optional: 7),
    f("to_timestamp", .toTimestamp, [.float8], .timestamptz),
    f("to_timestamp", .toTimestamp, [.text, .text], .timestamptz),
    f("to_date", .toDate, [.text, .text], .date),
    f("to_char", .toChar, [.timestamp, .text], .text),
    f("to_char", .toChar, [.timestamptz, .text], .text),
    f("to_char", .toChar, [.interval, .text], .text),
    f("to_char", .toChar, [.int4, .text], .text),
    f("to_char", .toChar, [.int8, .text], .text),
    f("to_char", .toChar, [.numeric, .text], .text),
    f("to_char", .toChar, [.float4, .text], .text),
    f("to_char", .toChar, [.float8, .text], .text),
    f("justify_days", .justifyDays, [.interval], .interval),
    f("justify_hours", .justifyHours, [.interval], .interval),
    f("justify_interval", .justifyInterval, [.interval], .interval),
    f("isfinite", .isFinite, [.date], .bool),
    f("isfinite", .isFinite, [.timestamp], .bool),
    f("isfinite", .isFinite, [.timestamptz], .bool),
    f("isfinite", .isFinite, [.interval], .bool),
    f("now", .now, [], .timestamptz),
    f("transaction_timestamp", .now, [], .timestamptz),
    f("statement_timestamp", .now, [], .timestamptz),
    // The zone comes first in SQL and last in the kernel; the binder turns them round.
    f("timezone", .timezone, [.text, .timestamptz], .timestamp),
    f("timezone", .timezone, [.text, .timestamp], .timestamptz),
    f("timezone", .timezone, [.interval, .timestamptz], .timestamp),
    f("timezone", .timezone, [.interval, .timestamp], .timestamptz),
  ]

  private static let others: [Row] = [
    f("jsonb_typeof", .jsonTypeOf, [.jsonb], .text),
    f("json_typeof", .jsonTypeOf, [.json], .text),
    f("jsonb_array_length", .jsonArrayLength, [.jsonb], .int4),
    f("json_array_length", .jsonArrayLength, [.json], .int4),
    f("jsonb_pretty", .jsonPretty, [.jsonb], .text),
    f("jsonb_strip_nulls", .jsonStripNulls, [.jsonb], .jsonb),
    f("json_strip_nulls", .jsonStripNulls, [.json], .json),
    f("to_jsonb", .toJSON, [.any], .jsonb),
    f("jsonb_path_exists", .jsonPathExists, [.jsonb, .text, .jsonb, .bool], .bool, optional: 2),
    f("jsonb_path_match", .jsonPathMatch, [.jsonb, .text, .jsonb, .bool], .bool, optional: 2),
    f("jsonb_path_query_array", .jsonPathQueryArray, [.jsonb, .text, .jsonb, .bool], .jsonb, optional: 2),
    f("jsonb_path_query_first", .jsonPathQueryFirst, [.jsonb, .text, .jsonb, .bool], .jsonb, optional: 2),
    f("jsonb_set", .jsonSet, [.jsonb, .array, .jsonb, .bool], .jsonb, optional: 1),
    f("jsonb_insert", .jsonInsert, [.jsonb, .array, .jsonb, .bool], .jsonb, optional: 1),
    f("jsonb_concat", .jsonConcatenate, [.jsonb, .jsonb], .jsonb),
    f("jsonb_contains", .jsonContains, [.jsonb, .jsonb], .bool),
    f("jsonb_exists", .jsonHasKey, [.jsonb, .text], .bool),
    f("jsonb_delete", .jsonRemove, [.jsonb, .text], .jsonb),
    f("jsonb_delete", .jsonRemove, [.jsonb, .int4], .jsonb),
    f("to_json", .toJSON, [.any], .json),
    f("pulsehouse_hash", .hash, [.any], .int8, variadic: true),
    f("random", .random, [], .float8),
    f("pg_sleep", .sleep, [.float8], .text),
    f("gen_random_uuid", .randomUUID, [], .uuid),
  ]
}
