import Vectors

// Aggregation over dense tables: every row has a small slot number made of its keys' codes, every aggregate an array
// indexed by it. No hashing and no decoding: `DenseCodes` become slots and offsets (here), which `DenseMeasure` takes.
// What a slot means is the caller's affair.

/// Unsigned codes of 1, 2, 4 or 8 bytes each, somewhere in memory that the caller keeps alive.
package struct DenseCodes {
  package let width: Int
  package let base: UnsafeRawPointer
  package let count: Int

  package init(width: Int, base: UnsafeRawPointer, count: Int) {
    precondition(width == 1 || width == 2 || width == 4 || width == 8, "codes are of 1, 2, 4 or 8 bytes")
    self.width = width
    self.base = base
    self.count = count
  }

  @inline(__always) func values<T>(as type: T.Type) -> UnsafePointer<T> { base.assumingMemoryBound(to: type) }

  /// Writes `scale * code + offset`, modulo 2^32, or adds it to what is there.
  package func affine(
    scale: UInt32, offset: UInt32, adding: Bool, into output: UnsafeMutablePointer<UInt32>
  ) {
    switch width {
    case 1: DenseCodes.affine(values(as: UInt8.self), count, scale, offset, adding, output)
    case 2: DenseCodes.affine(values(as: UInt16.self), count, scale, offset, adding, output)
    case 4: DenseCodes.affine(values(as: UInt32.self), count, scale, offset, adding, output)
    default: DenseCodes.affine(values(as: UInt64.self), count, scale, offset, adding, output)
    }
  }

  /// Writes `scale * code + offset`, modulo 2^64.
  package func affine(scale: UInt64, offset: UInt64, into output: UnsafeMutablePointer<UInt64>) {
    switch width {
    case 1: DenseCodes.affine(values(as: UInt8.self), count, scale, offset, false, output)
    case 2: DenseCodes.affine(values(as: UInt16.self), count, scale, offset, false, output)
    case 4: DenseCodes.affine(values(as: UInt32.self), count, scale, offset, false, output)
    default: DenseCodes.affine(values(as: UInt64.self), count, scale, offset, false, output)
    }
  }

  /// Writes `table[code]`, or adds it (modulo 2^32) to what is there. Every code must be below the table's count, which
  /// the blocks' validated greatest code promises.
  package func lookUp(
    _ table: UnsafeBufferPointer<UInt32>, adding: Bool, into output: UnsafeMutablePointer<UInt32>
  ) {
    guard let entries = table.baseAddress else { return }
    switch width {
    case 1: DenseCodes.lookUp(values(as: UInt8.self), count, entries, adding, output)
    case 2: DenseCodes.lookUp(values(as: UInt16.self), count, entries, adding, output)
    case 4: DenseCodes.lookUp(values(as: UInt32.self), count, entries, adding, output)
    default: DenseCodes.lookUp(values(as: UInt64.self), count, entries, adding, output)
    }
  }

  /// Writes the 64-bit `table[code]`.
  package func lookUp(_ table: UnsafeBufferPointer<UInt64>, into output: UnsafeMutablePointer<UInt64>) {
    guard let entries = table.baseAddress else { return }
    switch width {
    case 1: DenseCodes.lookUp(values(as: UInt8.self), count, entries, false, output)
    case 2: DenseCodes.lookUp(values(as: UInt16.self), count, entries, false, output)
    case 4: DenseCodes.lookUp(values(as: UInt32.self), count, entries, false, output)
    default: DenseCodes.lookUp(values(as: UInt64.self), count, entries, false, output)
    }
  }

  /// Writes the codes of rows `rows` (each below `count`) one after the other, of the same width.
  package func pick(_ rows: UnsafeBufferPointer<UInt32>, into output: UnsafeMutableRawPointer) -> DenseCodes {
    switch width {
    case 1: DenseCodes.pick(values(as: UInt8.self), rows, output.assumingMemoryBound(to: UInt8.self))
    case 2: DenseCodes.pick(values(as: UInt16.self), rows, output.assumingMemoryBound(to: UInt16.self))
    case 4: DenseCodes.pick(values(as: UInt32.self), rows, output.assumingMemoryBound(to: UInt32.self))
    default: DenseCodes.pick(values(as: UInt64.self), rows, output.assumingMemoryBound(to: UInt64.self))
    }
    return DenseCodes(width: width, base: UnsafeRawPointer(output), count: rows.count)
  }

  @inline(__always) private static func affine<Code: FixedWidthInteger & UnsignedInteger, Slot: FixedWidthInteger>(
    _ codes: UnsafePointer<Code>, _ count: Int, _ scale: Slot, _ offset: Slot, _ adding: Bool,
    _ output: UnsafeMutablePointer<Slot>
  ) {
    var row = 0
    if adding {
      while row < count {
        output[row] = output[row] &+ Slot(truncatingIfNeeded: codes[row]) &* scale &+ offset
        row &+= 1
      }
    } else if scale == 1 {
      while row < count {
        output[row] = Slot(truncatingIfNeeded: codes[row]) &+ offset
        row &+= 1
      }
    } else {
      while row < count {
        output[row] = Slot(truncatingIfNeeded: codes[row]) &* scale &+ offset
        row &+= 1
      }
    }
  }

  @inline(__always) private static func lookUp<Code: FixedWidthInteger & UnsignedInteger, Slot: FixedWidthInteger>(
    _ codes: UnsafePointer<Code>, _ count: Int, _ table: UnsafePointer<Slot>, _ adding: Bool,
    _ output: UnsafeMutablePointer<Slot>
  ) {
    var row = 0
    if adding {
      while row < count {
        output[row] = output[row] &+ table[Int(truncatingIfNeeded: codes[row])]
        row &+= 1
      }
    } else {
      while row < count {
        output[row] = table[Int(truncatingIfNeeded: codes[row])]
        row &+= 1
      }
    }
  }

  @inline(__always) private static func pick<Code: BitwiseCopyable>(
    _ codes: UnsafePointer<Code>, _ rows: UnsafeBufferPointer<UInt32>, _ output: UnsafeMutablePointer<Code>
  ) {
    guard let row = rows.baseAddress else { return }
    var index = 0
    while index < rows.count {
      output[index] = codes[Int(row[index])]
      index &+= 1
    }
  }
}

/// Loops over slot numbers that belong to no key in particular.
package enum DenseSlots {
  /// Replaces values by `value / divisor`, rounded down; all must be below 2^52.
  ///
  /// The division of doubles is rounded correctly, and below 2^52 no quotient that is not whole can round up to a whole
  /// number.
  package static func divide(_ values: UnsafeMutablePointer<UInt64>, count: Int, by divisor: UInt64) {
    let exponent: UInt64 = 0x4330_0000_0000_0000
    let bias = Double(bitPattern: exponent)
    let divisor = Double(divisor)
    var row = 0
    while row < count {
      assert(values[row] < 1 << 52)
      let number = Double(bitPattern: values[row] | exponent) - bias
      values[row] = (number / divisor).rounded(.down).adding(bias).bitPattern ^ exponent
      row &+= 1
    }
  }

  /// Writes `slot` to the rows whose bit in `mask` is 0.
  package static func overwriteUnset(
    _ slots: UnsafeMutablePointer<UInt32>, _ mask: UnsafePointer<UInt64>, count: Int, with slot: UInt32
  ) {
    var row = 0
    while row < count {
      let bit = UInt32(truncatingIfNeeded: mask[row >> 6] &>> UInt64(row & 63)) & 1
      let keep = 0 &- bit
      slots[row] = (slots[row] & keep) | (slot & ~keep)
      row &+= 1
    }
  }

  /// Lowers everything above `limit` to it.
  package static func clamp(_ slots: UnsafeMutablePointer<UInt32>, count: Int, to limit: UInt32) {
    var row = 0
    while row < count {
      slots[row] = slots[row] < limit ? slots[row] : limit
      row &+= 1
    }
  }

  /// Returns true when every row's slot is marked with 1 in `seen`.
  package static func areAllSeen(
    _ slots: UnsafePointer<UInt32>, count: Int, _ seen: UnsafePointer<UInt8>
  ) -> Bool {
    var all: UInt8 = 1
    var row = 0
    while row < count {
      all &= seen[Int(slots[row])]
      row &+= 1
    }
    return all == 1
  }

  /// Lists the set bits of `mask`, ascending; returns how many. `output` has room for them all.
  package static func listSet(
    _ mask: UnsafePointer<UInt64>, count: Int, into output: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var found = 0
    for word in 0..<ValidityMask.wordCount(count) {
      var rest = mask[word]
      let base = word << 6
      while rest != 0 {
        output[found] = UInt32(truncatingIfNeeded: base &+ rest.trailingZeroBitCount)
        found &+= 1
        rest &= rest &- 1
      }
    }
    return found
  }
}

extension Double {
  @inline(__always) fileprivate func adding(_ other: Double) -> Double { self + other }
}
