import Bytes
import Glibc

/// Reads the machine's tzdata, a file for each zone (TZif).
///
/// Source: RFC 8536.
enum ZoneFile {
  private static var directory: String { getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo" }

  private static let files = LocalFileSystem()

  /// Finds a zone by its name in lower case; nil when there is none.
  ///
  /// - Throws: `.io` where there is no tzdata at all, `.corrupt` for a file that is none.
  static func read(_ name: String) throws(PulsehouseError) -> ZoneRules? {
    let root = directory
    guard try files.status(root)?.isDirectory == true else {
      throw PulsehouseError(
        .io, "this machine has no time zone data in \(root)", sqlState: "58P01",
        hint: "Install the package tzdata, or set TZDIR to where it is.")
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    // Names lie under the folder, and nothing that begins with a dot is one.
    guard !parts.isEmpty, parts.count <= 4, parts.allSatisfy({ !$0.isEmpty && $0.first != "." }) else { return nil }
    var path = root
    var spelled: [String] = []
    for part in parts {
      guard try files.status(path)?.isDirectory == true,
        let found = try files.list(path).first(where: { $0.lowercased() == part })
      else { return nil }
      path = Path.join(path, found)
      spelled.append(found)
    }
    guard try files.status(path)?.isDirectory == false else { return nil }
    let bytes = try files.readFile(path, limit: 1 << 20)
    guard bytes.starts(with: Array("TZif".utf8)) else { return nil }
    guard let rules = rules(named: spelled.joined(separator: "/"), bytes) else {
      throw PulsehouseError(.corrupt, "the time zone \(name) cannot be read", sqlState: "58P01", file: path)
    }
    return rules
  }

  /// The numbers of a header: what lies in the block after it.
  private struct Counts {
    var universalFlags = 0
    var standardFlags = 0
    var leapSeconds = 0
    var transitions = 0
    var types = 0
    var letters = 0

    func byteCount(timeSize: Int) -> Int {
      transitions * timeSize + transitions + types * 6 + letters + leapSeconds * (timeSize + 4) + standardFlags
        + universalFlags
    }
  }

  private static let headerSize = 44

  private static func counts(_ bytes: [UInt8], at start: Int) -> Counts? {
    guard start + headerSize <= bytes.count, bytes[start..<(start + 4)].elementsEqual("TZif".utf8) else { return nil }
    let numbers = (0..<6).map { Int(number(bytes, at: start + 20 + $0 * 4, size: 4)) }
    guard numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 16 }) else { return nil }
    return Counts(
      universalFlags: numbers[0], standardFlags: numbers[1], leapSeconds: numbers[2], transitions: numbers[3],
      types: numbers[4], letters: numbers[5])
  }

  /// A big-endian number with a sign; the caller knows that it lies within.
  private static func number(_ bytes: [UInt8], at start: Int, size: Int) -> Int64 {
    var value: Int64 = bytes[start] >= 0x80 ? -1 : 0
    for byte in bytes[start..<(start + size)] { value = value << 8 | Int64(byte) }
    return value
  }

  private static func rules(named name: String, _ bytes: [UInt8]) -> ZoneRules? {
    guard var counts = counts(bytes, at: 0) else { return nil }
    var start = headerSize
    var timeSize = 4
    if bytes[4] >= 0x32 {
      // The block of 32-bit times is for readers of version 1.
      start += counts.byteCount(timeSize: 4)
      guard let wide = Self.counts(bytes, at: start) else { return nil }
      counts = wide
      start += headerSize
      timeSize = 8
    }
    let end = start + counts.byteCount(timeSize: timeSize)
    guard end <= bytes.count, counts.types > 0 else { return nil }
    let indices = start + counts.transitions * timeSize
    let types = indices + counts.transitions
    let letters = types + counts.types * 6
    func period(_ index: Int) -> ZoneRules.Period? {
      guard index < counts.types else { return nil }
      let place = types + index * 6
      let first = letters + Int(bytes[place + 5])
      guard first < letters + counts.letters else { return nil }
      let abbreviation = String(decoding: bytes[first..<(letters + counts.letters)].prefix { $0 != 0 }, as: UTF8.self)
      return ZoneRules.Period(
        offset: Int(number(bytes, at: place, size: 4)), isDaylightSaving: bytes[place + 4] != 0,
        abbreviation: abbreviation)
    }
    var transitions: [Int64] = []
    guard let first = period(0) else { return nil }
    var periods = [first]
    for index in 0..<counts.transitions {
      let moment = number(bytes, at: start + index * timeSize, size: timeSize)
      guard let next = period(Int(bytes[indices + index])), transitions.last.map({ $0 < moment }) ?? true else {
        return nil
      }
      transitions.append(moment)
      periods.append(next)
    }
    var rule: ZoneRule?
    if timeSize == 8, end + 1 < bytes.count, bytes[end] == 0x0A {
      let text = String(decoding: bytes[(end + 1)...].prefix { $0 != 0x0A }, as: UTF8.self)
      if !text.isEmpty {
        guard let parsed = ZoneRule.parse(text) else { return nil }
        rule = parsed.rule
      }
    }
    return ZoneRules(name: name, transitions: transitions, periods: periods, rule: rule)
  }
}
