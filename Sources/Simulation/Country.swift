/// A country of origin or residence: its people's names, its addresses, and how its days differ.
package struct Country: Sendable {
  struct City: Sendable {
    let name: String
    /// `#` stands for a digit and `@` for a capital letter.
    let postcode: String
    /// Millionths of a degree.
    let latitude: Int
    let longitude: Int

    init(_ name: String, _ postcode: String, _ latitude: Int, _ longitude: Int) {
      self.name = name
      self.postcode = postcode
      self.latitude = latitude * 10_000
      self.longitude = longitude * 10_000
    }
  }

  package let code: String
  package let name: String
  /// People of a hundred who come from here.
  let weight: Int
  /// `{s}` street, `{n}` house number, `{p}` postcode, `{c}` city.
  let addressForm: String
  let cities: [City]
  let streets: [String]
  let women: [String]
  let men: [String]
  let surnames: [String]
  /// Hours by which evenings begin later than the rhythms say.
  let hoursLater: Int
  let isSouthern: Bool
  /// Activities that are more common here, with the factor in per cent.
  let favourites: [String: Int]

  /// A surname in the form a woman bears.
  func womansSurname(_ surname: String) -> String {
    guard code == "PL" else { return surname }
    for (ending, replacement) in [("ski", "ska"), ("cki", "cka"), ("dzki", "dzka")] where surname.hasSuffix(ending) {
      return surname.dropLast(ending.count) + replacement
    }
    return surname
  }
}
