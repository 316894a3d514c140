// Rows on their way to groups that no one dense table holds: a partition is a stretch of 2^shift slots, small enough for
// its tables to stay in the cache. Rows are laid out by partition first, each with its slot counted from the partition's
// first, then every partition is aggregated by itself.

/// Loops that lay rows out by the partition of their slots.
package enum DensePartitions {
  /// A partition has at most 2^16 slots, so that 16 bits tell a row's.
  package static let mostShift = 16

  /// Adds to `counts[slot >> shift]`; `counts` has room for every slot's partition.
  package static func count(
    _ slots: UnsafePointer<UInt32>, count: Int, shift: Int, into counts: UnsafeMutablePointer<UInt32>
  ) {
    let shift = UInt32(truncatingIfNeeded: shift)
    var row = 0
    while row < count {
      counts[Int(slots[row] &>> shift)] &+= 1
      row &+= 1
    }
  }

  /// Gives each row a place: that of its partition in `next`, which moves on. Writes the slot within the partition there.
  ///
  /// Shape: `places` and `local` have room for every row.
  package static func place(
    _ slots: UnsafePointer<UInt32>, count: Int, shift: Int, next: UnsafeMutablePointer<UInt32>,
    into places: UnsafeMutablePointer<UInt32>, local: UnsafeMutablePointer<UInt16>
  ) {
    precondition(shift >= 0 && shift <= mostShift, "slots within a partition are of 16 bits")
    let mask = (UInt32(1) << UInt32(shift)) &- 1
    let shift = UInt32(truncatingIfNeeded: shift)
    var row = 0
    while row < count {
      let slot = slots[row]
      let partition = Int(slot &>> shift)
      let place = next[partition]
      next[partition] = place &+ 1
      places[row] = place
      local[Int(place)] = UInt16(truncatingIfNeeded: slot & mask)
      row &+= 1
    }
  }

  /// Moves values of 1, 2, 4 or 8 bytes to their places.
  package static func move(
    _ values: UnsafeRawPointer, width: Int, count: Int, _ places: UnsafePointer<UInt32>,
    into output: UnsafeMutableRawPointer
  ) {
    @inline(__always) func move<T: BitwiseCopyable>(as type: T.Type) {
      let source = values.assumingMemoryBound(to: type)
      let target = output.assumingMemoryBound(to: type)
      var row = 0
      while row < count {
        target[Int(places[row])] = source[row]
        row &+= 1
      }
    }
    switch width {
    case 1: move(as: UInt8.self)
    case 2: move(as: UInt16.self)
    case 4: move(as: UInt32.self)
    default: move(as: UInt64.self)
    }
  }

  /// Writes values in `width` bytes each; they fit.
  package static func store(
    _ values: UnsafePointer<UInt32>, count: Int, width: Int, into output: UnsafeMutableRawPointer
  ) {
    @inline(__always) func store<T: FixedWidthInteger>(as type: T.Type) {
      let target = output.assumingMemoryBound(to: type)
      var row = 0
      while row < count {
        target[row] = T(truncatingIfNeeded: values[row])
        row &+= 1
      }
    }
    switch width {
    case 1: store(as: UInt8.self)
    case 2: store(as: UInt16.self)
    default: store(as: UInt32.self)
    }
  }

  /// Reads back what was stored in 1, 2 or 4 bytes each.
  package static func load(
    _ values: UnsafeRawPointer, count: Int, width: Int, into output: UnsafeMutablePointer<UInt32>
  ) {
    @inline(__always) func load<T: FixedWidthInteger>(as type: T.Type) {
      let source = values.assumingMemoryBound(to: type)
      var row = 0
      while row < count {
        output[row] = UInt32(truncatingIfNeeded: source[row])
        row &+= 1
      }
    }
    switch width {
    case 1: load(as: UInt8.self)
    case 2: load(as: UInt16.self)
    default: load(as: UInt32.self)
    }
  }

  /// Sets the bits of slots.
  package static func mark(_ slots: UnsafePointer<UInt32>, count: Int, in bits: UnsafeMutablePointer<UInt64>) {
    var row = 0
    while row < count {
      let slot = slots[row]
      bits[Int(slot &>> 6)] |= 1 &<< UInt64(truncatingIfNeeded: slot & 63)
      row &+= 1
    }
  }

  /// Replaces the slots of rows whose flag is 0 by `slot`.
  package static func replaceUnset(
    _ slots: UnsafeMutablePointer<UInt32>, _ flags: UnsafePointer<UInt8>, count: Int, with slot: UInt32
  ) {
    var row = 0
    while row < count {
      let keep = 0 &- UInt32(truncatingIfNeeded: flags[row] & 1)
      slots[row] = (slots[row] & keep) | (slot & ~keep)
      row &+= 1
    }
  }

  /// Writes a byte for each of `count` bits: 1 where it is set.
  package static func unpack(_ bits: UnsafePointer<UInt64>, count: Int, into flags: UnsafeMutablePointer<UInt8>) {
    var row = 0
    while row < count {
      flags[row] = UInt8(truncatingIfNeeded: bits[row &>> 6] &>> UInt64(truncatingIfNeeded: row & 63)) & 1
      row &+= 1
    }
  }
}

/// Division of 32-bit numbers by the same number again and again.
package struct DenseDivisor {
  package let divisor: UInt32
  private let reciprocal: UInt64

  package init(_ divisor: UInt32) {
    precondition(divisor > 0, "division by zero")
    self.divisor = divisor
    // Above 2^64 / divisor by less than 1, so quotients of 32-bit numbers are off by less than 1 / divisor.
    reciprocal = divisor == 1 ? 0 : UInt64.max / UInt64(divisor) + 1
  }

  /// Replaces numbers by their quotients, and writes the remainders.
  package func divide(
    _ numbers: UnsafeMutablePointer<UInt32>, count: Int, remainders: UnsafeMutablePointer<UInt32>
  ) {
    if divisor == 1 {
      remainders.update(repeating: 0, count: count)
      return
    }
    var row = 0
    while row < count {
      let number = numbers[row]
      let quotient = UInt32(truncatingIfNeeded: UInt64(number).multipliedFullWidth(by: reciprocal).high)
      numbers[row] = quotient
      remainders[row] = number &- quotient &* divisor
      row &+= 1
    }
  }
}
