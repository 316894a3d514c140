import Bytes
import CKernels
import Encodings
import Testing
import Vectors

/// What encoders find and lay out by kernels, held against plain loops; and steps of several sizes, whose patches have
/// patches in turn.
@Suite struct EncoderKernelTests {
  /// Ascending instants of one wearer after the other: `sizes` of gaps, each a tenth as often as the one before.
  static func instants(count: Int, sizes: [UInt64], wearerRows: Int, _ random: inout SeededGenerator) -> [Int64] {
    var values: [Int64] = []
    var value: Int64 = 0
    for row in 0..<count {
      if row % wearerRows == 0 { value = Int64(random.next() % 1000) }
      var size = 0
      while size + 1 < sizes.count && random.next() % 10 == 0 { size += 1 }
      value += Int64(random.next() % sizes[size])
      values.append(value)
    }
    return values
  }

  @Test(arguments: [[16], [16, 1 << 9], [16, 1 << 9, 1 << 15], [16, 1 << 9, 1 << 15, 1 << 22], [3, 50, 1 << 40]])
  func gapsOfSeveralSizesTakeLittleMoreThanEachAlone(sizes: [UInt64]) throws {
    var random = SeededGenerator(seed: 7)
    let values = Self.instants(count: 50_000, sizes: sizes, wearerRows: 9000, &random)
    let vector = Vector.of(.bigint, values.map { .integer($0) })
    var options = BlockOptions()
    options.forced = .delta
    let (encoded, _) = try BlockEncoder.encode(vector, options)
    #expect(encoded.encodings == [.delta])
    // A gap of a size takes its bits, and each size a row may have a mark that says whether it is that or longer.
    var expected = 0.0
    var share = 1.0
    for (place, size) in sizes.enumerated() {
      let isLast = place + 1 == sizes.count
      expected += share * (isLast ? 1 : 0.9) * Double(64 - (size - 1).leadingZeroBitCount)
      if !isLast { expected += share }
      share /= 10
    }
    let bits = Double(encoded.bytes.byteCount * 8) / Double(values.count)
    #expect(bits < expected * 1.05 + 0.5, "\(bits) bits a row where \(expected) are enough")
    let block = try TestColumns.open(encoded, vector)
    try RoundTripTests.check(block, values.map { .integer($0) }, "gaps of \(sizes)")
  }

  /// Two columns read by turns, a few rows each, do not get each other's high parts.
  @Test func columnsByTurns() throws {
    var random = SeededGenerator(seed: 11)
    let columns = (0..<6).map { _ in
      Self.instants(count: 9000, sizes: [16, 1 << 9, 1 << 15, 1 << 22], wearerRows: 3000, &random)
    }
    var options = BlockOptions()
    options.forced = .delta
    let blocks = try columns.map { column in
      try TestColumns.open(Vector.of(.bigint, column.map { .integer($0) }), options)
    }
    for start in stride(from: 0, to: 9000, by: 700) {
      let rows = start..<min(start + 700, 9000)
      for (block, column) in zip(blocks, columns) {
        let vector = try block.read(rows)
        for (place, row) in rows.enumerated() { #expect(vector.scalar(at: place) == .integer(column[row])) }
      }
    }
  }

  @Test func patchKernelAddsEachHighPartToItsRow() {
    var random = SeededGenerator(seed: 3)
    for round in 0..<200 {
      var values = (0..<1024).map { _ in random.next() }
      let bitmap = (0..<16).map { _ in
        switch round % 4 {
        case 0: random.next() & random.next() & random.next()
        case 1: random.next() | random.next()
        case 2: UInt64(0)
        default: random.next()
        }
      }
      let highs = (0..<1032).map { _ in random.next() >> (random.next() % 64) }
      let shift = UInt32(random.next() % 66)
      let multiplier = round % 3 == 0 ? 1 : random.next()
      var expected = values
      var next = 0
      for row in 0..<1024 where bitmap[row >> 6] >> UInt64(row & 63) & 1 == 1 {
        expected[row] &+= (highs[next] << UInt64(shift)) &* multiplier
        next += 1
      }
      ph_patch64(&values, bitmap, highs, shift, multiplier)
      #expect(values == expected, "round \(round)")
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 63, 1000, 1024]) func partingKeepsTheOrderOfEachClass(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let values = (0..<count).map { _ in random.next() }
    let classes = (0..<count).map { _ in UInt8(random.next() % 4) }
    let expected = (0..<4).map { rowClass in (0..<count).filter { Int(classes[$0]) == rowClass }.map { values[$0] } }
    // Each class has just the room it needs, and behind the last one nothing may be written.
    var output = [UInt64](repeating: 77, count: count + 1)
    output.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      var targets: [UnsafeMutablePointer<UInt64>?] = []
      var start = 0
      for rows in expected {
        targets.append(base + start)
        start += rows.count
      }
      // In two pieces, as vectors come.
      let half = count / 2
      classes.withUnsafeBufferPointer { rowClass in
        values.withUnsafeBufferPointer { value in
          guard let rowClass = rowClass.baseAddress, let value = value.baseAddress else { return }
          ph_part64(rowClass, value, half, 4, &targets)
          ph_part64(rowClass + half, value + half, count - half, 4, &targets)
        }
      }
    }
    #expect(output == expected.flatMap { $0 } + [77])
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000, 4099]) func samplesAreThoseOfTheHash(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let values = (0..<count).map { _ in random.next() }
    let keys = values.map { UInt32(truncatingIfNeeded: $0) }
    var hashes = [UInt64](repeating: 0, count: count + 8)
    let hashCount = ph_sample_hashes64(values, count, &hashes)
    #expect(
      Array(hashes[..<hashCount]) == values.map { $0 &* 0x9E37_79B9_7F4A_7C15 }.filter { $0 >> 61 == 0 })
    var rows = [UInt32](repeating: 0, count: count + 16)
    let rowCount = ph_sample_keys32(keys, count, &rows)
    #expect(
      rows[..<rowCount].map { Int($0) } == keys.indices.filter { (keys[$0] &* 0x9E37_79B1) >> 29 == 0 })
  }

  @Test(arguments: [0, 1, 7, 8, 9, 16, 17, 1000, 4099], [1, 3, 20]) func runsStartWhereValuesChange(
    count: Int, runRows: Int
  ) {
    var random = SeededGenerator(seed: UInt64(count + runRows))
    var values = (0..<count).map { _ in Int64(truncatingIfNeeded: random.next()) }
    for row in 1..<max(count, 1) where random.next() % UInt64(runRows) != 0 { values[row] = values[row - 1] }
    let expected = values.indices.filter { $0 == 0 || values[$0] != values[$0 - 1] }
    var starts = [UInt32](repeating: 77, count: expected.count + 8)
    let found = ph_run_starts64(values, count, &starts)
    #expect(starts[..<found].map { Int($0) } == expected)
  }

  @Test(arguments: [1, 2, 3, 8, 1_000_000, 86_400_000_000, 1 << 40] as [UInt64], [0, 1, 511, 512, 513, 3000])
  func multiplesAreFoundUpToTheBlockOfTheFirstOther(divisor: UInt64, count: Int) {
    var random = SeededGenerator(seed: divisor &+ UInt64(count))
    let origin: Int64 = -77
    let shift = divisor.trailingZeroBitCount
    var inverse: UInt64 = 1
    for _ in 0..<64 { inverse = inverse &* (2 &- (divisor >> UInt64(shift)) &* inverse) }
    for other in [nil, 0, count / 2, count - 1] where other ?? 0 >= 0 {
      var values = (0..<count).map { _ in
        origin &+ Int64(bitPattern: random.next() % (UInt64.max / divisor) / 2 * divisor)
      }
      if let other, count > 0, divisor > 1 { values[other] = values[other] &+ 1 + Int64(random.next() % (divisor - 1)) }
      let first = values.firstIndex { UInt64(bitPattern: $0 &- origin) % divisor != 0 }
      let found = ph_multiples64(values, count, origin, inverse, UInt32(shift), UInt64.max / divisor)
      #expect(found == first.map { $0 / 512 * 512 } ?? count)
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 1000, 1024], [0, 3, 20, 63, 64]) func patchesAreWhatDoesNotFit(
    count: Int, width: Int
  ) {
    var random = SeededGenerator(seed: UInt64(count + width))
    for isSigned in [false, true] {
      let origin: UInt64 = isSigned ? 0 : 1_000_003
      let codes = (0..<count).map { _ in
        let code = random.next() % 3 == 0 ? random.next() : random.next() % 16
        return (isSigned && random.next() % 2 == 0 ? ~code : code) &+ origin
      }
      func high(_ code: UInt64) -> UInt64 {
        isSigned ? UInt64(bitPattern: Int64(bitPattern: code) >> Int64(width)) : (code &- origin) >> UInt64(width)
      }
      let expected = codes.indices.filter { width < 64 && high(codes[$0]) != 0 }
      // Room for as many as there are codes, and nothing is written behind.
      var positions = [UInt16](repeating: 7, count: count + 1)
      var highs = [UInt64](repeating: 7, count: count + 1)
      let found = ph_patches64(codes, count, origin, UInt32(width), isSigned ? 1 : 0, &positions, &highs)
      #expect(positions[..<found].map { Int($0) } == expected)
      #expect(Array(highs[..<found]) == expected.map { high(codes[$0]) })
      #expect(positions[count] == 7 && highs[count] == 7)
    }
  }

  @Test(arguments: [0, 1, 63, 64, 65, 511, 512, 513, 1000, 1024, 5000]) func lengthsAreThoseOfOneLineInEight(count: Int)
  {
    var random = SeededGenerator(seed: UInt64(count))
    for origin: UInt64 in [0, 1_000_003] {
      for most: UInt64 in [1, 64, 1 << 20, .max] {
        let codes = (0..<count).map { _ in (most == 1 ? 0 : random.next() % most) &+ origin }
        var expected = [UInt32](repeating: 7, count: 66)
        var taken = 0
        for row in 0..<count where row / 8 % 8 == row / 64 * 5 % 8 {
          expected[64 - (codes[row] &- origin).leadingZeroBitCount] += 1
          taken += 1
        }
        var lengths = [UInt32](repeating: 7, count: 66)
        #expect(ph_bit_lengths(codes, count, origin, &lengths) == taken)
        #expect(lengths == expected)
      }
    }
  }

  @Test(arguments: [1, 2, 7, 8, 9, 64, 1000, 1024]) func aProfileIsThatOfOneRowAfterTheOther(count: Int) {
    var random = SeededGenerator(seed: UInt64(count) + 3)
    for most: UInt64 in [2, 1000, .max] {
      let values = (0...count).map { _ in Int64(truncatingIfNeeded: random.next() % most) &- 1 }
      for first in 0...1 {
        let rows = values[first..<first + count]
        var profile = ph_profile()
        values.withUnsafeBufferPointer { ph_profile64($0.baseAddress! + first, count, Int32(first), &profile) }
        #expect(profile.least == rows.min() && profile.greatest == rows.max())
        #expect(profile.sum == rows.reduce(0, &+))
        #expect(profile.changes == rows.indices.filter { $0 > 0 && values[$0] != values[$0 - 1] }.count)
      }
    }
  }

  @Test(arguments: [0, 1, 2, 255, 513, 5000]) func sortingTakesPlacesAlong(count: Int) {
    var random = SeededGenerator(seed: UInt64(count) + 5)
    for most: UInt64 in [1, 100, 1 << 33, .max] {
      let values = (0..<count).map { _ in
        Int64(bitPattern: random.next() % most) &- (random.next() % 2 == 0 ? 0 : Int64(most / 3))
      }
      var sorted = values
      var spare = values
      ph_sort64(&sorted, nil, count, &spare, nil)
      #expect(sorted == values.sorted())
      var again = values
      var places = (0..<UInt32(count)).map { $0 }
      var sparePlaces = places
      ph_sort64(&again, &places, count, &spare, &sparePlaces)
      #expect(again == sorted)
      // Equal values keep their order.
      #expect(places == values.indices.sorted { (values[$0], $0) < (values[$1], $1) }.map { UInt32($0) })
    }
  }

  @Test(arguments: [1, 2, 3, 12, 1_000_000, 3 << 40] as [Int64]) func quotientsOfMultiplesAreExact(divisor: Int64) {
    var random = SeededGenerator(seed: UInt64(divisor))
    let shift = divisor.trailingZeroBitCount
    var inverse: UInt64 = 1
    for _ in 0..<64 { inverse = inverse &* (2 &- UInt64(divisor >> Int64(shift)) &* inverse) }
    let origin: Int64 = -4321
    let expected = (0..<1003).map { _ in Int64(truncatingIfNeeded: random.next()) / divisor / 2 }
    var values = expected.map { $0 * divisor + origin }
    values.withUnsafeMutableBufferPointer {
      ph_quotients64($0.baseAddress!, $0.count, origin, inverse, UInt32(shift), $0.baseAddress!)
    }
    #expect(values == expected)
  }

  @Test func zigzagsAlternate() {
    let values: [Int64] = [0, -1, 1, -2, 2, .max, .min, 5, -5, 1 << 40]
    var codes = [UInt64](repeating: 7, count: values.count)
    ph_zigzag64(values, values.count, &codes)
    #expect(codes == [0, 1, 2, 3, 4, .max - 1, .max, 10, 9, 1 << 41])
  }

  @Test(arguments: [0, 1, 7, 64, 1000, 1024], [0, 1, 2, 3] as [UInt32]) func lanesAreCutAndFilled(
    count: Int, laneLog: UInt32
  ) {
    var random = SeededGenerator(seed: UInt64(count) + UInt64(laneLog))
    let frame: UInt64 = 1_000_003
    let values = (0..<count).map { _ in random.next() }
    let bytes = 1 << Int(laneLog)
    var lanes = [UInt8](repeating: 7, count: 1024 * bytes + 1)
    ph_narrow64(values, count, frame, laneLog, &lanes)
    var expected: [UInt8] = []
    for row in 0..<1024 {
      let value = row < count ? values[row] &- frame : 0
      withUnsafeBytes(of: value.littleEndian) { expected += $0[..<bytes] }
    }
    #expect(lanes == expected + [7])
  }

  /// The widths of frames are those of a search from the widest down.
  @Test(arguments: [1024, 1000, 9], [0, 1, 11, 33, 64]) func widthsOfFramesTakeTheFewestBits(rows: Int, longest: Int) {
    var random = SeededGenerator(seed: UInt64(rows + longest))
    let highs: [UInt8] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32]
    for full in [longest, min(64, longest + 9)] {
      for _ in 0..<20 {
        var lengths = [UInt32](repeating: 0, count: 65)
        for _ in 0..<max(rows / 8, 1) {
          // Few are long.
          var bits = 0
          while bits < longest && random.next() % 12 != 0 { bits += 1 }
          lengths[random.next() % 3 == 0 ? bits : bits / 3] += 1
        }
        var widths = [UInt8](repeating: 0, count: highs.count)
        var sizes = [UInt32](repeating: 0, count: highs.count)
        ph_frame_widths(
          lengths, 8, UInt32(rows), UInt32(longest), UInt32(full), highs, highs.count, &widths, &sizes)
        for (index, high) in highs.enumerated() {
          let high = Int(high)
          var best = (width: longest, size: rows * longest)
          for width in (0...longest).reversed() {
            let patches = lengths[(width + 1)...].reduce(0) { $0 + Int($1) * 8 }
            let outliers = width + high < 64 ? lengths[(width + high + 1)...].reduce(0) { $0 + Int($1) * 8 } : 0
            let size =
              rows * width + patches * (high + 3) + min(patches * 16, rows) + outliers
              * max(full - width - high + 20, 0)
            if size < best.size { best = (width, size) }
          }
          #expect(Int(widths[index]) == best.width && Int(sizes[index]) == best.size)
        }
      }
    }
  }

  /// Zeros of both signs and NaNs keep their bits in a dictionary.
  @Test func dictionariesOfDoublesKeepBits() throws {
    let numbers: [Double] = [0, -0.0, .nan, Double(bitPattern: 0x7FF8_0000_0000_0001), -.infinity, 1.5, -7, .infinity]
    let values = (0..<4000).map { numbers[($0 * 5 + $0 / 7) % numbers.count] }
    var options = BlockOptions()
    options.forced = .dictionary
    let vector = Vector.of(.double, values.map { .double($0) })
    let (encoded, _) = try BlockEncoder.encode(vector, options)
    #expect(encoded.encodings.first == .dictionary)
    let read = try TestColumns.open(encoded, vector).read(0..<values.count).flattened()
    let bits = UnsafeBufferPointer(start: read.values(as: UInt64.self), count: values.count)
    #expect(Array(bits) == values.map(\.bitPattern))
  }

  /// The count of different values from a sample of them is near the truth, and nearer where they are few.
  @Test(arguments: [2, 100, 5000, 20_000, 100_000]) func differentValuesAreCounted(different: Int) throws {
    var random = SeededGenerator(seed: UInt64(different))
    let numbers = (0..<different).map { _ in Int64(truncatingIfNeeded: random.next()) }
    let values = (0..<100_000).map { Scalar.integer(numbers[$0 % different]) }
    let (_, statistics) = try BlockEncoder.encode(Vector.of(.bigint, values))
    let estimate = try #require(statistics.distinctEstimate)
    #expect(abs(Double(estimate - different)) < Double(different) * 0.05 + 1, "\(estimate)")
  }

  /// Two columns of some walkers, walked by the kernel and row by row.
  @Test(arguments: [0, 6, 14, 40, 64], [1, 2, 25]) func theWalkIsThatOfOneRowAfterTheOther(reach: Int, runRows: Int) {
    var random = SeededGenerator(seed: UInt64(reach) + 1)
    let count = 3000
    let memory = 32
    let shares = (1...memory).map { Int64(65_536 / $0) }
    var keys = (0..<count).map { _ in UInt32(random.next() % 7) }
    for row in 0..<count where row % runRows != 0 { keys[row] = keys[row - 1] }
    // Near, far, and from one end of the numbers to the other.
    let values = (0..<2).map { column in
      (0..<count).map { row -> Int64 in
        switch random.next() % 20 {
        case 0: Int64(truncatingIfNeeded: random.next())
        case 1..<6: Int64(keys[row]) * 1_000_000 + Int64(random.next() % 100_000)
        default: Int64(keys[row]) * 1_000_000 + Int64(random.next() % 40) + Int64(column)
        }
      }
    }
    func length(_ steps: [Int64]) -> Int {
      steps.map { 64 - UInt64(bitPattern: ($0 &<< 1) ^ ($0 &>> 63)).leadingZeroBitCount }.max() ?? 0
    }
    var last = [[Int64]](repeating: [500, -500], count: 7)
    var home = last
    var rows = [Int](repeating: 0, count: 7)
    var expectedSteps = [[UInt64](), [UInt64]()]
    var expectedLengths: [UInt8] = []
    var expectedHistogram = [UInt64](repeating: 0, count: 65)
    for row in 0..<count {
      let key = Int(keys[row])
      let fromLast = [0, 1].map { values[$0][row] &- last[key][$0] }
      let fromHome = [0, 1].map { values[$0][row] &- home[key][$0] }
      let isNear = length(fromLast) <= reach && length(fromLast) < length(fromHome)
      for column in [0, 1] {
        let step = isNear ? fromLast[column] : fromHome[column]
        expectedSteps[column].append(UInt64(bitPattern: (step &<< 1) ^ (step &>> 63)))
        if !isNear { home[key][column] &+= (step &* shares[rows[key]]) &>> 16 }
        last[key][column] = values[column][row]
      }
      expectedLengths.append(isNear ? 255 : UInt8(length(fromHome)))
      if !isNear {
        expectedHistogram[length(fromHome)] += 1
        rows[key] = min(rows[key] + 1, memory - 1)
      }
    }
    let memories = [
      buffer(keys), buffer(values[0]), buffer(values[1]), buffer(shares),
      buffer((0..<7).flatMap { _ in [500, 500, -500, -500, 0, 0, 0, 0] as [Int64] }),
      buffer([UInt64](repeating: 0, count: count)), buffer([UInt64](repeating: 0, count: count)),
      buffer([UInt8](repeating: 0, count: count)), buffer([UInt64](repeating: 0, count: 65)),
    ]
    var walk = ph_stepping(
      count: count, keys: memories[0].values(as: UInt32.self), first: memories[1].values(as: Int64.self),
      second: memories[2].values(as: Int64.self), tracks: memories[4].values(as: Int64.self),
      shares: memories[3].values(as: Int64.self), memory: Int64(memory), reach: UInt32(reach),
      first_steps: memories[5].values(as: UInt64.self), second_steps: memories[6].values(as: UInt64.self),
      lengths: memories[7].values(as: UInt8.self), histogram: memories[8].values(as: UInt64.self))
    ph_step_along(&walk)
    func array<T: BitwiseCopyable>(_ index: Int, _ type: T.Type, _ count: Int) -> [T] {
      Array(UnsafeBufferPointer(start: memories[index].values(as: type), count: count))
    }
    #expect(array(5, UInt64.self, count) == expectedSteps[0])
    #expect(array(6, UInt64.self, count) == expectedSteps[1])
    #expect(array(7, UInt8.self, count) == expectedLengths)
    #expect(array(8, UInt64.self, 65) == expectedHistogram)
  }

  private func buffer<T: BitwiseCopyable>(_ values: [T]) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: values.count * MemoryLayout<T>.stride)
    for (row, value) in values.enumerated() { buffer.values(as: T.self)[row] = value }
    return buffer
  }
}
