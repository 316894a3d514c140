/// Where a container lies in the bytes that PostgreSQL would have of the value it comes from: what `keyvalue()` gives as
/// the identifier of an object.
///
/// Source: PostgreSQL 15's jsonb.h. A container is a word for itself and one for each key, value or element, then the
/// keys and the values; numbers and containers begin at multiples of four.
struct JSONPlace {
  /// 0 for the value searched, 1 for the variables, 2 and on for the objects that `keyvalue()` made.
  var base = 0
  var offset = 0

  var identifier: Int { base * 10_000_000_000 + offset }

  /// The place of a part of `container`, which is at this place.
  func child(_ index: Int, of container: JSONValue) -> JSONPlace {
    var end = offset + JSONPlace.header(container)
    for (place, value) in JSONPlace.values(container).enumerated() {
      if place == index { return JSONPlace(base: base, offset: JSONPlace.aligned(end)) }
      end = JSONPlace.end(of: value, from: end)
    }
    return self
  }

  private static func aligned(_ offset: Int) -> Int { (offset + 3) & ~3 }

  private static func values(_ container: JSONValue) -> [JSONValue] {
    switch container {
    case .array(let elements): elements
    case .object(let members): members.map(\.value)
    default: []
    }
  }

  /// The bytes before the values.
  private static func header(_ container: JSONValue) -> Int {
    switch container {
    case .array(let elements): 4 + 4 * elements.count
    case .object(let members): members.reduce(4 + 8 * members.count) { $0 + $1.key.count }
    default: 0
    }
  }

  private static func end(of value: JSONValue, from offset: Int) -> Int {
    switch value {
    case .null, .boolean: offset
    case .string(let bytes): offset + bytes.count
    case .number(let digits): aligned(offset) + size(number: digits)
    case .array, .object:
      values(value).reduce(aligned(offset) + header(value)) { end(of: $1, from: $0) }
    }
  }

  /// A head of six or eight bytes, and two for every four digits on either side of the point, but for zeros at the ends.
  private static func size(number digits: [UInt8]) -> Int {
    let unsigned = digits.drop { $0 == 0x2D }
    let point = unsigned.firstIndex(of: 0x2E) ?? unsigned.endIndex
    let whole = Array(unsigned[..<point])
    let fraction = Array(unsigned[point...].dropFirst())
    let zero = UInt8(ascii: "0")
    let padded =
      [UInt8](repeating: zero, count: (4 - whole.count % 4) % 4) + whole + fraction
      + [UInt8](repeating: zero, count: (4 - fraction.count % 4) % 4)
    let groups = stride(from: 0, to: padded.count, by: 4).map { padded[$0..<($0 + 4)].allSatisfy { $0 == zero } }
    let first = groups.firstIndex(of: false) ?? groups.count
    let last = (groups.lastIndex(of: false) ?? -1) + 1
    let weight = (whole.count + 3) / 4 - 1 - first
    let isShort = fraction.count <= 63 && (-64...63).contains(weight)
    return (isShort ? 6 : 8) + 2 * max(last - first, 0)
  }
}
