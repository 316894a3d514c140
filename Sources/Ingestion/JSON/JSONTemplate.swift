import CKernels
import Glibc
import Vectors

/// The bytes of one record between its values, learned from it: records of the same shape are read by comparing those
/// bytes eight at a time and reading the values between them, with no look at keys.
///
/// It refuses whatever it does not understand at once; `JSONRecordParser` then decides. So it never needs to be
/// complete, only right where it accepts.
final class JSONTemplate {
  /// The literal bytes before a value, and what to do with the value.
  struct Step {
    /// Where the literal starts in `words`; all but the last word are compared whole.
    var wordOffset: Int
    var wholeWords: Int
    var lastMask: UInt64
    var literalCount: Int
    var kind: JSONLeafKind
    var column: Int
  }

  private let steps: UnsafeMutablePointer<Step>
  private let stepCount: Int
  private let words: UnsafeMutablePointer<UInt64>
  /// The same steps for the kernel, where all values are numbers.
  private let numbers: JSONNumberSteps?
  /// Where lines of a block end, or the edges of its numbers.
  private let lineEnds: UnsafeMutablePointer<UInt32>
  private let edges: UnsafeMutablePointer<UInt16>
  private static let blockByteCount = 16_384
  /// A first block of numbers is small, for it may hold a single line of this shape.
  private static let firstBlockByteCount = 1024
  /// A longer line is left to the judge.
  private static let lineByteLimit = 1 << 30
  /// The columns that records of this shape do not mention.
  let missing: [Int]
  /// The literal of the first step: tells shapes apart.
  private let identity: [UInt8]

  /// Learns from the record in `start..<end`, which `parser` has just accepted without duplicates.
  init(_ parser: JSONRecordParser, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
    let leaves = parser.leaves
    var texts: [[UInt8]] = []
    var position = start
    for leaf in leaves {
      texts.append([UInt8](UnsafeRawBufferPointer(start: position, count: leaf.start - position)))
      position = leaf.end
    }
    texts.append([UInt8](UnsafeRawBufferPointer(start: position, count: end - position)))
    identity = texts.reduce(into: []) { $0 += $1 + [0] }
    stepCount = texts.count
    lineEnds = .allocate(capacity: Self.blockByteCount + 64)
    edges = .allocate(capacity: Self.blockByteCount + 64)
    steps = .allocate(capacity: stepCount)
    words = .allocate(capacity: texts.reduce(0) { $0 + $1.count / 8 + 1 })
    var offset = 0
    for (index, text) in texts.enumerated() {
      let column = index < leaves.count ? leaves[index].column : -1
      let rest = text.count % 8
      (steps + index).initialize(
        to: Step(
          wordOffset: offset, wholeWords: text.count / 8,
          lastMask: rest == 0 ? 0 : ~0 >> UInt64(64 - rest * 8), literalCount: text.count,
          kind: column < 0 ? .ignored : parser.columns.kinds[column], column: column))
      for word in 0...(text.count / 8) {
        var value: UInt64 = 0
        for byte in 0..<8 where word * 8 + byte < text.count {
          value |= UInt64(text[word * 8 + byte]) << UInt64(byte * 8)
        }
        (words + offset + word).initialize(to: value)
      }
      offset += text.count / 8 + 1
    }
    // A value mentioned as null is a step; only what has no step at all is missing.
    let mentioned = Set(leaves.map(\.column))
    let kinds = leaves.map { $0.column < 0 ? .ignored : parser.columns.kinds[$0.column] }
    numbers = JSONNumberSteps(literals: texts, kinds: kinds, columns: leaves.map(\.column))
    missing = parser.columns.kinds.indices.filter { !mentioned.contains($0) }
  }

  deinit {
    lineEnds.deallocate()
    edges.deallocate()
    steps.deallocate()
    words.deallocate()
  }

  /// True when `other` would read the same records.
  func isSame(as other: JSONTemplate) -> Bool { identity == other.identity }

  /// Reads lines from `p` on while they have this shape, until `capacity` rows are filled or the lines end. Stops with
  /// `p` at the start of the first line it does not understand.
  ///
  /// Shape: `p` is at the start of a line; `end` is the end of the bytes, where a zero byte and 63 more readable ones
  /// lie. A last line may lack its newline. `line` counts newlines passed; `origin` is the address of offset 0.
  func read(
    _ p: inout UnsafeRawPointer, end: UnsafeRawPointer, line: inout Int64, origin: UnsafeRawPointer,
    parser: JSONRecordParser
  ) {
    let columns = parser.columns
    let capacity = columns.capacity
    let bases = columns.bases
    let lines = columns.lines
    let offsets = columns.offsets
    let steps = self.steps
    let words = self.words
    let last = stepCount &- 1
    let hasMissing = !missing.isEmpty
    let numberSteps = numbers?.steps(into: bases)
    var row = columns.rowCount
    var nulls: [Int] = []
    var start = p
    var currentLine = line
    // Where lines end is found ahead of their values, for then the processor reads several records at once: no address
    // waits for the values before it.
    let ends = lineEnds
    var endCount = 0
    var nextEnd = 0
    var block = start
    var numberBlockByteCount = JSONTemplate.firstBlockByteCount
    records: while row < capacity && start < end {
      let lineEnd: UnsafeRawPointer
      if let numbers, let numberSteps {
        let left = end - start
        let count = min(left, numberBlockByteCount)
        let edgeCount = ph_json_edges(start, count, edges)
        var taken = 0
        let read = ph_json_read(
          numberSteps, start, count, count == left ? 1 : 0, edges, edgeCount, capacity &- row, row,
          Int64(start - origin), currentLine, offsets, lines, &taken)
        if read > 0 {
          if hasMissing {
            for filled in row..<(row + read) {
              columns.rowCount = filled
              for column in missing { columns.setNull(column) }
            }
          }
          row &+= read
          start += taken
          let hasNewline = (start - 1).load(as: UInt8.self) == 0x0A
          currentLine &+= Int64(read &- 1) &+ Int64(bit(hasNewline))
          numberBlockByteCount = JSONTemplate.blockByteCount
          continue
        }
        if edgeCount < numbers.edgeCount, count < left, numberBlockByteCount < JSONTemplate.blockByteCount {
          // A line that may only be longer than that.
          numberBlockByteCount = JSONTemplate.blockByteCount
          continue
        }
        numberBlockByteCount = JSONTemplate.firstBlockByteCount
        let newline = memchr(start, 0x0A, left).map { UnsafeRawPointer($0) }
        lineEnd = newline ?? end
        guard lineEnd - start <= JSONTemplate.lineByteLimit else { break }
      } else {
        if nextEnd == endCount {
          block = start
          endCount = ph_find_all(block, min(end - block, JSONTemplate.blockByteCount), 0x0A, ends)
          nextEnd = 0
          if endCount == 0 {
            // A line longer than a block, or the last one without its newline.
            let newline = memchr(block, 0x0A, end - block).map { UnsafeRawPointer($0) - block }
            guard newline ?? (end - block) <= JSONTemplate.lineByteLimit else { break }
            ends[0] = UInt32(truncatingIfNeeded: newline ?? end - block)
            endCount = 1
          }
        }
        lineEnd = block + Int(ends[nextEnd])
        nextEnd &+= 1
      }
      // One record step by step: of a shape with other values than numbers, or unusual.
      var q = start
      var index = 0
      while true {
        let step = steps + index
        // The literal before the value.
        guard end - q >= step.pointee.literalCount else { break records }
        let literal = words + step.pointee.wordOffset
        var difference: UInt64 = 0
        var word = 0
        let whole = step.pointee.wholeWords
        while word < whole {
          difference |= (q + word &* 8).loadUnaligned(as: UInt64.self) ^ literal[word]
          word &+= 1
        }
        difference |= ((q + whole &* 8).loadUnaligned(as: UInt64.self) ^ literal[whole]) & step.pointee.lastMask
        guard difference == 0 else { break records }
        q += step.pointee.literalCount
        if index == last { break }
        index &+= 1
        // The value.
        let column = step.pointee.column
        let value = q
        switch step.pointee.kind {
        case .int32:
          if let number = JSONTemplate.integer(&q), let narrow = Int32(exactly: number) {
            bases[column].storeBytes(of: narrow, toByteOffset: row &* 4, as: Int32.self)
            continue
          }
        case .int64:
          if let number = JSONTemplate.integer(&q) {
            bases[column].storeBytes(of: number, toByteOffset: row &* 8, as: Int64.self)
            continue
          }
        case .int16:
          if let number = JSONTemplate.integer(&q), let narrow = Int16(exactly: number) {
            bases[column].storeBytes(of: narrow, toByteOffset: row &* 2, as: Int16.self)
            continue
          }
        case .float64:
          if let number = JSONTemplate.double(&q) {
            bases[column].storeBytes(of: number, toByteOffset: row &* 8, as: Double.self)
            continue
          }
        case .text:
          if let text = JSONTemplate.plainText(&q, parser) {
            bases[column].storeBytes(of: text, toByteOffset: row &* 16, as: StringReference.self)
            continue
          }
        default: break
        }
        // Any other value, or an unusual one.
        q = value
        columns.rowCount = row
        let first = q.load(as: UInt8.self)
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
          // Only here could whitespace lead across the end of the line.
          parser.begin(start, lineEnd)
        } else {
          parser.begin(start, end)
        }
        if column < 0 {
          guard parser.skipValue(&q, depth: 1) else { break records }
        } else {
          guard parser.parseLeaf(&q, column) else { break records }
          if parser.isNull(column) { nulls.append(column) }
        }
      }
      guard q == lineEnd else { break records }
      lines[row] = currentLine
      offsets[row] = Int64(start - origin)
      if hasMissing || !nulls.isEmpty {
        columns.rowCount = row
        for column in missing { columns.setNull(column) }
        for column in nulls { columns.setNull(column) }
        nulls.removeAll(keepingCapacity: true)
      }
      row &+= 1
      if lineEnd < end { currentLine &+= 1 }
      start = lineEnd + bit(lineEnd < end)
    }
    columns.rowCount = row
    p = start
    line = currentLine
  }

  /// Reads a plain whole number of at most 18 digits.
  @inline(__always)
  private static func integer(_ p: inout UnsafeRawPointer) -> Int64? {
    // A branch, since signs of whole numbers are easily foretold and the address of the digits should not wait for them.
    let isNegative = _slowPath(p.load(as: UInt8.self) == UInt8(ascii: "-"))
    if isNegative { p += 1 }
    let first = p.load(as: UInt8.self)
    var mantissa: UInt64 = 0
    let count = ph_read_digits(p, &mantissa)
    p += count
    guard count >= 1, count <= 18, count == 1 || first != UInt8(ascii: "0") else { return nil }
    let next = p.load(as: UInt8.self)
    guard next != UInt8(ascii: "."), next | 0x20 != UInt8(ascii: "e") else { return nil }
    let value = Int64(truncatingIfNeeded: mantissa)
    return isNegative ? 0 &- value : value
  }

  /// Reads a number without exponent of at most 19 digits.
  @inline(__always)
  private static func double(_ p: inout UnsafeRawPointer) -> Double? {
    // Signs of fractions are hard to foretell, so they are reckoned with, not branched on.
    let sign = UInt64(unsafeBitCast(p.load(as: UInt8.self) == UInt8(ascii: "-"), to: UInt8.self))
    p += Int(truncatingIfNeeded: sign)
    let first = p.load(as: UInt8.self)
    var mantissa: UInt64 = 0
    var count = ph_read_digits(p, &mantissa)
    p += count
    guard count >= 1, count == 1 || first != UInt8(ascii: "0") else { return nil }
    var fraction = 0
    if p.load(as: UInt8.self) == UInt8(ascii: ".") {
      p += 1
      fraction = ph_read_digits(p, &mantissa)
      p += fraction
      guard fraction >= 1 else { return nil }
      count &+= fraction
    }
    var value = 0.0
    guard count <= 19, p.load(as: UInt8.self) | 0x20 != UInt8(ascii: "e"),
      ph_decimal_to_double(mantissa, Int32(truncatingIfNeeded: 0 &- fraction), &value) != 0
    else { return nil }
    return Double(bitPattern: value.bitPattern ^ sign &<< 63)
  }

  /// Reads a string of printable ASCII without escapes.
  @inline(__always)
  private static func plainText(_ p: inout UnsafeRawPointer, _ parser: JSONRecordParser) -> StringReference? {
    guard p.load(as: UInt8.self) == UInt8(ascii: "\"") else { return nil }
    let text = p + 1
    var q = text
    while true {
      let stops = JSONText.stops(UInt64(littleEndian: q.loadUnaligned(as: UInt64.self)))
      if stops == 0 {
        q += 8
        continue
      }
      q += stops.trailingZeroBitCount &>> 3
      guard q.load(as: UInt8.self) == UInt8(ascii: "\"") else { return nil }
      p = q + 1
      return parser.reference(text, q - text)
    }
  }
}

@inline(__always) private func bit(_ condition: Bool) -> Int {
  Int(truncatingIfNeeded: unsafeBitCast(condition, to: UInt8.self))
}
