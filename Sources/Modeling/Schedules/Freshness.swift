import Bytes

/// How old a model's rows may become before a watch warns: `tags ('freshness=2h')` in its header.
///
/// A tag, because that is the one property of SQLMesh's that takes any text and touches no table of any engine.
package struct Freshness: Hashable, Sendable {
  package var seconds: Int64

  package init(seconds: Int64) { self.seconds = seconds }

  static let prefix = "freshness="

  /// Reads `90s`, `15m`, `2h`, `1d` or `2w`, from one second to ten years; nil for anything else.
  package static func read(_ text: String) -> Freshness? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()), count > 0,
      count <= 315_360_000 / unit
    else { return nil }
    return Freshness(seconds: count * unit)
  }

  /// Finds the limit among the tags of a header.
  static func find(in tags: [(text: String, range: Range<Int>)]) throws(PulsehouseError) -> Freshness? {
    for tag in tags where tag.text.hasPrefix(prefix) {
      guard let freshness = read(String(tag.text.dropFirst(prefix.count))) else {
        throw PulsehouseError(
          .user, "\"\(tag.text)\" does not say how old rows may become", sqlState: "22023",
          hint: "Write 'freshness=90s', '15m', '2h', '1d' or '2w'.", range: tag.range)
      }
      return freshness
    }
    return nil
  }
}

/// Lengths of time for people: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
package enum DurationText {
  package static func format(seconds: Int64) -> String {
    if seconds < 60 { return "\(max(0, seconds)) s" }
    if seconds < 3600 { return "\(seconds / 60) min" }
    let (large, small, names) =
      seconds < 86_400
      ? (seconds / 3600, seconds % 3600 / 60, ("h", "min")) : (seconds / 86_400, seconds % 86_400 / 3600, ("d", "h"))
    return small == 0 ? "\(large) \(names.0)" : "\(large) \(names.0) \(small) \(names.1)"
  }
}
