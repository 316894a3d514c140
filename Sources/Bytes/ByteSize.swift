/// Byte counts as people write and read them.
package enum ByteSize {
  /// Parses `512MB`, `4 GB`, `1GiB`, `1048576`; decimal units are powers of 1000, `iB` ones of 1024. Nil for nonsense.
  package static func parse(_ text: String) -> Int? {
    let compact = text.filter { !$0.isWhitespace }.lowercased()
    let digits = compact.prefix { $0.isNumber || $0 == "." }
    let unit = compact.dropFirst(digits.count)
    let units: [Substring: Double] = [
      "": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
      "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
    ]
    guard let number = Double(digits), let factor = units[unit], number > 0, number * factor < 9e18 else { return nil }
    return Int(number * factor)
  }

  /// Writes `1.2 MB`; three digits are enough for people.
  package static func format(_ bytes: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 999.5 && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0
      ? "\(bytes) B" : "\(Decimals.format(value, places: value < 10 ? 2 : value < 100 ? 1 : 0)) \(units[unit])"
  }
}

/// Numbers as people read them, without Foundation.
package enum Decimals {
  /// Writes `value` with `places` decimals, rounded half away from zero.
  package static func format(_ value: Double, places: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let unit = Int(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % unit)
    return "\(sign)\(scaled / unit).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
  }

  /// Writes a whole number in groups of three: `1,234,567`.
  package static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
      index -= 3
    }
    return value < 0 ? "-" + digits : digits
  }
}
