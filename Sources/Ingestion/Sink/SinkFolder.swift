import Bytes
import Kernels

/// The names a sink uses in a lake.
///
/// ```
/// 2024/01/31/23/heartrate+0+000000001200.jsonl    events of that hour, from partition 0, the first of offset 1200
/// unknown/heartrate+0+000000001207.jsonl          records whose event time cannot be read
/// .sink/heartrate/0.journal                       how far partition 0 is (`SinkJournal`)
/// .sink/heartrate/0.lock                          held by whoever writes partition 0
/// .sink/heartrate/0/...                           files being written
/// ```
struct SinkFolder: Sendable {
  let lake: String
  let topic: String
  let isCompressed: Bool
  /// True for messages that are no text, such as Avro: then every line is an `EscapedRecord`.
  var isBinary = false

  /// Where everything that is not yet, or never, part of the lake lies, from the lake's folder. Reading a lake passes
  /// over names with a dot.
  var workFolder: String { ".sink/\(topic)" }

  func journal(_ partition: Int32) -> String { "\(workFolder)/\(partition).journal" }
  func lock(_ partition: Int32) -> String { "\(workFolder)/\(partition).lock" }
  func openFolder(_ partition: Int32) -> String { "\(workFolder)/\(partition)" }

  /// Returns the folder for an hour since 1970 UTC; nil is an event time that cannot be read.
  static func folder(hour: Int64?) -> String {
    guard let hour else { return "unknown" }
    let date = Calendar.date(fromDays: hour / 24)
    return "\(padded(date.year, 4))/\(padded(date.month, 2))/\(padded(date.day, 2))/\(padded(Int(hour % 24), 2))"
  }

  /// Returns a file's path from the lake's folder. Offsets are padded, so that names sort as offsets do.
  func file(hour: Int64?, partition: Int32, startOffset: Int64) -> String {
    "\(Self.folder(hour: hour))/\(topic)+\(partition)+\(Self.padded(Int(startOffset), 12)).jsonl"
      + (isCompressed ? LakeFile.compressedSuffix : "")
  }

  func absolute(_ path: String) -> String { Path.join(lake, path) }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
