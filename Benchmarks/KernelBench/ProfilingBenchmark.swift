import Bytes
import CKernels

/// What encoders ask of a row group's values, and what readers of tracks and patches do, kernel by kernel.
struct ProfilingBenchmark {
  private let rows = 1 << 17
  private let stopwatch = Stopwatch(repeats: 20)

  func run() {
    var state: UInt64 = 1
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 11
    }
    // Places in the millions, most near to the one before; values in runs of eight; instants of whole seconds.
    var place: Int64 = 100_000_000
    let values = words { _ in
      place = random() % 4 == 0 ? Int64(random() % 180_000_000) : place + Int64(random() % 60)
      return place
    }
    let runs = words { Int64($0 / 8 * 7919 % 1000) }
    let instants = words { Int64($0) * 17_000_000 }
    let codes = UnsafeRawPointer(values.base).assumingMemoryBound(to: UInt64.self)
    let output = AlignedBuffer(byteCount: (rows + 16) * 8)
    let value = values.values(as: Int64.self)
    measure("bounds") {
      var (least, greatest): (Int64, Int64) = (0, 0)
      ph_bounds64(value, rows, 0, &least, &greatest)
    }
    measure("changes") { _ = ph_changes64(value, rows) }
    measure("bounds, sum and changes") {
      var profile = ph_profile()
      ph_profile64(value, rows, 0, &profile)
    }
    measure("starts of runs of eight") {
      _ = ph_run_starts64(runs.values(as: Int64.self), rows, output.values(as: UInt32.self))
    }
    measure("multiples of a million") {
      // 15,625 times its inverse is 1 modulo 2^64.
      var inverse: UInt64 = 1
      for _ in 0..<6 { inverse = inverse &* (2 &- 15_625 &* inverse) }
      _ = ph_multiples64(instants.values(as: Int64.self), rows, 0, inverse, 6, UInt64.max / 1_000_000)
    }
    measure("differences") { ph_difference64(value, rows, output.values(as: Int64.self)) }
    measure("sums of differences") { ph_prefix_sum64(output.values(as: Int64.self), rows, 0) }
    let counts = AlignedBuffer(byteCount: 65 * 4, zeroed: true)
    measure("bits of one code in eight") { _ = ph_bit_lengths(codes, rows, 0, counts.values(as: UInt32.self)) }
    sorts(output)
    measure("hashes of one value in eight") { _ = ph_sample_hashes64(codes, rows, output.values(as: UInt64.self)) }
    patches(codes, output)
    tracks(random)
    withExtendedLifetime((values, runs, instants, output)) {}
  }

  /// What the choice of an encoding sorts and weighs: some hundred differences, and widths for each vector.
  private func sorts(_ output: AlignedBuffer) {
    let sorted = output.values(as: Int64.self)
    measure("sorts of 512 values of 24 bits") {
      for start in stride(from: 0, to: rows, by: 512) {
        for row in 0..<512 { sorted[row] = Int64((start + row) * 7_919 % 16_777_213) }
        ph_sort64(sorted, nil, 512, sorted + 512, nil)
      }
    }
    let lengths = (0..<65).map { UInt32($0 < 24 ? 5 : 0) }
    let highs: [UInt8] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20]
    var widths = [UInt8](repeating: 0, count: highs.count)
    var sizes = [UInt32](repeating: 0, count: highs.count)
    measure("widths of vectors of 23 bits") {
      for _ in 0..<rows / 1024 { ph_frame_widths(lengths, 8, 1024, 23, 26, highs, highs.count, &widths, &sizes) }
    }
  }

  private func patches(_ codes: UnsafePointer<UInt64>, _ output: AlignedBuffer) {
    let positions = AlignedBuffer(byteCount: 1024 * 2)
    let highs = AlignedBuffer(byteCount: 1024 * 8, zeroed: true)
    measure("patches above 26 bits") {
      for start in stride(from: 0, to: rows, by: 1024) {
        _ = ph_patches64(
          codes + start, 1024, 0, 26, 0, positions.values(as: UInt16.self), highs.values(as: UInt64.self))
      }
    }
    // Each fourth row is patched.
    let bitmap = [UInt64](repeating: 0x1111_1111_1111_1111, count: 16)
    measure("patches of each fourth value") {
      for start in stride(from: 0, to: rows, by: 1024) {
        ph_patch64(output.values(as: UInt64.self) + start, bitmap, highs.values(as: UInt64.self), 26, 1)
      }
    }
  }

  /// Two columns along ten thousand keys.
  private func tracks(_ random: () -> UInt64) {
    let keyCount = 10_000
    let memory = 32
    let shares = (1...memory).map { Int64(65_536 / $0) }
    let keys = AlignedBuffer(byteCount: rows * 4)
    for row in 0..<rows { keys.values(as: UInt32.self)[row] = UInt32(random() % UInt64(keyCount)) }
    let key = UnsafePointer(keys.values(as: UInt32.self))
    let columns = [3, 7].map { factor in words { Int64(key[$0]) * factor * 1000 + Int64(random() % 3000) } }
    let steps = [0, 1].map { _ in AlignedBuffer(byteCount: rows * 8 + 64) }
    let lengths = AlignedBuffer(byteCount: rows)
    let tracks = AlignedBuffer(byteCount: keyCount * 64, zeroed: true)
    var histogram = [UInt64](repeating: 0, count: 65)
    measure("steps of two columns along keys", stride: 16) {
      tracks.base.initializeMemory(as: UInt8.self, repeating: 0, count: keyCount * 64)
      histogram.withUnsafeMutableBufferPointer { histogram in
        shares.withUnsafeBufferPointer { shares in
          var walk = ph_stepping(
            count: rows, keys: key, first: columns[0].values(as: Int64.self), second: columns[1].values(as: Int64.self),
            tracks: tracks.values(as: Int64.self), shares: shares.baseAddress, memory: Int64(memory), reach: 6,
            first_steps: steps[0].values(as: UInt64.self), second_steps: steps[1].values(as: UInt64.self),
            lengths: lengths.values(as: UInt8.self), histogram: histogram.baseAddress)
          ph_step_along(&walk)
        }
      }
    }
    // Short steps, and those from home by two lengths.
    let classes = AlignedBuffer(byteCount: rows)
    var classRows = [0, 0, 0]
    for row in 0..<rows {
      let length = lengths.values(as: UInt8.self)[row]
      let rowClass = length == 255 ? 0 : (length < 12 ? 1 : 2)
      classes.values(as: UInt8.self)[row] = UInt8(rowClass)
      classRows[rowClass] += 1
    }
    let parted = AlignedBuffer(byteCount: rows * 8 + 64)
    let firsts = [0, classRows[0], classRows[0] + classRows[1]]
    measure("steps parted by three classes") {
      var targets = firsts.map { Optional(parted.values(as: UInt64.self) + $0) }
      ph_part64(classes.values(as: UInt8.self), steps[0].values(as: UInt64.self), rows, 3, &targets)
    }
    let walked = AlignedBuffer(byteCount: rows * 8)
    measure("steps walked again") {
      tracks.base.initializeMemory(as: UInt8.self, repeating: 0, count: keyCount * 32)
      var next = firsts
      ph_walk_tracks(
        key, classes.values(as: UInt8.self), rows, parted.values(as: UInt64.self), &next, [0, 1, 1], shares,
        tracks.values(as: Int64.self), walked.values(as: Int64.self))
    }
    withExtendedLifetime((keys, columns)) {}
  }

  private func words(_ value: (Int) -> Int64) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: (rows + 16) * 8)
    for row in 0..<rows { buffer.values(as: Int64.self)[row] = value(row) }
    return buffer
  }

  private func measure(_ name: String, stride: Int = 8, _ body: () -> Void) {
    stopwatch.measure("kernels: \(name)", rows: rows, stride: stride, body)
  }
}
