import Bytes
import Encodings
import Kernels
import Planning
import Segments
import Vectors

extension ScanAggregateWorker {
  /// Runs shorter than this on average are taken row by row.
  private static let shortestRun = 6

  /// Takes rows run by run, where all keys and tested columns of the row group lie in runs; returns false where not.
  func takeRuns(_ reader: RowGroupReader, _ rows: Range<Int>, _ tests: [FieldPredicate], _ position: UInt64)
    throws -> Bool
  {
    for measure in plan.measures where reader.zoneMap(column: measure.field).nullCount > 0 { return false }
    var runCount = 1
    var keyRuns: [RunColumn] = []
    for part in plan.parts {
      guard let column = try reader.runs(column: part.field) else { return false }
      runCount += column.count
      keyRuns.append(column)
    }
    guard runCount * ScanAggregateWorker.shortestRun <= reader.rowCount else { return false }
    var testRuns: [RunColumn] = []
    for test in tests where !plan.parts.contains(where: { $0.field == test.field }) {
      guard let column = try reader.runs(column: test.field) else { return false }
      runCount += column.count
      testRuns.append(column)
    }
    guard runCount * ScanAggregateWorker.shortestRun <= reader.rowCount else { return false }
    runs.reset(to: rows.count)
    let trash = UInt32(plan.slotCount)
    for (index, column) in keyRuns.enumerated() {
      let contributions = try contributions(plan.parts[index], index, column)
      lay(column, contributions, rows)
      if dropping[index] { runs.clamp(to: trash) }
    }
    for column in testRuns { lay(column, AlignedBuffer(byteCount: column.count * 4, zeroed: true), rows) }
    if dropping.contains(true) { runs.clamp(to: trash) }
    if tests.isEmpty {
      keptRows += rows.count
    } else {
      let kept = try test(tests, reader, rows)
      keptRows += kept
      if kept == 0 { return true }
      runs.drop(unset: bitmap.values(as: UInt64.self), to: trash)
    }
    noteFirsts(position)
    let window = Window(reader: reader, rows: rows, selection: nil)
    try runs.ends.withUnsafeBufferPointer { ends in
      try runs.slots.withUnsafeBufferPointer { slots in
        guard let ends = ends.baseAddress, let slots = slots.baseAddress else { return }
        for index in measures.indices { try addRuns(index, window, slots, ends) }
        self.rows?.update(runs: slots, ends: ends, start: 0, count: runs.count)
      }
    }
    return true
  }

  /// Lays a column's runs over those there are.
  private func lay(_ column: RunColumn, _ contributions: AlignedBuffer, _ rows: Range<Int>) {
    var first = 0
    if rows.lowerBound > 0 {
      var (low, high) = (0, column.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if Int(column.ends[middle]) > rows.lowerBound { high = middle } else { low = middle + 1 }
      }
      first = low
    }
    let values = UnsafePointer(contributions.values(as: UInt32.self))
    if runs.count == 1 && runs.slots[0] == 0 {
      runs.reset(from: rows.lowerBound, to: rows.upperBound, column.ends, values, first: first)
      return
    }
    columnRuns.reset(from: rows.lowerBound, to: rows.upperBound, column.ends, values, first: first)
    mergedRuns.merge(runs, columnRuns)
    swap(&runs, &mergedRuns)
  }

  private func contributions(_ part: KeyPart, _ index: Int, _ column: RunColumn) throws -> AlignedBuffer {
    let output = AlignedBuffer(byteCount: column.count * 4)
    let entries = output.values(as: UInt32.self)
    let values = column.values
    if values.form == .dictionary, let dictionary = values.dictionary {
      let table = try table(index, dictionary) { try part.contributions(of: dictionary, run.evaluation) }
      let codes = values.codes
      for run in 0..<column.count { entries[run] = table.values(as: UInt32.self)[Int(codes[run])] }
      return output
    }
    if values.validity != nil {
      // Only a block of nothing but NULLs has runs with NULLs in them.
      let null = try part.nullContribution()
      for run in 0..<column.count { entries[run] = null }
      return output
    }
    switch values.type.physical {
    case .boolean: try part.contributions(of: values.values(as: UInt8.self), column.count, into: entries)
    case .int16: try part.contributions(of: values.values(as: Int16.self), column.count, into: entries)
    case .int32: try part.contributions(of: values.values(as: Int32.self), column.count, into: entries)
    case .int64: try part.contributions(of: values.values(as: Int64.self), column.count, into: entries)
    default: throw UnsuitedBlock()
    }
    return output
  }

  private func noteFirsts(_ position: UInt64) {
    if seenCount == plan.slotCount { return }
    let seen = self.seen.values(as: UInt8.self)
    let firsts = self.firsts.values(as: UInt64.self)
    let isNew = runs.slots.withUnsafeBufferPointer { slots -> Bool in
      guard let base = slots.baseAddress else { return false }
      return !DenseSlots.areAllSeen(base, count: slots.count, seen)
    }
    if !isNew { return }
    var start = 0
    for run in 0..<runs.count {
      let slot = Int(runs.slots[run])
      if seen[slot] == 0 {
        seen[slot] = 1
        firsts[slot] = position + UInt64(start)
        seenCount += 1
      }
      start = Int(runs.ends[run])
    }
  }

  private func addRuns(
    _ index: Int, _ window: Window, _ slots: UnsafePointer<UInt32>, _ ends: UnsafePointer<UInt32>
  ) throws {
    let measure = measures[index]
    let shape = measure.shape
    let field = plan.measures[index].field
    let count = runs.count
    if shape.needs == .distinct, try markRuns(measure, field, window) { return }
    guard let narrow = try narrow(field, window) else { return }
    if let dictionary = narrow.dictionary {
      // Offsets of dictionary entries are no linear function of their codes.
      let table = try table(plan.parts.count + index, dictionary) { try offsetTable(dictionary, shape, field) }
      let codes = codes(narrow, window)
      let memory = AlignedBuffer(byteCount: window.rows.count * 8)
      let entryCount = dictionary.count
      if shape.isNarrow {
        codes.lookUp(
          UnsafeBufferPointer(start: table.values(as: UInt32.self), count: entryCount), adding: false,
          into: memory.values(as: UInt32.self))
      } else {
        codes.lookUp(
          UnsafeBufferPointer(start: table.values(as: UInt64.self), count: entryCount),
          into: memory.values(as: UInt64.self))
      }
      let values = DenseCodes(
        width: shape.isNarrow ? 4 : 8, base: UnsafeRawPointer(memory.base), count: window.rows.count)
      measure.update(runs: slots, ends: ends, start: 0, count: count, values, scale: 1, offset: 0)
      return
    }
    let offset = try narrow.offset(above: shape.lowest, upTo: highest(shape), field)
    measure.update(
      runs: slots, ends: ends, start: 0, count: count, codes(narrow, window),
      scale: UInt64(bitPattern: narrow.multiplier), offset: offset)
  }

  private func subtract<T: FixedWidthInteger>(
    _ values: UnsafePointer<T>, _ count: Int, _ range: ClosedRange<Int64>, _ field: Int,
    into output: UnsafeMutablePointer<UInt32>
  ) throws {
    var isOutside = false
    for run in 0..<count {
      let value = Int64(values[run])
      isOutside = isOutside || value < range.lowerBound || value > range.upperBound
      output[run] = UInt32(truncatingIfNeeded: value &- range.lowerBound)
    }
    if isOutside { throw KeyPart.outside(field) }
  }

  /// Marks the values of a column that lies in runs itself: once for each run, not for each row.
  private func markRuns(_ measure: DenseMeasure, _ field: Int, _ window: Window) throws -> Bool {
    guard let column = try window.reader.runs(column: field), column.values.form == .flat else { return false }
    let shape = measure.shape
    let zeros = AlignedBuffer(byteCount: max(column.count, runs.count) * 4, zeroed: true)
    let values = AlignedBuffer(byteCount: column.count * 4)
    let offsets = values.values(as: UInt32.self)
    let range = shape.lowest...highest(shape)
    switch column.values.type.physical {
    case .int16: try subtract(column.values.values(as: Int16.self), column.count, range, field, into: offsets)
    case .int32: try subtract(column.values.values(as: Int32.self), column.count, range, field, into: offsets)
    case .int64: try subtract(column.values.values(as: Int64.self), column.count, range, field, into: offsets)
    default: return false
    }
    let keys = runs
    defer { runs = keys }
    lay(column, zeros, window.rows)
    let slots = runs.slots
    var plain = DenseRuns()
    plain.reset(from: 0, to: window.rows.count, keys.ends, UnsafePointer(zeros.values(as: UInt32.self)), first: 0)
    runs = plain
    lay(column, values, window.rows)
    slots.withUnsafeBufferPointer { slots in
      runs.slots.withUnsafeBufferPointer { offsets in
        if let slots = slots.baseAddress, let offsets = offsets.baseAddress {
          measure.mark(runs: slots, offsets: offsets, count: runs.count)
        }
      }
    }
    return true
  }
}
