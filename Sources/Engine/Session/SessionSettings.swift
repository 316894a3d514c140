import Bytes
import Execution
import Kernels
import Planning
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

  package init() {}

  /// Names SHOW and SET know, with what they are.
  package static let names: [(name: String, help: String)] = [
    ("environment", "the environment whose tables plain names stand for; DEFAULT is prod, what everybody sees"),
    ("memory", "bytes a query's operators may hold, such as '512MB'"),
    ("search_path", "schemas an unqualified name is looked up in"),
    ("snapshot", "the commit whose state is read: a number or a time; DEFAULT is the newest"),
    ("server_version", "the PostgreSQL version whose SQL this is"),
    ("temporary_directory", "where spilled rows go"),
    ("threads", "threads a query may use"),
    ("timezone", "the zone timestamps are shown in; always UTC"),
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
    case "timezone": return "UTC"
    case "server_version": return "15.0 (Pulsehouse)"
    default: throw SessionSettings.unknown(name)
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
      guard let text = texts.first, let bytes = ByteSize.parse(text), bytes >= 1 << 20 else {
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
      } else if let time = try? Cast.vector(.of(.text, [.text(text)]), to: .timestamptz, now: QueryContext.clock()),
        case .integer(let microseconds) = time.scalar(at: 0)
      {
        snapshot = .time(microseconds)
      } else {
        throw invalid(text)
      }
    case "timezone":
      if let text = texts?.first, text.uppercased() != "UTC" && text.uppercased() != "GMT" {
        throw PulsehouseError(.unsupported, "time zone \"\(text)\": sessions show time in UTC only")
      }
    case "client_encoding", "standard_conforming_strings", "datestyle", "extra_float_digits", "application_name":
      // Clients set these on connecting; what we do is what they ask for by default.
      return
    default: throw SessionSettings.unknown(name)
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
