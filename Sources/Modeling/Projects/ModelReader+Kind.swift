import Bytes
import SQLSyntax

/// The kinds of models, and what each may say in its parentheses.
extension ModelReader {
  func kind() throws(PulsehouseError) -> Model.Kind {
    guard let value = block["kind"] else { return .view }
    let call = try value.call()
    switch call.name {
    case "full": return .full
    case "view":
      if let materialized = try call.properties().first(where: { $0.name == "materialized" })?.value,
        try materialized.boolean()
      {
        throw PulsehouseError(
          .unsupported, "materialized views are not supported", hint: "Use the kind FULL.", range: materialized.range)
      }
      return .view
    case "external": return .external
    case "embedded": return .embedded
    case "seed": return .seed(path: try seedPath(call), csv: try csvSettings(call))
    case "incremental_by_time_range": return .incrementalByTimeRange(try timeRange(call))
    case "incremental_by_unique_key":
      return .incrementalByUniqueKey(try uniqueKey(call))
    case "incremental_by_partition":
      _ = try KindProperties(call, known: [], withoutEffect: KindProperties.common)
      guard try !words("partitioned_by").isEmpty else {
        throw PulsehouseError(
          .user, "a model of the kind INCREMENTAL_BY_PARTITION needs partitioned_by", sqlState: "42601",
          hint: "Add partitioned_by (column, ...) to the header.", range: call.range)
      }
      return .incrementalByPartition
    case "scd_type_2_by_time", "scd_type_2": return .slowlyChanging(try slowlyChanging(call, byTime: true))
    case "scd_type_2_by_column": return .slowlyChanging(try slowlyChanging(call, byTime: false))
    default:
      throw PulsehouseError(
        .unsupported, "models of the kind \(call.name.uppercased()) are not supported natively",
        hint:
          "There are FULL, VIEW, SEED, EMBEDDED, EXTERNAL, INCREMENTAL_BY_TIME_RANGE, INCREMENTAL_BY_UNIQUE_KEY, "
          + "INCREMENTAL_BY_PARTITION, SCD_TYPE_2_BY_TIME and SCD_TYPE_2_BY_COLUMN.", range: call.nameRange)
    }
  }

  /// Reads the settings of Python's CSV reader that COPY has words for.
  private func csvSettings(_ call: PropertyCall) throws(PulsehouseError) -> Model.CSVSettings {
    var settings = Model.CSVSettings()
    guard let value = try call.properties().first(where: { $0.name == "csv_settings" })?.value else { return settings }
    for property in try value.properties() {
      guard let value = property.value else { continue }
      func refuse(_ why: String) -> PulsehouseError {
        PulsehouseError(
          .unsupported, "csv_settings: \(property.name) \(value.text) is not supported natively", hint: why,
          range: property.nameRange.lowerBound..<value.range.upperBound)
      }
      func character() throws(PulsehouseError) -> String {
        let text = try value.string()
        let plain = text == "\\t" ? "\t" : text
        guard plain.utf8.count == 1 else { throw refuse("It is one character.") }
        return plain
      }
      switch property.name {
      case "delimiter": settings.delimiter = try character()
      case "quotechar": settings.quote = try character()
      case "escapechar": settings.escape = try character()
      case "doublequote": if try !value.boolean() { throw refuse("A quote within quotes is doubled, or escaped.") }
      case "skipinitialspace": if try value.boolean() { throw refuse("Blanks are part of a value.") }
      case "lineterminator": if !["\n", "\\n"].contains(try value.string()) { throw refuse("Lines end with \\n.") }
      case "encoding":
        if !["utf-8", "utf8"].contains(try value.string().lowercased()) { throw refuse("Files are UTF-8.") }
      case "keep_default_na":
        if try value.boolean() { throw refuse("An empty value is NULL; na_values names another word.") }
      case "na_values":
        let words = value.list()
        guard words.count == 1, let word = try? words[0].string() else { throw refuse("There can be one.") }
        settings.null = word
      default:
        throw PulsehouseError(
          .user, "csv_settings has no \"\(property.name)\"", sqlState: "42601",
          hint: "There are delimiter, quotechar, escapechar, na_values.", range: property.nameRange)
      }
    }
    return settings
  }

  private func timeRange(_ call: PropertyCall) throws(PulsehouseError) -> Model.TimeRange {
    let properties = try KindProperties(
      call, known: ["time_column", "batch_size", "lookback", "forward_only"],
      withoutEffect: KindProperties.common.union(["batch_concurrency", "partition_by_time_column"]))
    guard let time = properties["time_column"] else {
      throw PulsehouseError(
        .user, "a model of the kind INCREMENTAL_BY_TIME_RANGE needs a time_column", sqlState: "42601",
        hint: "Write kind INCREMENTAL_BY_TIME_RANGE (time_column event_date).", range: call.range)
    }
    let parts = time.list()
    guard (1...2).contains(parts.count), let name = try? parts[0].name(), name.count == 1 else {
      throw PulsehouseError(
        .user, "a time_column is a column, or (column, 'format')", sqlState: "42601", range: time.range)
    }
    var format = TimeFormat.day
    if parts.count == 2 {
      do throws(PulsehouseError) {
        format = try TimeFormat(try parts[1].string())
      } catch {
        var error = error
        error.range = error.range ?? parts[1].range
        throw error
      }
    }
    var unit = IntervalUnit.day
    if let value = block["interval_unit"] {
      guard let named = IntervalUnit(named: try value.word()) else {
        throw PulsehouseError(
          .user, "there is no interval_unit \(value.text)", sqlState: "42601",
          hint: "There are year, month, day, hour, half_hour, quarter_hour and five_minute.", range: value.range)
      }
      unit = named
    } else if let cron = block["cron"] {
      guard let derived = IntervalUnit(cron: try cron.string()) else {
        throw PulsehouseError(
          .unsupported, "the cron \(cron.text) is not supported natively",
          hint: "Write @hourly, @daily or five fields.", range: cron.range)
      }
      unit = derived
    }
    var startDay: Int64?
    if let start = block["start"] {
      guard let day = CalendarText.day(try start.string()) else {
        throw PulsehouseError(
          .user, "start is a date, such as '2024-01-01', not \(start.text)", sqlState: "22007", range: start.range)
      }
      startDay = day
    }
    return Model.TimeRange(
      column: name[0], format: format, unit: unit, batchSize: try properties.count("batch_size", minimum: 1),
      lookback: try properties.count("lookback", minimum: 0) ?? 0, isForwardOnly: try properties.flag("forward_only"),
      startDay: startDay)
  }

  private func uniqueKey(_ call: PropertyCall) throws(PulsehouseError) -> Model.UniqueKey {
    let properties = try KindProperties(
      call, known: ["unique_key", "when_matched", "merge_filter"],
      withoutEffect: KindProperties.common.union(["batch_size", "batch_concurrency", "lookback"]))
    var kind = Model.UniqueKey(columns: try properties.columns("unique_key"))
    if let clauses = properties["when_matched"] {
      kind.whenMatched = clauses.mergeClauses
      try require(clauses, "when_matched", kind.whenMatched ?? "", condition: "TRUE")
    }
    if let filter = properties["merge_filter"] {
      kind.filter = filter.sql
      try require(filter, "merge_filter", "WHEN MATCHED THEN DELETE", condition: filter.sql)
    }
    return kind
  }

  /// Throws where the words make no MERGE.
  private func require(_ value: PropertyValue, _ name: String, _ clauses: String, condition: String)
    throws(PulsehouseError)
  {
    do throws(PulsehouseError) {
      _ = try PostgresParser.parseOne("MERGE INTO t AS target USING s AS source ON \(condition) \(clauses)")
    } catch {
      throw PulsehouseError(
        .user, "\(name) is no part of a MERGE: \(error.message)", sqlState: "42601",
        hint: "Write when_matched (WHEN MATCHED THEN UPDATE SET target.a = source.a), merge_filter (source.a > 1).",
        range: value.range)
    }
  }

  private func slowlyChanging(_ call: PropertyCall, byTime: Bool) throws(PulsehouseError) -> Model.SlowlyChanging {
    let own: Set<String> =
      byTime ? ["updated_at_name", "updated_at_as_valid_from"] : ["columns", "execution_time_as_valid_from"]
    let properties = try KindProperties(
      call, known: own.union(["unique_key", "valid_from_name", "valid_to_name", "invalidate_hard_deletes"]),
      withoutEffect: KindProperties.common.union(["time_data_type", "batch_size"]))
    var columns: [String] = []
    if !byTime {
      guard let value = properties["columns"] else {
        throw PulsehouseError(
          .user, "SCD_TYPE_2_BY_COLUMN needs columns", sqlState: "42601",
          hint: "Write columns (a, b), or columns * for all.", range: call.range)
      }
      if value.text != "*" && value.text != "'*'" && value.text != "[*]" { columns = try properties.columns("columns") }
    }
    return Model.SlowlyChanging(
      key: try properties.columns("unique_key"), validFrom: try properties.name("valid_from_name") ?? "valid_from",
      validTo: try properties.name("valid_to_name") ?? "valid_to",
      updatedAt: byTime ? try properties.name("updated_at_name") ?? "updated_at" : nil, columns: columns,
      endsMissing: try properties.flag("invalidate_hard_deletes"),
      startsWhenSeen: try properties.flag(byTime ? "updated_at_as_valid_from" : "execution_time_as_valid_from"))
  }
}

/// The properties in a kind's parentheses: each known, or known to change nothing here, or refused by name.
private struct KindProperties {
  private let call: PropertyCall
  private let properties: [Property]

  /// What SQLMesh lets every incremental kind say and what changes no rows.
  static let common: Set<String> = [
    "forward_only", "disable_restatement", "on_destructive_change", "on_additive_change", "auto_restatement_cron",
    "auto_restatement_intervals", "materialized",
  ]

  init(_ call: PropertyCall, known: Set<String>, withoutEffect: Set<String>) throws(PulsehouseError) {
    self.call = call
    properties = try call.properties()
    for property in properties where !known.contains(property.name) && !withoutEffect.contains(property.name) {
      throw PulsehouseError(
        .unsupported, "the property \"\(property.name)\" of \(call.name.uppercased()) is not supported natively",
        hint: known.isEmpty ? nil : "There are \(known.sorted().joined(separator: ", ")).", range: property.nameRange)
    }
  }

  subscript(_ name: String) -> PropertyValue? { properties.first { $0.name == name }?.value }

  func columns(_ name: String) throws(PulsehouseError) -> [String] {
    guard let value = self[name] else {
      throw PulsehouseError(
        .user, "\(call.name.uppercased()) needs \(name)", sqlState: "42601",
        hint: "Write \(name) (column, ...).", range: call.range)
    }
    var columns: [String] = []
    for entry in value.list() {
      let parts = try entry.name()
      guard parts.count == 1 else {
        throw PulsehouseError(
          .unsupported, "\(name) takes names of columns, not \"\(entry.text)\"", range: entry.range)
      }
      columns.append(parts[0])
    }
    guard !columns.isEmpty else {
      throw PulsehouseError(.user, "\(name) is empty", sqlState: "42601", range: value.range)
    }
    return columns
  }

  func name(_ name: String) throws(PulsehouseError) -> String? {
    guard let value = self[name] else { return nil }
    let parts = try value.name()
    guard parts.count == 1 else {
      throw PulsehouseError(.user, "\(name) is the name of a column", sqlState: "42601", range: value.range)
    }
    return parts[0]
  }

  func count(_ name: String, minimum: Int) throws(PulsehouseError) -> Int? {
    guard let value = self[name] else { return nil }
    let count = try value.integer()
    guard count >= minimum, count <= 100_000 else {
      throw PulsehouseError(
        .user, "\(name) is a number from \(minimum) to 100000, not \(count)", sqlState: "22023", range: value.range)
    }
    return count
  }

  func flag(_ name: String) throws(PulsehouseError) -> Bool {
    guard let property = properties.first(where: { $0.name == name }) else { return false }
    return try property.value?.boolean() ?? true
  }
}
