/// Finds the known word a mistyped one was probably meant to be.
package enum Suggestion {
  /// Returns `Did you mean "x"?` when a candidate is near enough, else nil.
  package static func hint(for word: String, among candidates: [String]) -> String? {
    let limit = max(1, word.count / 3)
    let nearest = candidates.map { ($0, distance(word, $0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    guard let (candidate, distance) = nearest, distance <= limit else { return nil }
    return "Did you mean \"\(candidate)\"?"
  }

  /// Counts the letters to insert, delete or change to get from one word to the other.
  package static func distance(_ left: String, _ right: String) -> Int {
    let first = Array(left.unicodeScalars)
    let second = Array(right.unicodeScalars)
    var row = Array(0...second.count)
    for (i, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in second.enumerated() {
        let change = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[second.count]
  }
}
