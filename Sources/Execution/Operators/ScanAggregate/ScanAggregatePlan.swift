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
    var shape: DenseMeasureShape
    let isNullable: Bool
  }

  private(set) var parts: [KeyPart] = []
  private(set) var measures: [Measure] = []
  /// For each output: its measure; nil where rows are counted.
  private(set) var outputMeasures: [Int?] = []
  /// Where rows are counted: a measure whose column has no NULLs, else one more that counts only.
  private(set) var rowMeasure: Int?
  private(set) var rowShape: DenseMeasureShape?
  private(set) var slotCount = 1
  /// Bytes of one worker's tables.
  private(set) var byteCount = 0
  /// Set where the slots are too many for one table: they are taken in partitions of 2^shift.
  private(set) var partitionShift: Int?

  /// More slots than this are left to hashing, however many rows there are.
  private static let mostSlots = 1 << 30
  /// Slots for each row at most: beyond that partitions would be all but empty.
  private static let slotsOfRow = 64
  /// A partition's tables shall fit the second cache.
  private static let partitionBytes = 3 << 18
  private static let mostPartitions = 1 << 16
  /// Bytes of a partition's slot at most: each has to be cleared and looked through.
  private static let mostSlotBytes = 64
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

    var estimates: [Int] = []
    for part in shape.parts {
      guard case .field(let field) = part.origin else { continue }
      guard let zoneMap = zoneMaps[field],
        let made = try ScanAggregatePlan.part(part, field, zoneMap, run, rowCount: rowCount)
      else { return nil }
      parts.append(made)
      estimates.append(zoneMap.distinctEstimate ?? made.numberCount)
    }
    for (index, dimension) in shape.dimensions.enumerated() {
      guard let zoneMap = zoneMaps[dimension.field] else { return nil }
      let keys = shape.parts.first { $0.origin == .dimension(index) }
      guard let made = try ScanAggregatePlan.part(dimension, keys, zoneMap, run) else { return nil }
      parts.append(made)
      estimates.append(made.numberCount)
    }
    let mostDense = run.context.mostDenseSlots
    if !countSlots() || slotCount > mostDense {
      for index in parts.indices where estimates[index] < parts[index].numberCount / 4 {
        if let made = try ScanAggregatePlan.compacted(parts[index], shape.scan, run) { parts[index] = made }
      }
      guard countSlots() else { return nil }
    }
    var usedSlots = 1
    for (part, estimate) in zip(parts, estimates) {
      usedSlots = min(usedSlots * max(1, min(estimate, part.numberCount)), 1 << 40)
    }
    if slotCount > mostDense {
      guard slotCount / ScanAggregatePlan.slotsOfRow <= rowCount else { return nil }
      partitionShift = min(DensePartitions.mostShift, Int.bitWidth - 1 - mostDense.leadingZeroBitCount)
    }
    try arrangeParts(shape.scan, preferred: shape.preferredOrder)
    guard try makeMeasures(shape, zoneMaps, rowCount: rowCount, usedSlots: usedSlots) else { return nil }
  }

  /// Counts the slots of all parts together; false when they are too many.
  private mutating func countSlots() -> Bool {
    slotCount = 1
    for part in parts {
      let (slots, overflow) = slotCount.multipliedReportingOverflow(by: max(1, part.numberCount))
      guard !overflow, slots <= ScanAggregatePlan.mostSlots else { return false }
      slotCount = slots
    }
    return true
  }

  var partitionCount: Int { partitionShift.map { (slotCount >> $0) + 1 } ?? 1 }

  /// Gives each part its stride. Of partitions the key that groups shall ascend by comes first, else the one by which the
  /// rows lie together: then a stretch of rows meets few partitions.
  private mutating func arrangeParts(_ scan: SegmentScanOperator, preferred: [Int]) throws {
    if partitionShift != nil || !preferred.isEmpty {
      let spreads = try parts.map { try ScanAggregatePlan.spread(of: $0, scan) }
      func rank(_ part: KeyPart) -> Int {
        part.positions.compactMap { preferred.firstIndex(of: $0) }.min() ?? preferred.count
      }
      let order = parts.indices.sorted { left, right in
        let (first, second) = (rank(parts[left]), rank(parts[right]))
        if first != second { return first > second }
        return spreads[left] == spreads[right] ? left < right : spreads[left] > spreads[right]
      }
      parts = order.map { parts[$0] }
    }
    var stride = 1
    for index in parts.indices {
      parts[index].setStride(UInt32(stride))
      stride *= max(1, parts[index].numberCount)
    }
  }

  /// How much of a key's range the average row group has.
  private static func spread(of part: KeyPart, _ scan: SegmentScanOperator) throws -> Double {
    let range = Double(part.highest) - Double(part.lowest) + 1
    var (total, rows) = (0.0, 0.0)
    for handle in scan.handles where handle.rowCount > 0 {
      let segment = try handle.open()
      for rowGroup in 0..<segment.rowGroupCount {
        let count = Double(segment.rowCount(rowGroup: rowGroup))
        rows += count
        guard case .integer(let low) = segment.zoneMap(column: part.field, rowGroup: rowGroup).minimum,
          case .integer(let high) = segment.zoneMap(column: part.field, rowGroup: rowGroup).maximum
        else {
          total += count
          continue
        }
        total += count * min(1, (Double(high) - Double(low) + 1) / range)
      }
    }
    return rows > 0 ? total / rows : 1
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
      guard span >= 0, span < Int64(mostSlots) else { return nil }
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
    guard span < 1 << 51, low > Int64.min + step else { return nil }
    let first = low >= 0 ? low / step : -((step - 1 - low) / step)
    let entryCount = (high - first * step) / step + 1
    guard entryCount <= Int64(min(mostTranslated, max(256, rowCount / 4))), first > Int64.min / step else { return nil }
    let count = Int(entryCount)
    let batch = Batch([values(of: column.type, from: first, count: count, step: step)], rowCount: count)
    // Values that no row has may be errors; the general path asks for those that are there.
    guard let keys = try? expressions.map({ try $0.evaluate(batch, run.evaluation) }) else { return nil }
    let domain = KeyDomain(types, capacity: count + 1)
    let numbers = try domain.intern(keys, count: count)
    guard let null = try nullKeys(domain) else { return nil }
    let table = AlignedBuffer(byteCount: count * 4)
    for (entry, number) in numbers.enumerated() { table.values(as: UInt32.self)[entry] = number }
    return make(
      first * step, high, .table(table, count: count, unit: unit), domain, count: domain.count, null: null)
  }

  /// Returns `count` multiples of `step` from `first * step` on; of a boolean, whether they are other than 0.
  private static func values(of type: LogicalType, from first: Int64, count: Int, step: Int64) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
    func fill<T: FixedWidthInteger & BitwiseCopyable>(as physical: T.Type) {
      let output = buffer.values(as: physical)
      for entry in 0..<count { output[entry] = T(truncatingIfNeeded: (first + Int64(entry)) * step) }
    }
    switch type.physical {
    case .boolean:
      for entry in 0..<count { buffer.values(as: UInt8.self)[entry] = (first + Int64(entry)) * step == 0 ? 0 : 1 }
    case .int16: fill(as: Int16.self)
    case .int32: fill(as: Int32.self)
    default: fill(as: Int64.self)
    }
    return Vector(type, count: count, buffer: buffer)
  }

  /// Numbers the values that a plain key has one after the other, where they are few in a wide range; nil where that
  /// cannot be. Reads dictionaries, or the column itself.
  private static func compacted(_ part: KeyPart, _ scan: SegmentScanOperator, _ run: QueryRun) throws -> KeyPart? {
    let (span, overflow) = part.highest.subtractingReportingOverflow(part.lowest)
    guard case .value = part.mapping, !overflow, span < Int64(widestDimension) else { return nil }
    let entryCount = Int(span) + 1
    let bits = AlignedBuffer(byteCount: (entryCount + 63) / 64 * 8, zeroed: true)
    let words = bits.values(as: UInt64.self)
    let scratch = AlignedBuffer(byteCount: (Batch.vectorSize * 8 + 1024) * 8)
    let offsets = AlignedBuffer(byteCount: Batch.vectorSize * 8 * 4)
    for handle in scan.handles where handle.rowCount > 0 {
      let segment = try handle.open()
      for rowGroup in 0..<segment.rowGroupCount {
        try run.checkpoint()
        let zoneMap = segment.zoneMap(column: part.field, rowGroup: rowGroup)
        if zoneMap.nullCount == zoneMap.rowCount { continue }
        let reader = RowGroupReader(segment, rowGroup: rowGroup)
        if let dictionary = try reader.dictionary(column: part.field) {
          for index in 0..<dictionary.count {
            guard case .integer(let value) = dictionary.scalar(at: index) else { return nil }
            guard value >= part.lowest, value <= part.highest else { throw KeyPart.outside(part.field) }
            let entry = Int(value - part.lowest)
            words[entry >> 6] |= 1 << UInt64(entry & 63)
          }
          continue
        }
        var start = 0
        while start < reader.rowCount {
          let end = min(start + Batch.vectorSize * 8, reader.rowCount)
          guard let narrow = try reader.narrow(column: part.field, rows: start..<end, scratch: scratch) else {
            return nil
          }
          let offset = try part.offset(of: narrow)
          DenseCodes(width: narrow.width, base: narrow.codes, count: narrow.count).affine(
            scale: UInt32(truncatingIfNeeded: narrow.multiplier), offset: UInt32(truncatingIfNeeded: offset),
            adding: false, into: offsets.values(as: UInt32.self))
          DensePartitions.mark(offsets.values(as: UInt32.self), count: narrow.count, in: words)
          start = end
        }
      }
    }
    let list = AlignedBuffer(byteCount: entryCount * 4)
    let found = DenseSlots.listSet(words, count: entryCount, into: list.values(as: UInt32.self))
    guard found < entryCount / 2, found <= mostTranslated else { return nil }
    let entries = UnsafeBufferPointer(start: list.values(as: UInt32.self), count: found)
    let values = entries.map { Scalar.integer(part.lowest + Int64($0)) }
    let batch = Batch([Vector.of(part.column.type, values)], rowCount: found)
    guard let keys = try? part.expressions.map({ try $0.evaluate(batch, run.evaluation) }) else { return nil }
    let domain = KeyDomain(part.expressions.map { $0.type }, capacity: found + 1)
    let numbers = try domain.intern(keys, count: found)
    var null: UInt32 = 0
    if Int(part.nullNumber) < part.numberCount {
      let batch = Batch([Vector.nulls(part.column.type, count: 1)], rowCount: 1)
      guard let keys = try? part.expressions.map({ try $0.evaluate(batch, run.evaluation) }) else { return nil }
      null = try domain.intern(keys, count: 1)[0]
    }
    // Values between those that are there have no rows.
    let table = AlignedBuffer(byteCount: entryCount * 4, zeroed: true)
    for (entry, number) in zip(entries, numbers) { table.values(as: UInt32.self)[Int(entry)] = number }
    return KeyPart(
      field: part.field, positions: part.positions, expressions: part.expressions, column: part.column,
      lowest: part.lowest, highest: part.highest, mapping: .table(table, count: entryCount, unit: 1), domain: domain,
      numberCount: domain.count, nullNumber: null)
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
    let prefersCounts = try partitionShift == nil && !keysLieInRuns(shape.scan)
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
    let tableSlots = partitionShift.map { 1 << $0 } ?? slotCount
    for field in order {
      guard let zoneMap = zoneMaps[field], let (low, high) = ScanAggregatePlan.bounds(zoneMap) else { return false }
      var measure = DenseMeasureShape(
        slotCount: tableSlots, lowest: low, highest: high, rowBound: rowCount, needs: needs[field] ?? [],
        usedSlots: usedSlots, prefersCounts: prefersCounts)
      measure.isReused = partitionShift != nil
      let wantsValues = measure.needs.contains(.histogram) || measure.needs.contains(.distinct)
      guard measure.isNarrow || !wantsValues, let bytes = measure.byteCount, bytes <= 1 << 28 else { return false }
      byteCount += bytes
      measures.append(Measure(field: field, shape: measure, isNullable: zoneMap.nullCount > 0))
    }
    if countsRows {
      rowMeasure = measures.firstIndex {
        zoneMaps[$0.field]?.nullCount == 0
          && ($0.shape.needs.contains(.count) || $0.shape.needs.contains(.histogram))
      }
      if rowMeasure == nil {
        var counting = DenseMeasureShape(
          slotCount: tableSlots, lowest: 0, highest: 0, rowBound: rowCount, needs: .count, usedSlots: usedSlots,
          prefersCounts: false)
        counting.isReused = partitionShift != nil
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
    if partitionShift == nil {
      byteCount += slotCount * 9
      return true
    }
    return narrowPartitions()
  }

  /// Makes partitions so small that their tables fit the cache; false where that makes too many, or slots are too large.
  private mutating func narrowPartitions() -> Bool {
    guard var shift = partitionShift, byteCount <= (1 << shift) * ScanAggregatePlan.mostSlotBytes * 2 else {
      return false
    }
    func bytes() -> Int? {
      var total = 0
      for shape in measures.map({ $0.shape }) + (rowShape.map { [$0] } ?? []) {
        guard let bytes = shape.byteCount else { return nil }
        total += bytes
      }
      return total
    }
    while let total = bytes(), total > ScanAggregatePlan.partitionBytes, shift > 8 {
      shift -= 1
      for index in measures.indices { measures[index].shape.slotCount = 1 << shift }
      rowShape?.slotCount = 1 << shift
    }
    guard let total = bytes() else { return false }
    partitionShift = shift
    byteCount = total
    return partitionCount <= ScanAggregatePlan.mostPartitions
  }
}
