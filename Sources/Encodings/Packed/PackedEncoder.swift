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
  private static let highWidths: [UInt8] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32]

  /// What is true of the codes of a stream.
  private struct Shape {
    /// Bounds of each vector's codes.
    var leasts: [UInt64]
    var greatests: [UInt64]
    /// The most bits of a code; of a negative one, those of its magnitude.
    var full = 0
    /// True when at least one code is negative.
    var hasNegatives = false

    /// How many bits each vector's codes have above its least.
    var vectorWidths: [Int] { zip(leasts, greatests).map { PackedEncoder.bits($1 &- $0) } }
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
    for (vector, width) in shape.vectorWidths.enumerated() { framedBits += length(vector) * width }
    let histogram = AlignedBuffer(byteCount: mayPatch ? vectors * 65 * 4 : 0, zeroed: true)
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
    let whole = shape.vectorWidths.map { UInt8($0) }
    var framedPlans = [(widths: whole, size: vectors * 72 + framedBits)]
    if mayPatch, let patched = patchedFrames(shape, lengths) { framedPlans.append(patched) }
    for (kind, framedPlan) in framedPlans.enumerated() {
      let margin = mustFrame ? 0 : (kind == 1 ? leastGain : best / 20) + 1024
      guard framedPlan.size < best - margin else { continue }
      plan.hasFrames = true
      plan.isPatched = kind == 1
      plan.arePatchesSigned = false
      plan.widths = framedPlan.widths
      plan.frames = shape.leasts
      plan.uniformWidth = Int(framedPlan.widths.max() ?? 0)
      best = framedPlan.size
    }
  }

  /// The widths of vectors whose longer codes are patched by as many high bits in all of them, those that take the fewest
  /// bits; nil where codes are too short for that. `lengths` are those of each vector's codes above its least.
  private func patchedFrames(
    _ shape: Shape, _ lengths: UnsafePointer<UInt32>
  ) -> (widths: [UInt8], size: Int)? {
    let highs = PackedEncoder.highWidths.filter { $0 <= shape.full }
    if highs.isEmpty { return nil }
    let vectors = vectorCount
    // What vectors take for each number of high bits, one vector after the other.
    var widths = [UInt8](repeating: 0, count: vectors * highs.count)
    var sizes = [UInt32](repeating: 0, count: highs.count)
    var totals = [Int](repeating: vectors * 104, count: highs.count)
    widths.withUnsafeMutableBufferPointer { widths in
      guard let base = widths.baseAddress else { return }
      for (vector, width) in shape.vectorWidths.enumerated() {
        ph_frame_widths(
          lengths + vector * 65, UInt32(PackedEncoder.sampling), UInt32(length(vector)), UInt32(width),
          UInt32(shape.full), highs, highs.count, base + vector * highs.count, &sizes)
        for (index, size) in sizes.enumerated() { totals[index] += Int(size) }
      }
    }
    guard let least = totals.min(), let best = totals.firstIndex(of: least) else { return nil }
    return ((0..<vectors).map { widths[$0 * highs.count + best] }, least)
  }

  /// Appends the stream without its encoding byte.
  func write(_ plan: Plan, into writer: inout ByteWriter) {
    // A vector at a time is packed in memory of fixed size.
    let scratch = AlignedBuffer(byteCount: 1024 * 8 * 2)
    defer { withExtendedLifetime(scratch) {} }
    if !plan.isPatched {
      writeHead(plan, Patches(), into: &writer)
      for vector in 0..<vectorCount { writer.appendRaw(pack(vector, plan, scratch)) }
      return
    }
    // What follows the patches is packed as they are found, while the vector is at hand.
    var patches = Patches(rowCount: count)
    var packed = ByteWriter(reserving: plan.byteCount)
    for vector in 0..<vectorCount {
      patches.count += ph_patches64(
        codes + vector << 10, length(vector), frame(vector, plan), UInt32(width(vector, plan)),
        plan.arePatchesSigned ? 1 : 0, patches.positions + patches.count, patches.highs + patches.count)
      patches.starts.append(UInt32(patches.count))
      packed.appendRaw(pack(vector, plan, scratch))
    }
    writeHead(plan, patches, into: &writer)
    packed.bytes.withUnsafeBytes { writer.appendRaw($0) }
  }

  /// The codes that do not fit: where they are in their vectors, and their high parts.
  private struct Patches {
    var count = 0
    var starts: [UInt32] = [0]
    private let memory: AlignedBuffer
    let positions: UnsafeMutablePointer<UInt16>
    let highs: UnsafeMutablePointer<UInt64>

    /// Has room for a patch of each row; what is not used is not touched.
    init(rowCount: Int = 0) {
      memory = AlignedBuffer(byteCount: rowCount * 10)
      highs = memory.values(as: UInt64.self)
      positions = (memory.base + rowCount * 8).assumingMemoryBound(to: UInt16.self)
    }
  }

  private func width(_ vector: Int, _ plan: Plan) -> Int {
    plan.hasFrames ? Int(plan.widths[vector]) : plan.uniformWidth
  }

  private func frame(_ vector: Int, _ plan: Plan) -> UInt64 { (plan.hasFrames ? plan.frames[vector] : 0) &+ origin }

  /// Appends what stands before the packed vectors.
  private func writeHead(_ plan: Plan, _ patches: Patches, into writer: inout ByteWriter) {
    let isBitmap = patches.count * 16 > count
    writer.pad(to: 8)
    writer.append(UInt8(plan.laneLog))
    writer.append(UInt8((plan.hasFrames ? 1 : 0) | (isBitmap ? 2 : 0)))
    writer.append(UInt8(plan.uniformWidth))
    writer.append(UInt8(0))
    writer.append(UInt32(patches.count))
    writer.append(base)
    writer.append(multiplier)
    writer.append(plan.maximumCode)
    if plan.hasFrames {
      writer.appendArray(plan.frames)
      writer.appendArray(plan.widths)
    }
    if patches.count > 0 {
      PackedPatches.write(
        starts: patches.starts, positions: patches.positions, highs: patches.highs, areSigned: plan.arePatchesSigned,
        isBitmap: isBitmap, depth: depth, into: &writer)
    }
    writer.pad(to: 64)
    withExtendedLifetime(patches) {}
  }

  /// Packs a vector in `scratch`, where it stays until the next one.
  private func pack(_ vector: Int, _ plan: Plan, _ scratch: AlignedBuffer) -> UnsafeRawBufferPointer {
    let width = width(vector, plan)
    let length = length(vector)
    let lanes = scratch.base
    let words = scratch.base + 1024 * 8
    if width > 0 {
      ph_narrow64(codes + vector << 10, length, frame(vector, plan), UInt32(plan.laneLog), lanes)
      switch plan.laneLog {
      case 0:
        ph_pack8(lanes.assumingMemoryBound(to: UInt8.self), UInt32(width), words.assumingMemoryBound(to: UInt8.self))
      case 1:
        ph_pack16(lanes.assumingMemoryBound(to: UInt16.self), UInt32(width), words.assumingMemoryBound(to: UInt16.self))
      case 2:
        ph_pack32(lanes.assumingMemoryBound(to: UInt32.self), UInt32(width), words.assumingMemoryBound(to: UInt32.self))
      default:
        ph_pack64(lanes.assumingMemoryBound(to: UInt64.self), UInt32(width), words.assumingMemoryBound(to: UInt64.self))
      }
    }
    let byteCount = PackedStream.byteCount(length: length, width: width, laneLog: plan.laneLog)
    return UnsafeRawBufferPointer(start: words, count: width == 0 ? 0 : byteCount)
  }
}
