import Bytes
import CKernels

/// Plans and writes packed streams from codes: values less their base, over their common divisor.
struct PackedEncoder {
  let codes: UnsafePointer<UInt64>
  let count: Int
  let base: Int64
  let multiplier: Int64

  /// What `plan` decided.
  struct Plan {
    var hasFrames = false
    var uniformWidth = 0
    var widths: [UInt8] = []
    var frames: [UInt64] = []
    var highByteCount = 0
    var laneLog = 0
    var maximumCode: UInt64 = 0
    /// About how long the stream will be.
    var byteCount = 0
  }

  private var vectorCount: Int { (count + 1023) >> 10 }

  private static func bits(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

  private static func laneLog(_ width: Int) -> Int { width <= 8 ? 0 : (width <= 16 ? 1 : (width <= 32 ? 2 : 3)) }

  /// Finds the layout that takes the fewest bytes, with a lean towards one frame without patches, which aggregates can
  /// run over as it lies.
  func plan() -> Plan {
    var plan = Plan()
    let vectors = vectorCount
    var leasts = [UInt64](repeating: 0, count: vectors)
    var greatests = [UInt64](repeating: 0, count: vectors)
    // Bit lengths of a sample of each vector: above zero, and above the vector's least.
    var uniform = [Int](repeating: 0, count: 65)
    var framed = [UInt16](repeating: 0, count: 65 * vectors)
    for vector in 0..<vectors {
      let values = codes + vector << 10
      let length = min(1024, count - vector << 10)
      var least = UInt64.max
      var greatest: UInt64 = 0
      var index = 0
      while index < length {
        least = min(least, values[index])
        greatest = max(greatest, values[index])
        index &+= 1
      }
      leasts[vector] = least
      greatests[vector] = greatest
      plan.maximumCode = max(plan.maximumCode, greatest)
      index = 0
      while index < length {
        uniform[PackedEncoder.bits(values[index])] += PackedEncoder.sampling
        framed[vector * 65 + PackedEncoder.bits(values[index] &- least)] += UInt16(PackedEncoder.sampling)
        index += PackedEncoder.sampling
      }
    }
    let full = PackedEncoder.bits(plan.maximumCode)
    // A patch costs time as well: two bytes more stand for it.
    func bytes(_ width: Int, _ patches: Int, _ high: Int, _ length: Int) -> Int {
      length * width / 8 + patches * (2 + high + 2)
    }

    plan.uniformWidth = full
    var best = count * full / 8
    let plain = best
    for high in [1, 2, 4, 8] where vectors > 0 {
      var above = 0
      var width = full
      while width >= max(0, full - 8 * high) {
        let size = bytes(width, above, high, count) + vectors * 4
        if size < best && size < plain - plain / 20 - 64 {
          best = size
          plan.uniformWidth = width
          plan.highByteCount = high
        }
        above += uniform[width]
        width -= 1
      }
    }

    let uniformBest = best
    var framedPlan: (high: Int, widths: [UInt8], size: Int)?
    for high in [0, 1, 2, 4, 8] where vectors > 1 {
      var widths = [UInt8](repeating: 0, count: vectors)
      var total = vectors * (high == 0 ? 9 : 13)
      for vector in 0..<vectors {
        let length = min(1024, count - vector << 10)
        let full = PackedEncoder.bits(greatests[vector] &- leasts[vector])
        var chosen = full
        var least = length * full / 8
        if high > 0 {
          var above = 0
          var width = full
          while width >= max(0, full - 8 * high) {
            let size = bytes(width, above, high, length)
            if size < least {
              least = size
              chosen = width
            }
            above += Int(framed[vector * 65 + width])
            width -= 1
          }
        }
        widths[vector] = UInt8(chosen)
        total += least
      }
      if total < (framedPlan?.size ?? .max) { framedPlan = (high, widths, total) }
    }
    if let framedPlan, framedPlan.size < uniformBest - uniformBest / 20 - 128 {
      plan.hasFrames = true
      plan.highByteCount = framedPlan.high
      plan.widths = framedPlan.widths
      plan.frames = leasts
      plan.uniformWidth = Int(framedPlan.widths.max() ?? 0)
      best = framedPlan.size
    }
    plan.laneLog = PackedEncoder.laneLog(plan.uniformWidth)
    plan.byteCount = best + 64
    return plan
  }

  private static let sampling = 4

  /// Appends the stream without its encoding byte.
  func write(_ plan: Plan, into writer: inout ByteWriter) {
    let vectors = vectorCount
    var starts: [UInt32] = [0]
    var positions: [UInt16] = []
    var highs: [UInt64] = []
    let lanes = AlignedBuffer(byteCount: 1024 * 8)
    let words = AlignedBuffer(byteCount: 1024 * 8)
    var packed = ByteWriter(reserving: plan.byteCount)
    for vector in 0..<vectors {
      let length = min(1024, count - vector << 10)
      let width = plan.hasFrames ? Int(plan.widths[vector]) : plan.uniformWidth
      let frame = plan.hasFrames ? plan.frames[vector] : 0
      let values = codes + vector << 10
      if plan.highByteCount > 0 {
        var index = 0
        while index < length {
          let high = width == 64 ? 0 : (values[index] &- frame) >> UInt64(width)
          if high != 0 {
            positions.append(UInt16(index))
            highs.append(high)
          }
          index += 1
        }
        starts.append(UInt32(positions.count))
      }
      if width == 0 { continue }
      pack(values, length, frame, width, plan.laneLog, lanes.base, words.base)
      let byteCount = PackedStream.byteCount(length: length, width: width, laneLog: plan.laneLog)
      packed.appendRaw(UnsafeRawBufferPointer(start: words.base, count: byteCount))
    }
    let high = positions.isEmpty ? 0 : plan.highByteCount
    writer.pad(to: 8)
    writer.append(UInt8(plan.laneLog))
    writer.append(plan.hasFrames)
    writer.append(UInt8(plan.uniformWidth))
    writer.append(UInt8(high))
    writer.append(UInt32(positions.count))
    writer.append(base)
    writer.append(multiplier)
    writer.append(plan.maximumCode)
    if plan.hasFrames {
      writer.appendArray(plan.frames)
      writer.appendArray(plan.widths)
    }
    if high > 0 {
      writer.appendArray(starts)
      writer.appendArray(positions)
      writer.pad(to: 8)
      switch high {
      case 1: for value in highs { writer.append(UInt8(truncatingIfNeeded: value)) }
      case 2: for value in highs { writer.append(UInt16(truncatingIfNeeded: value)) }
      case 4: for value in highs { writer.append(UInt32(truncatingIfNeeded: value)) }
      default: writer.appendArray(highs)
      }
    }
    writer.pad(to: 64)
    packed.bytes.withUnsafeBytes { writer.appendRaw($0) }
  }

  private func pack(
    _ values: UnsafePointer<UInt64>, _ length: Int, _ frame: UInt64, _ width: Int, _ laneLog: Int,
    _ lanes: UnsafeMutableRawPointer, _ words: UnsafeMutableRawPointer
  ) {
    let width = UInt32(width)
    switch laneLog {
    case 0:
      narrow(values, length, frame, lanes.assumingMemoryBound(to: UInt8.self))
      ph_pack8(lanes.assumingMemoryBound(to: UInt8.self), width, words.assumingMemoryBound(to: UInt8.self))
    case 1:
      narrow(values, length, frame, lanes.assumingMemoryBound(to: UInt16.self))
      ph_pack16(lanes.assumingMemoryBound(to: UInt16.self), width, words.assumingMemoryBound(to: UInt16.self))
    case 2:
      narrow(values, length, frame, lanes.assumingMemoryBound(to: UInt32.self))
      ph_pack32(lanes.assumingMemoryBound(to: UInt32.self), width, words.assumingMemoryBound(to: UInt32.self))
    default:
      narrow(values, length, frame, lanes.assumingMemoryBound(to: UInt64.self))
      ph_pack64(lanes.assumingMemoryBound(to: UInt64.self), width, words.assumingMemoryBound(to: UInt64.self))
    }
  }

  /// Cuts codes to lanes; rows past `length` become zero.
  @inline(__always) private func narrow<Lane: FixedWidthInteger & UnsignedInteger>(
    _ values: UnsafePointer<UInt64>, _ length: Int, _ frame: UInt64, _ lanes: UnsafeMutablePointer<Lane>
  ) {
    var index = 0
    while index < length {
      lanes[index] = Lane(truncatingIfNeeded: values[index] &- frame)
      index &+= 1
    }
    while index < 1024 {
      lanes[index] = 0
      index &+= 1
    }
  }
}
