import Bytes
import Kernels
import Planning
import Segments
import Synchronization
import Vectors

/// Scans stored segments: prunes by zone maps, tests predicates on the encoded form, decodes only what survives.
final class SegmentScanOperator: Operator {
  private(set) var scan: TableScan
  let handles: [SegmentHandle]
  private let filter: CompiledPredicate?
  /// Outputs that the filter reads, and the others, which are decoded only for rows it keeps.
  private let filterOutputs: [Int]
  private let otherOutputs: [Int]
  /// The fields that the outputs are read from.
  private let fields: Set<Int>
  private(set) var morsels: [Morsel] = []
  /// Set before `prepare`: a morsel is a whole row group.
  var keepsRowGroups = false

  /// A row group of a segment.
  struct RowGroupPlace {
    let segment: Int
    let rowGroup: Int
  }

  /// Returns the row group that a morsel is, when they are kept whole.
  func rowGroup(ofMorsel morsel: Int) -> RowGroupPlace {
    precondition(keepsRowGroups, "morsels may be other than row groups")
    return RowGroupPlace(segment: morsels[morsel].segment, rowGroup: morsels[morsel].rowGroup ?? 0)
  }

  /// Lists of fields that the rows are known to ascend by.
  private var verified: [[Int]] = []

  /// Some rows of a segment: all of it when `rowGroup` is nil (it is opened by the worker), else rows of one row group.
  struct Morsel {
    let segment: Int
    let rowGroup: Int?
    let rows: Range<Int>
    /// Whether it is the first of its segment.
    let opensSegment: Bool
  }

  /// Segments up to this many rows are one morsel when there are many of them.
  private static let smallSegmentRows = 1 << 18
  private static let smallestMorsel = 4 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, scan: TableScan, segments: [SegmentHandle]) throws {
    self.scan = scan
    handles = segments
    filter = try scan.filter.map { try CompiledPredicate($0, input: node.output) }
    let read = Set(filter?.columnPositions ?? [])
    filterOutputs = node.output.indices.filter { read.contains($0) }
    otherOutputs = node.output.indices.filter { !read.contains($0) }
    fields = Set(scan.sources.compactMap { if case .field(let field) = $0 { field } else { nil } })
    super.init(node, run)
  }

  override func prepare() throws {
    for filter in scan.runtimeFilters where run.context.prunes {
      scan.predicates += run.runtimeFilter(filter.number).map { FieldPredicate(field: filter.field, $0) }
    }
    var survivors: [Int] = []
    for (index, handle) in handles.enumerated() where handle.rowCount > 0 {
      if !scan.predicates.isEmpty, run.context.prunes, prune(try handle.zoneMaps()) {
        metrics.skippedSegmentCounter.add(1, ordering: .relaxed)
        metrics.skippedByteCounter.add(handle.byteCount, ordering: .relaxed)
      } else {
        survivors.append(index)
      }
    }
    let wanted = run.threadCount * 4
    for index in survivors {
      let handle = handles[index]
      if !keepsRowGroups, handle.rowCount <= SegmentScanOperator.smallSegmentRows,
        survivors.count >= wanted || run.threadCount == 1
      {
        morsels.append(Morsel(segment: index, rowGroup: nil, rows: 0..<handle.rowCount, opensSegment: true))
        continue
      }
      let reader = try handle.open()
      var opensSegment = true
      for rowGroup in 0..<reader.rowGroupCount {
        let rows = 0..<reader.rowCount(rowGroup: rowGroup)
        if run.context.prunes, prune(reader, rowGroup) {
          countSkipped(reader, rowGroup, rows)
        } else {
          morsels.append(Morsel(segment: index, rowGroup: rowGroup, rows: rows, opensSegment: opensSegment))
          opensSegment = false
        }
      }
    }
    if !keepsRowGroups, run.threadCount > 1, morsels.count < wanted { split(wanted) }
  }

  /// Returns true when the zone maps say that no row can pass.
  private func prune(_ zoneMaps: [ZoneMap]) -> Bool {
    scan.predicates.contains { predicate in
      predicate.field < zoneMaps.count && zoneMaps[predicate.field].prune(predicate.predicate) == .none
    }
  }

  /// The same of a row group's zone maps.
  private func prune(_ segment: SegmentReader, _ rowGroup: Int) -> Bool {
    scan.predicates.contains { predicate in
      segment.zoneMap(column: predicate.field, rowGroup: rowGroup).prune(predicate.predicate) == .none
    }
  }

  /// Cuts row groups so that there are about `wanted` morsels.
  private func split(_ wanted: Int) {
    let total = morsels.reduce(0) { $0 + $1.rows.count }
    let vectors = max(1, total / wanted / Batch.vectorSize)
    let size = max(vectors * Batch.vectorSize, SegmentScanOperator.smallestMorsel)
    morsels = morsels.flatMap { morsel -> [Morsel] in
      guard morsel.rowGroup != nil else { return [morsel] }
      return stride(from: 0, to: morsel.rows.count, by: size).map { start in
        Morsel(
          segment: morsel.segment, rowGroup: morsel.rowGroup, rows: start..<min(start + size, morsel.rows.count),
          opensSegment: morsel.opensSegment && start == 0)
      }
    }
  }

  override func morselCount(phase: Int) throws -> Int? { phase == 0 ? morsels.count : nil }

  override var mostRows: Int? { morsels.reduce(0) { $0 + $1.rows.count } }

  override var isReplayable: Bool { true }

  override var outlivesRuns: Bool { true }

  override func isOrdered(by wanted: [Column]) throws -> Bool {
    var fields: [Int] = []
    for column in wanted {
      guard let output = columns.firstIndex(of: column), case .field(let field) = scan.sources[output] else {
        return false
      }
      fields.append(field)
    }
    if verified.contains(where: { $0.starts(with: fields) }) { return true }
    guard try verifyOrder(by: fields) else { return false }
    verified.append(fields)
    return true
  }

  override func isNearlyOrdered(by column: Column) throws -> Bool {
    guard let output = columns.firstIndex(of: column), case .field(let field) = scan.sources[output] else {
      return false
    }
    return try boundsHardlyOverlap(field: field)
  }

  /// From the zone maps of all segments.
  override func bounds(of column: Column) throws -> ClosedRange<Int64>? {
    guard let output = columns.firstIndex(of: column), case .field(let field) = scan.sources[output] else { return nil }
    var bounds: ClosedRange<Int64>?
    for handle in handles where handle.rowCount > 0 {
      let zoneMaps = try handle.zoneMaps()
      guard field < zoneMaps.count else { return nil }
      let zone = zoneMaps[field]
      if zone.nullCount == handle.rowCount { continue }
      guard case .integer(let low) = zone.minimum, case .integer(let high) = zone.maximum, low <= high else {
        return nil
      }
      bounds = min(low, bounds?.lowerBound ?? low)...max(high, bounds?.upperBound ?? high)
    }
    return bounds
  }

  override func bounds(of column: Column, morsel: Int) throws -> ClosedRange<Int64>? {
    guard let output = columns.firstIndex(of: column), case .field(let field) = scan.sources[output] else { return nil }
    let morsel = morsels[morsel]
    let zone: ZoneMap
    if let rowGroup = morsel.rowGroup {
      zone = try handles[morsel.segment].open().zoneMap(column: field, rowGroup: rowGroup)
    } else {
      let zoneMaps = try handles[morsel.segment].zoneMaps()
      guard field < zoneMaps.count else { return nil }
      zone = zoneMaps[field]
    }
    let dropsNulls = scan.predicates.contains { $0.field == field && $0.predicate != .isNull }
    guard zone.nullCount == 0 || dropsNulls, case .integer(let low) = zone.minimum,
      case .integer(let high) = zone.maximum, low <= high
    else { return nil }
    return low...high
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  private final class Worker: OperatorWorker {
    let operation: SegmentScanOperator
    var reader: RowGroupReader?
    /// Bits of a window's rows: all predicates so far, and one predicate.
    let bitmap = AlignedBuffer(byteCount: Batch.vectorSize / 8)
    let next = AlignedBuffer(byteCount: Batch.vectorSize / 8)
    var selected: [UInt32] = []
    /// What this worker's rows must pass beside the scan's own predicates.
    var restriction: FieldPredicate?
    /// Where whole vectors of the outputs are put; none where they are not.
    private var arenas: [ColumnArena] = []

    init(_ operation: SegmentScanOperator) { self.operation = operation }

    override func place(in arena: RowArena) {
      // What a filter reads is gathered again.
      if operation.filter == nil { arenas = operation.columns.map { arena.column($0.id) } }
    }

    override func restrict(_ column: Column, to range: ClosedRange<Int64>) -> Bool {
      guard let output = operation.columns.firstIndex(of: column),
        case .field(let field) = operation.scan.sources[output]
      else { return false }
      restriction = FieldPredicate(
        field: field, .between(.integer(range.lowerBound), .integer(range.upperBound)))
      return true
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let morsel = operation.morsels[morsel]
      let segment = try operation.handles[morsel.segment].open()
      operation.metrics.segmentCounter.add(morsel.opensSegment ? 1 : 0, ordering: .relaxed)
      if let rowGroup = morsel.rowGroup {
        try scan(segment, morsel.segment, rowGroup, morsel.rows, emit)
      } else {
        for rowGroup in 0..<segment.rowGroupCount {
          try operation.run.checkpoint()
          try scan(segment, morsel.segment, rowGroup, 0..<segment.rowCount(rowGroup: rowGroup), emit)
        }
      }
    }

    /// Of a whole row group, as long as no filter needs several columns at once.
    override func columns(phase: Int, morsel: Int) throws -> (any MorselColumns)? {
      let morsel = operation.morsels[morsel]
      if operation.filter != nil { return nil }
      var fields: [Int] = []
      for source in operation.scan.sources {
        guard case .field(let field) = source else { return nil }
        fields.append(field)
      }
      let segment = try operation.handles[morsel.segment].open()
      guard let rowGroup = morsel.rowGroup ?? (segment.rowGroupCount == 1 ? 0 : nil),
        morsel.rows == 0..<segment.rowCount(rowGroup: rowGroup)
      else { return nil }
      operation.metrics.segmentCounter.add(morsel.opensSegment ? 1 : 0, ordering: .relaxed)
      let reader = self.reader ?? RowGroupReader(segment, rowGroup: rowGroup)
      reader.move(to: segment, rowGroup: rowGroup)
      self.reader = reader
      let tests = operation.remainingTests(reader, segment, rowGroup, morsel.rows, restriction)
      return RowGroupColumns(
        reader, fields: fields, types: operation.types, run: operation.run,
        failed: try tests.map { try failed($0, reader) })
    }

    /// Returns the rows of the row group that do not pass all tests, ascending.
    private func failed(_ tests: [FieldPredicate], _ reader: RowGroupReader) throws -> [UInt32] {
      var failed: [UInt32] = []
      if tests.isEmpty { return failed }
      for start in stride(from: 0, to: reader.rowCount, by: Batch.vectorSize) {
        let count = min(Batch.vectorSize, reader.rowCount - start)
        if try test(tests, reader, start..<start + count) == count { continue }
        let bits = bitmap.values(as: UInt64.self)
        for word in 0..<ValidityMask.wordCount(count) {
          var rest = ~bits[word]
          if word == count >> 6 { rest &= (1 << UInt64(count & 63)) &- 1 }
          while rest != 0 {
            failed.append(UInt32(truncatingIfNeeded: start + word << 6 + rest.trailingZeroBitCount))
            rest &= rest &- 1
          }
        }
      }
      return failed
    }

    private func scan(
      _ segment: SegmentReader, _ position: Int, _ rowGroup: Int, _ rows: Range<Int>, _ emit: Emit
    ) throws {
      let reader = self.reader ?? RowGroupReader(segment, rowGroup: rowGroup)
      reader.move(to: segment, rowGroup: rowGroup)
      self.reader = reader
      let firstRow = (0..<rowGroup).reduce(0) { $0 + segment.rowCount(rowGroup: $1) }
      guard var tests = operation.remainingTests(reader, segment, rowGroup, rows, restriction) else { return }
      var target = Target(reader: reader, segment: position, firstRow: firstRow)
      selected.removeAll(keepingCapacity: true)
      if let ranges = try passingRanges(&tests, reader, rows) {
        target.smallestRange = Batch.vectorSize / 8
        target.wantsFew = ranges.reduce(0) { $0 + $1.count } <= reader.rowCount / 16
        for range in ranges { try scan(target, range, tests, emit) }
      } else {
        try scan(target, rows, tests, emit)
      }
      try flush(target, keeping: 0, emit)
    }

    /// Returns the rows that pass one of the tests, and takes it from them, if its column lies in long runs.
    private func passingRanges(
      _ tests: inout [FieldPredicate], _ reader: RowGroupReader, _ rows: Range<Int>
    ) throws -> [Range<Int>]? {
      for (index, test) in tests.enumerated() {
        guard let ranges = try reader.passingRanges(column: test.field, test.predicate) else { continue }
        tests.remove(at: index)
        return ranges.compactMap { range in
          let range = range.clamped(to: rows)
          return range.isEmpty ? nil : range
        }
      }
      return nil
    }

    private func scan(_ target: Target, _ rows: Range<Int>, _ tests: [FieldPredicate], _ emit: Emit) throws {
      var start = rows.lowerBound
      while start < rows.upperBound {
        // Up to where a window of the whole row group ends: vectors are decoded whole.
        let end = min((start / Batch.vectorSize + 1) * Batch.vectorSize, rows.upperBound)
        try operation.run.checkpoint()
        let kept = tests.isEmpty ? end - start : try test(tests, target.reader, start..<end)
        if kept == end - start, kept >= target.smallestRange {
          try flush(target, keeping: 0, emit)
          try emitRows(target, target.wantsFew ? .selection(SelectionVector(start..<end)) : .range(start..<end), emit)
        } else if kept > 0 {
          if tests.isEmpty {
            selected.append(contentsOf: UInt32(start)..<UInt32(end))
          } else {
            appendSelected(start, kept)
          }
          try flush(target, keeping: Batch.vectorSize - 1, emit)
        }
        start = end
      }
    }

    /// Leaves the rows that pass all tests in `bitmap` and returns how many they are.
    private func test(_ tests: [FieldPredicate], _ reader: RowGroupReader, _ rows: Range<Int>) throws -> Int {
      let bits = bitmap.values(as: UInt64.self)
      let more = next.values(as: UInt64.self)
      let words = ValidityMask.wordCount(rows.count)
      var kept = try reader.filter(column: tests[0].field, tests[0].predicate, rows: rows, into: bits)
      for predicate in tests.dropFirst() where kept > 0 {
        _ = try reader.filter(column: predicate.field, predicate.predicate, rows: rows, into: more)
        kept = 0
        for word in 0..<words {
          bits[word] &= more[word]
          kept += bits[word].nonzeroBitCount
        }
      }
      return kept
    }

    /// Takes the `kept` rows of `bitmap`, whose first is row `start`.
    private func appendSelected(_ start: Int, _ kept: Int) {
      let bits = bitmap.values(as: UInt64.self)
      let place = selected.count
      selected.append(contentsOf: repeatElement(0, count: kept))
      selected.withUnsafeMutableBufferPointer { selected in
        var next = place
        var word = 0
        while next < selected.count {
          var rest = bits[word]
          let base = start &+ word &* 64
          while rest != 0 {
            selected[next] = UInt32(truncatingIfNeeded: base &+ rest.trailingZeroBitCount)
            next &+= 1
            rest &= rest &- 1
          }
          word &+= 1
        }
      }
    }

    /// Emits selected rows in batches until no more than `keeping` are left.
    private func flush(_ target: Target, keeping: Int, _ emit: Emit) throws {
      while selected.count > keeping {
        let count = min(selected.count, Batch.vectorSize)
        try emitRows(target, .selection(SelectionVector(Array(selected[0..<count]))), emit)
        selected.removeFirst(count)
      }
    }

    private struct Target {
      let reader: RowGroupReader
      let segment: Int
      let firstRow: Int
      /// Fewer rows than these wait for others.
      var smallestRange = 1
      /// Whether so few rows of the row group are wanted that columns had better not be decoded whole.
      var wantsFew = false
    }

    private enum Chosen {
      case range(Range<Int>)
      case selection(SelectionVector)

      var count: Int {
        switch self {
        case .range(let rows): rows.count
        case .selection(let selection): selection.count
        }
      }
    }

    private func emitRows(_ target: Target, _ rows: Chosen, _ emit: Emit) throws {
      var columns = [Vector?](repeating: nil, count: operation.columns.count)
      var rows = rows
      if let filter = operation.filter {
        for output in operation.filterOutputs { columns[output] = try read(target, output, rows) }
        let count = rows.count
        // Outputs that the filter does not read stand in for themselves as nothing.
        let known = columns.enumerated().map { index, column in
          column ?? Vector.nulls(operation.columns[index].type, count: count)
        }
        if let kept = try filter.select(Batch(known, rowCount: count), operation.run.evaluation) {
          if kept.count == 0 { return }
          for output in operation.filterOutputs {
            if let column = columns[output] { columns[output] = Gather.rows(column, kept) }
          }
          switch rows {
          case .range(let range):
            rows = .selection(SelectionVector(kept.indices.map { $0 &+ UInt32(truncatingIfNeeded: range.lowerBound) }))
          case .selection(let selection):
            rows = .selection(SelectionVector(kept.indices.map { selection.indices[Int($0)] }))
          }
        }
      }
      for output in operation.otherOutputs { columns[output] = try read(target, output, rows) }
      try emit(Batch(columns.compactMap { $0 }, rowCount: rows.count))
    }

    private func read(_ target: Target, _ output: Int, _ rows: Chosen) throws -> Vector {
      switch operation.scan.sources[output] {
      case .field(let field):
        let vector =
          switch rows {
          case .range(let range):
            try target.reader.read(column: field, rows: range, into: arenas.isEmpty ? nil : arenas[output])
          case .selection(let selection): try target.reader.read(column: field, selection: selection)
          }
        return vector.retyped(as: operation.columns[output].type)
      case .rowIdentifier:
        switch rows {
        case .range(let range):
          return .rowIdentifiers(
            segment: target.segment, rows: range.lazy.map { $0 + target.firstRow }, count: range.count)
        case .selection(let selection):
          return .rowIdentifiers(
            segment: target.segment, rows: selection.indices.lazy.map { Int($0) + target.firstRow },
            count: selection.count)
        }
      }
    }
  }
}

extension SegmentScanOperator {
  /// Returns the predicates that the row group's zone maps leave open, and counts what is read or skipped; nil when no
  /// row can pass.
  func remainingTests(
    _ reader: RowGroupReader, _ segment: SegmentReader, _ rowGroup: Int, _ rows: Range<Int>,
    _ restriction: FieldPredicate? = nil
  ) -> [FieldPredicate]? {
    var tests: [FieldPredicate] = []
    let predicates = scan.predicates + (restriction.map { [$0] } ?? [])
    guard run.context.prunes else {
      countRead(segment, rowGroup, rows, predicates)
      return predicates
    }
    for predicate in predicates {
      switch reader.prune(column: predicate.field, predicate.predicate) {
      case .none:
        countSkipped(segment, rowGroup, rows)
        return nil
      case .some: tests.append(predicate)
      case .all: break
      }
    }
    countRead(segment, rowGroup, rows, tests)
    return tests
  }

  private func countRead(_ segment: SegmentReader, _ rowGroup: Int, _ rows: Range<Int>, _ tests: [FieldPredicate]) {
    guard rows.lowerBound == 0 else { return }
    metrics.rowGroupCounter.add(1, ordering: .relaxed)
    let bytes = fields.union(tests.map { $0.field }).reduce(0) {
      $0 + segment.byteCount(column: $1, rowGroup: rowGroup)
    }
    metrics.byteCounter.add(bytes, ordering: .relaxed)
  }

  private func countSkipped(_ segment: SegmentReader, _ rowGroup: Int, _ rows: Range<Int>) {
    guard rows.lowerBound == 0 else { return }
    metrics.skippedRowGroupCounter.add(1, ordering: .relaxed)
    let bytes = fields.reduce(0) { $0 + segment.byteCount(column: $1, rowGroup: rowGroup) }
    metrics.skippedByteCounter.add(bytes, ordering: .relaxed)
  }
}
