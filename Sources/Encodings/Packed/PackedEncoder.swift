import Bytes
import CKernels

/// Plans and writes packed streams from codes: values less their base, over their common divisor.
struct PackedEncoder {
  /// A row's code is what lies here less `origin`, so that values need not be copied to become codes.
  let codes: UnsafePointer<UInt64>
  let count: Int
  let base: Int64
  let multiplier: Int64
  var origin: UInt64 = 0
  /// 0 for values, more for the high bits of patches.
  var depth = 0
  /// True for values that scans test and group by as they lie: narrow ones are patched only for a large gain.
  var isScanned = false
  /// True when codes may be negative: differences to a base that is not the least. Then patches reach down as well as
  /// up, and a few low codes do not widen all others. Such codes are of use only where sums wrap, in delta streams.
  var isSigned = false

  /// False for codes whose vectors differ in nothing: frames of their own are not tried then.
  var mayFrame = true
  /// The bounds of what lies here in each vector, as signed integers, where they are known.
  var bounds: [(least: Int64, greatest: Int64)]?

  /// What `plan` decided.
  struct Plan {
    var hasFrames = false
    var uniformWidth = 0
    var widths: [UInt8] = []
    var frames: [UInt64] = []
    var isPatched = false
    /// True when high parts have signs; else negative ones are the longest.
    var arePatchesSigned = false
    var laneLog = 0
    var maximumCode: UInt64 = 0
    /// About how long the stream will be.
    var byteCount = 0
  }

  private var vectorCount: Int { (count + 1023) >> 10 }

  private func length(_ vector: Int) -> Int { min(1024, count - vector << 10) }

  private static func bits(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

  private static func laneLog(_ width: Int) -> Int { width <= 8 ? 0 : (width <= 16 ? 1 : (width <= 32 ? 2 : 3)) }

  /// One code in so many tells how long codes are.
  private static let sampling = 8

  /// So many levels of patches are planned at most: one more would save little, and cost those who want few vectors.
  private static let plannedDepth = 3

  /// Widths of high bits that are tried.
  private static let highWidths = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32]

  /// What is true of the codes of a stream.
  private struct Shape {
    /// Bounds of each vector's codes.
    var leasts: [UInt64]
    var greatests: [UInt64]
    /// The most bits of a code; of a negative one, those of its magnitude.
    var full = 0
    /// True when at least one code is negative.
    var hasNegatives = false
  }

  /// Returns the bounds of each vector of signed integers; with `flip` of unsigned ones, whose order its bit turns.
  static func bounds(
    _ values: UnsafePointer<Int64>, _ count: Int, flip: UInt64 = 0
  ) -> [(least: Int64, greatest: Int64)] {
    stride(from: 0, to: count, by: 1024).map { start in
      var least: Int64 = 0
      var greatest: Int64 = 0
      ph_bounds64(values + start, min(1024, count - start), flip, &least, &greatest)
      return (least, greatest)
    }
  }

  private func shape() -> Shape {
    let vectors = vectorCount
    var shape = Shape(
      leasts: [UInt64](repeating: 0, count: vectors), greatests: [UInt64](repeating: 0, count: vectors))
    // Codes that come from values keep the order of those.
    let flip: UInt64 = isSigned || origin != 0 ? 0 : 1 << 63
    let bounds =
      bounds
      ?? UnsafeRawPointer(codes).withMemoryRebound(to: Int64.self, capacity: count) {
        PackedEncoder.bounds($0, count, flip: flip)
      }
    for (vector, (least, greatest)) in bounds.enumerated() {
      shape.leasts[vector] = UInt64(bitPattern: least) &- origin
      shape.greatests[vector] = UInt64(bitPattern: greatest) &- origin
      if isSigned {
        shape.hasNegatives = shape.hasNegatives || least < 0
        let low = least < 0 ? UInt64(bitPattern: ~least) : 0
        let high = greatest < 0 ? 0 : UInt64(greatest)
        shape.full = max(shape.full, PackedEncoder.bits(low | high))
      } else {
        shape.full = max(shape.full, PackedEncoder.bits(shape.greatests[vector]))
      }
    }
    return shape
  }

  /// Bits that stand for the time a patch takes.
  private static let patchTime = 2

  /// Bits of `length` codes of `width` of which `patches` have high parts, `outliers` of them above `high` bits.
  private static func bits(
    _ width: Int, _ patches: Int, _ high: Int, _ outliers: Int, _ length: Int, _ full: Int
  ) -> Int {
    length * width + patches * (high + 1 + patchTime) + min(patches * 16, length)
      + (outliers > 0 ? outliers * max(full - width - high + 20, 0) : 0)
  }

  /// Bits of the places of `patches` among `length` codes.
  private static func places(_ patches: Int, _ length: Int) -> Int {
    patches == 0 ? 0 : patches * patchTime + min(patches * 16, length) + (length >> 10 + 1) * 32 + 512
  }

  /// Finds the layout that takes the fewest bytes, with a lean towards one frame without patches, which aggregates can
  /// run over as it lies.
  func plan() -> Plan {
    let shape = shape()
    let vectors = vectorCount
    var plan = Plan()
    plan.maximumCode = shape.greatests.max() ?? 0
    let mustFrame = isSigned && depth > 0
    let mustPatch = isSigned && depth == 0 && shape.hasNegatives
    plan.uniformWidth = isSigned && shape.hasNegatives ? 64 : shape.full
    let unpatched = count * plan.uniformWidth
    var best = unpatched
    let leastGain = isScanned && shape.full <= 16 ? unpatched / 3 : unpatched / 12
    let mayPatch = depth < PackedEncoder.plannedDepth
    if mayPatch && vectors > 0 && !mustFrame && shape.full > 0 {
      planPatches(&plan, shape, limit: unpatched - leastGain - 512, &best)
    }
    if mustFrame { best = .max / 2 }
    if mustFrame || (mayFrame && !mustPatch && vectors > 1) {
      planFrames(&plan, shape, leastGain: leastGain, mayPatch: mayPatch, mustFrame: mustFrame, &best)
    }
    plan.laneLog = PackedEncoder.laneLog(plan.uniformWidth)
    plan.byteCount = best / 8 + 64
    return plan
  }

  /// Finds the best width for all vectors with longer codes patched, the longest of their high bits in turn.
  private func planPatches(_ plan: inout Plan, _ shape: Shape, limit: Int, _ best: inout Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 65) { histogram in
      histogram.initialize(repeating: 0)
      guard let lengths = histogram.baseAddress else { return }
      let sampled = ph_bit_lengths(codes, count, origin, lengths)
      // As they lie, negative codes are the longest there are. Of few the sample may know none.
      let longest = isSigned && shape.hasNegatives ? 64 : shape.full
      lengths[longest] = max(lengths[longest], 1)
      let widths = (0...longest).filter { lengths[$0] > 0 }
      // Codes longer than each of the widths.
      var above = [Int](repeating: 0, count: widths.count)
      for index in widths.indices.dropLast().reversed() {
        above[index] = above[index + 1] + Int(lengths[widths[index + 1]]) * count / sampled
      }
      let highs = PackedEncoder.highBits(widths, above, levels: PackedEncoder.plannedDepth - depth - 1)
      for (index, width) in widths.enumerated().dropLast() {
        let size = count * width + PackedEncoder.places(above[index], count)
        var rest = highs[index]
        var areSigned = false
        // With signs of their own, high bits of both signs share one frame.
        if isSigned && above[index] * (shape.full + 1 - width) < rest {
          rest = above[index] * (shape.full + 1 - width)
          areSigned = true
        }
        if size + rest < best && size + rest < limit {
          best = size + rest
          plan.uniformWidth = width
          plan.isPatched = true
          plan.arePatchesSigned = areSigned
        }
      }
    }
  }

  /// About how many bits the high parts of the codes above each width take, `levels` times patched themselves.
  private static func highBits(_ widths: [Int], _ above: [Int], levels: Int) -> [Int] {
    let full = widths.last ?? 0
    let unpatched = zip(widths, above).map { $1 * (full - $0) }
    var bits = unpatched
    for _ in 0..<max(levels, 0) {
      var patched = unpatched
      for low in widths.indices {
        for width in widths.indices[(low + 1)...].dropLast() {
          let size = above[low] * (widths[width] - widths[low]) + places(above[width], above[low]) + bits[width]
          patched[low] = min(patched[low], size)
        }
      }
      bits = patched
    }
    return bits
  }

  /// Finds the best widths for vectors that each begin at their least code, without patches and with them.
  private func planFrames(
    _ plan: inout Plan, _ shape: Shape, leastGain: Int, mayPatch: Bool, mustFrame: Bool, _ best: inout Int
  ) {
    let vectors = vectorCount
    let full = shape.full
    var framedBits = 0
    for vector in 0..<vectors {
      framedBits += length(vector) * PackedEncoder.bits(shape.greatests[vector] &- shape.leasts[vector])
    }
    let histogram = AlignedBuffer(byteCount: vectors * 65 * 4, zeroed: true)
    let lengths = histogram.values(as: UInt32.self)
    defer { withExtendedLifetime(histogram) {} }
    let step = PackedEncoder.sampling
    if mayPatch {
      // Of scanned codes frames are tried only where they are shorter above their vector's least than above all's.
      var whole = 0
      var inVectors = 0
      for vector in 0..<vectors {
        ph_bit_lengths(
          codes + vector << 10, length(vector), origin &+ shape.leasts[vector], lengths + vector * 65)
        for width in 1...64 { inVectors += width * Int(lengths[vector * 65 + width]) * step }
      }
      if isScanned {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 65) { all in
          all.initialize(repeating: 0)
          guard let base = all.baseAddress else { return }
          ph_bit_lengths(codes, count, origin, base)
          for width in 1...64 { whole += width * Int(base[width]) * step }
        }
        if framedBits > count * full / 20 * 19 && inVectors > whole - count { return }
      }
    }
    var framedPlans: [(widths: [UInt8], size: Int)?] = [nil, nil]
    for high in [0] + PackedEncoder.highWidths where high == 0 || (high <= full && mayPatch) {
      var widths = [UInt8](repeating: 0, count: vectors)
      var total = vectors * (high == 0 ? 72 : 104)
      for vector in 0..<vectors {
        let length = length(vector)
        let vectorFull = PackedEncoder.bits(shape.greatests[vector] &- shape.leasts[vector])
        var chosen = vectorFull
        var least = length * vectorFull
        if high > 0 {
          // `above` counts the codes longer than the width, `outliers` those longer than width and high together.
          var above = 0
          var outliers = 0
          for width in stride(from: vectorFull, through: 0, by: -1) {
            // Shorter codes only patch more.
            if above * (high + 3) >= least { break }
            let size = PackedEncoder.bits(width, above, high, outliers, length, full)
            if size < least {
              least = size
              chosen = width
            }
            above += Int(lengths[vector * 65 + width]) * step
            if width + high <= vectorFull { outliers += Int(lengths[vector * 65 + width + high]) * step }
          }
        }
        widths[vector] = UInt8(chosen)
        total += least
      }
      let kind = high > 0 ? 1 : 0
      if total < (framedPlans[kind]?.size ?? .max) { framedPlans[kind] = (widths, total) }
    }
    for (kind, framedPlan) in framedPlans.enumerated() {
      let margin = mustFrame ? 0 : (kind == 1 ? leastGain : best / 20) + 1024
      guard let framedPlan, framedPlan.size < best - margin else { continue }
      plan.hasFrames = true
      plan.isPatched = kind == 1
      plan.arePatchesSigned = false
      plan.widths = framedPlan.widths
      plan.frames = shape.leasts
      plan.uniformWidth = Int(framedPlan.widths.max() ?? 0)
      best = framedPlan.size
    }
  }

  /// Appends the stream without its encoding byte.
  func write(_ plan: Plan, into writer: inout ByteWriter) {
    let vectors = vectorCount
    var starts: [UInt32] = [0]
    // A vector at a time is collected in memory of fixed size.
    let scratch = AlignedBuffer(byteCount: 1024 * 8 * 3 + 1024 * 2)
    defer { withExtendedLifetime(scratch) {} }
    let lanes = scratch.base
    let words = scratch.base + 1024 * 8
    let vectorHighs = (scratch.base + 1024 * 16).assumingMemoryBound(to: UInt64.self)
    let vectorPositions = (scratch.base + 1024 * 24).assumingMemoryBound(to: UInt16.self)
    var positions: [UInt16] = []
    var highs: [UInt64] = []
    var packed = ByteWriter(reserving: plan.byteCount)
    for vector in 0..<vectors {
      let length = length(vector)
      let width = plan.hasFrames ? Int(plan.widths[vector]) : plan.uniformWidth
      let frame = (plan.hasFrames ? plan.frames[vector] : 0) &+ origin
      let values = codes + vector << 10
      if plan.isPatched {
        let found = ph_patches64(
          values, length, frame, UInt32(width), plan.arePatchesSigned ? 1 : 0, vectorPositions, vectorHighs)
        positions.append(contentsOf: UnsafeBufferPointer(start: vectorPositions, count: found))
        highs.append(contentsOf: UnsafeBufferPointer(start: vectorHighs, count: found))
        starts.append(UInt32(positions.count))
      }
      if width == 0 { continue }
      pack(values, length, frame, width, plan.laneLog, lanes, words)
      let byteCount = PackedStream.byteCount(length: length, width: width, laneLog: plan.laneLog)
      packed.appendRaw(UnsafeRawBufferPointer(start: words, count: byteCount))
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
        starts: starts, positions: positions, highs: highs, areSigned: plan.arePatchesSigned, isBitmap: isBitmap,
        depth: depth, into: &writer)
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
