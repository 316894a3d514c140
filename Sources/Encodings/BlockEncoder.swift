import Bytes
import CKernels
import Vectors

/// What a block encoder may do.
package struct BlockOptions: Sendable {
  /// Uses this encoding where the values allow it.
  package var forced: Encoding?
  package var isZstdEnabled = true
  package var zstdLevel: Int32 = 3

  package init() {}

  func allows(_ encoding: Encoding) -> Bool { forced == nil || forced == encoding }
}

/// The keys of a row group's rows, for blocks that predict a row from the last one with the same key.
package struct BlockKeys: Sendable {
  package let column: Int
  let codes: AlignedBuffer
  let maximum: UInt32

  /// Numbers the values of an integer column; nil when it is not one, is all null, or spans too far.
  package init?(column: Int, _ vector: Vector) {
    let keys = vector.form == .flat ? vector : vector.flattened()
    guard [.int16, .int32, .int64].contains(keys.type.physical), keys.count > 0,
      let values = BlockEncoder.integers(keys)
    else { return nil }
    let value = values.values(as: Int64.self)
    var minimum: Int64 = 0
    var maximum: Int64 = 0
    ph_bounds64(value, keys.count, 0, &minimum, &maximum)
    let (span, overflow) = maximum.subtractingReportingOverflow(minimum)
    guard !overflow, UInt64(span) < SuppliedKeys.span else { return nil }
    codes = AlignedBuffer(byteCount: keys.count * 4)
    let code = codes.values(as: UInt32.self)
    var row = 0
    while row < keys.count {
      code[row] = UInt32(truncatingIfNeeded: value[row] &- minimum)
      row &+= 1
    }
    self.column = column
    self.maximum = UInt32(span)
  }

  var rowKeys: IntegerEncoder.RowKeys {
    IntegerEncoder.RowKeys(column: column, codes: UnsafePointer(codes.values(as: UInt32.self)), maximum: maximum)
  }
}

/// A column of the row group that another may build upon: an instant upon its day.
package struct BlockLink: Sendable {
  package let column: Int
  let multiplier: Int64
  let values: AlignedBuffer

  /// Takes the values of an integer column, null rows filled as its block will have them; nil when it is not one, or all
  /// null. Its block must not be forced to be plain.
  package init?(column: Int, _ vector: Vector, multiplier: Int64) {
    let base = vector.form == .flat ? vector : vector.flattened()
    guard [.int16, .int32, .int64].contains(base.type.physical), let values = BlockEncoder.integers(base) else {
      return nil
    }
    self.column = column
    self.values = values
    self.multiplier = multiplier
  }

  var link: IntegerEncoder.Link {
    IntegerEncoder.Link(column: column, values: UnsafePointer(values.values(as: Int64.self)), multiplier: multiplier)
  }
}

/// Encodes a column of one row group: finds what is true of its values, chooses, writes. Pure; any thread.
package struct BlockEncoder {
  let vector: Vector
  let options: BlockOptions
  let keys: BlockKeys?
  let link: BlockLink?
  let tracks: (shared: BlockTracks, position: Int)?
  /// Digits that were looked for before, of its column perhaps.
  let decimals: BlockDecimals?
  let column: Int
  var count: Int { vector.count }
  var physical: PhysicalType { vector.type.physical }

  /// Encodes `vector`, of any form and at least one row. `decimals` are those that `tracks` were walked by.
  ///
  /// - Throws: `.internal` when zstd has no memory.
  package static func encode(
    _ vector: Vector, _ options: BlockOptions = BlockOptions(), keys: BlockKeys? = nil, link: BlockLink? = nil,
    tracks: BlockTracks? = nil, decimals: BlockDecimals? = nil, column: Int = 0
  ) throws(PulsehouseError) -> (EncodedBlock, ColumnStatistics) {
    precondition(vector.count > 0, "a block has rows")
    let usesDictionary = vector.form == .dictionary && vector.type.physical == .string
    let shaped = vector.form == .flat || usesDictionary ? vector : vector.flattened()
    let tracked = tracks.flatMap { tracks in tracks.position(of: column).map { (tracks, $0) } }
    let encoder = BlockEncoder(
      vector: shaped, options: options, keys: keys, link: link, tracks: tracked, decimals: decimals, column: column)
    return try encoder.encode()
  }

  private func encode() throws(PulsehouseError) -> (EncodedBlock, ColumnStatistics) {
    var statistics = ColumnStatistics()
    statistics.nullCount = vector.nullCount
    if statistics.nullCount == count {
      var writer = ByteWriter()
      BlockHeader(rowCount: count, physical: physical, validity: .allNull, layout: .none).write(into: &writer)
      statistics.distinctEstimate = 0
      if vector.type.isInteger { statistics.sum = 0 }
      return (EncodedBlock(writer, [.constant]), statistics)
    }
    let block: EncodedBlock
    switch physical {
    case .boolean, .int16, .int32, .int64: block = try encodeIntegers(&statistics)
    case .float32, .float64: block = try encodeFloats(&statistics)
    case .string: block = try encodeStrings(&statistics)
    case .numeric, .interval, .uuid: block = try encodeWide(&statistics)
    }
    return (block, statistics)
  }

  /// Starts a block: header, validity; then `body` appends the rest.
  func write(
    _ layout: BlockHeader.Layout, minimum: Int64 = 0, maximum: Int64 = 0, scale: Int32 = 0, _ encodings: [Encoding],
    _ body: (inout ByteWriter) throws(PulsehouseError) -> Void
  ) throws(PulsehouseError) -> EncodedBlock {
    var header = BlockHeader(
      rowCount: count, physical: physical, validity: .allValid, layout: layout, minimum: minimum, maximum: maximum,
      scale: scale)
    var writer = ByteWriter(reserving: count + 256)
    header.write(into: &writer)
    if let mask = vector.validity, vector.nullCount > 0 {
      header.validity = Validity.write(mask, count: count, into: &writer)
      header.overwriteKinds(in: &writer)
    }
    try body(&writer)
    return EncodedBlock(writer, encodings)
  }

  // MARK: - Integers

  /// Returns the values of an integer-like vector as Int64, null rows filled with the row before (or the first that is
  /// not null); nil when all are null. Values of 64 bits without nulls are the vector's own.
  static func integers(_ vector: Vector) -> AlignedBuffer? {
    let count = vector.count
    let isWide = vector.type.physical == .int64 || vector.type.physical == .float64
    if isWide && vector.validity == nil { return vector.buffer }
    let buffer = AlignedBuffer(byteCount: count * 8)
    let out = buffer.values(as: Int64.self)
    switch vector.type.physical {
    case .boolean: widen(vector.values(as: UInt8.self), count, out)
    case .int16: widen(vector.values(as: Int16.self), count, out)
    case .int32: widen(vector.values(as: Int32.self), count, out)
    case .float32: widen(vector.values(as: UInt32.self), count, out)
    default: out.update(from: vector.values(as: Int64.self), count: count)
    }
    guard let validity = vector.validity else { return buffer }
    return fill(out, count, validity) ? buffer : nil
  }

  private static func widen<T: FixedWidthInteger>(
    _ source: UnsafePointer<T>, _ count: Int, _ out: UnsafeMutablePointer<Int64>
  ) {
    var row = 0
    while row < count {
      out[row] = Int64(source[row])
      row &+= 1
    }
  }

  /// Fills null rows with the row before, leading ones with the first that is valid. False when none is.
  static func fill(_ values: UnsafeMutablePointer<Int64>, _ count: Int, _ validity: ValidityMask) -> Bool {
    var first = 0
    while first < count && !validity.isValid(first) { first += 1 }
    if first == count { return false }
    for row in 0..<first { values[row] = values[first] }
    forEachNull(validity, count) { if $0 > first { values[$0] = values[$0 &- 1] } }
    return true
  }

  /// Calls `body` with each null row, ascending.
  private static func forEachNull(_ validity: ValidityMask, _ count: Int, _ body: (Int) -> Void) {
    let words = validity.words
    var row = 0
    while row < count {
      var nulls = ~words[row >> 6]
      if count - row < 64 { nulls &= (1 << UInt64(count - row)) &- 1 }
      while nulls != 0 {
        body(row | nulls.trailingZeroBitCount)
        nulls &= nulls &- 1
      }
      row += 64
    }
  }

  private func encodeIntegers(_ statistics: inout ColumnStatistics) throws(PulsehouseError) -> EncodedBlock {
    guard let buffer = BlockEncoder.integers(vector) else { throw BlockEncoder.impossible }
    defer { withExtendedLifetime(buffer) {} }
    let values = UnsafePointer(buffer.values(as: Int64.self))
    var encoder = integerEncoder(values)
    let profile = encoder.profile(countsDistinct: true)
    let boolean = physical == .boolean
    statistics.minimum = boolean ? .boolean(profile.minimum != 0) : .integer(profile.minimum)
    statistics.maximum = boolean ? .boolean(profile.maximum != 0) : .integer(profile.maximum)
    let distinct = distinct(values, profile)
    statistics.distinctEstimate = distinct
    if vector.type.isInteger { statistics.sum = sum(values, profile) }

    if options.forced == .plain { return try writePlain() }
    if options.allows(.dictionary), !boolean, profile.minimum != profile.maximum {
      let bits = 64 - max(distinct - 1, 1).leadingZeroBitCount
      let estimate = distinct * physical.stride + count * bits / 8 + 128
      // A key column keeps its numbers, and a dictionary must be clearly smaller, for its values have to be looked up.
      let choice = options.forced == .dictionary ? nil : encoder.choose(profile)
      let limit = options.forced == .dictionary ? count : 4096
      let isSmaller = choice.map { Double(estimate) * 1.15 < Double($0.byteCount) } ?? true
      if distinct <= limit && isSmaller, let dictionary = dictionary(values, profile, limit) {
        return try write(dictionary)
      }
      if let choice { return try write(encoder, choice) }
      encoder.allowed = [.packed]
    }
    return try write(encoder, encoder.choose(profile))
  }

  private func dictionary(_ values: UnsafePointer<Int64>, _ profile: IntegerEncoder.Profile, _ limit: Int)
    -> FixedDictionary?
  {
    let (span, overflow) = profile.maximum.subtractingReportingOverflow(profile.minimum)
    if !overflow && span < 1 << 14 && limit > 1 << 11 {
      return FixedDictionary(
        values, count: count, minimum: profile.minimum, span: Int(span), runs: profile.runs)
    }
    guard var dictionary = FixedDictionary(values, count: count, limit: limit, runs: profile.runs) else { return nil }
    dictionary.sort { Int64(bitPattern: $0) }
    return dictionary
  }

  /// The encodings of integers.
  private static let ofIntegers: Set<Encoding> = [
    .constant, .packed, .delta, .runLength, .keyedDelta, .linked, .tracked,
  ]

  func integerEncoder(_ values: UnsafePointer<Int64>) -> IntegerEncoder {
    var encoder = IntegerEncoder(values: values, count: count)
    if let forced = options.forced {
      encoder.allowed = BlockEncoder.ofIntegers.contains(forced) ? [forced] : [.packed]
    } else {
      encoder.allowed = BlockEncoder.ofIntegers
    }
    encoder.key = keys?.rowKeys
    encoder.link = link?.link
    encoder.tracks = tracks
    return encoder
  }

  private func write(_ encoder: IntegerEncoder, _ choice: IntegerEncoder.Choice, scale: Int32 = 0)
    throws(PulsehouseError) -> EncodedBlock
  {
    let isFloat = physical == .float32 || physical == .float64
    return try write(
      .integers, minimum: isFloat ? 0 : choice.profile.minimum, maximum: isFloat ? 0 : choice.profile.maximum,
      scale: scale, [choice.encoding]
    ) { (writer: inout ByteWriter) throws(PulsehouseError) in
      encoder.write(choice, into: &writer)
    }
  }

  private func distinct(_ values: UnsafePointer<Int64>, _ profile: IntegerEncoder.Profile) -> Int {
    let counted =
      profile.manyDistinct ?? profile.runs?.withValues {
        DistinctCounter.count($0, profile.runCount, minimum: profile.minimum, maximum: profile.maximum)
      } ?? DistinctCounter.count(values, count, minimum: profile.minimum, maximum: profile.maximum)
    return min(max(counted, profile.minimum == profile.maximum ? 1 : 2), profile.runCount)
  }

  private func sum(_ values: UnsafePointer<Int64>, _ profile: IntegerEncoder.Profile) -> Int128 {
    let limit = Int64.max / Int64(count)
    if profile.minimum > -limit && profile.maximum < limit {
      var total = Int128(profile.sum)
      if let validity = vector.validity {
        BlockEncoder.forEachNull(validity, count) { total -= Int128(values[$0]) }
      }
      return total
    }
    var total: Int128 = 0
    if let mask = vector.validity, vector.form != .constant {
      for row in 0..<count where mask.isValid(row) { total += Int128(values[row]) }
    } else {
      for row in 0..<count { total += Int128(values[row]) }
    }
    return total
  }

  private func write(_ dictionary: FixedDictionary) throws(PulsehouseError) -> EncodedBlock {
    if let runs = dictionary.codeRuns {
      let bits = 64 - max(dictionary.entries.count - 1, 1).leadingZeroBitCount
      let span = UInt64(dictionary.entries.count)
      // Runs so much smaller than codes of that many bits need no rival.
      if codeEncoder(dictionary.codes).runLengthByteCount(runs.count, span: span) * 2 < count * bits / 8 {
        return try write(dictionary, .runLength) { IntegerEncoder.write(runs, into: &$0) }
      }
    }
    let codes = dictionary.codeRuns?.spread() ?? dictionary.codes
    defer { withExtendedLifetime(codes) {} }
    let encoder = codeEncoder(codes)
    let choice = encoder.choose()
    return try write(dictionary, choice.encoding) { encoder.write(choice, into: &$0) }
  }

  private func write(_ dictionary: FixedDictionary, _ encoding: Encoding, _ writeCodes: (inout ByteWriter) -> Void)
    throws(PulsehouseError) -> EncodedBlock
  {
    try write(.dictionary, [.dictionary, encoding]) { (writer: inout ByteWriter) throws(PulsehouseError) in
      writer.append(UInt32(dictionary.entries.count))
      writer.pad(to: 16)
      switch physical.stride {
      case 2: for entry in dictionary.entries { writer.append(UInt16(truncatingIfNeeded: entry)) }
      case 4: for entry in dictionary.entries { writer.append(UInt32(truncatingIfNeeded: entry)) }
      default: writer.appendArray(dictionary.entries)
      }
      writeCodes(&writer)
    }
  }

  func codeEncoder(_ codes: AlignedBuffer) -> IntegerEncoder {
    IntegerEncoder(
      values: UnsafePointer(codes.values(as: Int64.self)), count: count, allowed: [.constant, .packed, .runLength])
  }

  // MARK: - Floats

  private func encodeFloats(_ statistics: inout ColumnStatistics) throws(PulsehouseError) -> EncodedBlock {
    guard let buffer = BlockEncoder.integers(vector) else { throw BlockEncoder.impossible }
    defer { withExtendedLifetime(buffer) {} }
    let bits = UnsafePointer(buffer.values(as: Int64.self))
    let isReal = physical == .float32
    // Doubles lie as they are; reals are widened.
    let doubles = isReal ? AlignedBuffer(byteCount: count * 8) : buffer
    let double = doubles.values(as: Double.self)
    let reals = AlignedBuffer(byteCount: isReal ? count * 4 : 0)
    let real = reals.values(as: Float.self)
    defer { withExtendedLifetime((doubles, reals)) {} }
    if isReal {
      for row in 0..<count {
        real[row] = Float(bitPattern: UInt32(truncatingIfNeeded: bits[row]))
        double[row] = Double(real[row])
      }
    }
    var encoder = integerEncoder(bits)
    encoder.tracks = nil
    var digits: DecimalEncoder.Digits?
    if options.forced == .plain {
      digits = nil
    } else if let decimals, decimals.hasLookedAt(column) {
      digits = decimals.digits(of: column)
    } else if IntegerEncoder.changesOften(bits, count) {
      digits = DecimalEncoder(values: UnsafePointer(double), count: count, reals: isReal ? real : nil).encode()
    }
    // Digits that stand for all values tell of them what the bits would.
    let wholeDigits = digits.flatMap { $0.exceptionRows.isEmpty ? $0 : nil }
    let numbers = wholeDigits.map { UnsafePointer($0.integers.values(as: Int64.self)) } ?? bits
    let profile = IntegerEncoder(values: numbers, count: count).profile(countsDistinct: true)
    let runCount = profile.runCount
    let distinct = distinct(numbers, profile)
    statistics.distinctEstimate = distinct
    bound(double, wholeDigits, profile, &statistics)

    if options.forced == .plain { return try writePlain() }
    let isForcedToBits = options.forced.map { [.packed, .delta, .runLength].contains($0) } ?? false
    if runCount == 1 || isForcedToBits || (options.allows(.runLength) && runCount <= count / 16) {
      return try write(encoder, wholeDigits == nil ? encoder.choose(profile) : encoder.choose())
    }
    var best = count * physical.stride + 32
    var digitsEncoder = encoder
    var digitsChoice: IntegerEncoder.Choice?
    let nested: [Encoding] = [.keyedDelta, .tracked]
    if options.allows(.decimal) || options.forced.map(nested.contains) ?? false {
      if let digits = digits {
        digitsEncoder = IntegerEncoder(
          values: UnsafePointer(digits.integers.values(as: Int64.self)), count: count,
          allowed: options.forced.flatMap { nested.contains($0) ? [$0] : nil }
            ?? [.constant, .packed, .delta, .runLength, .keyedDelta, .tracked],
          key: keys?.rowKeys, tracks: tracks)
        let choice = wholeDigits == nil ? digitsEncoder.choose() : digitsEncoder.choose(profile)
        let byteCount = choice.byteCount + digits.exceptionRows.count * 12
        if byteCount < best || options.forced != nil {
          best = byteCount
          digitsChoice = choice
        }
      }
    }
    if options.allows(.dictionary) {
      let codeBits = 64 - max(distinct - 1, 1).leadingZeroBitCount
      let estimate = distinct * physical.stride + count * codeBits / 8 + 128
      let limit = options.forced == .dictionary ? count : 65_536
      if (estimate < best && distinct < limit * 3 / 4) || options.forced == .dictionary,
        var dictionary = FixedDictionary(bits, count: count, limit: limit, runs: profile.runs)
      {
        dictionary.sort {
          IntegerRanges.floatKey(
            isReal ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0))) : Double(bitPattern: $0))
        }
        return try write(dictionary)
      }
    }
    if let digits, let digitsChoice {
      return try write(.decimal, [.decimal, digitsChoice.encoding]) {
        (writer: inout ByteWriter) throws(PulsehouseError) in
        DecimalEncoder.writeHead(digits, into: &writer)
        digitsEncoder.write(digitsChoice, into: &writer)
      }
    }
    return try writePlain()
  }

  /// Takes the bounds: from `profile` where it is of digits that stand for all values, else value by value.
  private func bound(
    _ values: UnsafePointer<Double>, _ digits: DecimalEncoder.Digits?, _ profile: IntegerEncoder.Profile,
    _ statistics: inout ColumnStatistics
  ) {
    if let digits, physical == .float64 {
      let power = DecimalStream.powers[digits.exponent]
      statistics.minimum = .double(Double(profile.minimum) / power)
      statistics.maximum = .double(Double(profile.maximum) / power)
    } else if let runs = profile.runs {
      let words = UnsafeRawPointer(values).assumingMemoryBound(to: Int64.self)
      runs.with(runs.values(of: words)).withValues {
        let values = UnsafeRawPointer($0).assumingMemoryBound(to: Double.self)
        bound(values, runs.count, physical == .float32, &statistics)
      }
    } else {
      bound(values, count, physical == .float32, &statistics)
    }
  }

  private func bound(
    _ values: UnsafePointer<Double>, _ count: Int, _ isReal: Bool, _ statistics: inout ColumnStatistics
  ) {
    var least = 0
    var greatest = 0
    var leastKey = IntegerRanges.floatKey(values[0])
    var greatestKey = leastKey
    for row in 1..<max(count, 1) {
      let key = IntegerRanges.floatKey(values[row])
      if key < leastKey { (leastKey, least) = (key, row) }
      if key > greatestKey { (greatestKey, greatest) = (key, row) }
    }
    statistics.minimum = isReal ? .real(Float(values[least])) : .double(values[least])
    statistics.maximum = isReal ? .real(Float(values[greatest])) : .double(values[greatest])
  }

  // MARK: - Wide values

  private func encodeWide(_ statistics: inout ColumnStatistics) throws(PulsehouseError) -> EncodedBlock {
    boundWide(&statistics)
    if physical == .numeric, options.forced != .plain, let (buffer, scale) = scaledNumerics() {
      defer { withExtendedLifetime(buffer) {} }
      let encoder = integerEncoder(UnsafePointer(buffer.values(as: Int64.self)))
      let profile = encoder.profile(countsDistinct: true)
      statistics.distinctEstimate = distinct(encoder.values, profile)
      return try write(encoder, encoder.choose(profile), scale: scale)
    }
    return try writePlain()
  }

  /// The mantissas, when all have one scale and fit 64 bits.
  private func scaledNumerics() -> (AlignedBuffer, Int32)? {
    let values = vector.values(as: Numeric.self)
    let buffer = AlignedBuffer(byteCount: count * 8)
    let mantissas = buffer.values(as: Int64.self)
    var scale: Int32?
    for row in 0..<count {
      mantissas[row] = 0
      if !vector.isValid(row) { continue }
      let value = values[row]
      guard value.special == 0, value.scale == scale ?? value.scale, let mantissa = Int64(exactly: value.mantissa)
      else {
        return nil
      }
      scale = value.scale
      mantissas[row] = mantissa
    }
    if let validity = vector.validity, !BlockEncoder.fill(mantissas, count, validity) { return nil }
    return scale.map { (buffer, $0) }
  }

  private func boundWide(_ statistics: inout ColumnStatistics) {
    for row in 0..<count where vector.isValid(row) {
      let value = vector.scalar(at: row)
      if (ScalarOrder.compare(value, statistics.minimum) ?? -1) < 0 { statistics.minimum = value }
      if (ScalarOrder.compare(value, statistics.maximum) ?? 1) > 0 { statistics.maximum = value }
    }
  }

  /// Values as they lie in memory, null rows as zero bytes.
  private func writePlain() throws(PulsehouseError) -> EncodedBlock {
    let stride = physical.stride
    let bytes = AlignedBuffer(byteCount: count * stride, zeroed: true)
    defer { withExtendedLifetime(bytes) {} }
    for row in 0..<count where vector.isValid(row) {
      let target = bytes.base + row * stride
      if physical == .numeric {
        // Its last eight bytes are padding that must not carry whatever memory held.
        target.copyMemory(from: vector.buffer.base + row * stride, byteCount: MemoryLayout<Numeric>.size)
      } else {
        target.copyMemory(from: vector.buffer.base + row * stride, byteCount: stride)
      }
    }
    let isWide = stride >= 16
    return try write(.plain, [.plain]) { (writer: inout ByteWriter) throws(PulsehouseError) in
      writer.pad(to: 16)
      try ByteSection.write(
        bytes.bytes, isZstdEnabled: options.isZstdEnabled && isWide, level: options.zstdLevel, into: &writer)
    }
  }

  static let impossible = PulsehouseError(.internal, "a column with values and without")
}
