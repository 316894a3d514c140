import Bytes
import CKernels

/// Integers as `base + multiplier * (frame + code)`: codes bit-packed by vectors of 1024 in the transposed layout, each
/// vector with its own width and frame or all with one, and patches that add high bits to the codes that did not fit.
///
/// `FORMAT.md` has the layout. Arithmetic wraps, so whatever the bytes say, reading them is safe.
struct PackedStream {
  let count: Int
  let base: Int64
  let multiplier: Int64
  /// Log2 of the bytes in a lane: 0 to 3.
  let laneLog: Int
  /// Every code, patches included, is at most this; checked by `validate`.
  let maximumCode: UInt64
  let uniformWidth: Int
  let frames: UnsafePointer<UInt64>?
  let widths: UnsafePointer<UInt8>?
  /// Where each vector's words start, when they have widths of their own.
  let starts: [Int]
  let patches: PackedPatches
  let data: UnsafeRawPointer

  var vectorCount: Int { (count + 1023) >> 10 }
  var laneBits: Int { 8 << laneLog }

  /// True when codes are all in one frame and none is patched: lanes are the whole truth.
  var isPlainFrame: Bool { frames == nil && patches.count == 0 }

  @inline(__always) func width(_ vector: Int) -> Int { widths.map { Int($0[vector]) } ?? uniformWidth }

  @inline(__always) func frame(_ vector: Int) -> UInt64 { frames.map { $0[vector] } ?? 0 }

  @inline(__always) func start(_ vector: Int) -> Int { frames == nil ? vector * uniformWidth * 128 : starts[vector] }

  @inline(__always) func length(_ vector: Int) -> Int { min(1024, count - vector << 10) }

  /// Returns how many bytes `length` values of `width` bits take: whole words of 128 bytes.
  static func byteCount(length: Int, width: Int, laneLog: Int) -> Int {
    let lanes = 128 >> laneLog
    let rows = (length + lanes - 1) / lanes
    return (rows * width + (8 << laneLog) - 1) / (8 << laneLog) * 128
  }

  init(_ cursor: inout BlockCursor, count: Int, depth: Int = 0) throws(PulsehouseError) {
    self.count = count
    let vectors = (count + 1023) >> 10
    laneLog = Int(try cursor.load(UInt8.self))
    let flags = try cursor.load(UInt8.self)
    uniformWidth = Int(try cursor.load(UInt8.self))
    let reserved = try cursor.load(UInt8.self)
    let patchCount = try cursor.count(atMost: count)
    base = try cursor.load(Int64.self)
    multiplier = try cursor.load(Int64.self)
    maximumCode = try cursor.load(UInt64.self)
    guard laneLog <= 3, flags <= 3, reserved == 0, uniformWidth <= 8 << laneLog, multiplier >= 1
    else { throw BlockCursor.damaged("a packed stream with an impossible header") }
    if flags & 1 == 1 {
      let frames = try cursor.array(UInt64.self, count: vectors)
      let widths = try cursor.array(UInt8.self, count: vectors)
      self.frames = frames
      self.widths = widths
      var starts = [Int](repeating: 0, count: vectors)
      var position = 0
      for vector in 0..<vectors {
        guard Int(widths[vector]) <= 8 << laneLog else { throw BlockCursor.damaged("a width that no lane has") }
        starts[vector] = position
        position += PackedStream.byteCount(
          length: min(1024, count - vector << 10), width: Int(widths[vector]), laneLog: laneLog)
      }
      self.starts = starts
      patches = try PackedPatches(
        &cursor, count: patchCount, rowCount: count, isBitmap: flags & 2 == 2, depth: depth)
      try cursor.align(to: 64)
      data = try cursor.bytes(position)
    } else {
      frames = nil
      widths = nil
      starts = []
      patches = try PackedPatches(
        &cursor, count: patchCount, rowCount: count, isBitmap: flags & 2 == 2, depth: depth)
      try cursor.align(to: 64)
      let full = count >> 10
      let rest = PackedStream.byteCount(length: count & 1023, width: uniformWidth, laneLog: laneLog)
      data = try cursor.bytes(full * uniformWidth * 128 + rest)
    }
  }

  /// Unpacks a vector's low codes, lane by lane, and returns where they are: `scratch.lanes`, or the file itself.
  func lanes(_ vector: Int, _ scratch: DecodeScratch) -> UnsafeRawPointer {
    let width = width(vector)
    let source = data + start(vector)
    if length(vector) == 1024 {
      if width == laneBits { return source }
      unpack(source, width, into: scratch.lanes)
    } else {
      let byteCount = PackedStream.byteCount(length: length(vector), width: width, laneLog: laneLog)
      scratch.tail.initializeMemory(as: UInt8.self, repeating: 0, count: width * 128)
      scratch.tail.copyMemory(from: source, byteCount: byteCount)
      unpack(UnsafeRawPointer(scratch.tail), width, into: scratch.lanes)
    }
    return UnsafeRawPointer(scratch.lanes)
  }

  /// Unpacks a full vector's low codes straight into `target`.
  @inline(__always) func unpack(_ source: UnsafeRawPointer, _ width: Int, into target: UnsafeMutableRawPointer) {
    let width = UInt32(truncatingIfNeeded: width)
    switch laneLog {
    case 0: ph_unpack8(source.assumingMemoryBound(to: UInt8.self), width, target.assumingMemoryBound(to: UInt8.self))
    case 1:
      ph_unpack16(source.assumingMemoryBound(to: UInt16.self), width, target.assumingMemoryBound(to: UInt16.self))
    case 2:
      ph_unpack32(source.assumingMemoryBound(to: UInt32.self), width, target.assumingMemoryBound(to: UInt32.self))
    default:
      ph_unpack64(source.assumingMemoryBound(to: UInt64.self), width, target.assumingMemoryBound(to: UInt64.self))
    }
  }

  /// Decodes a vector to values; `out` has room for 1024, of which `length(vector)` mean something.
  @inline(__always) func decode<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Int, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) {
    let origin = base &+ multiplier &* Int64(truncatingIfNeeded: frame(vector))
    widen(vector, origin: origin, multiplier: multiplier, into: out, scratch)
  }

  /// Decodes a vector to codes above the block's base, patches and frames applied.
  @inline(__always) func codes<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Int, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) {
    widen(vector, origin: Int64(truncatingIfNeeded: frame(vector)), multiplier: 1, into: out, scratch)
  }

  @inline(__always) private func widen<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Int, origin: Int64, multiplier: Int64, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) {
    let width = width(vector)
    let first = T(truncatingIfNeeded: origin)
    let step = T(truncatingIfNeeded: multiplier)
    if width == 0 {
      out.update(repeating: first, count: 1024)
    } else {
      let source = lanes(vector, scratch)
      switch laneLog {
      case 0: affine(source.assumingMemoryBound(to: UInt8.self), first, step, multiplier == 1, out)
      case 1: affine(source.assumingMemoryBound(to: UInt16.self), first, step, multiplier == 1, out)
      case 2: affine(source.assumingMemoryBound(to: UInt32.self), first, step, multiplier == 1, out)
      default: affine(source.assumingMemoryBound(to: UInt64.self), first, step, multiplier == 1, out)
      }
    }
    if patches.count > 0 { patches.add(vector, shift: width, multiplier: multiplier, to: out, scratch) }
  }

  /// Returns the code above the block's base of one row, without unpacking its vector.
  func code(at row: Int) -> UInt64 {
    let vector = row >> 10
    let index = row & 1023
    let width = width(vector)
    var code: UInt64 = 0
    if width > 0 {
      let lanes = 128 >> laneLog
      let bits = laneBits
      let bit = (index / lanes) * width
      let word = bit / bits
      let shift = UInt64(bit % bits)
      let position = start(vector) + word * 128 + (index % lanes) << laneLog
      code = lane(position) >> shift
      if Int(shift) + width > bits { code |= lane(position + 128) << UInt64(bits - Int(shift)) }
      if width < 64 { code &= (1 << UInt64(width)) &- 1 }
    }
    if patches.count > 0, let high = patches.high(vector, at: index) { code &+= high << UInt64(width) }
    return code &+ frame(vector)
  }

  @inline(__always) private func lane(_ position: Int) -> UInt64 { lane(data, position) }

  /// The lane that starts at byte `position`.
  @inline(__always) func lane(_ data: UnsafeRawPointer, _ position: Int) -> UInt64 {
    switch laneLog {
    case 0: UInt64(data.load(fromByteOffset: position, as: UInt8.self))
    case 1: UInt64(data.load(fromByteOffset: position, as: UInt16.self))
    case 2: UInt64(data.load(fromByteOffset: position, as: UInt32.self))
    default: data.load(fromByteOffset: position, as: UInt64.self)
    }
  }

  func value(at row: Int) -> Int64 { base &+ multiplier &* Int64(truncatingIfNeeded: code(at: row)) }

  /// Throws when a code is above `maximumCode`, which others size their tables by.
  func validate(_ scratch: DecodeScratch) throws(PulsehouseError) {
    var greatest: UInt64 = 0
    for vector in 0..<vectorCount {
      let codes = scratch.values.withMemoryRebound(to: UInt64.self, capacity: 1024) { $0 }
      self.codes(vector, into: codes, scratch)
      var vectorGreatest: UInt64 = 0
      for index in 0..<length(vector) { vectorGreatest = max(vectorGreatest, codes[index]) }
      greatest = max(greatest, vectorGreatest)
    }
    guard greatest <= maximumCode else { throw BlockCursor.damaged("a code of \(greatest) above \(maximumCode)") }
  }
}

/// Writes `first + step * code` for 1024 codes.
@inline(__always) private func affine<Lane: FixedWidthInteger & UnsignedInteger, T: FixedWidthInteger>(
  _ codes: UnsafePointer<Lane>, _ first: T, _ step: T, _ isUnit: Bool, _ out: UnsafeMutablePointer<T>
) {
  var index = 0
  if isUnit {
    while index < 1024 {
      out[index] = first &+ T(truncatingIfNeeded: codes[index])
      index &+= 1
    }
  } else {
    while index < 1024 {
      out[index] = first &+ step &* T(truncatingIfNeeded: codes[index])
      index &+= 1
    }
  }
}
