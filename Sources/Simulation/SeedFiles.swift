/// The two reference files beside the lake, as CSV: RFC 4180's quoting, a header, lines ended by a newline.
enum SeedFiles {
  static func users(_ population: Population, into text: inout ByteText) {
    text.append(
      """
      userid,fname,lname,dob,sex,height,weight,blood_type,race,origin_country_code,origin_country_name,\
      address,address_country_code,address_country_name,last_update\n
      """)
    for user in population.users {
      let origin = Country.all[user.origin]
      let residence = Country.all[user.residence]
      text.append(decimal: user.id)
      for field in [user.firstName, user.lastName] { separate(field, &text) }
      text.append(byte: UInt8(ascii: ","))
      text.append(padded: user.dateOfBirth.year, digits: 4)
      text.append(padded: user.dateOfBirth.month, digits: 2)
      text.append(padded: user.dateOfBirth.day, digits: 2)
      separate(user.sex, &text)
      separate(tenths(user.height), &text)
      separate(tenths(user.weight), &text)
      let rest = [
        user.bloodType, user.race, origin.code, origin.name, user.address, residence.code, residence.name,
        user.lastUpdate,
      ]
      for field in rest { separate(field, &text) }
      text.append(byte: UInt8(ascii: "\n"))
    }
  }

  static func activities(into text: inout ByteText) {
    text.append("activity_id,activity_name,last_update\n")
    for activity in ActivityCatalog.all {
      text.append(decimal: activity.id)
      separate(activity.name, &text)
      separate("2023-11-01T00:00:00Z", &text)
      text.append(byte: UInt8(ascii: "\n"))
    }
  }

  private static func separate(_ field: String, _ text: inout ByteText) {
    text.append(byte: UInt8(ascii: ","))
    text.append(field: field)
  }

  private static func tenths(_ value: Int) -> String { "\(value / 10).\(value % 10)" }
}
