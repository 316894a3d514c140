import Bytes
import SQLSyntax
import Vectors

/// Which values of an upstream column an interval of a model reads: a window that moves by `width` with each interval.
///
/// Found by planning the model's query for a few intervals and comparing the conditions that reach the scan. What is
/// known of the query is thus what the planner proved: an interval's rows depend on no row outside its window, whatever
/// joins, windows and subqueries stand above it.
struct TimeWindow: Hashable, Sendable {
  var column: Int
  var columnName: String
  var columnType: LogicalType
  /// The least and the greatest value that interval 0 reads, as stored; nil for no limit.
  var lower: Int64?
  var upper: Int64?
  var width: Int64

  /// What a bucket of changed values counts from.
  var origin: Int64 { lower ?? upper.map { $0 &+ 1 } ?? 0 }

  /// Returns the intervals that read a value of the buckets `first` to `last`; open ends go as far as `limits`.
  ///
  /// Values of bucket b lie from `origin + b w` to `origin + b w + w - 1`; interval i reads `lower + i w` to
  /// `upper + i w`.
  func intervals(_ first: Int64, _ last: Int64, limits: IntervalRange) -> IntervalRange? {
    let earliest: Int64
    let latest: Int64
    switch (lower, upper) {
    case (let lower?, let upper?): (earliest, latest) = (first &- (upper - lower) / width, last)
    case (nil, _?): (earliest, latest) = (first &+ 1, limits.last)
    default: (earliest, latest) = (limits.first, last)
    }
    let low = max(earliest, limits.first)
    let high = min(latest, limits.last)
    return low <= high ? IntervalRange(low, high, limits.unit) : nil
  }

  /// The bucket a value lies in.
  func bucket(_ value: Int64) -> Int64 {
    let (distance, overflow) = value.subtractingReportingOverflow(origin)
    if overflow { return value < 0 ? .min / 2 : .max / 2 }
    return distance >= 0 ? distance / width : (distance - width + 1) / width
  }
}

/// The windows of every scan of an incremental model's query.
struct TimeWindows: Sendable {
  struct Scan: Hashable, Sendable {
    var table: RelationName
    var window: TimeWindow?
  }

  /// One entry for each scan: its table, and its window when it has one.
  var scans: [Scan]
  var views: Set<RelationName>

  /// Plans `query` for three intervals and compares what is read. A scan whose conditions do not move evenly has no
  /// window; when the plans differ in what they scan, no scan has.
  ///
  /// - Throws: as planning the query does, with places in the model's file.
  static func find(_ model: Model, _ unit: IntervalUnit, execution: Int64, _ session: any ModelSession) throws
    -> TimeWindows
  {
    let base: Int64 = 19_000 * (86_400 / unit.seconds)
    let samples: [Int64] = [base, base + 1, base + 1000]
    let reads = try samples.map { number in
      let variables = TimeVariables.values(IntervalRange(number, number, unit), execution: execution)
      return try model.reading(variables, session)
    }
    // Joins may be in another order for intervals with other numbers of rows.
    let scans = reads.map { $0.scans.sorted(by: comesFirst) }
    let areAlike = scans.dropFirst().allSatisfy { $0.map(\.table) == scans[0].map(\.table) }
    var result = TimeWindows(scans: [], views: reads[0].views)
    for (index, scan) in scans[0].enumerated() {
      let found = areAlike ? window(scans.map { $0[index] }, samples) : nil
      result.scans.append(Scan(table: scan.table, window: found))
    }
    return result
  }

  /// An order of scans that is the same for all intervals: by table, by what is asked of its columns, by the least and
  /// the greatest value asked for. Windows that move evenly never pass each other.
  private static func comesFirst(_ left: ModelReads.Scan, _ right: ModelReads.Scan) -> Bool {
    if left.table != right.table { return left.table < right.table }
    let columns = [left, right].map { Set($0.conditions.map(\.column)).sorted() }
    if columns[0] != columns[1] { return columns[0].lexicographicallyPrecedes(columns[1]) }
    for column in columns[0] {
      let bounds = [left, right].map { scan in
        PredicateBounds(scan.conditions.filter { $0.column == column }.map(\.predicate))
      }
      let pairs = [(bounds[0].lower, bounds[1].lower), (bounds[0].upper, bounds[1].upper)]
      for (first, second) in pairs where first != second { return first ?? .min < second ?? .min }
    }
    return false
  }

  private static func window(_ scans: [ModelReads.Scan], _ samples: [Int64]) -> TimeWindow? {
    for condition in scans[0].conditions {
      let column = condition.column
      let bounds = scans.map { PredicateBounds($0.conditions.filter { $0.column == column }.map(\.predicate)) }
      // All three samples must agree on where interval 0 would read and on how far a step goes.
      let step = samples[1] - samples[0]
      guard let first = bounds[0].lower ?? bounds[0].upper, let second = bounds[1].lower ?? bounds[1].upper,
        second > first, (second - first) % step == 0
      else { continue }
      let width = (second - first) / step
      let lowers = zip(bounds, samples).map { bound, sample in bound.lower.map { $0 - sample * width } }
      let uppers = zip(bounds, samples).map { bound, sample in bound.upper.map { $0 - sample * width } }
      guard Set(lowers).count == 1, Set(uppers).count == 1 else { continue }
      if let low = lowers[0], let high = uppers[0], low > high { continue }
      return TimeWindow(
        column: column, columnName: condition.name, columnType: condition.type, lower: lowers[0], upper: uppers[0],
        width: width)
    }
    return nil
  }
}

extension Model {
  /// Returns what the model's query reads with these values of its variables.
  ///
  /// - Throws: as planning it does, with places in the model's file.
  func reading(_ variables: [String: MacroValue], _ session: any ModelSession) throws -> ModelReads {
    guard let query = try query?.with(variables) else { return ModelReads() }
    do {
      return try session.reads(of: query.text)
    } catch let error as PulsehouseError where error.range != nil {
      throw query.located(error, prefixLength: 0, in: file)
    } catch let error as PulsehouseError {
      throw query.placed(error, in: file)
    }
  }
}
