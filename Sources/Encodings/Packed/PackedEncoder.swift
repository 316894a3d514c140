import Bytes
import CKernels

/// Plans and writes packed streams from codes: values less their base, over their common divisor.
struct PackedEncoder {
  let codes: UnsafePointer<UInt64>
  let count: Int
  let base: Int64
  let multiplier: Int64
  /// 0 for values, more for the high bits of patches.
  var depth = 0
  /// True for values that scans test and group by as they lie: narrow ones are patched only for a large gain.
  var isScanned = false

  /// What `plan` decided.
  struct Plan {
    var hasFrames = false
    var uniformWidth = 0
    var widths: [UInt8] = []
    var frames: [UInt64] = []
    var isPatched = false
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
    let mayPatch = depth < PackedPatches.maximumDepth
    /// Bits of `length` codes of `width` of which `patches` have high parts, `outliers` of them above `high` bits. Some
    /// bits more stand for the time that patches take.
    func bits(_ width: Int, _ patches: Int, _ high: Int, _ outliers: Int, _ length: Int) -> Int {
      length * width + patches * (high + 3) + min(patches * 16, length)
        + (outliers > 0 ? outliers * (full - width - high + 20) : 0)
    }

    plan.uniformWidth = full
    let unpatched = count * full
    var best = unpatched
    let leastGain = isScanned && full <= 16 ? unpatched / 3 : unpatched / 12
    if mayPatch && vectors > 0 {
      var above = [Int](repeating: 0, count: 66)
      for width in stride(from: 63, through: 0, by: -1) { above[width] = above[width + 1] + uniform[width + 1] }
      for high in PackedEncoder.highWidths where high <= full {
        for width in 0...(full - high) {
          let size = bits(width, above[width], high, above[width + high], count) + vectors * 32
          if size < best && size < unpatched - leastGain - 512 {
            best = size
            plan.uniformWidth = width
            plan.isPatched = true
          }
        }
      }
    }

    // The best with frames, without patches and with them.
    var framedPlans: [(widths: [UInt8], size: Int)?] = [nil, nil]
    for high in [0] + PackedEncoder.highWidths where vectors > 1 && (high == 0 || (high <= full && mayPatch)) {
      var widths = [UInt8](repeating: 0, count: vectors)
      var total = vectors * (high == 0 ? 72 : 104)
      for vector in 0..<vectors {
        let length = min(1024, count - vector << 10)
        let vectorFull = PackedEncoder.bits(greatests[vector] &- leasts[vector])
        var chosen = vectorFull
        var least = length * vectorFull
        if high > 0 {
          // `above` counts the codes longer than the width, `outliers` those longer than width and high together.
          var above = 0
          var outliers = 0
          for width in stride(from: vectorFull, through: 0, by: -1) {
            let size = bits(width, above, high, outliers, length)
            if size < least {
              least = size
              chosen = width
            }
            above += Int(framed[vector * 65 + width])
            if width + high <= vectorFull { outliers += Int(framed[vector * 65 + width + high]) }
          }
        }
        widths[vector] = UInt8(chosen)
        total += least
      }
      let kind = high > 0 ? 1 : 0
      if total < (framedPlans[kind]?.size ?? .max) { framedPlans[kind] = (widths, total) }
    }
    for (kind, framedPlan) in framedPlans.enumerated() {
      guard let framedPlan, framedPlan.size < best - (kind == 1 ? leastGain : best / 20) - 1024 else { continue }
      plan.hasFrames = true
      plan.isPatched = kind == 1
      plan.widths = framedPlan.widths
      plan.frames = leasts
      plan.uniformWidth = Int(framedPlan.widths.max() ?? 0)
      best = framedPlan.size
    }
    plan.laneLog = PackedEncoder.laneLog(plan.uniformWidth)
    plan.byteCount = best / 8 + 64
    return plan
  }

  private static let sampling = 4

  /// Widths of high bits that are tried.
  private static let highWidths = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32]

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
      if plan.isPatched {
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
    let isBitmap = positions.count * 16 > count
    writer.pad(to: 8)
    writer.append(UInt8(plan.laneLog))
    writer.append(UInt8((plan.hasFrames ? 1 : 0) | (isBitmap ? 2 : 0)))
    writer.append(UInt8(plan.uniformWidth))
    writer.append(UInt8(0))
    writer.append(UInt32(positions.count))
    writer.append(base)
    writer.append(multiplier)
    writer.append(plan.maximumCode)
    if plan.hasFrames {
      writer.appendArray(plan.frames)
      writer.appendArray(plan.widths)
    }
    if !positions.isEmpty {
      PackedPatches.write(
        starts: starts, positions: positions, highs: highs, isBitmap: isBitmap, depth: depth, into: &writer)
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
