import Bytes
import Vectors

/// What SEARCH and CYCLE note of the rows of a recursion: the rows on the way to a row, or how deep it lies.
///
/// Both are `OrderedValue`s, so they are sorted by their bytes and shown as PostgreSQL's arrays of rows and rows. In a
/// path's order each row is a 1 and its key, in which a zero byte is followed by 0xFF, and two zeros; a 0 ends it. The
/// order of a depth is the depth in eight bytes and the row's key.
package enum RowPath {
  /// The path to rows of `fields`, after `previous`, which is NULL for the first.
  package static func append(
    _ previous: Vector, _ fields: [Vector], count: Int, now: Int64, zone: ZoneRules?
  ) throws -> Vector {
    let keys = try keys(fields, count: count, now: now)
    let texts = try texts(fields, count: count, zone: zone)
    let before = parts(previous, count: count)
    let (order, text) = (TextBuffer(capacity: 256), TextBuffer(capacity: 256))
    return try mapToText(.bytea, count: count, strictIn: []) { row, out in
      order.removeAll()
      text.removeAll()
      var elements: [[UInt8]?] = []
      if let (path, shown) = before(row) {
        path.dropLast().withUnsafeBytes { order.append($0) }
        elements = try shown.withUnsafeBytes { try ArrayText.elements($0) }
      }
      order.append(1)
      append(keys(row), to: order)
      order.append(0)
      elements.append(texts(row))
      ArrayText.write(elements, text)
      OrderedValue.write(order.bytes, text.bytes, out)
      return true
    }
  }

  /// Whether a row of `fields` is on the path.
  package static func contains(_ path: Vector, _ fields: [Vector], count: Int, now: Int64) throws -> Vector {
    let keys = try keys(fields, count: count, now: now)
    let path = path.flattened()
    let paths = parts(path, count: count)
    let wanted = TextBuffer(capacity: 128)
    return try mapRows(.boolean, count: count, [path]) { row -> UInt8? in
      guard let (path, _) = paths(row) else { return 0 }
      wanted.removeAll()
      append(keys(row), to: wanted)
      var index = 0
      while index < path.count, path[index] == 1 {
        let start = index + 1
        index = start
        while path[index] != 0 || path[index + 1] != 0 { index += path[index] == 0 ? 2 : 1 }
        index += 2
        if wanted.bytes.elementsEqual(path[start..<index]) { return 1 }
      }
      return 0
    }
  }

  /// The depth of rows of `fields`, one below `previous`, which is NULL at the top.
  package static func below(
    _ previous: Vector, _ fields: [Vector], count: Int, now: Int64, zone: ZoneRules?
  ) throws -> Vector {
    let keys = try keys(fields, count: count, now: now)
    let before = parts(previous, count: count)
    let depths = (0..<count).map { row -> Int64 in
      guard let (order, _) = before(row) else { return 0 }
      return Int64(bitPattern: order.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }) + 1
    }
    let texts = try texts([.of(.bigint, depths.map { .integer($0) })] + fields, count: count, zone: zone)
    return mapToText(.bytea, count: count, strictIn: []) { row, out in
      let depth = UInt64(bitPattern: depths[row])
      let bytes = stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: depth >> $0) }
      let order = bytes + keys(row)
      order.withUnsafeBytes { order in
        texts(row).withUnsafeBytes { OrderedValue.write(order, $0, out) }
      }
      return true
    }
  }

  private static func append(_ key: [UInt8], to out: TextBuffer) {
    for byte in key {
      out.append(byte)
      if byte == 0 { out.append(0xFF) }
    }
    out.append(0)
    out.append(0)
  }

  /// Bytes for each row that are ordered as the rows are: a 1 and the value of each field, a 2 for NULL.
  private static func keys(_ fields: [Vector], count: Int, now: Int64) throws -> (Int) -> [UInt8] {
    let values = try fields.map { try OrderedValue.sortable($0, now: now).flattened() }
    var keys: [[UInt8]] = []
    let out = TextBuffer(capacity: 128)
    for row in 0..<count {
      out.removeAll()
      for value in values {
        out.append(value.isValid(row) ? 1 : 2)
        if value.isValid(row) { try ArrayFunctions.appendKey(of: value, row, out) }
      }
      keys.append(Array(out.bytes))
    }
    return { keys[$0] }
  }

  private static func texts(_ fields: [Vector], count: Int, zone: ZoneRules?) throws -> (Int) -> [UInt8] {
    let named = fields.flatMap { [Vector.nulls(.text, count: count), $0] }
    let rows = try RowText.make(named, .record(isComparable: false), count: count, zone: zone).flattened()
    let values = rows.values(as: StringReference.self)
    return { row in
      defer { withExtendedLifetime(rows) {} }
      return values[row].withBytes { Array($0) }
    }
  }

  /// The order and the text of each; nil for NULL.
  private static func parts(_ values: Vector, count: Int) -> (Int) -> ([UInt8], [UInt8])? {
    if values.isConstantNull { return { _ in nil } }
    let flat = values.flattened()
    let whole = flat.values(as: StringReference.self)
    return { row in
      defer { withExtendedLifetime(flat) {} }
      return flat.isValid(row) ? whole[row].withBytes { OrderedValue.parts($0) } : nil
    }
  }
}
