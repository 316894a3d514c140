import Bytes

/// Chooses an encoding for a sequence of integers by its exact cost, and writes it.
///
/// `values` hold `count` numbers; rows that are null have been filled so that they disturb nothing.
struct IntegerEncoder {
  let values: UnsafePointer<Int64>
  let count: Int
  /// The encodings it may use; it falls back to `packed`, which can hold anything.
  var allowed: Set<Encoding> = [.constant, .packed, .delta, .runLength]
  /// The key column and its keys per row, when prediction by key may be tried.
  var key: RowKeys?

  /// A column's values as keys for prediction: `codes[row] <= maximum`.
  struct RowKeys {
    let column: Int
    let codes: UnsafePointer<UInt32>
    let maximum: UInt32
  }

  /// What is true of the values.
  struct Profile {
    var minimum: Int64 = 0
    var maximum: Int64 = 0
    var runCount = 0
    /// Divides every difference between values; at least 1.
    var divisor: Int64 = 1
    /// False when `maximum - minimum` leaves Int64, and differences wrap.
    var spanFits = true
  }

  /// What the chooser settled on, with what is needed to write it.
  struct Choice {
    enum Form {
      case constant
      case packed(AlignedBuffer, PackedEncoder.Plan)
      case delta(AlignedBuffer, PackedEncoder.Plan, base: Int64, isZigzag: Bool)
      case runLength
      case keyedDelta(AlignedBuffer, PackedEncoder.Plan, base: Int64)
    }
    var form: Form
    var byteCount: Int
    var profile: Profile

    var encoding: Encoding {
      switch form {
      case .constant: .constant
      case .packed: .packed
      case .delta: .delta
      case .runLength: .runLength
      case .keyedDelta: .keyedDelta
      }
    }
  }

  func profile() -> Profile {
    var profile = Profile()
    guard count > 0 else { return profile }
    var minimum = values[0]
    var maximum = values[0]
    var changes = 0
    var index = 1
    while index < count {
      minimum = min(minimum, values[index])
      maximum = max(maximum, values[index])
      changes &+= values[index] == values[index &- 1] ? 0 : 1
      index &+= 1
    }
    profile.minimum = minimum
    profile.maximum = maximum
    profile.runCount = changes + 1
    let (span, overflow) = maximum.subtractingReportingOverflow(minimum)
    profile.spanFits = !overflow
    if !overflow && span > 256 { profile.divisor = divisor(minimum) }
    return profile
  }

  /// The greatest common divisor of the differences to `minimum`, found on a sample and proved on all rows.
  private func divisor(_ minimum: Int64) -> Int64 {
    var divisor: UInt64 = 0
    let step = max(1, count / 64)
    var index = 0
    while index < count {
      divisor = gcd(divisor, UInt64(values[index] &- minimum))
      if divisor == 1 { return 1 }
      index += step
    }
    if divisor == 0 { return 1 }
    var division = ExactDivision(Int64(divisor))
    index = 0
    while index < count {
      let difference = values[index] &- minimum
      if !division.divides(difference) {
        divisor = gcd(divisor, UInt64(difference))
        if divisor == 1 { return 1 }
        division = ExactDivision(Int64(divisor))
      }
      index += 1
    }
    return Int64(divisor)
  }

  private func gcd(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  /// Compares the allowed encodings.
  func choose() -> Choice { choose(profile()) }

  func choose(_ profile: Profile) -> Choice {
    if profile.minimum == profile.maximum && (allowed.contains(.constant) || count == 0) {
      return Choice(form: .constant, byteCount: 16, profile: profile)
    }
    var best: Choice?
    func offer(_ form: Choice.Form, _ byteCount: Int, weight: Double) {
      // The weight stands for slower decoding: an encoding must be smaller by that share to be taken.
      let current = best.map { Double($0.byteCount) } ?? .infinity
      if Double(byteCount) * weight < current { best = Choice(form: form, byteCount: byteCount, profile: profile) }
    }
    if allowed.contains(.runLength) && (profile.runCount <= count / 3 || allowed.isDisjoint(with: [.packed, .delta])) {
      offer(.runLength, runLengthByteCount(profile), weight: 1)
      // Runs this long need no rival.
      if profile.runCount <= count / 256, let best { return best }
    }
    let packsAnyway = allowed.isDisjoint(with: [.delta, .runLength, .keyedDelta])
    if allowed.contains(.packed) || packsAnyway {
      let codes = packedCodes(profile)
      let plan = packedEncoder(codes, profile).plan()
      offer(.packed(codes, plan), plan.byteCount, weight: 1)
    }
    // Columns of at most two bytes a row are what scans test and group by: there only a large gain is worth the time
    // that running sums take, and none the order that chains of keys demand.
    let packedBytes = best?.byteCount ?? .max
    let isNarrow = packedBytes <= count * 2 && allowed.contains(.packed)
    if allowed.contains(.delta) && profile.spanFits && (packedBytes > count / 4 || !allowed.contains(.packed)) {
      let (codes, plan, base, isZigzag) = delta(profile)
      offer(
        .delta(codes, plan, base: base, isZigzag: isZigzag), plan.byteCount + count / 128, weight: isNarrow ? 2 : 1.08)
    }
    if let key, allowed.contains(.keyedDelta), profile.spanFits, !isNarrow, let (codes, plan, base) = keyed(key) {
      offer(.keyedDelta(codes, plan, base: base), plan.byteCount + 64, weight: 1.15)
    }
    if let best { return best }
    let codes = packedCodes(profile)
    let plan = packedEncoder(codes, profile).plan()
    return Choice(form: .packed(codes, plan), byteCount: plan.byteCount, profile: profile)
  }

  private func packedEncoder(_ codes: AlignedBuffer, _ profile: Profile) -> PackedEncoder {
    PackedEncoder(
      codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: profile.minimum,
      multiplier: profile.divisor, isScanned: true)
  }

  private func packedCodes(_ profile: Profile) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let codes = buffer.values(as: UInt64.self)
    let minimum = profile.minimum
    var index = 0
    if profile.divisor == 1 {
      while index < count {
        codes[index] = UInt64(bitPattern: values[index] &- minimum)
        index &+= 1
      }
    } else {
      let division = ExactDivision(profile.divisor)
      while index < count {
        codes[index] = UInt64(bitPattern: division.quotient(values[index] &- minimum))
        index &+= 1
      }
    }
    return buffer
  }

  /// Differences to the row before, as zigzag codes or above their least, whichever is smaller.
  private func delta(_ profile: Profile) -> (AlignedBuffer, PackedEncoder.Plan, Int64, Bool) {
    let divisor = profile.divisor
    let differences = AlignedBuffer(byteCount: count * 8)
    let difference = differences.values(as: Int64.self)
    var least = Int64.max
    var index = 0
    while index < count {
      // The span fits, so no difference overflows.
      difference[index] = index & 1023 == 0 ? 0 : values[index] &- values[index &- 1]
      index &+= 1
    }
    if divisor > 1 {
      let division = ExactDivision(divisor)
      for index in 0..<count { difference[index] = division.quotient(difference[index]) }
    }
    index = 0
    while index < count {
      if index & 1023 != 0 { least = min(least, difference[index]) }
      index &+= 1
    }
    if least == .max { least = 0 }
    let zigzag = AlignedBuffer(byteCount: count * 8)
    let zigzagCodes = zigzag.values(as: UInt64.self)
    let codes = UnsafeMutableRawPointer(difference).assumingMemoryBound(to: UInt64.self)
    index = 0
    while index < count {
      zigzagCodes[index] = DeltaStream.zigzag(difference[index])
      codes[index] = index & 1023 == 0 ? 0 : UInt64(bitPattern: difference[index] &- least)
      index &+= 1
    }
    let plain = PackedEncoder(codes: codes, count: count, base: least &* divisor, multiplier: divisor).plan()
    let folded = PackedEncoder(codes: zigzagCodes, count: count, base: 0, multiplier: 1).plan()
    return plain.byteCount <= folded.byteCount
      ? (differences, plain, least &* divisor, false) : (zigzag, folded, 0, true)
  }

  /// Differences to the last row with the same key, as zigzag codes; those of a key's first row are to a base.
  private func keyed(_ key: RowKeys) -> (AlignedBuffer, PackedEncoder.Plan, Int64)? {
    guard count > 0, UInt64(key.maximum) < KeyedDeltaStream.maximumKeySpan else { return nil }
    // The median of a sample lies where most first rows do; the span fits, so no difference to it overflows.
    let base = stride(from: 0, to: count, by: max(1, count / 255)).map { values[$0] }.sorted()
    let middle = base[base.count / 2]
    let buffer = AlignedBuffer(byteCount: count * 8)
    let codes = buffer.values(as: UInt64.self)
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: Int(key.maximum) + 1) { last in
      last.initialize(repeating: middle)
      for row in 0..<count {
        let slot = Int(key.codes[row])
        codes[row] = DeltaStream.zigzag(values[row] &- last[slot])
        last[slot] = values[row]
      }
    }
    let plan = PackedEncoder(codes: codes, count: count, base: 0, multiplier: 1).plan()
    return (buffer, plan, middle)
  }

  private func runLengthByteCount(_ profile: Profile) -> Int {
    let bits = 64 - UInt64(bitPattern: profile.maximum &- profile.minimum).leadingZeroBitCount
    let lengthBits = 64 - (count / max(profile.runCount, 1) * 3).leadingZeroBitCount
    return profile.runCount * (bits + lengthBits) / 8 + 128
  }

  /// Appends the stream as chosen.
  func write(_ choice: Choice, into writer: inout ByteWriter) {
    writer.pad(to: 8)
    writer.append(choice.encoding.rawValue)
    switch choice.form {
    case .constant:
      writer.pad(to: 8)
      writer.append(choice.profile.minimum)
    case .packed(let codes, let plan): packedEncoder(codes, choice.profile).write(plan, into: &writer)
    case .delta(let codes, let plan, let base, let isZigzag):
      writer.append(isZigzag)
      writer.pad(to: 8)
      writer.append(isZigzag ? choice.profile.divisor : 1)
      var firsts: [Int64] = []
      var row = 0
      while row < count {
        firsts.append(values[row])
        row += 1024
      }
      writer.appendArray(firsts)
      PackedEncoder(
        codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: base,
        multiplier: isZigzag ? 1 : choice.profile.divisor
      ).write(plan, into: &writer)
    case .runLength: writeRuns(choice.profile.runCount, into: &writer)
    case .keyedDelta(let codes, let plan, let base):
      writer.pad(to: 4)
      writer.append(UInt32(key?.column ?? 0))
      writer.append(base)
      PackedEncoder(
        codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: 0, multiplier: 1
      ).write(plan, into: &writer)
    }
  }

  private func writeRuns(_ runCount: Int, into writer: inout ByteWriter) {
    var runValues: [Int64] = []
    var lengths: [Int64] = []
    runValues.reserveCapacity(runCount)
    lengths.reserveCapacity(runCount)
    var start = 0
    var row = 1
    while row <= count {
      if row == count || values[row] != values[start] {
        runValues.append(values[start])
        lengths.append(Int64(row - start))
        start = row
      }
      row += 1
    }
    writer.pad(to: 4)
    writer.append(UInt32(runValues.count))
    IntegerEncoder.write(runValues, into: &writer)
    IntegerEncoder.write(lengths, into: &writer)
  }

  /// Appends a stream of a few values that serve another encoding.
  static func write(_ values: [Int64], into writer: inout ByteWriter) {
    values.withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return writeEmpty(into: &writer) }
      let encoder = IntegerEncoder(values: base, count: $0.count, allowed: [.constant, .packed, .delta])
      encoder.write(encoder.choose(), into: &writer)
    }
  }

  private static func writeEmpty(into writer: inout ByteWriter) {
    writer.pad(to: 8)
    writer.append(Encoding.constant.rawValue)
    writer.pad(to: 8)
    writer.append(Int64(0))
  }
}

/// Divides multiples of a number by it, by multiplication with its inverse modulo 2^64.
///
/// Source: Hacker's Delight, "Exact division by constants".
struct ExactDivision {
  private let shift: Int64
  private let inverse: UInt64
  private let limit: UInt64

  /// Takes a divisor of at least 1.
  init(_ divisor: Int64) {
    shift = Int64(divisor.trailingZeroBitCount)
    let odd = UInt64(divisor) >> UInt64(shift)
    // Newton's iteration doubles the right bits: 3, 6, 12, 24, 48, 96.
    var inverse = odd &* 3 ^ 2
    for _ in 0..<4 { inverse = inverse &* (2 &- odd &* inverse) }
    self.inverse = inverse
    limit = UInt64.max / UInt64(divisor)
  }

  /// Returns `value / divisor`; `value` must be a multiple, of either sign.
  @inline(__always) func quotient(_ value: Int64) -> Int64 {
    Int64(bitPattern: UInt64(bitPattern: value &>> shift) &* inverse)
  }

  /// Returns true when a value of at least zero is a multiple.
  @inline(__always) func divides(_ value: Int64) -> Bool {
    let product = UInt64(bitPattern: value) &* inverse
    let turned = shift == 0 ? product : product &>> UInt64(shift) | product &<< UInt64(64 &- shift)
    return turned <= limit
  }
}
