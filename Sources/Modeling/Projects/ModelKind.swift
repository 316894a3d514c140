import SQLSyntax

extension Model {
  /// How a model becomes a table.
  package enum Kind: Sendable, Hashable {
    /// A table, built anew when anything it reads has changed.
    case full
    /// A view, made anew when its SQL changes.
    case view
    /// A table filled from a CSV file (its path, absolute or from the working folder).
    case seed(path: String, csv: CSVSettings)
    /// A table that others fill; the model only declares it.
    case external
    /// No table at all: its query stands in those of the models that read it.
    case embedded
    /// A table of which only the intervals are rebuilt whose rows changed upstream.
    case incrementalByTimeRange(TimeRange)
    /// A table into which the query's rows are merged by a key.
    case incrementalByUniqueKey(UniqueKey)
    /// A table of which the partitions are replaced that the query gives rows for.
    case incrementalByPartition
    /// A table that keeps every version of a row, with the time for which it held.
    case slowlyChanging(SlowlyChanging)
    /// No table: a query of its own that should return no rows, asked when what it reads has changed.
    case standaloneAudit

    package var name: String {
      switch self {
      case .full: "FULL"
      case .view: "VIEW"
      case .seed: "SEED"
      case .external: "EXTERNAL"
      case .embedded: "EMBEDDED"
      case .standaloneAudit: "AUDIT"
      case .incrementalByTimeRange: "INCREMENTAL_BY_TIME_RANGE"
      case .incrementalByUniqueKey: "INCREMENTAL_BY_UNIQUE_KEY"
      case .incrementalByPartition: "INCREMENTAL_BY_PARTITION"
      case .slowlyChanging(let kind): kind.updatedAt == nil ? "SCD_TYPE_2_BY_COLUMN" : "SCD_TYPE_2_BY_TIME"
      }
    }

    /// What of the kind decides which rows there are, and not merely when they are built.
    var rowsText: String {
      switch self {
      case .incrementalByTimeRange(let range):
        "\(name) \(range.column)\(range.format == .day ? "" : " '\(range.format.text)'"), from \(range.startDay.map { CalendarText.date(day: $0) } ?? "the first")"
      case .incrementalByUniqueKey(let kind):
        "\(name) \(kind.columns)" + [kind.whenMatched, kind.filter].compactMap(\.self).map { "\n\($0)" }.joined()
      case .slowlyChanging(let kind): "\(name) \(kind)"
      case .seed(_, let csv) where csv != CSVSettings(): "\(name) \(csv)"
      default: name
      }
    }

    /// Whether a run makes a table or view of it.
    var makesRelation: Bool { self != .external && self != .embedded && self != .standaloneAudit }

    /// Whether its rows rest on those of earlier runs, and not on what it reads now alone.
    var accumulates: Bool {
      switch self {
      case .incrementalByUniqueKey, .incrementalByPartition, .slowlyChanging: true
      default: false
      }
    }

    /// Whether it is known of it when it was last looked at, so that it is not always looked at.
    var isRemembered: Bool { makesRelation || self == .standaloneAudit }

    /// Whether the project's own SQL makes its rows.
    var hasQuery: Bool {
      switch self {
      case .seed, .external: false
      default: true
      }
    }
  }

  /// What `csv_settings` of a seed say.
  package struct CSVSettings: Sendable, Hashable {
    package var delimiter: String?
    package var quote: String?
    package var escape: String?
    /// The word that stands for NULL, instead of nothing at all.
    package var null: String?

    init() {}
  }

  /// What `INCREMENTAL_BY_TIME_RANGE` says.
  package struct TimeRange: Sendable, Hashable {
    /// The model's column that says to which interval a row belongs: a date, a timestamp, or text or a number that is
    /// written by `format`.
    package var column: String
    package var format = TimeFormat.day
    package var unit: IntervalUnit
    /// Intervals built by one query at most; nil for all that follow each other.
    package var batchSize: Int?
    /// Intervals before a changed one that are rebuilt with it.
    package var lookback: Int
    /// Whether a change of the SQL leaves rows alone that were built before it.
    package var isForwardOnly: Bool
    /// The first day (since 1970) there is an interval for; nil for the first there are rows for.
    package var startDay: Int64?
  }

  /// What `INCREMENTAL_BY_UNIQUE_KEY` says.
  package struct UniqueKey: Sendable, Hashable {
    package var columns: [String]
    /// The clauses `WHEN MATCHED ...` of a MERGE of rows called `source` into `target`; nil replaces rows whole.
    package var whenMatched: String?
    /// A condition more for rows to match.
    package var filter: String?
  }

  /// What `SCD_TYPE_2_BY_TIME` and `SCD_TYPE_2_BY_COLUMN` say.
  package struct SlowlyChanging: Sendable, Hashable {
    package var key: [String]
    package var validFrom: String
    package var validTo: String
    /// The query's column that says when a row changed; nil for BY_COLUMN.
    package var updatedAt: String?
    /// BY_COLUMN: the columns whose change makes a new version; empty for all but the key.
    package var columns: [String]
    /// Whether a key that the query gives no longer ends its version.
    package var endsMissing: Bool
    /// Whether the first version of a key holds from `updatedAt` or the run on, rather than from 1970.
    package var startsWhenSeen: Bool
  }
}
