/// A record that did not fit, with what is needed to explain, find and replay it.
package struct RejectedRecord: Sendable, Hashable {
  /// Where its first byte lies in the file (or its offset in a Kafka partition).
  package var offset: Int64
  /// Its line in the file, from 1 (of a record over several lines, the first).
  package var line: Int64
  /// What is wrong, in words.
  package var reason: String
  /// Its bytes without the line end; at most `rawByteLimit` of them.
  package var raw: [UInt8]

  /// A longer record is cut here, and its reason says so.
  package static let rawByteLimit = 1 << 20

  /// The words in the reason of a record whose bytes are not all kept.
  static let cutMark = "only the first "

  /// True when `raw` is the whole record.
  var isWhole: Bool { raw.count < Self.rawByteLimit && !reason.contains(Self.cutMark) }

  /// The reason of a message without a value, and of one whose value is empty.
  package static let noValue = "a null value (a tombstone)"
  package static let emptyValue = "an empty value"

  /// Keeps as much of a record's bytes as may be kept, and says so where that is not all.
  init(_ record: UnsafeRawBufferPointer, offset: Int64, line: Int64, reason: String) {
    let isCut = record.count > Self.rawByteLimit
    self.init(
      offset: offset, line: line,
      reason: isCut
        ? "\(reason); \(Self.cutMark)\(Self.rawByteLimit) of its \(record.count) bytes are kept" : reason,
      raw: [UInt8](record.prefix(Self.rawByteLimit)))
  }

  package init(offset: Int64, line: Int64, reason: String, raw: [UInt8]) {
    self.offset = offset
    self.line = line
    self.reason = reason
    self.raw = raw
  }
}
