import Bytes
import CKernels
import Vectors

/// How rows of some types lie in memory: fixed offsets, one byte of validity bits for each eight columns.
///
/// A row's values share one or two cache lines, so that taking a row from anywhere costs one miss and not one for each
/// column. Strings are the numbers that a `StringPool` gives them; integers of a known range take the bytes it needs.
package struct RowLayout: Sendable {
  package let types: [LogicalType]
  package let offsets: [Int]
  /// Bytes of each column in a row.
  package let widths: [Int]
  /// What a column's stored values count from: 0 unless it is narrowed.
  package let bases: [Int64]
  package let validityOffset: Int
  package let stride: Int

  /// `ranges`: bounds that all valid integers of a column keep, nil where none are known.
  package init(_ types: [LogicalType], ranges: [ClosedRange<Int64>?] = []) {
    precondition(ranges.isEmpty || ranges.count == types.count, "a range or nil for every column")
    self.types = types
    var widths = types.map { RowLayout.width($0) }
    var bases = [Int64](repeating: 0, count: types.count)
    for (column, range) in ranges.enumerated() {
      guard let range, [.int16, .int32, .int64].contains(types[column].physical) else { continue }
      let span = UInt64(bitPattern: range.upperBound &- range.lowerBound)
      let needed = span <= 0xFF ? 1 : (span <= 0xFFFF ? 2 : (span <= 0xFFFF_FFFF ? 4 : 8))
      if needed < widths[column] { (widths[column], bases[column]) = (needed, range.lowerBound) }
    }
    self.widths = widths
    self.bases = bases
    var offsets = [Int](repeating: 0, count: types.count)
    var next = 0
    // Widest first: everything is aligned as well as the row itself is.
    for column in types.indices.sorted(by: { widths[$0] > widths[$1] }) {
      offsets[column] = next
      next += widths[column]
    }
    self.offsets = offsets
    validityOffset = next
    stride = max(4, (next + (types.count + 7) / 8 + 3) & ~3)
  }

  static func width(_ type: LogicalType) -> Int { type.physical == .string ? 4 : type.physical.stride }
}

/// Rows in the order they came in, at most `RowStore.chunkRows`.
package final class RowChunk: @unchecked Sendable {
  // @unchecked: written by the one worker that fills it, read-only once its store is made.
  let buffer: AlignedBuffer
  let capacity: Int
  package fileprivate(set) var rowCount = 0

  init(capacity: Int, stride: Int) {
    self.capacity = capacity
    buffer = AlignedBuffer(byteCount: capacity * stride)
  }
}

/// Turns batches into chunks of rows: one for each morsel, so that chunks can be put into the order of morsels.
package struct RowWriter {
  package let layout: RowLayout
  /// One for each column that holds strings, else nil.
  let pools: [StringPool?]
  /// Columns in which some row was NULL.
  package private(set) var hasNulls: [Bool]
  package private(set) var chunks: [RowChunk] = []
  /// The dictionary that was seen last in each column, and its first number.
  private var dictionaries: [(Vector, UInt32)?]

  package init(_ layout: RowLayout, pools: [StringPool?]) {
    self.layout = layout
    self.pools = pools
    hasNulls = layout.types.map { _ in false }
    dictionaries = layout.types.map { _ in nil }
  }

  /// Takes away the chunks made so far.
  package mutating func takeChunks() -> [RowChunk] {
    defer { chunks = [] }
    return chunks
  }

  /// Appends the rows of `columns`, at most `Batch.vectorSize`, and returns the bytes of a chunk that had to be added.
  package mutating func append(_ columns: [Vector], rowCount: Int) -> Int {
    precondition(columns.count == layout.types.count && rowCount <= Batch.vectorSize, "a batch of another layout")
    var added = 0
    if chunks.last.map({ $0.capacity - $0.rowCount < rowCount }) ?? true {
      // A morsel of few rows gets a small chunk.
      let capacity = chunks.isEmpty ? max(rowCount, 64) : RowStore.chunkRows
      chunks.append(RowChunk(capacity: capacity, stride: layout.stride))
      added = capacity * layout.stride
    }
    let chunk = chunks[chunks.count - 1]
    let base = chunk.buffer.base + chunk.rowCount * layout.stride
    writeValidity(columns, rowCount, base)
    for column in columns.indices { write(columns[column], column, rowCount, base + layout.offsets[column]) }
    chunk.rowCount += rowCount
    return added
  }

  private mutating func writeValidity(_ columns: [Vector], _ rowCount: Int, _ base: UnsafeMutableRawPointer) {
    var first = 0
    while first < columns.count {
      let target = base + layout.validityOffset + first / 8
      var row = 0
      while row < rowCount {
        target.storeBytes(of: 0xFF, toByteOffset: row &* layout.stride, as: UInt8.self)
        row &+= 1
      }
      for column in first..<min(first + 8, columns.count) {
        guard let mask = columns[column].rowValidity else { continue }
        hasNulls[column] = true
        let clear = ~(UInt8(1) << UInt8(column - first))
        for row in 0..<rowCount where !mask.isValid(row) {
          let place = target + row * layout.stride
          place.storeBytes(of: place.load(as: UInt8.self) & clear, as: UInt8.self)
        }
      }
      first += 8
    }
  }

  private mutating func write(_ vector: Vector, _ column: Int, _ count: Int, _ target: UnsafeMutableRawPointer) {
    let stride = layout.stride
    if let pool = pools[column] { return writeStrings(vector, column, pool, count, target) }
    let values = UnsafeRawPointer((vector.dictionary ?? vector).buffer.base)
    let codes = vector.form == .dictionary ? vector.codes : nil
    let step = vector.form == .flat ? 1 : 0
    let base = layout.bases[column]
    switch (vector.type.physical.stride, layout.widths[column]) {
    case (8, 1): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int64.self, UInt8.self)
    case (8, 2): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int64.self, UInt16.self)
    case (8, 4): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int64.self, UInt32.self)
    case (4, 1): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int32.self, UInt8.self)
    case (4, 2): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int32.self, UInt16.self)
    case (2, 1): return RowWriter.narrow(values, codes, step, count, target, stride, base, Int16.self, UInt8.self)
    default: break
    }
    switch vector.type.physical.stride {
    case 1: RowWriter.scatter(values, codes, step, count, target, stride, as: UInt8.self)
    case 2: RowWriter.scatter(values, codes, step, count, target, stride, as: UInt16.self)
    case 4: RowWriter.scatter(values, codes, step, count, target, stride, as: UInt32.self)
    case 8: RowWriter.scatter(values, codes, step, count, target, stride, as: UInt64.self)
    case 16: RowWriter.scatter(values, codes, step, count, target, stride, as: UUIDValue.self)
    default: RowWriter.scatter(values, codes, step, count, target, stride, as: Numeric.self)
    }
  }

  /// Writes what integers lie above a base, cut to the bytes of `Stored`.
  @inline(__always)
  private static func narrow<
    Value: FixedWidthInteger & BitwiseCopyable, Stored: FixedWidthInteger & BitwiseCopyable
  >(
    _ values: UnsafeRawPointer, _ codes: UnsafePointer<UInt32>?, _ step: Int, _ count: Int,
    _ target: UnsafeMutableRawPointer, _ stride: Int, _ base: Int64, _: Value.Type, _ stored: Stored.Type
  ) {
    let input = values.assumingMemoryBound(to: Value.self)
    let base = Value(truncatingIfNeeded: base)
    var place = target
    var row = 0
    while row < count {
      let index = codes.map { Int($0[row]) } ?? row &* step
      place.storeBytes(of: Stored(truncatingIfNeeded: input[index] &- base), as: stored)
      place += stride
      row &+= 1
    }
  }

  @inline(__always) private static func scatter<T: BitwiseCopyable>(
    _ values: UnsafeRawPointer, _ codes: UnsafePointer<UInt32>?, _ step: Int, _ count: Int,
    _ target: UnsafeMutableRawPointer, _ stride: Int, as type: T.Type
  ) {
    let input = values.assumingMemoryBound(to: type)
    var place = target
    var row = 0
    if let codes {
      while row < count {
        place.storeBytes(of: input[Int(codes[row])], as: type)
        place += stride
        row &+= 1
      }
      return
    }
    while row < count {
      place.storeBytes(of: input[row &* step], as: type)
      place += stride
      row &+= 1
    }
  }

  private mutating func writeStrings(
    _ vector: Vector, _ column: Int, _ pool: StringPool, _ count: Int, _ target: UnsafeMutableRawPointer
  ) {
    let stride = layout.stride
    var place = target
    switch vector.form {
    case .dictionary:
      guard let dictionary = vector.dictionary else { preconditionFailure("a dictionary vector has a dictionary") }
      let start: UInt32
      if let (known, first) = dictionaries[column], known === dictionary {
        start = first
      } else {
        start = pool.add(dictionary, isShared: true)
        dictionaries[column] = (dictionary, start)
      }
      let codes = vector.codes
      var row = 0
      while row < count {
        place.storeBytes(of: start &+ codes[row], as: UInt32.self)
        place += stride
        row &+= 1
      }
    case .constant, .flat:
      let isConstant = vector.form == .constant
      let entries = Vector(
        vector.type, count: isConstant ? 1 : count, buffer: vector.buffer, owners: vector.owners)
      let start = pool.add(entries, isShared: false)
      let step: UInt32 = isConstant ? 0 : 1
      var row: UInt32 = 0
      while row < UInt32(count) {
        place.storeBytes(of: start &+ row &* step, as: UInt32.self)
        place += stride
        row &+= 1
      }
    }
  }
}

/// Many stored rows, taken out as vectors by row number.
///
/// A row's number is its chunk's << 13 | its place there; numbers ascend in the order the rows came.
package final class RowStore: @unchecked Sendable {
  // @unchecked: immutable after init.

  package static let chunkBits = 13
  package static let chunkRows = 1 << chunkBits
  private static let blockRows = 1024

  package let layout: RowLayout
  package let chunks: [RowChunk]
  package let hasNulls: [Bool]
  package let pools: [StringPool?]
  package let rowCount: Int
  private let bases: AlignedBuffer

  /// `chunks` in row order; none may be written any more.
  package init(_ layout: RowLayout, _ chunks: [RowChunk], hasNulls: [Bool], pools: [StringPool?]) {
    precondition(chunks.count <= 1 << (32 - RowStore.chunkBits), "more rows than a row number holds")
    self.layout = layout
    self.chunks = chunks
    self.hasNulls = hasNulls
    self.pools = pools
    rowCount = chunks.reduce(0) { $0 + $1.rowCount }
    bases = AlignedBuffer(byteCount: max(chunks.count, 1) * 8)
    let base = bases.values(as: UInt.self)
    for (index, chunk) in chunks.enumerated() { base[index] = UInt(bitPattern: chunk.buffer.base) }
  }

  /// The rows that `numbers` name, found once for all columns.
  package struct Rows {
    let count: Int
    let addresses: AlignedBuffer
  }

  /// Finds rows by number.
  package func rows(_ numbers: UnsafePointer<UInt32>, count: Int) -> Rows {
    let addresses = AlignedBuffer(byteCount: count * 8)
    let output = addresses.values(as: UInt.self)
    let base = bases.values(as: UInt.self)
    let stride = UInt(layout.stride)
    var row = 0
    while row < count {
      let number = Int(numbers[row])
      output[row] = base[number >> RowStore.chunkBits] &+ UInt(number & (RowStore.chunkRows &- 1)) &* stride
      row &+= 1
    }
    return Rows(count: count, addresses: addresses)
  }

  /// Names the rows of a chunk from `start` on.
  package func rows(chunk: Int, _ range: Range<Int>) -> Rows {
    let addresses = AlignedBuffer(byteCount: range.count * 8)
    let output = addresses.values(as: UInt.self)
    var address = UInt(bitPattern: chunks[chunk].buffer.base) &+ UInt(range.lowerBound &* layout.stride)
    for row in 0..<range.count {
      output[row] = address
      address &+= UInt(layout.stride)
    }
    return Rows(count: range.count, addresses: addresses)
  }

  /// Returns columns of the rows that `numbers` name. Strings come as codes of all the store's strings where those are
  /// not too many.
  ///
  /// Rows are taken a block at a time, so that all columns find them in the cache.
  package func columns(_ wanted: [Int], _ numbers: UnsafePointer<UInt32>, count: Int) -> [Vector] {
    let outputs = wanted.map { AlignedBuffer(byteCount: count * RowLayout.width(layout.types[$0])) }
    let masks = wanted.map { hasNulls[$0] ? ValidityMask(count: count, allValid: false) : nil }
    let block = AlignedBuffer(byteCount: RowStore.blockRows * 8)
    let addresses = block.values(as: UInt.self)
    let base = bases.values(as: UInt.self)
    let stride = UInt(layout.stride)
    var start = 0
    while start < count {
      let size = min(RowStore.blockRows, count - start)
      var row = 0
      while row < size {
        let number = Int(numbers[start &+ row])
        let address =
          base[number >> RowStore.chunkBits] &+ UInt(number & (RowStore.chunkRows &- 1)) &* stride
        addresses[row] = address
        ph_prefetch(UnsafeRawPointer(bitPattern: address))
        ph_prefetch(UnsafeRawPointer(bitPattern: address &+ stride &- 1))
        row &+= 1
      }
      for (place, column) in wanted.enumerated() {
        let width = RowLayout.width(layout.types[column])
        gather(column, addresses, size, outputs[place].base + start * width)
        if let mask = masks[place] { validity(column, addresses, size, mask.words + start / 64) }
      }
      start += size
    }
    return wanted.indices.map { finished(wanted[$0], outputs[$0], masks[$0], count) }
  }

  /// Returns one column of `rows`, as `columns` does.
  package func column(_ column: Int, of rows: Rows) -> Vector {
    let output = AlignedBuffer(byteCount: rows.count * RowLayout.width(layout.types[column]))
    let addresses = UnsafePointer(rows.addresses.values(as: UInt.self))
    gather(column, addresses, rows.count, output.base)
    let mask = hasNulls[column] ? ValidityMask(count: rows.count, allValid: false) : nil
    if let mask { validity(column, addresses, rows.count, mask.words) }
    return finished(column, output, mask, rows.count)
  }

  private func finished(_ column: Int, _ output: AlignedBuffer, _ mask: ValidityMask?, _ count: Int) -> Vector {
    guard let pool = pools[column] else {
      return Vector(layout.types[column], count: count, buffer: output, validity: mask)
    }
    let coded = Vector(codes: output, count: count, dictionary: pool.entries, validity: mask)
    return pool.entryCount <= 1 << 16 ? coded : coded.flattened()
  }

  private func gather(
    _ column: Int, _ addresses: UnsafePointer<UInt>, _ count: Int, _ output: UnsafeMutableRawPointer
  ) {
    let offset = UInt(layout.offsets[column])
    let base = layout.bases[column]
    switch (RowLayout.width(layout.types[column]), layout.widths[column]) {
    case (8, 1): return RowStore.widen(addresses, offset, count, output, base, Int64.self, UInt8.self)
    case (8, 2): return RowStore.widen(addresses, offset, count, output, base, Int64.self, UInt16.self)
    case (8, 4): return RowStore.widen(addresses, offset, count, output, base, Int64.self, UInt32.self)
    case (4, 1): return RowStore.widen(addresses, offset, count, output, base, Int32.self, UInt8.self)
    case (4, 2): return RowStore.widen(addresses, offset, count, output, base, Int32.self, UInt16.self)
    case (2, 1): return RowStore.widen(addresses, offset, count, output, base, Int16.self, UInt8.self)
    default: break
    }
    switch RowLayout.width(layout.types[column]) {
    case 1: RowStore.gather(addresses, offset, count, output, as: UInt8.self)
    case 2: RowStore.gather(addresses, offset, count, output, as: UInt16.self)
    case 4: RowStore.gather(addresses, offset, count, output, as: UInt32.self)
    case 8: RowStore.gather(addresses, offset, count, output, as: UInt64.self)
    case 16: RowStore.gather(addresses, offset, count, output, as: UUIDValue.self)
    default: RowStore.gather(addresses, offset, count, output, as: Numeric.self)
    }
  }

  /// Reads what `RowWriter.narrow` wrote.
  @inline(__always)
  private static func widen<
    Value: FixedWidthInteger & BitwiseCopyable, Stored: FixedWidthInteger & BitwiseCopyable
  >(
    _ addresses: UnsafePointer<UInt>, _ offset: UInt, _ count: Int, _ target: UnsafeMutableRawPointer, _ base: Int64,
    _ value: Value.Type, _ stored: Stored.Type
  ) {
    let output = target.assumingMemoryBound(to: value)
    let base = Value(truncatingIfNeeded: base)
    var row = 0
    while row < count {
      if let place = UnsafeRawPointer(bitPattern: addresses[row] &+ offset) {
        output[row] = Value(truncatingIfNeeded: place.loadUnaligned(as: stored)) &+ base
      }
      row &+= 1
    }
  }

  /// As `column`, for sort keys: strings come as the numbers of their pool, under type integer; flat.
  package func keyColumn(_ column: Int, of rows: Rows) -> Vector {
    guard pools[column] != nil else { return self.column(column, of: rows) }
    let output = AlignedBuffer(byteCount: rows.count * 4)
    let addresses = UnsafePointer(rows.addresses.values(as: UInt.self))
    gather(column, addresses, rows.count, output.base)
    let mask = hasNulls[column] ? ValidityMask(count: rows.count, allValid: false) : nil
    if let mask { validity(column, addresses, rows.count, mask.words) }
    return Vector(.integer, count: rows.count, buffer: output, validity: mask)
  }

  @inline(__always) private static func gather<T: BitwiseCopyable>(
    _ addresses: UnsafePointer<UInt>, _ offset: UInt, _ count: Int, _ target: UnsafeMutableRawPointer,
    as type: T.Type
  ) {
    let output = target.assumingMemoryBound(to: type)
    var row = 0
    while row < count {
      if let place = UnsafeRawPointer(bitPattern: addresses[row] &+ offset) {
        output[row] = place.loadUnaligned(as: type)
      }
      row &+= 1
    }
  }

  /// Sets the bits of valid rows in words that are zero.
  private func validity(
    _ column: Int, _ addresses: UnsafePointer<UInt>, _ count: Int, _ words: UnsafeMutablePointer<UInt64>
  ) {
    let offset = UInt(layout.validityOffset + column / 8)
    let shift = UInt8(column % 8)
    for row in 0..<count {
      if let place = UnsafeRawPointer(bitPattern: addresses[row] &+ offset) {
        words[row >> 6] |= UInt64((place.load(as: UInt8.self) >> shift) & 1) << UInt64(row & 63)
      }
    }
  }
}
