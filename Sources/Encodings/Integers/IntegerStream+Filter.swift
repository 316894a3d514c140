import Bytes
import CKernels

extension IntegerStream {
  /// Tests rows `rows` against `ranges` on the encoded form: bit `i` of `bitmap` tells of row `rows.lowerBound + i`.
  /// Bits past the last row of its last word become 0.
  func filter(
    _ ranges: IntegerRanges, _ rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    if rows.isEmpty { return }
    if ranges.isEmpty {
      Bits.fill(bitmap, 0..<rows.count, with: false)
      Bits.clearTail(bitmap, rows.count)
      return
    }
    switch self {
    case .constant(let value, _): Bits.fill(bitmap, 0..<rows.count, with: ranges.contains(value))
    case .packed(let stream):
      IntegerStream.filterVectors(rows, bitmap, stream.count, scratch) { vector in
        stream.filter(ranges, vector, scratch)
      }
    case .delta(let stream):
      IntegerStream.filterVectors(rows, bitmap, stream.count, scratch) { vector in
        stream.decode(vector, into: scratch.values, scratch)
        IntegerStream.filter(scratch.values, stream.deltas.length(vector), ranges, scratch.bits)
      }
    case .runLength(let stream):
      let runs = stream.runs(of: rows)
      let values = try stream.values(of: runs, scratch)
      var run = runs.lowerBound
      var row = rows.lowerBound
      while row < rows.upperBound {
        let end = min(Int(stream.runEnds[run]), rows.upperBound)
        Bits.fill(
          bitmap, (row - rows.lowerBound)..<(end - rows.lowerBound), with: ranges.contains(values[run]))
        row = end
        run += 1
      }
    case .keyedDelta(let stream):
      let all = try stream.allValues(scratch)
      IntegerStream.filterVectors(rows, bitmap, stream.count, scratch) { vector in
        IntegerStream.filter(all + vector << 10, min(1024, stream.count - vector << 10), ranges, scratch.bits)
      }
    case .tracked(let stream):
      let all = try stream.allValues(scratch)
      IntegerStream.filterVectors(rows, bitmap, stream.count, scratch) { vector in
        IntegerStream.filter(all + vector << 10, min(1024, stream.count - vector << 10), ranges, scratch.bits)
      }
    case .linked(let stream): try stream.filter(ranges, rows, into: bitmap, scratch)
    }
    Bits.clearTail(bitmap, rows.count)
  }

  /// Runs `body`, which fills `scratch.bits` for a vector, and copies the wanted bits to `bitmap`.
  @inline(__always) static func filterVectors(
    _ rows: Range<Int>, _ bitmap: UnsafeMutablePointer<UInt64>, _ count: Int, _ scratch: DecodeScratch,
    _ body: (Int) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let vector = row >> 10
      let end = min((vector + 1) << 10, rows.upperBound)
      body(vector)
      Bits.copy(scratch.bits, from: row & 1023, count: end - row, to: bitmap, at: row - rows.lowerBound)
      row = end
    }
  }

  /// Tests up to 1024 values.
  static func filter(
    _ values: UnsafePointer<Int64>, _ count: Int, _ ranges: IntegerRanges, _ bits: UnsafeMutablePointer<UInt64>
  ) {
    let unsigned = UnsafeRawPointer(values).assumingMemoryBound(to: UInt64.self)
    if ranges.ranges.count > 8 {
      for word in 0..<((count + 63) >> 6) {
        var result: UInt64 = 0
        for index in (word << 6)..<min(count, (word + 1) << 6) where ranges.contains(values[index]) {
          result |= 1 << UInt64(index & 63)
        }
        bits[word] = result
      }
      return
    }
    Bits.union(ranges.ranges, count, bits) { range, target in
      _ = ph_between64(
        unsigned, count, UInt64(bitPattern: range.lowerBound), UInt64(bitPattern: range.upperBound), target)
    }
  }
}

extension PackedStream {
  /// Tests a vector into `scratch.bits`, on its lanes where the range fits them.
  func filter(_ ranges: IntegerRanges, _ vector: Int, _ scratch: DecodeScratch) {
    let length = length(vector)
    if ranges.ranges.count > 8 {
      decode(vector, into: scratch.values, scratch)
      IntegerStream.filter(scratch.values, length, ranges, scratch.bits)
      return
    }
    let width = width(vector)
    let frame = frame(vector)
    let greatest: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
    let lanes = width == 0 ? nil : self.lanes(vector, scratch)
    Bits.union(ranges.ranges, length, scratch.bits) { range, bits in
      guard let codes = self.codeRange(range) else { return Bits.fill(bits, 0..<length, with: false) }
      if codes.upperBound < frame || (codes.lowerBound > frame && codes.lowerBound - frame > greatest) {
        Bits.fill(bits, 0..<length, with: false)
      } else {
        let low = codes.lowerBound > frame ? codes.lowerBound - frame : 0
        let high = min(codes.upperBound - frame, greatest)
        if low == 0 && high == greatest {
          Bits.fill(bits, 0..<length, with: true)
        } else if let lanes {
          self.between(lanes, length, low, high, bits)
        }
      }
      if self.patches.count > 0 {
        // What was tested were the low bits, which are not the whole of patched codes.
        self.patches.forEach(vector, scratch) { position, high in
          let low = lanes.map { self.lane($0, position << self.laneLog) } ?? 0
          if position < length { Bits.set(bits, position, codes.contains(frame &+ low &+ high << UInt64(width))) }
        }
      }
    }
    Bits.clearTail(scratch.bits, length)
  }

  /// The codes above the base whose values lie in `range`; nil when none can. Values ascend with codes because the base
  /// is the least value.
  private func codeRange(_ range: ClosedRange<Int64>) -> ClosedRange<UInt64>? {
    if range.upperBound < base { return nil }
    let divisor = UInt64(multiplier)
    let low = range.lowerBound <= base ? 0 : UInt64(bitPattern: range.lowerBound &- base)
    let high = UInt64(bitPattern: range.upperBound &- base)
    let first = low / divisor + (low % divisor == 0 ? 0 : 1)
    let last = high / divisor
    return first <= last ? first...last : nil
  }

  private func between(
    _ lanes: UnsafeRawPointer, _ count: Int, _ low: UInt64, _ high: UInt64, _ bits: UnsafeMutablePointer<UInt64>
  ) {
    switch laneLog {
    case 0:
      _ = ph_between8(
        lanes.assumingMemoryBound(to: UInt8.self), count, UInt8(truncatingIfNeeded: low),
        UInt8(truncatingIfNeeded: high), bits)
    case 1:
      _ = ph_between16(
        lanes.assumingMemoryBound(to: UInt16.self), count, UInt16(truncatingIfNeeded: low),
        UInt16(truncatingIfNeeded: high), bits)
    case 2:
      _ = ph_between32(
        lanes.assumingMemoryBound(to: UInt32.self), count, UInt32(truncatingIfNeeded: low),
        UInt32(truncatingIfNeeded: high), bits)
    default: _ = ph_between64(lanes.assumingMemoryBound(to: UInt64.self), count, low, high, bits)
    }
  }
}
