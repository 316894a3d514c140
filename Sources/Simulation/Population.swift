/// A simulated wearer of a watch: the row of `users.csv` and what the heart-rate model knows of them.
package struct User: Sendable {
  package let id: Int
  package let firstName: String
  package let lastName: String
  package let dateOfBirth: CivilDate
  package let isMale: Bool
  /// Tenths of a centimetre.
  package let height: Int
  /// Tenths of a kilogram.
  package let weight: Int
  package let bloodType: String
  package let race: String
  /// Positions in ``Country/all``.
  package let origin: Int
  package let residence: Int
  package let address: String
  package let lastUpdate: String
  /// Millionths of a degree.
  package let homeLatitude: Int
  package let homeLongitude: Int
  package let restingRate: Int
  package let maximalRate: Int
  /// How much of a day's events are this user's, in relation to others.
  package let wear: Int

  package var sex: String { isMale ? "M" : "F" }
  /// Hours between UTC and the sun at home; what the daily rhythm follows.
  package var hoursFromUTC: Int { Population.hours(atLongitude: homeLongitude) }
}

/// The 9,999 users of a seed.
package struct Population: Sendable {
  package static let size = 9999
  package static let firstID = 10_001

  package let users: [User]

  private static let bloodTypes = ["O+", "A+", "B+", "O-", "A-", "AB+", "B-", "AB-"]
  private static let bloodWeights = [38, 34, 9, 7, 6, 3, 2, 1]
  private static let races = ["White", "Hispanic", "Black", "Asian", "Mixed", "Other"]
  private static let raceWeights = [58, 14, 11, 10, 5, 2]

  /// Simulates everyone; `startDay` (days since 1970-01-01) is when their ages are 18 to 75.
  package init(seed: UInt64, startDay: Int) {
    users = (0..<Self.size).map { Self.user(at: $0, seed: seed, startDay: startDay) }
  }

  /// Rounds a longitude in millionths of a degree to hours from UTC.
  package static func hours(atLongitude longitude: Int) -> Int {
    let shifted = longitude + 7_500_000
    return shifted >= 0 ? shifted / 15_000_000 : -((-shifted + 14_999_999) / 15_000_000)
  }

  private static func user(at index: Int, seed: UInt64, startDay: Int) -> User {
    var random = RandomStream(seed: seed, purpose: 1, index)
    let origin = random.choose(Country.all.map(\.weight))
    var residence = origin
    if random.chance(thousandths: 100) {
      residence = (origin + 1 + random.below(Country.all.count - 1)) % Country.all.count
    }
    let home = Country.all[residence]
    let roots = Country.all[origin]
    let isMale = random.chance(thousandths: 500)
    let firstName = random.pick(isMale ? roots.men : roots.women)
    let surname = random.pick(roots.surnames)
    // Two throws make the middle ages the most frequent.
    let ageInDays = (random.within(18 * 365...75 * 365) + random.within(18 * 365...75 * 365)) / 2
    let age = ageInDays / 365
    let height = (isMale ? 175 : 162) + random.normal() * (isMale ? 8 : 7)
    let weight = (isMale ? 80 : 65) + random.normal() * (isMale ? 10 : 8)
    let city = random.pick(home.cities)
    let resting = 58 + (isMale ? 0 : 3) + (age - 40) / 12 + random.bell() * 4 / 1024
    return User(
      id: firstID + index, firstName: firstName, lastName: isMale ? surname : roots.womansSurname(surname),
      dateOfBirth: CivilDate(daysSinceEpoch: startDay - ageInDays - random.below(300)), isMale: isMale,
      height: Int((height * 10).rounded()), weight: max(350, Int((weight * 10).rounded())),
      bloodType: bloodTypes[random.choose(bloodWeights)], race: races[random.choose(raceWeights)],
      origin: origin, residence: residence, address: address(in: city, of: home, &random),
      lastUpdate: lastUpdate(before: startDay, &random),
      homeLatitude: city.latitude + random.bell() * 30, homeLongitude: city.longitude + random.bell() * 40,
      restingRate: max(44, min(76, resting)), maximalRate: 208 - age * 7 / 10 + random.bell() * 4 / 1024,
      wear: random.within(50...150))
  }

  private static func address(in city: Country.City, of country: Country, _ random: inout RandomStream) -> String {
    var postcode = ""
    for character in city.postcode {
      switch character {
      case "#": postcode += String(random.below(10))
      case "@": postcode.append(Character(UnicodeScalar(UInt8(ascii: "A") + UInt8(random.below(26)))))
      default: postcode.append(character)
      }
    }
    var text = ""
    var rest = country.addressForm[...]
    while let brace = rest.firstIndex(of: "{") {
      text += rest[..<brace]
      switch rest[rest.index(after: brace)] {
      case "s": text += random.pick(country.streets)
      case "n": text += String(1 + random.below(240))
      case "p": text += postcode
      default: text += city.name
      }
      rest = rest[rest.index(brace, offsetBy: 3)...]
    }
    text += rest
    return text
  }

  private static func lastUpdate(before startDay: Int, _ random: inout RandomStream) -> String {
    let date = CivilDate(daysSinceEpoch: startDay - 1 - random.below(180))
    let second = random.below(86_400)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(date.year)-\(two(date.month))-\(two(date.day))T"
      + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
  }
}
