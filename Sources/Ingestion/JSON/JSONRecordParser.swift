import Bytes
import Glibc
import Vectors

/// Parses one record at a time by walking the tree of wanted paths: any key order, unknown keys, escapes, whitespace.
///
/// The slow one of the two ways to read a record, and the judge: what it refuses is refused. It guesses that keys come
/// in the order of the fields, so known keys cost one comparison. Values go to the next row of `columns`; a later value
/// of the same path replaces an earlier one, as in PostgreSQL's jsonb.
///
/// Reads at most 64 bytes past the record's end.
final class JSONRecordParser {
  let columns: JSONColumns
  let fields: [JSONField]
  private(set) var fault: JSONFault?

  /// A value found in the record: `column` is -1 when no column wants it.
  struct Leaf {
    var column: Int
    var start: UnsafeRawPointer
    var end: UnsafeRawPointer
  }
  /// The values of the record parsed last, in the order they stand in it.
  private(set) var leaves: [Leaf] = []
  /// True when a path came twice in the record parsed last.
  private(set) var hasDuplicates = false

  private let nodes: UnsafeMutablePointer<JSONTree.Node>
  private let nodeCount: Int
  private let keys: UnsafeMutablePointer<UInt8>
  private let subtreeColumns: UnsafeMutablePointer<Int>
  /// One byte per column: 1 when the record gave it a value that is not null.
  private let present: UnsafeMutablePointer<UInt8>
  /// Which kind of container is open, by depth: 1 for an object.
  private let containers: UnsafeMutablePointer<UInt8>
  private var start: UnsafeRawPointer
  private var end: UnsafeRawPointer
  /// Where the record ends.
  var limit: UnsafeRawPointer { end }
  private var key: [UInt8] = []

  init(_ fields: [JSONField], columns: JSONColumns) throws(PulsehouseError) {
    let tree = try JSONTree(fields)
    self.fields = fields
    self.columns = columns
    nodeCount = tree.nodes.count
    nodes = .allocate(capacity: nodeCount)
    nodes.initialize(from: tree.nodes, count: nodeCount)
    keys = .allocate(capacity: tree.keys.count + 8)
    keys.initialize(repeating: 0, count: tree.keys.count + 8)
    keys.update(from: tree.keys, count: tree.keys.count)
    subtreeColumns = .allocate(capacity: max(tree.columns.count, 1))
    subtreeColumns.initialize(from: tree.columns, count: tree.columns.count)
    present = .allocate(capacity: max(fields.count, 1))
    present.initialize(repeating: 0, count: max(fields.count, 1))
    containers = .allocate(capacity: JSONTree.depthLimit + 1)
    containers.initialize(repeating: 0, count: JSONTree.depthLimit + 1)
    start = UnsafeRawPointer(nodes)
    end = start
  }

  deinit {
    nodes.deallocate()
    keys.deallocate()
    subtreeColumns.deallocate()
    present.deallocate()
    containers.deallocate()
  }

  // MARK: - A record

  /// Parses the record in `start..<end` into the next row, without counting the row. False leaves `fault` set.
  func parse(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
    begin(start, end)
    memset(present, 0, fields.count)
    leaves.removeAll(keepingCapacity: true)
    hasDuplicates = false
    var p = start
    skipSpace(&p)
    guard byte(p) == UInt8(ascii: "{") else { return fail(p < end ? .notAnObject : .truncated, p) }
    guard parseObject(&p, node: 0, depth: 1) else { return false }
    skipSpace(&p)
    return p == end ? true : fail(.trailing, p)
  }

  /// Sets where the record lies whose leaves are parsed one by one.
  @inline(__always)
  func begin(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
    self.start = start
    self.end = end
    fault = nil
  }

  /// Marks null what the record parsed last did not give.
  func nullMissing() {
    for column in fields.indices where present[column] == 0 { columns.setNull(column) }
  }

  /// The columns that the record parsed last did not mention, or mentioned as null.
  func missingColumns() -> [Int] { fields.indices.filter { present[$0] == 0 } }

  @inline(__always)
  func fail(_ reason: JSONFault.Reason, _ place: UnsafeRawPointer, column: Int = -1) -> Bool {
    fault = JSONFault(reason: place >= end && column < 0 ? .truncated : reason, offset: place - start, column: column)
    return false
  }

  /// The byte at `p`, or 0, which fits nowhere, at the end.
  @inline(__always)
  func byte(_ p: UnsafeRawPointer) -> UInt8 { p < end ? p.load(as: UInt8.self) : 0 }

  @inline(__always)
  private func skipSpace(_ p: inout UnsafeRawPointer) {
    while true {
      let next = byte(p)
      guard next <= 0x20, next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 else { return }
      p += 1
    }
  }

  /// Parses the object at `p` for `node`. Recursion is as deep as the declared paths, at most 64.
  private func parseObject(_ p: inout UnsafeRawPointer, node: Int, depth: Int) -> Bool {
    let first = nodes[node].firstChild
    let childCount = nodes[node].childCount
    var guess = 0
    p += 1
    skipSpace(&p)
    if byte(p) == UInt8(ascii: "}") {
      p += 1
      return true
    }
    while true {
      guard byte(p) == UInt8(ascii: "\"") else { return fail(.unexpected(expected: "a key"), p) }
      guard let child = findKey(&p, first, childCount, guess) else { return false }
      skipSpace(&p)
      guard byte(p) == UInt8(ascii: ":") else { return fail(.unexpected(expected: "':'"), p) }
      p += 1
      skipSpace(&p)
      if child < 0 {
        let valueStart = p
        guard skipValue(&p, depth: depth) else { return false }
        leaves.append(Leaf(column: -1, start: valueStart, end: p))
      } else {
        guess = child - first + 1
        guard parseMember(&p, node: child, depth: depth) else { return false }
      }
      skipSpace(&p)
      let next = byte(p)
      p += 1
      if next == UInt8(ascii: ",") {
        skipSpace(&p)
        continue
      }
      if next == UInt8(ascii: "}") { return true }
      return fail(.unexpected(expected: "',' or '}'"), p - 1)
    }
  }

  /// Reads the key at `p`, its opening quote, and steps over it. Returns the child node it names, -1 for none, nil for
  /// a fault.
  private func findKey(_ p: inout UnsafeRawPointer, _ first: Int, _ count: Int, _ guess: Int) -> Int? {
    let text = p + 1
    if guess < count {
      let node = nodes + first + guess
      let length = node.pointee.keyLength
      // The closing quote is part of the comparison, so a longer key does not match.
      if end - text > length, (text + length).load(as: UInt8.self) == UInt8(ascii: "\""),
        node.pointee.isPlain,
        JSONText.isEqual(text, keys + node.pointee.keyOffset, length)
      {
        p = text + length + 1
        return first + guess
      }
    }
    var hasEscapes = false
    guard scanString(&p, &hasEscapes) else { return nil }
    let length = p - 1 - text
    if !hasEscapes {
      return match(UnsafeRawBufferPointer(start: text, count: length), first, count)
    }
    key.removeAll(keepingCapacity: true)
    withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { scratch in
      guard let base = scratch.baseAddress else { return }
      let written = unescape(text, length, into: base)
      key.append(contentsOf: scratch[..<written])
    }
    return key.withUnsafeBytes { match($0, first, count) }
  }

  private func match(_ name: UnsafeRawBufferPointer, _ first: Int, _ count: Int) -> Int {
    for child in first..<(first + count) {
      let node = nodes + child
      guard node.pointee.keyLength == name.count else { continue }
      guard let base = name.baseAddress, name.count > 0 else { return child }
      if memcmp(base, keys + node.pointee.keyOffset, name.count) == 0 { return child }
    }
    return -1
  }

  /// Parses the value of a wanted key.
  private func parseMember(_ p: inout UnsafeRawPointer, node: Int, depth: Int) -> Bool {
    let column = nodes[node].column
    let valueStart = p
    if nodes[node].childCount == 0 {
      guard parseLeaf(&p, column) else { return false }
      leaves.append(Leaf(column: column, start: valueStart, end: p))
      return true
    }
    clearSubtree(node)
    if byte(p) == UInt8(ascii: "{") {
      if column >= 0 {
        // Also wanted whole: its text is taken first, then its members.
        guard parseLeaf(&p, column) else { return false }
        leaves.append(Leaf(column: column, start: valueStart, end: p))
        hasDuplicates = true
        p = valueStart
      }
      return parseObject(&p, node: node, depth: depth + 1)
    }
    if column >= 0 {
      guard parseLeaf(&p, column) else { return false }
      leaves.append(Leaf(column: column, start: valueStart, end: p))
      hasDuplicates = true
      return true
    }
    if byte(p) == UInt8(ascii: "n") { return expect("null", &p) }
    return failNotAnObject(p, node)
  }

  /// An earlier value of the same object is replaced by this one, members it lacks included.
  private func clearSubtree(_ node: Int) {
    let entry = nodes[node]
    for index in entry.columnOffset..<(entry.columnOffset + entry.columnCount) {
      let column = subtreeColumns[index]
      if present[column] != 0 { hasDuplicates = true }
      present[column] = 0
    }
  }

  private func failNotAnObject(_ p: UnsafeRawPointer, _ node: Int) -> Bool {
    guard p < end else { return fail(.truncated, p) }
    return fail(.unexpected(expected: "an object, since columns read paths inside it"), p)
  }

  // MARK: - A value

  /// Parses the value at `p` into the next row of `column`; a null is only noted.
  func parseLeaf(_ p: inout UnsafeRawPointer, _ column: Int) -> Bool {
    let kind = columns.kinds[column]
    let valueStart = p
    if present[column] != 0 { hasDuplicates = true }
    present[column] = 1
    switch byte(p) {
    case UInt8(ascii: "n"):
      present[column] = 0
      return expect("null", &p)
    case UInt8(ascii: "\""):
      var hasEscapes = false
      guard scanString(&p, &hasEscapes) else { return false }
      if kind == .json { return store(json: valueStart, p, column) }
      return store(string: valueStart + 1, p - 1 - (valueStart + 1), hasEscapes, column)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      var number = JSONNumber()
      guard number.scan(&p, end) else { return fail(.badNumber, min(p, end)) }
      if kind == .json { return store(json: valueStart, p, column) }
      return store(number, UnsafeRawBufferPointer(start: valueStart, count: p - valueStart), column)
    case UInt8(ascii: "t"):
      guard expect("true", &p) else { return false }
      if kind == .json { return store(json: valueStart, p, column) }
      return store(boolean: 1, valueStart, column)
    case UInt8(ascii: "f"):
      guard expect("false", &p) else { return false }
      if kind == .json { return store(json: valueStart, p, column) }
      return store(boolean: 0, valueStart, column)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let isObject = byte(p) == UInt8(ascii: "{")
      guard skipValue(&p, depth: 1) else { return false }
      if kind == .json { return store(json: valueStart, p, column) }
      return fail(.wrongType(found: isObject ? "an object" : "an array"), valueStart, column: column)
    default: return fail(.unexpected(expected: "a value"), p)
    }
  }

  /// True when the value of `column` parsed last was null.
  @inline(__always)
  func isNull(_ column: Int) -> Bool { present[column] == 0 }

  @inline(__always)
  private func expect(_ word: StaticString, _ p: inout UnsafeRawPointer) -> Bool {
    let letters = word.utf8Start
    for index in 0..<word.utf8CodeUnitCount {
      guard byte(p) == letters[index] else { return fail(.unexpected(expected: "a value"), p) }
      p += 1
    }
    return true
  }

  /// Checks the value at `p` and steps over it, without recursion.
  func skipValue(_ p: inout UnsafeRawPointer, depth: Int) -> Bool {
    var depth = depth
    let outer = depth
    var hasEscapes = false
    while true {
      // At a value.
      switch byte(p) {
      case UInt8(ascii: "{"):
        guard depth < JSONTree.depthLimit else { return fail(.tooDeep, p) }
        depth += 1
        containers[depth] = 1
        p += 1
        skipSpace(&p)
        if byte(p) == UInt8(ascii: "}") {
          p += 1
          depth -= 1
        } else {
          guard skipKey(&p) else { return false }
          continue
        }
      case UInt8(ascii: "["):
        guard depth < JSONTree.depthLimit else { return fail(.tooDeep, p) }
        depth += 1
        containers[depth] = 0
        p += 1
        skipSpace(&p)
        if byte(p) == UInt8(ascii: "]") {
          p += 1
          depth -= 1
        } else {
          continue
        }
      case UInt8(ascii: "\""): guard scanString(&p, &hasEscapes) else { return false }
      case UInt8(ascii: "n"): guard expect("null", &p) else { return false }
      case UInt8(ascii: "t"): guard expect("true", &p) else { return false }
      case UInt8(ascii: "f"): guard expect("false", &p) else { return false }
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        var number = JSONNumber()
        guard number.scan(&p, end) else { return fail(.badNumber, min(p, end)) }
      default: return fail(.unexpected(expected: "a value"), p)
      }
      // After a value: close what ends here, until another value follows.
      while true {
        if depth == outer { return true }
        skipSpace(&p)
        let next = byte(p)
        p += 1
        if next == UInt8(ascii: ",") {
          skipSpace(&p)
          if containers[depth] == 1 {
            guard skipKey(&p) else { return false }
          }
          break
        }
        if containers[depth] == 1 {
          guard next == UInt8(ascii: "}") else { return fail(.unexpected(expected: "',' or '}'"), p - 1) }
        } else {
          guard next == UInt8(ascii: "]") else { return fail(.unexpected(expected: "',' or ']'"), p - 1) }
        }
        depth -= 1
      }
    }
  }

  private func skipKey(_ p: inout UnsafeRawPointer) -> Bool {
    guard byte(p) == UInt8(ascii: "\"") else { return fail(.unexpected(expected: "a key"), p) }
    var hasEscapes = false
    guard scanString(&p, &hasEscapes) else { return false }
    skipSpace(&p)
    guard byte(p) == UInt8(ascii: ":") else { return fail(.unexpected(expected: "':'"), p) }
    p += 1
    skipSpace(&p)
    return true
  }
}
