import Bytes
import Vectors

/// The different texts of a column chunk, numbered in the order they came.
struct TextDictionary {
  /// Where each entry ends in `text`.
  private var ends: [Int] = []
  private var text: [UInt8] = []
  /// Open addressing: entry number + 1, or 0.
  private var slots: [UInt32]

  /// More entries, or more bytes of them, are better written plain.
  private static let mostEntries = 32_768
  private static let mostBytes = 1 << 20

  var count: Int { ends.count }

  /// Collects the texts; nil when they are too many to be worth it.
  init?(_ vectors: [Vector]) {
    slots = Array(repeating: 0, count: 1 << 17)
    let rowCount = vectors.reduce(0) { $0 + $1.count }
    for vector in vectors {
      for reference in Self.distinctCandidates(vector) {
        let isNew = reference.withBytes { find($0) == nil }
        if isNew { reference.withBytes { add($0) } }
        if ends.count > Self.mostEntries || text.count > Self.mostBytes || ends.count > rowCount / 2 + 16 { return nil }
      }
    }
  }

  /// References to every text that a row of the vector may have.
  private static func distinctCandidates(_ vector: Vector) -> [StringReference] {
    let isUsed: (Int) -> Bool
    let source = vector.dictionary ?? vector
    switch vector.form {
    case .constant: return vector.isValid(0) && vector.count > 0 ? [vector.values(as: StringReference.self)[0]] : []
    case .dictionary:
      var used = [Bool](repeating: false, count: source.count)
      for row in 0..<vector.count where vector.isValid(row) { used[Int(vector.codes[row])] = true }
      isUsed = { used[$0] }
    case .flat: isUsed = { vector.isValid($0) }
    }
    let values = source.values(as: StringReference.self)
    return (0..<source.count).lazy.filter(isUsed).map { values[$0] }
  }

  private func range(_ entry: Int) -> Range<Int> { (entry == 0 ? 0 : ends[entry - 1])..<ends[entry] }

  private func slot(_ bytes: UnsafeRawBufferPointer) -> (index: Int, entry: Int?) {
    var index = Int(truncatingIfNeeded: XXH64.hash(bytes, seed: 0)) & (slots.count - 1)
    while slots[index] != 0 {
      let entry = Int(slots[index]) - 1
      let range = range(entry)
      if range.count == bytes.count, text[range].elementsEqual(bytes) { return (index, entry) }
      index = (index + 1) & (slots.count - 1)
    }
    return (index, nil)
  }

  private func find(_ bytes: UnsafeRawBufferPointer) -> Int? { slot(bytes).entry }

  private mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let index = slot(bytes).index
    text.append(contentsOf: bytes)
    ends.append(text.count)
    slots[index] = UInt32(ends.count)
  }

  /// Appends the number of each row's text; rows that are NULL have none.
  func codes(of vector: Vector, into codes: inout [UInt32]) {
    let source = vector.dictionary ?? vector
    let values = source.values(as: StringReference.self)
    var known = [Int32](repeating: -1, count: vector.form == .flat ? 0 : source.count)
    for row in 0..<vector.count where vector.isValid(row) {
      let place = vector.form == .flat ? row : vector.form == .constant ? 0 : Int(vector.codes[row])
      if place < known.count, known[place] >= 0 {
        codes.append(UInt32(known[place]))
        continue
      }
      let entry = values[place].withBytes { find($0) } ?? 0
      if place < known.count { known[place] = Int32(entry) }
      codes.append(UInt32(entry))
    }
  }

  func withEntry(_ entry: Int, _ body: ([UInt8]) -> Void) { body(Array(text[range(entry)])) }

  /// The entries as plain values: each behind its length.
  var plainBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count + 4 * count)
    for entry in 0..<count {
      let range = range(entry)
      bytes.append(contentsOf: ColumnEncoder.little(UInt32(range.count)))
      bytes.append(contentsOf: text[range])
    }
    return bytes
  }
}
