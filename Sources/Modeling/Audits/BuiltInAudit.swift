import Bytes
import SQLSyntax

/// The audits that SQLMesh brings along, under its names and with its meaning.
///
/// `SQLMESH.md` in this module says where the two differ.
enum BuiltInAudit: String, CaseIterable {
  case notNull = "not_null"
  case uniqueValues = "unique_values"
  case uniqueCombinationOfColumns = "unique_combination_of_columns"
  case acceptedValues = "accepted_values"
  case notAcceptedValues = "not_accepted_values"
  case acceptedRange = "accepted_range"
  case forall
  case numberOfRows = "number_of_rows"
  case atLeastOne = "at_least_one"
  case notConstant = "not_constant"
  case notNullProportion = "not_null_proportion"
  case notEmptyString = "not_empty_string"
  case stringLengthEqual = "string_length_equal"
  case stringLengthBetween = "string_length_between"
  case meanInRange = "mean_in_range"
  case standardDeviationInRange = "stddev_in_range"
  case sequentialValues = "sequential_values"
  case zScore = "z_score"
  case matchLike = "match_like_pattern_list"
  case notMatchLike = "not_match_like_pattern_list"
  case matchRegex = "match_regex_pattern_list"
  case notMatchRegex = "not_match_regex_pattern_list"
  case validUUID = "valid_uuid"
  case validURL = "valid_url"
  case validEmail = "valid_email"
  case validHTTPMethod = "valid_http_method"
  case mutuallyExclusiveRanges = "mutually_exclusive_ranges"
  case divergence = "kl_divergence"
  case chiSquare = "chi_square"
  case relationships

  func check(_ arguments: AuditArguments, source: String) throws(PulsehouseError) -> AuditCheck {
    switch self {
    case .notNull, .uniqueValues, .uniqueCombinationOfColumns, .forall:
      return try checkOfSeveral(arguments, source)
    case .acceptedValues, .notAcceptedValues, .matchLike, .notMatchLike, .matchRegex, .notMatchRegex:
      return try checkAgainstList(arguments)
    case .acceptedRange, .stringLengthBetween, .meanInRange, .standardDeviationInRange:
      return try checkOfRange(arguments, source)
    case .numberOfRows, .atLeastOne, .notConstant, .notNullProportion:
      return try checkOfAll(arguments, source)
    case .relationships: return try relationship(arguments, source)
    case .sequentialValues, .zScore: return try checkByQuery(arguments, source)
    case .mutuallyExclusiveRanges: return try checkOfRanges(arguments, source)
    case .divergence: return try divergenceCheck(arguments, source)
    case .chiSquare: return try chiSquareCheck(arguments, source)
    case .notEmptyString, .stringLengthEqual, .validUUID, .validURL, .validEmail, .validHTTPMethod:
      return try checkOfText(arguments)
    }
  }

  private func checkOfSeveral(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    let condition = arguments.condition
    if self == .forall {
      try arguments.allow("criteria")
      let criteria = try arguments.list("criteria")
      return .rows(predicate: criteria.map { "NOT (\($0))" }.joined(separator: " OR "), condition: condition)
    }
    try arguments.allow("columns")
    let columns = try arguments.list("columns")
    switch self {
    case .notNull:
      return .rows(
        predicate: columns.map { "\($0) IS NULL" }.joined(separator: " OR "), condition: condition,
        proof: columns.allSatisfy(Self.isColumn)
          ? columns.map { "COUNT(*) - COUNT(\($0))" }.joined(separator: " + ") : nil)
    case .uniqueValues:
      // Every row of a value beyond the first, NULL being one value.
      let failures = columns.map {
        "COUNT(*) - COUNT(DISTINCT \($0)) - CASE WHEN COUNT(*) > COUNT(\($0)) THEN 1 ELSE 0 END"
      }
      let from = Self.filtered(source, condition)
      // Rows whole: all that share a value with another one.
      let ranks = columns.enumerated().map { "COUNT(*) OVER (PARTITION BY \($1)) AS row_count_\($0 + 1)" }
      let shared = columns.indices.map { "row_count_\($0 + 1) > 1" }
      return .aggregate(
        failures: failures.joined(separator: " + "), condition: condition,
        sample: "SELECT * FROM (SELECT *, \(ranks.joined(separator: ", ")) FROM \(from)) AS counted "
          + "WHERE \(shared.joined(separator: " OR ")) ORDER BY \(columns.joined(separator: ", "))")
    default:
      let keys = columns.joined(separator: ", ")
      let from = Self.filtered(source, condition)
      return .query(
        "SELECT * FROM (SELECT *, COUNT(*) OVER (PARTITION BY \(keys)) AS row_count FROM \(from)) AS counted "
          + "WHERE row_count > 1 ORDER BY \(keys)",
        counting: "SELECT COUNT(*) AS failures FROM "
          + "(SELECT 1 FROM \(from) GROUP BY \(keys) HAVING COUNT(*) > 1) AS repeated")
    }
  }

  private func checkAgainstList(_ arguments: AuditArguments) throws(PulsehouseError) -> AuditCheck {
    let name = self == .acceptedValues || self == .notAcceptedValues ? "is_in" : "patterns"
    try arguments.allow("column", name)
    let column = try arguments.required("column")
    let values = try arguments.list(name)
    let predicate =
      switch self {
      case .acceptedValues: "\(column) NOT IN (\(values.joined(separator: ", ")))"
      case .notAcceptedValues: "\(column) IN (\(values.joined(separator: ", ")))"
      case .matchLike: values.map { "\(column) NOT LIKE \($0)" }.joined(separator: " AND ")
      case .notMatchLike: values.map { "\(column) LIKE \($0)" }.joined(separator: " OR ")
      case .matchRegex: values.map { "\(column) !~ \($0)" }.joined(separator: " AND ")
      default: values.map { "\(column) ~ \($0)" }.joined(separator: " OR ")
      }
    return .rows(predicate: predicate, condition: arguments.condition)
  }

  private func checkOfRange(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("column", "min_v", "max_v", "inclusive")
    let column = try arguments.required("column")
    let isInclusive = try arguments.flag("inclusive", default: true)
    let measure =
      switch self {
      case .stringLengthBetween: "LENGTH(\(column))"
      case .meanInRange: "AVG(\(column))"
      case .standardDeviationInRange: "STDDEV(\(column))"
      default: column
      }
    var outside: [String] = []
    if let minimum = arguments.optional("min_v") { outside.append("\(measure) \(isInclusive ? "<" : "<=") \(minimum)") }
    if let maximum = arguments.optional("max_v") { outside.append("\(measure) \(isInclusive ? ">" : ">=") \(maximum)") }
    if outside.isEmpty { throw arguments.failure("\(arguments.call.name) needs min_v or max_v") }
    let predicate = outside.joined(separator: " OR ")
    if self == .acceptedRange {
      return .rows(
        predicate: predicate, condition: arguments.condition,
        proof: Self.rangeProof(column, arguments, isInclusive: isInclusive))
    }
    if self == .stringLengthBetween { return .rows(predicate: predicate, condition: arguments.condition) }
    return .aggregate(
      failures: "CASE WHEN \(predicate) THEN 1 ELSE 0 END", condition: arguments.condition,
      sample: "SELECT \(measure) AS measured FROM \(Self.filtered(source, arguments.condition))")
  }

  private func checkOfAll(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    let wrong: String
    let measured: String
    switch self {
    case .numberOfRows:
      try arguments.allow("threshold")
      measured = "COUNT(*)"
      wrong = "COUNT(*) <= \(try arguments.required("threshold"))"
    case .atLeastOne:
      try arguments.allow("column")
      measured = "COUNT(\(try arguments.required("column")))"
      wrong = "COUNT(*) > 0 AND \(measured) = 0"
    case .notConstant:
      try arguments.allow("column")
      measured = "COUNT(DISTINCT \(try arguments.required("column")))"
      wrong = "\(measured) <= 1"
    default:
      try arguments.allow("column", "threshold")
      measured = "COUNT(\(try arguments.required("column")))"
      wrong = "\(measured) <= COUNT(*) * \(try arguments.required("threshold"))"
    }
    return .aggregate(
      failures: "CASE WHEN \(wrong) THEN 1 ELSE 0 END", condition: arguments.condition,
      sample: "SELECT \(measured) AS measured, COUNT(*) AS row_count FROM "
        + Self.filtered(source, arguments.condition))
  }

  private func relationship(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("column", "parent", "parent_column")
    let column = try arguments.required("column")
    let parent = try arguments.required("parent")
    let key = try arguments.required("parent_column")
    // There are far fewer keys than rows, so the keys are looked up and not the rows.
    return .query(
      "SELECT child.* FROM \(Self.filtered(source, arguments.condition, alias: "child")) LEFT JOIN \(parent) AS referred "
        + "ON referred.\(key) = child.\(column) WHERE child.\(column) IS NOT NULL AND referred.\(key) IS NULL",
      counting: "SELECT CAST(COALESCE(SUM(child.row_count), 0) AS BIGINT) AS failures FROM "
        + "(SELECT \(column), COUNT(*) AS row_count FROM \(Self.filtered(source, arguments.condition)) GROUP BY \(column)) "
        + "AS child LEFT JOIN \(parent) AS referred "
        + "ON referred.\(key) = child.\(column) WHERE child.\(column) IS NOT NULL AND referred.\(key) IS NULL")
  }

  private func checkByQuery(_ arguments: AuditArguments, _ source: String) throws(PulsehouseError) -> AuditCheck {
    let from = Self.filtered(source, arguments.condition)
    if self == .sequentialValues {
      try arguments.allow("column", "interval")
      let column = try arguments.required("column")
      return .query(
        "SELECT * FROM (SELECT \(column) AS present, LAG(\(column)) OVER (ORDER BY \(column)) AS previous FROM \(from)) "
          + "AS steps WHERE NOT (present = previous + \(arguments.optional("interval") ?? "1"))")
    }
    try arguments.allow("column", "threshold")
    let column = try arguments.required("column")
    return .query(
      "SELECT * FROM (SELECT \(column) AS present, (\(column) - AVG(\(column)) OVER ()) "
        + "/ NULLIF(STDDEV(\(column)) OVER (), 0) AS z_score FROM \(from)) AS scored "
        + "WHERE ABS(z_score) > \(try arguments.required("threshold"))")
  }

  private func checkOfText(_ arguments: AuditArguments) throws(PulsehouseError) -> AuditCheck {
    try arguments.allow("column", "v")
    let column = try arguments.required("column")
    let predicate =
      switch self {
      case .notEmptyString: "\(column) = ''"
      case .stringLengthEqual: "LENGTH(\(column)) <> \(try arguments.required("v"))"
      case .validUUID:
        "LOWER(\(column)) !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'"
      case .validURL: "\(column) !~ '^(https?|ftp)://[^\\s/$.?#].[^\\s]*$'"
      case .validEmail: "\(column) !~ '^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\\.[a-zA-Z0-9-.]+$'"
      default:
        "\(column) NOT IN ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT')"
      }
    return .rows(predicate: predicate, condition: arguments.condition)
  }

  /// Whether an argument is the name of a column and no expression.
  private static func isColumn(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 | 0x20) >= 97 && ($0 | 0x20) <= 122 || isDigit($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private static func isNumber(_ text: String) -> Bool {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    return !digits.isEmpty && digits.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
  }

  /// The least and the greatest value say whether any is outside of a range of constants.
  private static func rangeProof(_ column: String, _ arguments: AuditArguments, isInclusive: Bool) -> String? {
    guard isColumn(column) else { return nil }
    var outside: [String] = []
    for (name, function, sign) in [("min_v", "MIN", "<"), ("max_v", "MAX", ">")] {
      guard let bound = arguments.optional(name) else { continue }
      guard isNumber(bound) else { return nil }
      outside.append("\(function)(\(column)) \(sign)\(isInclusive ? "" : "=") \(bound)")
    }
    return outside.isEmpty ? nil : "CASE WHEN \(outside.joined(separator: " OR ")) THEN 1 ELSE 0 END"
  }

  /// The rows to look at, as an entry of FROM.
  static func filtered(_ source: String, _ condition: String?, alias: String = "audited") -> String {
    // A query wants a name of its own.
    let named = source.hasPrefix("(") ? source + " AS built" : source
    return condition.map { "(SELECT * FROM \(named) WHERE \($0)) AS \(alias)" } ?? "\(source) AS \(alias)"
  }
}
