import Bytes
import Encodings
import Kernels
import Planning
import Segments
import Vectors

/// A scan aggregation with everything known that its loops need: how keys make slots and which measures are kept.
struct ScanAggregatePlan {
  /// The aggregates over one column share a measure.
  struct Measure {
    let field: Int
    let shape: DenseMeasureShape
  }

  private(set) var parts: [KeyPart] = []
  private(set) var measures: [Measure] = []
  /// For each output: its measure; nil where rows are counted.
  private(set) var outputMeasures: [Int?] = []
  /// Where rows are counted: a measure whose column has no NULLs, else one more that counts only.
  private(set) var rowMeasure: Int?
  private(set) var rowShape: DenseMeasureShape?
  private(set) var slotCount = 1
  private(set) var byteCount = 0

  /// Tables of more slots are left to hashing.
  private static let mostSlots = 1 << 20
  /// Values that an expression is asked for one by one, before the scan.
  private static let mostTranslated = 1 << 16
  /// The widest range of a dimension's keys.
  private static let widestDimension = 1 << 24

  /// Returns nil where the ranges are too wide, a column has no bounds, or a dimension's keys repeat.
  init?(_ shape: ScanAggregateShape, _ run: QueryRun, rowCount: Int) throws {
    var fields = Set(shape.dimensions.map { $0.field })
    for output in shape.outputs { if let field = output.field { fields.insert(field) } }
    for part in shape.parts { if case .field(let field) = part.origin { fields.insert(field) } }
    guard let zoneMaps = try shape.scan.zoneMaps(of: fields) else { return nil }

    var usedSlots = 1
    func add(_ part: KeyPart, used: Int) -> Bool {
      let (slots, overflow) = slotCount.multipliedReportingOverflow(by: max(1, part.numberCount))
      guard !overflow, slots <= ScanAggregatePlan.mostSlots else { return false }
      var part = part
      part.setStride(UInt32(slotCount))
      parts.append(part)
      slotCount = slots
      usedSlots = min(usedSlots * max(1, min(used, part.numberCount)), 1 << 40)
      return true
    }
    for part in shape.parts {
      guard case .field(let field) = part.origin else { continue }
      guard let zoneMap = zoneMaps[field],
        let made = try ScanAggregatePlan.part(part, field, zoneMap, run, rowCount: rowCount),
        add(made, used: zoneMap.distinctEstimate ?? made.numberCount)
      else { return nil }
    }
    for (index, dimension) in shape.dimensions.enumerated() {
      guard let zoneMap = zoneMaps[dimension.field] else { return nil }
      let keys = shape.parts.first { $0.origin == .dimension(index) }
      guard let made = try ScanAggregatePlan.part(dimension, keys, zoneMap, run), add(made, used: made.numberCount)
      else { return nil }
    }
    guard try makeMeasures(shape, zoneMaps, rowCount: rowCount, usedSlots: usedSlots) else { return nil }
  }

  /// True when all keys lie in runs in the first row group: rows are then likely to be taken by runs everywhere.
  private func keysLieInRuns(_ scan: SegmentScanOperator) throws -> Bool {
    guard let segment = try scan.handles.first(where: { $0.rowCount > 0 })?.open(), segment.rowGroupCount > 0 else {
      return false
    }
    return parts.allSatisfy { part in
      let encodings = segment.encodings(column: part.field, rowGroup: 0)
      return encodings.contains(.runLength) || encodings.contains(.constant)
    }
  }

  /// True when only the rows that pass the filter are counted, in one group.
  var countsOnly: Bool { parts.isEmpty && measures.isEmpty }

  /// True when some row may belong to no group.
  var dropsRows: Bool {
    parts.contains { part in
      if part.nullNumber == KeyPart.dropped { return true }
      if case .table(let buffer, let count, _) = part.mapping {
        let entries = buffer.values(as: UInt32.self)
        return (0..<count).contains { entries[$0] == KeyPart.dropped }
      }
      return false
    }
  }

  // MARK: Keys

  private static func bounds(_ zoneMap: ZoneMap) -> (Int64, Int64)? {
    if zoneMap.nullCount == zoneMap.rowCount { return (0, 0) }
    switch (zoneMap.minimum, zoneMap.maximum) {
    case (.integer(let low), .integer(let high)): return (low, high)
    case (.boolean, .boolean): return (0, 1)
    default: return nil
    }
  }

  /// Makes the part of keys that depend on one stored column.
  private static func part(
    _ part: ScanAggregateShape.Part, _ field: Int, _ zoneMap: ZoneMap, _ run: QueryRun, rowCount: Int
  ) throws -> KeyPart? {
    let column = part.columns[0]
    let expressions = try part.expressions.map { try CompiledExpression($0, input: part.columns) }
    let types = part.expressions.map { $0.type }
    let isNullable = zoneMap.nullCount > 0
    func make(
      _ low: Int64, _ high: Int64, _ mapping: KeyPart.Mapping, _ domain: KeyDomain?, count: Int, null: UInt32
    ) -> KeyPart {
      KeyPart(
        field: field, positions: part.positions, expressions: expressions, column: column, lowest: low, highest: high,
        mapping: mapping, domain: domain, numberCount: count, nullNumber: null)
    }
    func nullKeys(_ domain: KeyDomain) throws -> UInt32? {
      guard isNullable else { return 0 }
      let batch = Batch([Vector.nulls(column.type, count: 1)], rowCount: 1)
      guard let keys = try? expressions.map({ try $0.evaluate(batch, run.evaluation) }) else { return nil }
      return try domain.intern(keys, count: 1)[0]
    }
    if column.type.physical == .string {
      let estimate = zoneMap.distinctEstimate ?? 0
      guard estimate > 0 || zoneMap.nullCount == zoneMap.rowCount, estimate < 1 << 14 else { return nil }
      let domain = KeyDomain(types, capacity: 2 * estimate + 62)
      guard let null = try nullKeys(domain) else { return nil }
      return make(0, 0, .dictionary, domain, count: domain.capacity, null: null)
    }
    guard let (low, high) = bounds(zoneMap) else { return nil }
    let (span, overflow) = high.subtractingReportingOverflow(low)
    guard !overflow else { return nil }
    let isPlain = part.expressions.contains { if case .column = $0 { true } else { false } }
    if isPlain {
      guard span < Int64(mostSlots) else { return nil }
      let count = Int(span) + 1
      return make(low, high, .value, nil, count: isNullable ? count + 1 : count, null: UInt32(count))
    }
    // Ask the expressions once for every value, or every stretch of time over which they stay the same.
    var unit: UInt64 = 1
    if column.type == .timestamp {
      var finest = TimeGranularity.day
      for expression in part.expressions {
        guard let step = TimeGranularity.of(expression) else { return nil }
        finest = min(finest, step)
      }
      unit = finest
    } else if column.type.isInteger, low >= 0 {
      let units = part.expressions.map { TimeGranularity.ofWholeNumbers($0) }
      if let first = units[0], first > 1, units.allSatisfy({ $0 == first }) { unit = first }
    }
    let step = Int64(unit)
    let first = low >= 0 ? low / step : -((step - 1 - low) / step)
    let entryCount = (high - first * step) / step + 1
    guard entryCount <= Int64(min(mostTranslated, max(256, rowCount / 4))), span < 1 << 51, first > Int64.min / step
    else { return nil }
    let values = (0..<entryCount).map { entry -> Scalar in
      let value = (first + entry) * step
      return column.type == .boolean ? .boolean(value != 0) : .integer(value)
    }
    let batch = Batch([Vector.of(column.type, values)], rowCount: values.count)
    // Values that no row has may be errors; the general path asks for those that are there.
    guard let keys = try? expressions.map({ try $0.evaluate(batch, run.evaluation) }) else { return nil }
    let domain = KeyDomain(types, capacity: values.count + 1)
    let numbers = try domain.intern(keys, count: values.count)
    guard let null = try nullKeys(domain) else { return nil }
    let table = AlignedBuffer(byteCount: values.count * 4)
    for (entry, number) in numbers.enumerated() { table.values(as: UInt32.self)[entry] = number }
    return make(
      first * step, high, .table(table, count: values.count, unit: unit), domain, count: domain.count, null: null)
  }

  /// Reads a dimension and makes a table from its key to its keys' numbers.
  private static func part(
    _ dimension: ScanAggregateShape.Dimension, _ keys: ScanAggregateShape.Part?, _ zoneMap: ZoneMap, _ run: QueryRun
  ) throws -> KeyPart? {
    guard let (low, high) = bounds(zoneMap) else { return nil }
    let (span, overflow) = high.subtractingReportingOverflow(low)
    guard !overflow, span < Int64(widestDimension) else { return nil }
    let kept = try CollectSink.collect(dimension.rows, for: "join")
    let rows = Concat.batches(kept.batches, types: dimension.rows.types)
    let found = try dimension.key.evaluate(rows, run.evaluation)
    let expressions = try (keys?.expressions ?? []).map { try CompiledExpression($0, input: dimension.rows.columns) }
    let domain = KeyDomain(expressions.map { $0.type }, capacity: rows.rowCount + 1)
    var numbers = [UInt32](repeating: 0, count: rows.rowCount)
    let isKept = dimension.kind != .anti
    if !expressions.isEmpty {
      var start = 0
      while start < rows.rowCount {
        let end = min(start + Batch.vectorSize, rows.rowCount)
        let part = rows.slice(start..<end)
        guard let values = try? expressions.map({ try $0.evaluate(part, run.evaluation) }) else { return nil }
        numbers.replaceSubrange(start..<end, with: try domain.intern(values, count: end - start))
        start = end
      }
    }
    var missing = KeyPart.dropped
    switch dimension.kind {
    case .left:
      missing = 0
      if !expressions.isEmpty {
        let nulls = Batch(dimension.rows.types.map { Vector.nulls($0, count: 1) }, rowCount: 1)
        guard let values = try? expressions.map({ try $0.evaluate(nulls, run.evaluation) }) else { return nil }
        missing = try domain.intern(values, count: 1)[0]
      }
    case .anti: missing = 0
    default: break
    }
    let entryCount = Int(span) + 1
    let table = AlignedBuffer(byteCount: entryCount * 4)
    let entries = table.values(as: UInt32.self)
    // One value more than any number stands for "no row yet".
    let none = UInt32.max
    entries.update(repeating: none, count: entryCount)
    let mustBeUnique = dimension.kind == .inner || dimension.kind == .left
    let values = found.flattened()
    for row in 0..<rows.rowCount where values.isValid(row) {
      let value: Int64 =
        switch values.type.physical {
        case .int16: Int64(values.values(as: Int16.self)[row])
        case .int32: Int64(values.values(as: Int32.self)[row])
        default: values.values(as: Int64.self)[row]
        }
      guard value >= low, value <= high else { continue }
      let entry = Int(value - low)
      if mustBeUnique, entries[entry] != none { return nil }
      entries[entry] = isKept ? numbers[row] : KeyPart.dropped
    }
    for entry in 0..<entryCount where entries[entry] == none { entries[entry] = missing }
    return KeyPart(
      field: dimension.field, positions: keys?.positions ?? [], expressions: expressions,
      column: Column(id: -1, name: "", type: dimension.key.type), lowest: low, highest: high,
      mapping: .table(table, count: entryCount, unit: 1), domain: domain,
      numberCount: expressions.isEmpty ? 1 : max(1, domain.count), nullNumber: missing)
  }

  // MARK: Measures

  private mutating func makeMeasures(
    _ shape: ScanAggregateShape, _ zoneMaps: [Int: ZoneMap], rowCount: Int, usedSlots: Int
  ) throws -> Bool {
    let prefersCounts = try !keysLieInRuns(shape.scan)
    var needs: [Int: DenseNeeds] = [:]
    var order: [Int] = []
    var countsRows = false
    for output in shape.outputs {
      guard let field = output.field, let zoneMap = zoneMaps[field] else {
        countsRows = true
        continue
      }
      if case .count = output.function, zoneMap.nullCount == 0 {
        countsRows = true
        continue
      }
      if needs[field] == nil { order.append(field) }
      needs[field, default: []].formUnion(output.needs)
    }
    for field in order {
      guard let zoneMap = zoneMaps[field], let (low, high) = ScanAggregatePlan.bounds(zoneMap) else { return false }
      let measure = DenseMeasureShape(
        slotCount: slotCount, lowest: low, highest: high, rowBound: rowCount, needs: needs[field] ?? [],
        usedSlots: usedSlots, prefersCounts: prefersCounts)
      let wantsValues = measure.needs.contains(.histogram) || measure.needs.contains(.distinct)
      guard measure.isNarrow || !wantsValues, let bytes = measure.byteCount, bytes <= 1 << 28 else { return false }
      byteCount += bytes
      measures.append(Measure(field: field, shape: measure))
    }
    if countsRows {
      rowMeasure = measures.firstIndex {
        zoneMaps[$0.field]?.nullCount == 0
          && ($0.shape.needs.contains(.count) || $0.shape.needs.contains(.histogram))
      }
      if rowMeasure == nil {
        let counting = DenseMeasureShape(
          slotCount: slotCount, lowest: 0, highest: 0, rowBound: rowCount, needs: .count, usedSlots: usedSlots,
          prefersCounts: false)
        rowShape = counting
        byteCount += counting.byteCount ?? 0
      }
    }
    for output in shape.outputs {
      var place: Int?
      if let field = output.field {
        if case .count = output.function, zoneMaps[field]?.nullCount == 0 {
          place = nil
        } else {
          place = measures.firstIndex { $0.field == field }
        }
      }
      outputMeasures.append(place)
    }
    byteCount += slotCount * 9
    return true
  }
}
