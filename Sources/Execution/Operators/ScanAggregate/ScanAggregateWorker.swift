import Bytes
import Encodings
import Kernels
import Planning
import Segments
import Vectors

/// One thread's tables of a scan aggregation, and the loops that fill them from row groups.
final class ScanAggregateWorker {
  private let scan: SegmentScanOperator
  let plan: ScanAggregatePlan
  let run: QueryRun
  /// For each part whether it may take rows out of all groups.
  let dropping: [Bool]
  let measures: [DenseMeasure]
  let rows: DenseMeasure?
  /// Where slots are taken by partitions: the rows so far. There are no measures yet then.
  let partitioned: CodeRows?
  /// One byte a slot: 1 once it has had a row. The slot past the last is always 1.
  let seen: AlignedBuffer
  /// Where each seen slot's first row is: morsel << 32 | row.
  let firsts: AlignedBuffer
  var seenCount = 0
  /// Rows that passed the filter.
  var keptRows = 0

  private var reader: RowGroupReader?
  let bitmap = AlignedBuffer(byteCount: wholeRows / 8 + 8)
  private let nextBitmap = AlignedBuffer(byteCount: wholeRows / 8 + 8)
  private let slots = AlignedBuffer(byteCount: chunkRows * 4)
  private let nullSlots = AlignedBuffer(byteCount: chunkRows * 4)
  private let offsets = AlignedBuffer(byteCount: chunkRows * 8)
  private let picked = AlignedBuffer(byteCount: chunkRows * 8)
  private let selection = AlignedBuffer(byteCount: chunkRows * 4)
  private let absolute = AlignedBuffer(byteCount: chunkRows * 4)
  private var narrowScratch: [Int: AlignedBuffer] = [:]
  /// Tables made of dictionaries, by part or measure; the dictionary is kept so that it keeps its identity.
  private var tables: [Int: (dictionary: Vector, table: AlignedBuffer)] = [:]
  var runs = DenseRuns()
  var columnRuns = DenseRuns()
  var mergedRuns = DenseRuns()

  /// Rows that go through the loops together: their slots and values stay in the second cache.
  static let chunkRows = 1 << 14
  /// Rows of a row group at most that are taken by runs.
  private static let wholeRows = 1 << 17

  init(_ scan: SegmentScanOperator, _ plan: ScanAggregatePlan, _ run: QueryRun) {
    self.scan = scan
    self.plan = plan
    self.run = run
    dropping = plan.parts.map { $0.mayDrop }
    partitioned = plan.partitionShift.map { CodeRows(plan, shift: $0, run.reservation(for: "GROUP BY")) }
    let isWhole = plan.partitionShift == nil
    measures = isWhole ? plan.measures.map { DenseMeasure($0.shape) } : []
    rows = isWhole ? plan.rowShape.map { DenseMeasure($0) } : nil
    let slotCount = isWhole ? plan.slotCount : 0
    seen = AlignedBuffer(byteCount: slotCount + 1, zeroed: true)
    seen.values(as: UInt8.self)[slotCount] = 1
    firsts = AlignedBuffer(byteCount: slotCount * 8)
  }

  /// Takes some rows of a row group. `ordinal` and `firstRow` place them in the order of all rows.
  func take(_ segment: SegmentReader, rowGroup: Int, rows: Range<Int>, ordinal: Int, firstRow: Int) throws {
    let reader = self.reader ?? RowGroupReader(segment, rowGroup: rowGroup)
    reader.move(to: segment, rowGroup: rowGroup)
    self.reader = reader
    guard let tests = scan.remainingTests(reader, segment, rowGroup, rows) else { return }
    if plan.countsOnly { return try count(reader, rows, tests) }
    var position = UInt64(ordinal) << 32 | UInt64(firstRow)
    var start = rows.lowerBound
    while start < rows.upperBound {
      try run.checkpoint()
      let whole = start..<min(start + ScanAggregateWorker.wholeRows, rows.upperBound)
      if try partitioned != nil || !takeRuns(reader, whole, tests, position) {
        var chunk = whole.lowerBound
        while chunk < whole.upperBound {
          let end = min(chunk + ScanAggregateWorker.chunkRows, whole.upperBound)
          try takeRows(reader, chunk..<end, tests, position + UInt64(chunk - start))
          chunk = end
        }
      }
      position += UInt64(whole.count)
      start = whole.upperBound
    }
  }

  /// Takes over the groups of another worker that came earlier there.
  func mergeFirsts(_ other: ScanAggregateWorker) {
    let (seen, theirSeen) = (self.seen.values(as: UInt8.self), other.seen.values(as: UInt8.self))
    let (firsts, theirFirsts) = (self.firsts.values(as: UInt64.self), other.firsts.values(as: UInt64.self))
    for slot in 0..<plan.slotCount where theirSeen[slot] == 1 {
      if seen[slot] == 0 || theirFirsts[slot] < firsts[slot] { firsts[slot] = theirFirsts[slot] }
      seen[slot] = 1
    }
  }

  // MARK: Filter

  /// Leaves the bits of rows that pass all tests in `bitmap` and returns how many do.
  func test(_ tests: [FieldPredicate], _ reader: RowGroupReader, _ rows: Range<Int>) throws -> Int {
    let bits = bitmap.values(as: UInt64.self)
    let more = nextBitmap.values(as: UInt64.self)
    var kept = try reader.filter(column: tests[0].field, tests[0].predicate, rows: rows, into: bits)
    for predicate in tests.dropFirst() where kept > 0 {
      _ = try reader.filter(column: predicate.field, predicate.predicate, rows: rows, into: more)
      kept = 0
      for word in 0..<ValidityMask.wordCount(rows.count) {
        bits[word] &= more[word]
        kept += bits[word].nonzeroBitCount
      }
    }
    return kept
  }

  /// Counts the rows that pass: nothing else is asked.
  private func count(_ reader: RowGroupReader, _ rows: Range<Int>, _ tests: [FieldPredicate]) throws {
    var start = rows.lowerBound
    var total = 0
    while start < rows.upperBound {
      try run.checkpoint()
      let part = start..<min(start + ScanAggregateWorker.wholeRows, rows.upperBound)
      total += tests.isEmpty ? part.count : try test(tests, reader, part)
      start = part.upperBound
    }
    keptRows += total
    self.rows?.add(total, to: 0)
  }

  // MARK: Rows

  /// Rows that a chunk works on: a range of the row group, and which of them, if not all.
  struct Window {
    let reader: RowGroupReader
    let rows: Range<Int>
    /// Rows counted from the range's first; nil for all.
    let selection: UnsafeBufferPointer<UInt32>?

    var count: Int { selection?.count ?? rows.count }
  }

  private func takeRows(_ reader: RowGroupReader, _ rows: Range<Int>, _ tests: [FieldPredicate], _ position: UInt64)
    throws
  {
    var window = Window(reader: reader, rows: rows, selection: nil)
    var mask: UnsafePointer<UInt64>?
    if !tests.isEmpty {
      let kept = try test(tests, reader, rows)
      if kept == 0 { return }
      keptRows += kept
      if kept < rows.count {
        if plan.parts.isEmpty || kept * 3 < rows.count * 2 {
          window = select(reader, rows, kept)
        } else {
          mask = UnsafePointer(bitmap.values(as: UInt64.self))
        }
      }
    } else {
      keptRows += rows.count
    }
    let count = window.count
    let slots = self.slots.values(as: UInt32.self)
    var isFirst = true
    let trash = UInt32(plan.slotCount)
    for (index, part) in plan.parts.enumerated() {
      try addPart(part, index, window, adding: !isFirst, slots)
      if dropping[index] { DenseSlots.clamp(slots, count: count, to: trash) }
      isFirst = false
    }
    if isFirst {
      slots.update(repeating: 0, count: count)
    } else if dropping.contains(true) {
      DenseSlots.clamp(slots, count: count, to: trash)
    }
    if let mask { DenseSlots.overwriteUnset(slots, mask, count: count, with: trash) }
    if let partitioned { return try stage(partitioned, window, slots) }
    noteFirsts(slots, count, position + UInt64(window.rows.lowerBound - rows.lowerBound), window.selection)
    for index in measures.indices { try addMeasure(index, window, slots) }
    self.rows?.update(slots, count: count)
  }

  /// Lists the rows whose bits are set, within the vectors of the layout that hold any.
  private func select(_ reader: RowGroupReader, _ rows: Range<Int>, _ kept: Int) -> Window {
    let bits = bitmap.values(as: UInt64.self)
    let list = selection.values(as: UInt32.self)
    let found = DenseSlots.listSet(bits, count: rows.count, into: list)
    assert(found == kept)
    let first = Int(list[0]) & ~1023
    let end = Int(list[found - 1]) + 1
    if first > 0 { for index in 0..<found { list[index] &-= UInt32(truncatingIfNeeded: first) } }
    return Window(
      reader: reader, rows: (rows.lowerBound + first)..<(rows.lowerBound + end),
      selection: UnsafeBufferPointer(start: list, count: found))
  }

  private func noteFirsts(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ position: UInt64, _ selection: UnsafeBufferPointer<UInt32>?
  ) {
    if seenCount == plan.slotCount { return }
    let seen = self.seen.values(as: UInt8.self)
    if DenseSlots.areAllSeen(slots, count: count, seen) { return }
    let firsts = self.firsts.values(as: UInt64.self)
    for row in 0..<count where seen[Int(slots[row])] == 0 {
      seen[Int(slots[row])] = 1
      firsts[Int(slots[row])] = position + UInt64(selection?[row] ?? UInt32(truncatingIfNeeded: row))
      seenCount += 1
    }
  }

  /// Returns the codes of the window's rows; nil when every row is NULL. - Throws: `UnsuitedBlock`.
  func narrow(_ field: Int, _ window: Window) throws -> NarrowColumn? {
    let zoneMap = window.reader.zoneMap(column: field)
    if zoneMap.nullCount == zoneMap.rowCount { return nil }
    let scratch: AlignedBuffer
    if let known = narrowScratch[field], known.byteCount >= (window.rows.count + 1024) * 8 {
      scratch = known
    } else {
      scratch = AlignedBuffer(byteCount: (window.rows.count + 1024) * 8)
      narrowScratch[field] = scratch
    }
    guard let narrow = try window.reader.narrow(column: field, rows: window.rows, scratch: scratch) else {
      throw UnsuitedBlock()
    }
    return narrow
  }

  /// Returns the codes of the selected rows alone, where the column is costly to decode and few rows are wanted.
  private func narrowSelected(_ field: Int, _ window: Window) throws -> NarrowColumn? {
    guard let selection = window.selection, selection.count * 4 < window.rows.count else { return nil }
    let rows = absolute.values(as: UInt32.self)
    let first = UInt32(truncatingIfNeeded: window.rows.lowerBound)
    for index in 0..<selection.count { rows[index] = selection[index] &+ first }
    return try window.reader.narrow(
      column: field, selection: UnsafeBufferPointer(start: rows, count: selection.count), scratch: picked)
  }

  func codes(_ narrow: NarrowColumn, _ window: Window) -> DenseCodes {
    let all = DenseCodes(width: narrow.width, base: narrow.codes, count: narrow.count)
    guard let selection = window.selection else { return all }
    return all.pick(selection, into: picked.base)
  }

  /// Returns the validity of the window's rows; nil when none is NULL.
  private func validity(_ narrow: NarrowColumn, _ window: Window) -> ValidityMask? {
    guard let mask = narrow.validity else { return nil }
    guard let selection = window.selection else { return mask }
    let result = ValidityMask(count: selection.count, allValid: true)
    for (index, row) in selection.enumerated() where !mask.isValid(Int(row)) { result.set(index, valid: false) }
    return result
  }

  // MARK: Keys

  private func addPart(
    _ part: KeyPart, _ index: Int, _ window: Window, adding: Bool, _ slots: UnsafeMutablePointer<UInt32>
  ) throws {
    let count = window.count
    if let narrow = try narrowSelected(part.field, window) {
      let codes = DenseCodes(width: narrow.width, base: narrow.codes, count: narrow.count)
      return try addCodes(part, index, narrow, codes, adding: adding, slots)
    }
    guard let narrow = try narrow(part.field, window) else {
      let null = try part.nullContribution()
      for row in 0..<count { slots[row] = adding ? slots[row] &+ null : null }
      return
    }
    guard let mask = validity(narrow, window) else {
      return try addCodes(part, index, narrow, codes(narrow, window), adding: adding, slots)
    }
    let own = nullSlots.values(as: UInt32.self)
    try addCodes(part, index, narrow, codes(narrow, window), adding: false, own)
    DenseSlots.overwriteUnset(own, mask.words, count: count, with: try part.nullContribution())
    for row in 0..<count { slots[row] = adding ? slots[row] &+ own[row] : own[row] }
  }

  private func addCodes(
    _ part: KeyPart, _ index: Int, _ narrow: NarrowColumn, _ codes: DenseCodes, adding: Bool,
    _ slots: UnsafeMutablePointer<UInt32>
  ) throws {
    if let dictionary = narrow.dictionary {
      let table = try table(index, dictionary) { try part.contributions(of: dictionary, run.evaluation) }
      codes.lookUp(
        UnsafeBufferPointer(start: table.values(as: UInt32.self), count: dictionary.count), adding: adding,
        into: slots)
      return
    }
    let offset = try part.offset(of: narrow)
    let scale = UInt64(bitPattern: narrow.multiplier)
    switch part.mapping {
    case .dictionary: throw UnsuitedBlock()
    case .value:
      codes.affine(
        scale: UInt32(truncatingIfNeeded: scale) &* part.stride,
        offset: UInt32(truncatingIfNeeded: offset) &* part.stride, adding: adding, into: slots)
    case .table(let table, let entryCount, let unit):
      let entries = UnsafeBufferPointer(start: table.values(as: UInt32.self), count: entryCount)
      if unit == 1 && scale == 1 {
        codes.lookUp(UnsafeBufferPointer(rebasing: entries[Int(offset)...]), adding: adding, into: slots)
        return
      }
      let values = offsets.values(as: UInt64.self)
      codes.affine(scale: scale, offset: offset, into: values)
      if unit > 1 { DenseSlots.divide(values, count: codes.count, by: unit) }
      DenseCodes(width: 8, base: UnsafeRawPointer(values), count: codes.count)
        .lookUp(entries, adding: adding, into: slots)
    }
  }

  func table(_ index: Int, _ dictionary: Vector, _ make: () throws -> AlignedBuffer) rethrows -> AlignedBuffer {
    if let known = tables[index], known.dictionary === dictionary { return known.table }
    let made = try make()
    tables[index] = (dictionary, made)
    return made
  }

  // MARK: Values

  private func addMeasure(_ index: Int, _ window: Window, _ slots: UnsafePointer<UInt32>) throws {
    let measure = measures[index]
    guard let found = try values(index, window) else { return }
    var slots = slots
    if let mask = found.validity {
      let own = nullSlots.values(as: UInt32.self)
      own.update(from: slots, count: window.count)
      DenseSlots.overwriteUnset(own, mask.words, count: window.count, with: UInt32(plan.slotCount))
      slots = UnsafePointer(own)
    }
    if measure.shape.isNarrow {
      measure.update(slots, UnsafePointer(offsets.values(as: UInt32.self)), count: window.count)
    } else {
      measure.update(slots, UnsafePointer(offsets.values(as: UInt64.self)), count: window.count)
    }
  }

  /// Leaves rows with their values for the partitions.
  private func stage(_ target: CodeRows, _ window: Window, _ slots: UnsafePointer<UInt32>) throws {
    target.setSlots(slots, count: window.count)
    for (index, measure) in plan.measures.enumerated() {
      guard let found = try values(index, window) else {
        target.setValues(index, nil, count: window.count, nil)
        continue
      }
      if measure.shape.isNarrow {
        target.setValues(index, offsets.values(as: UInt32.self), count: window.count, found.validity)
      } else {
        target.setWideValues(index, offsets.values(as: UInt64.self), count: window.count, found.validity)
      }
    }
    try target.advance(by: window.count)
  }

  /// What is known of values that lie in `offsets`.
  private struct MeasuredValues {
    /// Nil when none is NULL; offsets of NULLs mean nothing.
    let validity: ValidityMask?
  }

  /// Leaves a measure's values in `offsets`, counted from its lowest: of 32 bits where it is narrow, else of 64. Returns
  /// nil when all are NULL.
  private func values(_ index: Int, _ window: Window) throws -> MeasuredValues? {
    let shape = plan.measures[index].shape
    let field = plan.measures[index].field
    guard let narrow = try narrow(field, window) else { return nil }
    let mask = validity(narrow, window)
    let codes = codes(narrow, window)
    if shape.isNarrow {
      let values = offsets.values(as: UInt32.self)
      if let dictionary = narrow.dictionary {
        let table = try table(plan.parts.count + index, dictionary) { try offsetTable(dictionary, shape, field) }
        codes.lookUp(
          UnsafeBufferPointer(start: table.values(as: UInt32.self), count: dictionary.count), adding: false,
          into: values)
      } else {
        let offset = try narrow.offset(above: shape.lowest, upTo: highest(shape), field)
        codes.affine(
          scale: UInt32(truncatingIfNeeded: narrow.multiplier), offset: UInt32(truncatingIfNeeded: offset),
          adding: false, into: values)
      }
    } else {
      let values = offsets.values(as: UInt64.self)
      if let dictionary = narrow.dictionary {
        let table = try table(plan.parts.count + index, dictionary) { try offsetTable(dictionary, shape, field) }
        codes.lookUp(
          UnsafeBufferPointer(start: table.values(as: UInt64.self), count: dictionary.count), into: values)
      } else {
        let offset = try narrow.offset(above: shape.lowest, upTo: highest(shape), field)
        codes.affine(scale: UInt64(bitPattern: narrow.multiplier), offset: offset, into: values)
      }
    }
    return MeasuredValues(validity: mask)
  }

  func highest(_ shape: DenseMeasureShape) -> Int64 { shape.lowest &+ Int64(bitPattern: shape.range) }

  /// Returns each entry's value as an offset of the measure.
  func offsetTable(_ dictionary: Vector, _ shape: DenseMeasureShape, _ field: Int) throws -> AlignedBuffer {
    let output = AlignedBuffer(byteCount: dictionary.count * 8)
    for index in 0..<dictionary.count {
      let value: Int64
      switch dictionary.scalar(at: index) {
      case .integer(let number): value = number
      case .boolean(let truth): value = truth ? 1 : 0
      default: throw UnsuitedBlock()
      }
      guard value >= shape.lowest, value <= highest(shape) else { throw KeyPart.outside(field) }
      let offset = UInt64(bitPattern: value &- shape.lowest)
      if shape.isNarrow {
        output.values(as: UInt32.self)[index] = UInt32(truncatingIfNeeded: offset)
      } else {
        output.values(as: UInt64.self)[index] = offset
      }
    }
    return output
  }
}
