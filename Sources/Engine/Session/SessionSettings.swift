import Bytes
import Encodings
import Execution
import Kernels
import Planning
import Segments
import Vectors

/// What a session may choose for itself, by SET or from the command line.
package struct SessionSettings: Sendable {
  /// Threads a query may use, the caller's included.
  package var threadCount = WorkerPool.coreCount
  /// Bytes a query's operators may hold.
  package var memoryLimit = MemoryBudget.defaultLimit
  /// Schemas an unqualified name is looked up in, in turn; new tables go to the first.
  package var searchPath = ["public", "gold", "silver", "bronze"]
  /// Where spilled rows go.
  package var temporaryDirectory = "/tmp"
  /// The commit whose state statements see, by number or by time; nil is the newest.
  package var snapshot: Moment?
  /// The environment whose tables plain names stand for; nil is production.
  package var environment: Environment?
  /// How long a statement may take; nil for any time.
  package var statementTimeout: Duration?
  /// The zone that moments are read and shown in; nil is UTC.
  package var zone: ZoneRules?
  /// False to read what zone maps and joins' keys rule out, too.
  package var prunes = true
  /// Rows of the row groups that are written.
  package var rowGroupSize = SegmentOptions().rowGroupRowCount
  /// The encoding of every block written that can have it; nil lets each be chosen.
  package var encoding: Encoding?

  /// The level of transactions that name none.
  var isolation = Isolation.repeatableRead

  /// Levels of isolation. Every transaction reads one state; a serializable one also holds on to what it read.
  enum Isolation: String {
    case readUncommitted = "read uncommitted"
    case readCommitted = "read committed"
    case repeatableRead = "repeatable read"
    case serializable
  }

  package init() {}

  /// Settings that programs make for themselves, by names with a point.
  private var custom: [String: String] = [:]

  /// Names SHOW and SET know, with what they are.
  package static let names: [(name: String, help: String)] = [
    ("encoding", "the encoding of new blocks that can have it, for tests; DEFAULT chooses for each"),
    ("environment", "the environment whose tables plain names stand for; DEFAULT is prod, what everybody sees"),
    ("memory", "bytes a query's operators may hold, such as '512MB'"),
    ("pruning", "off to read also what zone maps and keys of joins rule out, for tests"),
    ("row_group_size", "rows of the row groups that are written, for tests; 131072 unless set"),
    ("search_path", "schemas an unqualified name is looked up in"),
    ("snapshot", "the commit whose state is read: a number or a time; DEFAULT is the newest"),
    ("server_version", "the PostgreSQL version whose SQL this is"),
    ("statement_timeout", "how long a statement may take, such as '5s' or milliseconds; 0 is any time"),
    ("temporary_directory", "where spilled rows go"),
    ("threads", "threads a query may use"),
    ("timezone", "the zone moments are read and shown in: a name, an abbreviation or an offset; UTC unless set"),
  ]

  /// Returns a setting's value as SHOW prints it. - Throws: 42704 for an unknown name.
  package func value(of name: String) throws(PulsehouseError) -> String {
    switch name {
    case "threads": return String(threadCount)
    case "memory": return "\(memoryLimit / 1_000_000)MB"
    case "search_path": return searchPath.joined(separator: ", ")
    case "temporary_directory": return temporaryDirectory
    case "snapshot":
      switch snapshot {
      case nil: return "newest"
      case .commit(let number): return String(number)
      case .time(let time): return TextFormat.string(.integer(time), .timestamptz) ?? ""
      }
    case "environment": return environment?.name ?? Environment.production
    case "statement_timeout":
      guard let statementTimeout else { return "0" }
      let milliseconds = Int(statementTimeout / .milliseconds(1))
      let unit = [(3_600_000, "h"), (60_000, "min"), (1000, "s")].first { milliseconds.isMultiple(of: $0.0) }
      return unit.map { "\(milliseconds / $0.0)\($0.1)" } ?? "\(milliseconds)ms"
    case "pruning": return prunes ? "on" : "off"
    case "row_group_size": return String(rowGroupSize)
    case "encoding": return encoding?.name ?? "chosen"
    case "timezone": return zone?.name ?? "UTC"
    case "server_version": return "15.0 (Pulsehouse)"
    case "transaction_isolation", "default_transaction_isolation": return isolation.rawValue
    default:
      if let value = SessionSettings.fixed[name] ?? custom[name] { return value }
      throw SessionSettings.unknown(name)
    }
  }

  /// Changes a setting; nil values bring back the default.
  ///
  /// - Throws: 42704 for an unknown name, 22023 for a value that makes no sense.
  package mutating func set(_ name: String, to values: [Scalar]?) throws(PulsehouseError) {
    let defaults = SessionSettings()
    let texts = values?.map(SessionSettings.text)
    func invalid(_ text: String) -> PulsehouseError {
      PulsehouseError(.user, "invalid value for parameter \"\(name)\": \"\(text)\"", sqlState: "22023")
    }
    switch name {
    case "threads":
      guard let texts else {
        threadCount = defaults.threadCount
        return
      }
      guard let text = texts.first, let count = Int(text), (1...1024).contains(count) else {
        throw invalid(texts.first ?? "")
      }
      threadCount = count
    case "memory":
      guard let texts else {
        memoryLimit = defaults.memoryLimit
        return
      }
      guard let text = texts.first, let bytes = ByteSize.parse(text), bytes >= 1_000_000 else {
        throw invalid(texts.first ?? "")
      }
      memoryLimit = bytes
    case "search_path":
      searchPath = texts ?? defaults.searchPath
    case "environment":
      let text = texts?.first ?? Environment.production
      environment = text == Environment.production ? nil : try Environment(text)
    case "temporary_directory":
      temporaryDirectory = texts?.first ?? defaults.temporaryDirectory
    case "snapshot":
      guard let texts else {
        snapshot = nil
        return
      }
      let text = texts.first ?? ""
      if let number = UInt64(text) {
        snapshot = .commit(number)
      } else if let time = try? Cast.vector(
        .of(.text, [.text(text)]), to: .timestamptz, now: MachineClock.microsecondsSince1970),
        case .integer(let microseconds) = time.scalar(at: 0)
      {
        snapshot = .time(microseconds)
      } else {
        throw invalid(text)
      }
    case "statement_timeout":
      guard let text = texts?.first else {
        statementTimeout = nil
        return
      }
      guard let limit = SessionSettings.duration(text) else { throw invalid(text) }
      statementTimeout = limit == .zero ? nil : limit
    case "pruning":
      let text = texts?.first ?? "on"
      guard ["on", "off", "true", "false"].contains(text) else { throw invalid(text) }
      prunes = text == "on" || text == "true"
    case "row_group_size":
      let text = texts?.first ?? String(defaults.rowGroupSize)
      guard let rows = Int(text), (64...1 << 20).contains(rows) else { throw invalid(text) }
      rowGroupSize = rows
    case "encoding":
      let text = texts?.first ?? "chosen"
      let named = Encoding.allCases.first { $0.name == text }
      guard named != nil || text == "chosen" else { throw invalid(text) }
      encoding = named
    case "timezone":
      guard let value = values?.first, let text = texts?.first else {
        zone = nil
        return
      }
      zone = try SessionSettings.zone(value, text)
    case "datestyle":
      // Only how dates are read and shown by default; a client that counts on another order must not be misunderstood.
      let words = (texts ?? []).flatMap { $0.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) }
      guard words.allSatisfy({ ["iso", "mdy", "us", "noneuro", "noneuropean", "default"].contains($0) }) else {
        throw PulsehouseError(.unsupported, "datestyle other than ISO, MDY")
      }
    case "default_transaction_isolation":
      isolation = try SessionSettings.isolation(values, name) ?? .repeatableRead
    case "client_encoding", "standard_conforming_strings", "extra_float_digits", "application_name",
      "transaction_isolation":
      // Clients set these on connecting; what we do is what they ask for by default.
      return
    case "intervalstyle", "bytea_output", "lock_timeout", "idle_in_transaction_session_timeout":
      let text = texts?.first?.lowercased() ?? ""
      guard texts == nil || text == SessionSettings.fixed[name] || text == "off" else {
        throw PulsehouseError(.unsupported, "\(name) other than \(SessionSettings.fixed[name] ?? "")")
      }
    case _ where name.contains("."):
      custom[name] = texts?.joined(separator: ", ")
    default:
      guard SessionSettings.isWithoutEffect(name) else { throw SessionSettings.unknown(name) }
    }
  }

  /// What PostgreSQL's clients ask for and cannot change here.
  private static let fixed = [
    "server_version_num": "150000", "client_encoding": "UTF8", "standard_conforming_strings": "on",
    "datestyle": "ISO, MDY", "integer_datetimes": "on", "intervalstyle": "postgres", "bytea_output": "hex",
    "max_identifier_length": "63", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0",
    "is_superuser": "on", "server_encoding": "UTF8", "transaction_read_only": "off",
  ]

  /// True for settings by which PostgreSQL's planner and logs are tuned: they change no answer, so they are taken.
  static func isWithoutEffect(_ name: String) -> Bool {
    let prefixes = ["enable_", "jit", "geqo", "max_parallel_", "min_parallel_", "parallel_", "cpu_", "log_", "debug_"]
    let names: Set = [
      "client_min_messages", "work_mem", "maintenance_work_mem", "effective_cache_size", "random_page_cost",
      "seq_page_cost", "default_statistics_target", "from_collapse_limit", "join_collapse_limit", "synchronous_commit",
      "plan_cache_mode", "temp_buffers", "hash_mem_multiplier", "row_security", "check_function_bodies",
      "constraint_exclusion", "force_parallel_mode", "cursor_tuple_fraction", "effective_io_concurrency",
    ]
    return names.contains(name) || prefixes.contains { name.hasPrefix($0) }
  }

  /// The level that a setting's values name; nil for none. - Throws: 22023.
  static func isolation(_ values: [Scalar]?, _ name: String) throws(PulsehouseError) -> Isolation? {
    guard let text = values?.first.map(text) else { return nil }
    guard let level = Isolation(rawValue: text.lowercased()) else {
      throw PulsehouseError(
        .user, "invalid value for parameter \"\(name)\": \"\(text)\"", sqlState: "22023",
        hint: "Available values: serializable, repeatable read, read committed, read uncommitted.")
    }
    return level
  }

  /// A time as PostgreSQL's settings have it: milliseconds, or with a unit.
  private static func duration(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number <= 1 << 31 else { return nil }
    switch text.dropFirst(digits.count).drop(while: { $0 == " " }) {
    case "", "ms": return .milliseconds(number)
    case "s": return .seconds(number)
    case "min": return .seconds(number * 60)
    case "h": return .seconds(number * 3600)
    default: return nil
    }
  }

  /// The zone of a name, of a number of hours, or of an interval.
  private static func zone(_ value: Scalar, _ text: String) throws(PulsehouseError) -> ZoneRules? {
    func invalid() -> PulsehouseError {
      PulsehouseError(.user, "invalid value for parameter \"TimeZone\": \"\(text)\"", sqlState: "22023")
    }
    if case .interval(let span) = value {
      guard span.months == 0, span.days == 0, span.microseconds.magnitude < 168 * 3_600_000_000 else {
        throw PulsehouseError(
          .user, "invalid value for parameter \"TimeZone\": an interval must be of hours and minutes",
          sqlState: "22023")
      }
      return Zones.fixed(Int(span.microseconds / 1_000_000))
    }
    if let hours = Double(text) {
      guard hours.magnitude < 168 else { throw invalid() }
      return Zones.fixed(Int(hours * 3600))
    }
    if text.lowercased() == "local" || text.lowercased() == "default" { return nil }
    do {
      return try Zones.session(text)
    } catch {
      throw error.sqlState == "22023" ? invalid() : error
    }
  }

  private static func text(_ scalar: Scalar) -> String {
    switch scalar {
    case .text(let text): text
    case .integer(let number): String(number)
    case .numeric(let number): number.description
    case .double(let number): "\(number)"
    case .boolean(let value): value ? "on" : "off"
    default: ""
    }
  }

  private static func unknown(_ name: String) -> PulsehouseError {
    PulsehouseError(
      .user, "unrecognized configuration parameter \"\(name)\"", sqlState: "42704",
      hint: "SHOW ALL lists them: \(names.map(\.name).joined(separator: ", ")).")
  }
}
