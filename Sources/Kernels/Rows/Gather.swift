import Bytes
import Vectors

/// Takes rows out of vectors by index.
package enum Gather {
  /// Returns the rows at `indices`, in that order; each is below `vector.count`. Keeps the form; copies no string bytes.
  package static func rows(_ vector: Vector, _ selection: SelectionVector) -> Vector {
    selection.indices.withUnsafeBufferPointer { rows(vector, at: $0) }
  }

  /// Returns the rows at `indices`, in that order; each is below `vector.count`. Keeps the form; copies no string bytes.
  /// What is copied lies in `arena`, if there is one.
  package static func rows(
    _ vector: Vector, at indices: UnsafeBufferPointer<UInt32>, into arena: ColumnArena? = nil
  ) -> Vector {
    let count = indices.count
    if vector.form == .constant { return resized(vector, count: count) }
    guard count > 0, let index = indices.baseAddress else { return vector.slice(0..<0) }
    let stride = vector.form == .dictionary ? 4 : vector.type.physical.stride
    let output = ColumnArena.memory(count, stride: stride, in: arena)
    switch stride {
    case 1: copy(vector.buffer, index, count, output, as: UInt8.self)
    case 2: copy(vector.buffer, index, count, output, as: UInt16.self)
    case 4: copy(vector.buffer, index, count, output, as: UInt32.self)
    case 8: copy(vector.buffer, index, count, output, as: UInt64.self)
    case 16: copy(vector.buffer, index, count, output, as: StringReference.self)
    default: copy(vector.buffer, index, count, output, as: Numeric.self)
    }
    let mask = vector.validity.map { gatherBits($0, index, count) }
    if let dictionary = vector.dictionary {
      return Vector(codes: output, count: count, dictionary: dictionary, validity: mask)
    }
    return Vector(vector.type, count: count, buffer: output, validity: mask, owners: vector.owners)
  }

  /// Returns the rows at `indices`, where a negative index gives NULL (the unmatched side of an outer join). What is
  /// copied lies in `arena`, if there is one.
  package static func rows(
    _ vector: Vector, orNull indices: UnsafeBufferPointer<Int32>, into arena: ColumnArena? = nil
  ) -> Vector {
    let count = indices.count
    guard count > 0, let index = indices.baseAddress else { return vector.slice(0..<0) }
    var anyNull: Int32 = 0
    for row in 0..<count { anyNull |= index[row] }
    if anyNull >= 0 {
      return index.withMemoryRebound(to: UInt32.self, capacity: count) {
        rows(vector, at: UnsafeBufferPointer(start: $0, count: count), into: arena)
      }
    }
    if vector.isConstantNull || vector.count == 0 { return .nulls(vector.type, count: count) }
    let mask = ValidityMask(count: count, allValid: false)
    let words = mask.words
    if vector.form == .constant {
      let codes = AlignedBuffer(byteCount: count * 4, zeroed: true)
      for row in 0..<count where index[row] >= 0 { words[row >> 6] |= 1 << UInt64(row & 63) }
      let one = Vector(vector.type, count: 1, buffer: vector.buffer, owners: vector.owners)
      return Vector(codes: codes, count: count, dictionary: one, validity: mask)
    }
    let stride = vector.form == .dictionary ? 4 : vector.type.physical.stride
    let output = ColumnArena.memory(count, stride: stride, in: arena)
    switch stride {
    case 1: copyOrFirst(vector.buffer, index, count, output, as: UInt8.self)
    case 2: copyOrFirst(vector.buffer, index, count, output, as: UInt16.self)
    case 4: copyOrFirst(vector.buffer, index, count, output, as: UInt32.self)
    case 8: copyOrFirst(vector.buffer, index, count, output, as: UInt64.self)
    case 16: copyOrFirst(vector.buffer, index, count, output, as: StringReference.self)
    default: copyOrFirst(vector.buffer, index, count, output, as: Numeric.self)
    }
    for row in 0..<count where index[row] >= 0 && vector.isValid(Int(index[row])) {
      words[row >> 6] |= 1 << UInt64(row & 63)
    }
    if let dictionary = vector.dictionary {
      return Vector(codes: output, count: count, dictionary: dictionary, validity: mask)
    }
    return Vector(vector.type, count: count, buffer: output, validity: mask, owners: vector.owners)
  }

  /// Returns the rows of every column at `selection`.
  package static func rows(_ batch: Batch, _ selection: SelectionVector) -> Batch {
    Batch(batch.columns.map { rows($0, selection) }, rowCount: selection.count)
  }

  /// Returns the rows of every column at `indices`, each below the batch's row count.
  package static func rows(_ batch: Batch, at indices: UnsafeBufferPointer<UInt32>) -> Batch {
    Batch(batch.columns.map { rows($0, at: indices) }, rowCount: indices.count)
  }

  /// Returns all rows of every column but those at `removed`, which ascend, none twice, each below the batch's row count:
  /// where few are, what lies between them is copied as it lies.
  package static func rows(_ batch: Batch, without removed: [UInt32]) -> Batch {
    if removed.count * 16 > batch.rowCount {
      return rows(batch, SelectionVector(kept(removed, of: batch.rowCount)))
    }
    let count = batch.rowCount - removed.count
    let isMasked = batch.columns.contains { $0.validity != nil }
    let kept = isMasked ? kept(removed, of: batch.rowCount) : []
    let columns = batch.columns.map { column in
      if column.form == .constant { return resized(column, count: count) }
      let stride = column.form == .dictionary ? 4 : column.type.physical.stride
      let output = AlignedBuffer(byteCount: max(count, 1) * stride)
      var start = 0
      var place = output.base
      for row in removed.map(Int.init) + [batch.rowCount] {
        place.copyMemory(from: column.buffer.base + start * stride, byteCount: (row - start) * stride)
        place += (row - start) * stride
        start = row + 1
      }
      let mask = kept.withUnsafeBufferPointer { kept in
        column.validity.flatMap { mask in kept.baseAddress.map { gatherBits(mask, $0, count) } }
      }
      if let dictionary = column.dictionary {
        return Vector(codes: output, count: count, dictionary: dictionary, validity: mask)
      }
      return Vector(column.type, count: count, buffer: output, validity: mask, owners: column.owners)
    }
    return Batch(columns, rowCount: count)
  }

  /// Returns the rows of all batches, end to end, but those at `removed`, which ascend, none twice. Nil where a column has
  /// NULLs, or strings that are not of one dictionary.
  package static func joined(_ batches: [Batch], without removed: [UInt32]) -> Batch? {
    guard let first = batches.first else { return nil }
    let rowCount = batches.reduce(0) { $0 + $1.rowCount }
    precondition(removed.last.map { Int($0) < rowCount } ?? true, "a row that is not there")
    var columns: [Vector] = []
    for column in first.columns.indices {
      var parts = batches.map { $0.columns[column] }
      if parts.contains(where: { $0.validity != nil }) { return nil }
      let dictionary = parts[0].dictionary
      let isShared = dictionary != nil && parts.allSatisfy { $0.dictionary === dictionary }
      if !isShared {
        if parts[0].type.physical == .string { return nil }
        parts = parts.map { $0.flattened() }
      }
      let stride = isShared ? 4 : parts[0].type.physical.stride
      let buffer = joined(parts, stride, rowCount: rowCount, without: removed)
      let count = rowCount - removed.count
      if isShared, let dictionary {
        columns.append(Vector(codes: buffer, count: count, dictionary: dictionary, validity: nil))
      } else {
        columns.append(Vector(parts[0].type, count: count, buffer: buffer))
      }
    }
    return Batch(columns, rowCount: rowCount - removed.count)
  }

  private static func joined(_ parts: [Vector], _ stride: Int, rowCount: Int, without removed: [UInt32])
    -> AlignedBuffer
  {
    let output = AlignedBuffer(byteCount: max(rowCount - removed.count, 1) * stride)
    var place = output.base
    var next = 0
    var firstRow = 0
    for part in parts {
      let source = part.buffer.base
      let end = firstRow + part.count
      var start = firstRow
      while start < end {
        let row = next < removed.count ? min(Int(removed[next]), end) : end
        place.copyMemory(from: source + (start - firstRow) * stride, byteCount: (row - start) * stride)
        place += (row - start) * stride
        if row < end { next += 1 }
        start = row + 1
      }
      firstRow = end
    }
    return output
  }

  private static func kept(_ removed: [UInt32], of count: Int) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: count - removed.count) { buffer, used in
      var start = 0
      for row in removed.map(Int.init) + [count] {
        while start < row {
          buffer[used] = UInt32(truncatingIfNeeded: start)
          used &+= 1
          start &+= 1
        }
        start = row + 1
      }
    }
  }

  private static func resized(_ constant: Vector, count: Int) -> Vector {
    let one = Vector(
      constant.type, count: 1, buffer: constant.buffer, validity: constant.validity, owners: constant.owners)
    return Vector(constant: one, count: count)
  }

  @inline(__always) private static func copy<T: BitwiseCopyable>(
    _ source: AlignedBuffer, _ index: UnsafePointer<UInt32>, _ count: Int, _ target: AlignedBuffer, as type: T.Type
  ) {
    let input = source.values(as: type)
    let output = target.values(as: type)
    var row = 0
    while row < count {
      output[row] = input[Int(index[row])]
      row &+= 1
    }
  }

  @inline(__always) private static func copyOrFirst<T: BitwiseCopyable>(
    _ source: AlignedBuffer, _ index: UnsafePointer<Int32>, _ count: Int, _ target: AlignedBuffer, as type: T.Type
  ) {
    let input = source.values(as: type)
    let output = target.values(as: type)
    var row = 0
    while row < count {
      // A negative index reads row 0; the mask says that it is NULL.
      output[row] = input[Int(max(index[row], 0))]
      row &+= 1
    }
  }

  static func gatherBits(_ mask: ValidityMask, _ index: UnsafePointer<UInt32>, _ count: Int) -> ValidityMask {
    let source = mask.words
    let result = AlignedBuffer(byteCount: ValidityMask.wordCount(count) * 8)
    let output = result.values(as: UInt64.self)
    var row = 0
    while row < count {
      let end = min(row &+ 64, count)
      let start = row
      var word: UInt64 = 0
      while row < end {
        let from = Int(index[row])
        word |= ((source[from >> 6] >> UInt64(from & 63)) & 1) << UInt64(row &- start)
        row &+= 1
      }
      output[start >> 6] = word
    }
    return ValidityMask(buffer: result, count: count)
  }
}

extension SelectionVector {
  /// Makes the selection of rows whose byte in `mask` is 1 (each is 0 or 1).
  package init(mask: UnsafePointer<UInt8>, count: Int) {
    self.init(
      [UInt32](unsafeUninitializedCapacity: count) { buffer, used in
        guard let output = buffer.baseAddress else { return }
        var kept = 0
        var row = 0
        while row < count {
          output[kept] = UInt32(truncatingIfNeeded: row)
          kept &+= Int(mask[row])
          row &+= 1
        }
        used = kept
      })
  }

  /// Makes the selection of rows where a boolean vector is true (neither false nor NULL).
  package init(whereTrue vector: Vector) {
    precondition(vector.type.physical == .boolean, "a selection comes from a boolean vector")
    let count = vector.count
    let flat = vector.flattened()
    let values = flat.values(as: UInt8.self)
    guard let mask = flat.validity else {
      self.init(mask: values, count: count)
      return
    }
    self.init(
      [UInt32](unsafeUninitializedCapacity: count) { buffer, used in
        guard let output = buffer.baseAddress else { return }
        let words = mask.words
        var kept = 0
        var row = 0
        while row < count {
          output[kept] = UInt32(truncatingIfNeeded: row)
          kept &+= Int(values[row]) & Int(truncatingIfNeeded: words[row >> 6] >> UInt64(row & 63))
          row &+= 1
        }
        used = kept
      })
  }
}
