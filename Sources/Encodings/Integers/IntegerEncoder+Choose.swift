import Bytes
import CKernels

/// Compares encodings: where there are many rows by a sample first, then what is promising by its exact cost.
extension IntegerEncoder {
  /// Encodings of the values by themselves, or upon another column's.
  private struct Kinds: OptionSet {
    let rawValue: UInt8

    static let packed = Kinds(rawValue: 1)
    static let difference = Kinds(rawValue: 2)
    static let patchedDifference = Kinds(rawValue: 4)
    static let foldedDifference = Kinds(rawValue: 8)
    static let linked = Kinds(rawValue: 16)
    static let differences: Kinds = [.difference, .patchedDifference, .foldedDifference]
  }

  /// A form and what it takes.
  private struct Offer {
    let kind: Kinds
    let form: Choice.Form
    let byteCount: Int
    /// The weight stands for slower decoding: an encoding must be smaller by that share to be taken.
    let weight: Double

    var cost: Double { Double(byteCount) * weight }
  }

  /// Compares the allowed encodings.
  func choose() -> Choice { choose(profile()) }

  func choose(_ profile: Profile) -> Choice {
    if profile.minimum == profile.maximum && (allowed.contains(.constant) || count == 0) {
      return Choice(form: .constant, byteCount: 16, profile: profile)
    }
    var best: Choice?
    if allowed.contains(.runLength) && (profile.runCount <= count / 3 || allowed.isDisjoint(with: [.packed, .delta])) {
      let span = UInt64(bitPattern: profile.maximum &- profile.minimum)
      let runs = Choice(
        form: .runLength(profile.runs ?? ValueRuns(values, count, profile.runCount)),
        byteCount: runLengthByteCount(profile.runCount, span: span), profile: profile)
      // Runs this long need no rival.
      if profile.runCount <= count / 256 { return runs }
      best = runs
    }
    for offer in offers(profile, runs: best?.byteCount)
    where offer.cost < best.map({ Double($0.byteCount) }) ?? .infinity {
      best = Choice(form: offer.form, byteCount: offer.byteCount, profile: profile)
    }
    if let best { return best }
    let codes = packedCodes(profile)
    let plan = packedEncoder(codes, profile).plan()
    return Choice(form: .packed(codes, plan), byteCount: plan.byteCount, profile: profile)
  }

  /// What there is besides runs, which take `runs` bytes where they are worth a thought.
  private func offers(_ profile: Profile, runs: Int?) -> [Offer] {
    let window = allowed.contains(.delta) && profile.spanFits ? deltaWindow(profile) : nil
    let kinds = kinds(profile, window)
    guard kinds.contains(.packed), kinds != .packed, let sample = Sample(self) else {
      let own = ownOffers(profile, window, kinds, runs)
      return own + (isNarrow(own, runs) ? [] : leaningOffers(profile))
    }
    // The sample errs a little; what is not much dearer than the best by it is looked at in all rows.
    let share = Double(count) / Double(sample.encoder.count)
    let sampledRuns = runs.map { Int(Double($0) / share) }
    let sampled = sample.encoder.ownOffers(profile, window, kinds, sampledRuns)
    withExtendedLifetime(sample) {}
    let isNarrow = sample.encoder.isNarrow(sampled, sampledRuns)
    let leaning = isNarrow ? [] : leaningOffers(profile)
    let least = min(
      sampled.map { $0.cost * share }.min() ?? .infinity, leaning.map(\.cost).min() ?? .infinity,
      runs.map(Double.init) ?? .infinity)
    let promising = sampled.filter { $0.cost * share <= least * 1.1 }.reduce(into: Kinds()) { $0.insert($1.kind) }
    return ownOffers(profile, window, promising, runs, isNarrow: isNarrow) + leaning
  }

  /// What may be tried, and is not plainly worse than codes as long as the longest.
  private func kinds(_ profile: Profile, _ window: Window?) -> Kinds {
    var kinds: Kinds = []
    let packsAnyway = allowed.isDisjoint(with: [.delta, .runLength, .keyedDelta, .linked, .tracked])
    if allowed.contains(.packed) || packsAnyway { kinds.insert(.packed) }
    if let window {
      let bits = 64 - UInt64(bitPattern: (profile.maximum &- profile.minimum) / profile.divisor).leadingZeroBitCount
      if !kinds.contains(.packed) || window.bits < Double(bits) * 1.1 + 1 { kinds.formUnion(.differences) }
    }
    if link != nil && allowed.contains(.linked) { kinds.insert(.linked) }
    return kinds
  }

  /// Columns of at most two bytes a row are what scans test and group by: there only a large gain is worth the time
  /// that running sums take, and none the order that chains of keys demand.
  private func isNarrow(_ offers: [Offer], _ runs: Int?) -> Bool {
    let packed = offers.first { $0.kind == .packed }
    return allowed.contains(.packed) && min(packed?.byteCount ?? .max, runs ?? .max) <= count * 2
  }

  /// The values by themselves, of the kinds asked for. Whether packed codes are narrow must be said when they are not
  /// among those.
  private func ownOffers(
    _ profile: Profile, _ window: Window?, _ kinds: Kinds, _ runs: Int?, isNarrow knownNarrow: Bool? = nil
  ) -> [Offer] {
    var offers: [Offer] = []
    if kinds.contains(.packed) {
      let codes = packedCodes(profile)
      let plan = packedEncoder(codes, profile).plan()
      offers.append(Offer(kind: .packed, form: .packed(codes, plan), byteCount: plan.byteCount, weight: 1))
    }
    let smallest = min(offers.first?.byteCount ?? .max, runs ?? .max)
    if let window, !kinds.isDisjoint(with: .differences), smallest > count / 4 || !allowed.contains(.packed) {
      let weight = knownNarrow ?? isNarrow(offers, runs) ? 1.5 : 1.08
      // The window errs a little; only where it leaves hope are all differences looked at.
      if smallest == .max || window.bits / 8 * Double(count) * weight < Double(smallest) * 1.1 {
        offers += differences(profile, window, kinds, weight)
      }
    }
    if let link, kinds.contains(.linked) {
      let (rests, choice) = rests(link)
      // The other column is decoded with this one.
      offers.append(
        Offer(kind: .linked, form: .linked(rests, choice), byteCount: choice.byteCount + 64, weight: 1.05))
    }
    return offers
  }

  /// What leans on the last rows of the same key.
  private func leaningOffers(_ profile: Profile) -> [Offer] {
    if let tracks {
      // Tracks hold more than differences to the last row of a key.
      guard allowed.contains(.tracked) else { return [] }
      let (form, byteCount) = tracked(tracks.shared, tracks.position)
      return [Offer(kind: [], form: form, byteCount: byteCount, weight: 1.15)]
    }
    guard let key, allowed.contains(.keyedDelta), profile.spanFits, let (codes, plan, base) = keyed(key) else {
      return []
    }
    return [
      Offer(
        kind: [], form: .keyedDelta(codes, plan, base: base), byteCount: plan.byteCount + 64, weight: 1.15)
    ]
  }

  /// Some vectors of a column of many, spread over all of it.
  private struct Sample {
    let encoder: IntegerEncoder
    private let memory: AlignedBuffer

    private static let vectorCount = 12
    private static let leastVectorCount = 64

    /// Nil for a column so short that nothing is gained.
    init?(_ whole: IntegerEncoder) {
      let vectors = whole.count >> 10
      guard vectors >= Sample.leastVectorCount else { return nil }
      let count = Sample.vectorCount << 10
      memory = AlignedBuffer(byteCount: count * 8 * (whole.link == nil ? 1 : 2))
      let values = memory.values(as: Int64.self)
      for index in 0..<Sample.vectorCount {
        // Neither the first vectors nor the last: those may be unlike all others.
        let start = ((2 * index + 1) * vectors / (2 * Sample.vectorCount)) << 10
        (values + index << 10).update(from: whole.values + start, count: 1024)
        if let link = whole.link { (values + count + index << 10).update(from: link.values + start, count: 1024) }
      }
      var encoder = IntegerEncoder(values: values, count: count, allowed: whole.allowed)
      if let link = whole.link {
        encoder.link = Link(column: link.column, values: UnsafePointer(values + count), multiplier: link.multiplier)
      }
      self.encoder = encoder
    }
  }

  // MARK: - Differences

  /// Where most of a sample of differences lie.
  private struct Window {
    /// The least of them, and about how many bits a row the differences take above it.
    var base: Int64
    var bits: Double
    /// The share of differences that lie outside.
    var outside = 0.0
  }

  /// Looks at differences to the row before, spread over all rows.
  private func deltaWindow(_ profile: Profile) -> Window {
    let division = ExactDivision(profile.divisor)
    // An odd step, so that it shares no rhythm with vectors.
    let step = max(1, count / 512) | 1
    var sample: [Int64] = []
    sample.reserveCapacity(513)
    var index = 1
    while index < count {
      if index & 1023 != 0 { sample.append(division.quotient(values[index] &- values[index &- 1])) }
      index += step
    }
    if sample.isEmpty { return Window(base: 0, bits: 0) }
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: sample.count) { spare in
      ph_sort64(&sample, nil, sample.count, spare.baseAddress, nil)
    }
    return IntegerEncoder.window(sample)
  }

  /// Finds the window of a power of two that costs the least when what lies outside is patched. `sample` ascends.
  private static func window(_ sample: [Int64]) -> Window {
    let last = sample.count - 1
    let (span, overflow) = sample[last].subtractingReportingOverflow(sample[0])
    let full = overflow ? 64 : 64 - span.leadingZeroBitCount
    var best = Window(base: sample[0], bits: Double(full))
    sample.withUnsafeBufferPointer { sample in
      for width in (0..<full).reversed() {
        let reach: UInt64 = 1 << UInt64(width)
        // The most differences that any window of this width holds, and where the first of those begins: each that ends a
        // row later may hold one more, and no window that holds fewer than another before it is of interest.
        var most = 0
        var start = 0
        var end = 0
        while end <= last {
          let first = end &- most
          if UInt64(bitPattern: sample[end] &- sample[first]) < reach {
            most &+= 1
            start = first
          }
          end &+= 1
        }
        let share = Double(sample.count - most) / Double(sample.count)
        // Narrower ones would patch as good as all.
        if share > 0.9 { break }
        // A patch takes its place and its high bits, of which most have only some.
        let patch = 16 + Double(max(full - width, 4)) * 0.7
        let bits = Double(width) + min(share * patch, 1 + share * (patch - 14))
        if bits < best.bits { best = Window(base: sample[start], bits: bits, outside: share) }
      }
    }
    return best
  }

  /// Differences to the row before above the window's base, above their least where that is another, and folded: those
  /// of the kinds asked for that may pay.
  private func differences(_ profile: Profile, _ window: Window, _ kinds: Kinds, _ weight: Double) -> [Offer] {
    let divisor = profile.divisor
    let buffer = AlignedBuffer(byteCount: count * 8)
    let difference = buffer.values(as: Int64.self)
    // The span fits, so no difference overflows.
    ph_difference64(values, count, difference)
    if divisor > 1 { ExactDivision(divisor).quotients(difference, count, into: difference) }
    // The first of each vector is not used; as a neighbour's it disturbs nothing.
    for row in stride(from: 0, to: count, by: 1024) { difference[row] = row + 1 < count ? difference[row + 1] : 0 }
    var least: Int64 = 0
    var greatest: Int64 = 0
    ph_bounds64(difference, count, 0, &least, &greatest)
    var offers: [Offer] = []
    func offer(_ kind: Kinds, _ codes: AlignedBuffer, base: Int64, _ sign: DeltaSign) {
      let plan = deltaEncoder(codes, base, sign, profile).plan()
      offers.append(
        Offer(
          kind: kind, form: .delta(codes, plan, base: base, sign), byteCount: plan.byteCount + count / 128,
          weight: weight))
    }
    if kinds.contains(.difference) { offer(.difference, buffer, base: least, .none) }
    if kinds.contains(.patchedDifference), window.base != least {
      offer(.patchedDifference, buffer, base: window.base, .patched)
    }
    // Where as good as none falls, or as good as all lie in the window, folding only costs a bit.
    if kinds.contains(.foldedDifference), least < 0, window.outside > 0.05 {
      let folded = AlignedBuffer(byteCount: count * 8)
      ph_zigzag64(difference, count, folded.values(as: UInt64.self))
      offer(.foldedDifference, folded, base: 0, .folded)
    }
    return offers
  }
}
