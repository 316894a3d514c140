import Bytes
import CKernels

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

  /// The column to build upon, when that may be tried.
  var link: Link?

  /// Another column's values, each of which says `multiplier` times itself of the row's value.
  struct Link {
    let column: Int
    let values: UnsafePointer<Int64>
    let multiplier: Int64
  }

  /// Walks along this column and others, when they may be kept, and the column's place among them.
  var tracks: (shared: BlockTracks, position: Int)?

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
    /// The runs, where they are few enough to be worth a thought.
    var runs: ValueRuns?
    /// The bounds of each vector's values.
    var bounds: [(least: Int64, greatest: Int64)] = []
    /// Their sum, wrapping.
    var sum: Int64 = 0
    /// About how many different ones there are, where that was asked for and they are many and lie far apart.
    var manyDistinct: Int?
  }

  /// How differences of both signs become codes.
  enum DeltaSign {
    /// They lie above the least of them.
    case none
    /// They lie above a base that is not the least; patches reach below it.
    case patched
    /// They are folded: for those that come in several sizes, up and down alike.
    case folded
  }

  /// What the chooser settled on, with what is needed to write it.
  struct Choice {
    indirect enum Form {
      case constant
      /// The codes lie in a buffer of their own only where values have a common divisor.
      case packed(AlignedBuffer?, PackedEncoder.Plan)
      case delta(AlignedBuffer, PackedEncoder.Plan, base: Int64, DeltaSign)
      case runLength(ValueRuns)
      case keyedDelta(AlignedBuffer, PackedEncoder.Plan, base: Int64)
      /// The rests, and how they are packed.
      case linked(AlignedBuffer, Choice)
      /// How the classes of rows are packed, where this column leads, and the steps of each class.
      case tracked(PackedEncoder.Plan?, [PackedEncoder.Plan])
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
      case .linked: .linked
      case .tracked: .tracked
      }
    }
  }

  /// Rows that several kernels look at, one after the other, while they are in the nearest cache.
  private static let profiledRows = 1 << 12

  func profile(countsDistinct: Bool = false) -> Profile {
    var profile = Profile()
    guard count > 0 else { return profile }
    var minimum = Int64.max
    var maximum = Int64.min
    var changes = 0
    var sample: DistinctCounter.Sample?
    profile.bounds.reserveCapacity((count + 1023) >> 10)
    for start in stride(from: 0, to: count, by: IntegerEncoder.profiledRows) {
      let rows = min(IntegerEncoder.profiledRows, count - start)
      for vector in stride(from: start, to: start + rows, by: 1024) {
        var found = ph_profile()
        ph_profile64(values + vector, min(1024, start + rows - vector), vector > 0 ? 1 : 0, &found)
        minimum = min(minimum, found.least)
        maximum = max(maximum, found.greatest)
        profile.bounds.append((found.least, found.greatest))
        changes += found.changes
        profile.sum &+= found.sum
      }
      // Where rows come in runs, those are counted.
      if start == 0, countsDistinct, count >= DistinctCounter.Sample.leastRowCount, changes > rows / 3,
        DistinctCounter.Sample.suits(minimum, maximum)
      {
        sample = DistinctCounter.Sample(rowCount: count)
      }
      sample?.add(values + start, rows)
    }
    profile.manyDistinct = sample?.estimate
    profile.minimum = minimum
    profile.maximum = maximum
    profile.runCount = changes + 1
    if changes > 0, profile.runCount <= count / 3 { profile.runs = ValueRuns(values, count, profile.runCount) }
    let (span, overflow) = maximum.subtractingReportingOverflow(minimum)
    profile.spanFits = !overflow
    if !overflow && span > 256 { profile.divisor = divisor(minimum) }
    return profile
  }

  /// Tells whether runs of equal values are shorter than 16 rows in the mean: mostly the first rows do.
  static func changesOften(_ values: UnsafePointer<Int64>, _ count: Int) -> Bool {
    var changes = 0
    var start = 0
    while start < count {
      // With the last row before, for the change from it.
      let before = start > 0 ? 1 : 0
      let rows = min(profiledRows, count - start)
      changes += ph_changes64(values + start - before, rows + before)
      if changes + 1 > count / 16 { return true }
      start += rows
    }
    return false
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
    index = 0
    while index < count {
      let division = ExactDivision(Int64(divisor))
      index += division.multiples(values + index, count - index, origin: minimum)
      // A value soon after is none.
      let end = min(index + ExactDivision.blockRows, count)
      while index < end {
        divisor = gcd(divisor, UInt64(values[index] &- minimum))
        if divisor == 1 { return 1 }
        index += 1
      }
    }
    return Int64(divisor)
  }

  private func gcd(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  func packedEncoder(_ codes: AlignedBuffer?, _ profile: Profile) -> PackedEncoder {
    if let codes {
      return PackedEncoder(
        codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: profile.minimum,
        multiplier: profile.divisor, isScanned: true)
    }
    return PackedEncoder(
      codes: UnsafeRawPointer(values).assumingMemoryBound(to: UInt64.self), count: count, base: profile.minimum,
      multiplier: 1, origin: UInt64(bitPattern: profile.minimum), isScanned: true,
      bounds: profile.bounds.count == (count + 1023) >> 10 ? profile.bounds : nil)
  }

  func packedCodes(_ profile: Profile) -> AlignedBuffer? {
    if profile.divisor == 1 { return nil }
    let buffer = AlignedBuffer(byteCount: count * 8)
    let minimum = profile.minimum
    let division = ExactDivision(profile.divisor)
    division.quotients(values, count, origin: minimum, into: buffer.values(as: Int64.self))
    return buffer
  }

  func deltaEncoder(_ codes: AlignedBuffer, _ base: Int64, _ sign: DeltaSign, _ profile: Profile)
    -> PackedEncoder
  {
    let code = UnsafePointer(codes.values(as: UInt64.self))
    if sign == .folded { return PackedEncoder(codes: code, count: count, base: 0, multiplier: 1) }
    return PackedEncoder(
      codes: code, count: count, base: base &* profile.divisor, multiplier: profile.divisor,
      origin: UInt64(bitPattern: base), isSigned: sign == .patched)
  }

  /// Differences to the last row with the same key, as zigzag codes; those of a key's first row are to a base.
  func keyed(_ key: RowKeys) -> (AlignedBuffer, PackedEncoder.Plan, Int64)? {
    guard count > 0, UInt64(key.maximum) < SuppliedKeys.span else { return nil }
    // The median of a sample lies where most first rows do; the span fits, so no difference to it overflows.
    let base = stride(from: 0, to: count, by: max(1, count / 255)).map { values[$0] }.sorted()
    let middle = base[base.count / 2]
    let buffer = AlignedBuffer(byteCount: count * 8)
    let codes = buffer.values(as: UInt64.self)
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: Int(key.maximum) + 1) { last in
      last.initialize(repeating: middle)
      guard let table = last.baseAddress else { return }
      var row = 0
      while row < count {
        let slot = Int(key.codes[row])
        codes[row] = DeltaStream.zigzag(values[row] &- table[slot])
        table[slot] = values[row]
        row &+= 1
      }
    }
    let plan = PackedEncoder(codes: codes, count: count, base: 0, multiplier: 1).plan()
    return (buffer, plan, middle)
  }

  /// About how many bytes runs take whose values lie so far apart.
  func runLengthByteCount(_ runCount: Int, span: UInt64) -> Int {
    let bits = 64 - span.leadingZeroBitCount
    let lengthBits = 64 - (count / max(runCount, 1) * 3).leadingZeroBitCount
    return runCount * (bits + lengthBits) / 8 + 128
  }

  /// Appends the stream as chosen.
  func write(_ choice: Choice, into writer: inout ByteWriter) {
    if case .runLength(let runs) = choice.form { return IntegerEncoder.write(runs, into: &writer) }
    writer.pad(to: 8)
    writer.append(choice.encoding.rawValue)
    switch choice.form {
    case .runLength: break
    case .constant:
      writer.pad(to: 8)
      writer.append(choice.profile.minimum)
    case .packed(let codes, let plan): packedEncoder(codes, choice.profile).write(plan, into: &writer)
    case .delta(let codes, let plan, let base, let sign):
      writer.append(sign == .folded)
      writer.pad(to: 8)
      writer.append(sign == .folded ? choice.profile.divisor : 1)
      var firsts: [Int64] = []
      var row = 0
      while row < count {
        firsts.append(values[row])
        row += 1024
      }
      writer.appendArray(firsts)
      deltaEncoder(codes, base, sign, choice.profile).write(plan, into: &writer)
    case .keyedDelta(let codes, let plan, let base):
      writer.pad(to: 4)
      writer.append(UInt32(key?.column ?? 0))
      writer.append(base)
      PackedEncoder(
        codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: 0, multiplier: 1
      ).write(plan, into: &writer)
    case .linked(let rests, let choice):
      writer.pad(to: 4)
      writer.append(UInt32(link?.column ?? 0))
      writer.append(link?.multiplier ?? 1)
      let encoder = IntegerEncoder(values: UnsafePointer(rests.values(as: Int64.self)), count: count)
      encoder.writePacked(choice, into: &writer)
    case .tracked(let codesPlan, let plans):
      guard let tracks else { preconditionFailure("tracks that were not walked") }
      write(tracks.shared, tracks.position, codesPlan, plans, into: &writer)
    }
  }

  /// Appends a stream of runs.
  static func write(_ runs: ValueRuns, into writer: inout ByteWriter) {
    writer.pad(to: 8)
    writer.append(Encoding.runLength.rawValue)
    writer.pad(to: 4)
    writer.append(UInt32(runs.count))
    runs.withValues { write($0, runs.count, into: &writer) }
    runs.withLengths { write($0, runs.count, into: &writer) }
  }

  /// Appends a stream of a few values that serve another encoding.
  static func write(_ values: [Int64], into writer: inout ByteWriter) {
    values.withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return writeEmpty(into: &writer) }
      write(base, $0.count, into: &writer)
    }
  }

  private static func write(_ values: UnsafePointer<Int64>, _ count: Int, into writer: inout ByteWriter) {
    let encoder = IntegerEncoder(values: values, count: count, allowed: [.constant, .packed, .delta])
    encoder.write(encoder.choose(), into: &writer)
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

  /// Divides each value less `origin`, in place where that is where they lie.
  func quotients(
    _ values: UnsafePointer<Int64>, _ count: Int, origin: Int64 = 0, into quotients: UnsafeMutablePointer<Int64>
  ) {
    ph_quotients64(values, count, origin, inverse, UInt32(shift), quotients)
  }

  /// The first value that is no multiple lies in so many rows behind those that `multiples` counts.
  static let blockRows = 512

  /// Returns how many of the first values, less `origin`, which is not above them, are multiples:
  /// all, or whole blocks before the first that is none.
  func multiples(_ values: UnsafePointer<Int64>, _ count: Int, origin: Int64) -> Int {
    ph_multiples64(values, count, origin, inverse, UInt32(shift), limit)
  }
}
