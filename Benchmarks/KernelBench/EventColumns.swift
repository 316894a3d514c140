import Bytes
import Glibc
import Simulation
import Vectors

/// Simulated heart-rate events as columns, with where they came from, in arrival order or by user and time.
struct EventColumns {
  static let schema = Schema([
    Field("user_id", .integer), Field("heart_rate", .smallint), Field("at", .timestamp), Field("activity_id", .integer),
    Field("latitude", .double), Field("longitude", .double), Field("file", .text), Field("line", .integer),
    Field("byte_offset", .bigint), Field("day", .date),
  ])

  private(set) var users: [Int32] = []
  private(set) var rates: [Int16] = []
  private(set) var times: [Int64] = []
  private(set) var activities: [Int32] = []
  private(set) var latitudes: [Double] = []
  private(set) var longitudes: [Double] = []
  private(set) var files: [UInt32] = []
  private(set) var lines: [Int32] = []
  private(set) var offsets: [Int64] = []
  private(set) var fileNames: [String] = []

  var count: Int { users.count }

  /// Simulates whole events, none malformed.
  init(eventCount: Int, days: Int?) throws(PulsehouseError) {
    var options = SimulationOptions()
    if let days {
      options.spanDays = days
      options.recording = .continuous
    }
    options.eventCount = eventCount
    options.malformedShare = 0
    let stream = try EventStream(options)
    // Per file: its number, and the line and byte the next event will have in it.
    var known: [Int: (number: UInt32, line: Int32, offset: Int64)] = [:]
    while true {
      let isMore: Void? = stream.next { message in
        let numbers = EventColumns.numbers(message.value)
        guard numbers.count == 6 else { return }
        let hour = message.timestampMilliseconds / 3_600_000
        let file = hour * 8 + message.partition
        var place = known[file] ?? (UInt32(fileNames.count), 0, 0)
        if place.line == 0 {
          fileNames.append("2024/01/\(hour / 24 % 30 + 1)/\(hour % 24)/part-\(message.partition)-\(hour).jsonl")
        }
        place.line += 1
        users.append(Int32(numbers[0]))
        rates.append(Int16(numbers[1]))
        times.append(Int64(numbers[2]) * 1_000_000)
        activities.append(Int32(numbers[3]))
        latitudes.append(numbers[4])
        longitudes.append(numbers[5])
        files.append(place.number)
        lines.append(place.line)
        offsets.append(place.offset)
        place.offset += Int64(message.value.count) + 1
        known[file] = place
      }
      if isMore == nil { break }
    }
  }

  /// The numbers of a JSON object, in order.
  private static func numbers(_ json: UnsafeRawBufferPointer) -> [Double] {
    var result: [Double] = []
    var index = 0
    while index < json.count {
      if json[index] == 58, index + 1 < json.count, json[index + 1] == 45 || json[index + 1] &- 48 < 10 {
        var end = index + 1
        while end < json.count, json[end] != 44, json[end] != 125 { end += 1 }
        result.append(Double(String(decoding: json[(index + 1)..<end], as: UTF8.self)) ?? 0)
        index = end
      } else {
        index += 1
      }
    }
    return result
  }

  /// Sorts the rows by user and time.
  mutating func cluster() {
    let order = (0..<count).sorted { (users[$0], times[$0]) < (users[$1], times[$1]) }
    users = order.map { users[$0] }
    rates = order.map { rates[$0] }
    times = order.map { times[$0] }
    activities = order.map { activities[$0] }
    latitudes = order.map { latitudes[$0] }
    longitudes = order.map { longitudes[$0] }
    files = order.map { files[$0] }
    lines = order.map { lines[$0] }
    offsets = order.map { offsets[$0] }
  }

  /// The columns of rows `rows`, one vector each.
  func vectors(_ rows: Range<Int>) -> [Vector] {
    func flat<T: BitwiseCopyable>(_ type: LogicalType, _ values: [T]) -> Vector {
      let buffer = AlignedBuffer(byteCount: rows.count * MemoryLayout<T>.stride)
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
          buffer.values(as: T.self).update(from: base + rows.lowerBound, count: rows.count)
        }
      }
      return Vector(type, count: rows.count, buffer: buffer)
    }
    let days = times.map { Int32($0 / 86_400_000_000) }
    let codes = AlignedBuffer(byteCount: rows.count * 4)
    for (index, row) in rows.enumerated() { codes.values(as: UInt32.self)[index] = files[row] }
    let names = Vector.of(.text, fileNames.map { .text($0) })
    return [
      flat(.integer, users), flat(.smallint, rates), flat(.timestamp, times), flat(.integer, activities),
      flat(.double, latitudes), flat(.double, longitudes), Vector(codes: codes, count: rows.count, dictionary: names),
      flat(.integer, lines), flat(.bigint, offsets), flat(.date, days),
    ]
  }
}
