/// Writes events as the JSON a watch sends, one object a line, from prefixes made once per user and activity.
struct LineFormatter: ~Copyable {
  private var prefixes = ByteText()
  /// Where each user's prefix, then each activity's, begins in `prefixes`.
  private var starts: [Int] = []
  private let userCount: Int

  init(_ population: Population) {
    userCount = population.users.count
    for user in population.users {
      starts.append(prefixes.count)
      prefixes.append("{\"user_id\":")
      prefixes.append(decimal: user.id)
      prefixes.append(",\"heart_rate\":")
    }
    for activity in ActivityCatalog.all {
      starts.append(prefixes.count)
      prefixes.append(",\"meta\":{\"activity_id\":")
      prefixes.append(decimal: activity.id)
      prefixes.append(",\"location\":{\"latitude\":")
    }
    starts.append(prefixes.count)
  }

  @inline(__always)
  private func prefix(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: prefixes.bytes[starts[index]..<starts[index + 1]])
  }

  /// Appends the event's object, without a newline.
  @inline(__always)
  func append(_ record: SimulatedRecord, dayStart: Int, to text: inout ByteText) {
    text.append(prefix(Int(record.user)))
    text.append(decimal: Int(record.heartRate))
    appendTail(record, dayStart: dayStart, to: &text)
  }

  @inline(__always)
  private func appendTail(_ record: SimulatedRecord, dayStart: Int, to text: inout ByteText) {
    text.append(",\"timestamp\":")
    text.append(decimal: dayStart &+ Int(record.second))
    text.append(prefix(userCount &+ Int(record.activity)))
    text.append(millionths: Int(record.latitude))
    text.append(",\"longitude\":")
    text.append(millionths: Int(record.longitude))
    text.append("}}}")
  }

  /// Appends the event as a line broken in the manner of `kind`, without a newline.
  func append(_ record: SimulatedRecord, dayStart: Int, brokenBy kind: MalformedKind, to text: inout ByteText) {
    switch kind {
    case .truncated:
      let start = text.count
      append(record, dayStart: dayStart, to: &text)
      let length = text.count - start
      text.truncate(to: start + 1 + Int(record.second) % (length - 1))
    case .wrongType:
      text.append(prefix(Int(record.user)))
      text.append("\"fast\"")
      appendTail(record, dayStart: dayStart, to: &text)
    case .garbage:
      text.append("#### watch restarted 0x")
      text.append(decimal: Int(record.second) * 7919)
      text.append(" ####")
    case .invalidUTF8:
      text.append(prefix(Int(record.user)))
      for byte: UInt8 in [0xC3, 0x28, 0xFF, 0xFE] { text.append(byte: byte) }
      appendTail(record, dayStart: dayStart, to: &text)
    case .missingKey:
      text.append("{\"heart_rate\":")
      text.append(decimal: Int(record.heartRate))
      appendTail(record, dayStart: dayStart, to: &text)
    case .hugeNumber:
      text.append(prefix(Int(record.user)))
      text.append("99999999999999999999999")
      appendTail(record, dayStart: dayStart, to: &text)
    }
  }

  /// Appends a line of the lake, whole or broken, without a newline.
  @inline(__always)
  func append(_ entry: LineEntry, _ record: SimulatedRecord, dayStart: Int, to text: inout ByteText) {
    if let kind = MalformedKind(rawValue: entry.malformed - 1) {
      append(record, dayStart: dayStart, brokenBy: kind, to: &text)
    } else {
      append(record, dayStart: dayStart, to: &text)
    }
  }
}
