import Bytes
import Vectors

extension BlockEncoder {
  /// The longest bound that is kept whole.
  private static let boundByteCount = 64

  func encodeStrings(_ statistics: inout ColumnStatistics) throws(PulsehouseError) -> EncodedBlock {
    if options.forced != .plain, let dictionary = stringDictionary() {
      let entries = dictionary.entries
      statistics.distinctEstimate = entries.count
      if let first = entries.first, let last = entries.last { bound(first, last, &statistics) }
      let codes = codeEncoder(dictionary.codes)
      defer { withExtendedLifetime(dictionary.codes) {} }
      let choice = codes.choose()
      let isWorthIt = entries.count <= max(count / 2, 16) || options.forced == .dictionary
      if isWorthIt {
        return try write(.dictionary, [.dictionary, choice.encoding]) {
          (writer: inout ByteWriter) throws(PulsehouseError) in
          writer.append(UInt32(entries.count))
          writer.pad(to: 16)
          try StringSection.write(
            count: entries.count, isZstdEnabled: options.isZstdEnabled, level: options.zstdLevel, into: &writer
          ) { entries[$0] }
          codes.write(choice, into: &writer)
        }
      }
    } else {
      boundStrings(&statistics)
    }
    let flat = vector.flattened()
    let values = flat.values(as: StringReference.self)
    return try write(.plain, [.plain]) { (writer: inout ByteWriter) throws(PulsehouseError) in
      writer.pad(to: 16)
      try StringSection.write(
        count: count, isZstdEnabled: options.isZstdEnabled, level: options.zstdLevel, into: &writer
      ) { flat.isValid($0) ? values[$0] : StringReference() }
    }
  }

  private func stringDictionary() -> StringDictionary? {
    if let dictionary = vector.dictionary { return StringDictionary(vector, dictionary) }
    let limit = options.forced == .dictionary ? count : min(65_536, max(count / 2, 16))
    return StringDictionary(vector.values(as: StringReference.self), count: count, vector.validity, limit: limit)
  }

  private func boundStrings(_ statistics: inout ColumnStatistics) {
    let flat = vector.flattened()
    let values = flat.values(as: StringReference.self)
    var least: StringReference?
    var greatest: StringReference?
    for row in 0..<count where flat.isValid(row) {
      let value = values[row]
      if least.map({ value < $0 }) ?? true { least = value }
      if greatest.map({ $0 < value }) ?? true { greatest = value }
    }
    if let least, let greatest { bound(least, greatest, &statistics) }
  }

  /// Keeps short bounds whole and cuts long ones to bounds of their own; text that is not UTF-8 has none.
  private func bound(_ least: StringReference, _ greatest: StringReference, _ statistics: inout ColumnStatistics) {
    let lowBytes = least.withBytes { Array($0) }
    let highBytes = greatest.withBytes { Array($0) }
    let limit = BlockEncoder.boundByteCount
    statistics.boundsAreExact = lowBytes.count <= limit && highBytes.count <= limit
    guard let high = BlockEncoder.upperBound(highBytes, limit: limit, isText: vector.type != .bytea) else {
      statistics.boundsAreExact = false
      return
    }
    if vector.type == .bytea {
      statistics.minimum = .bytes(Array(lowBytes.prefix(limit)))
      statistics.maximum = .bytes(high)
      return
    }
    var low = lowBytes.prefix(limit)
    if lowBytes.count > limit { while let last = low.last, last & 0xC0 == 0x80 { low.removeLast() } }
    if lowBytes.count > limit, let last = low.last, last >= 0xC0 { low.removeLast() }
    guard let lowText = String(validating: low, as: UTF8.self), let highText = String(validating: high, as: UTF8.self)
    else {
      statistics.boundsAreExact = false
      return
    }
    statistics.minimum = .text(lowText)
    statistics.maximum = .text(highText)
  }

  /// Returns `bytes`, or something at most `limit` long that sorts after them; nil when there is no such thing.
  static func upperBound(_ bytes: [UInt8], limit: Int, isText: Bool) -> [UInt8]? {
    if bytes.count <= limit { return bytes }
    var prefix = Array(bytes.prefix(limit))
    // Raise the last byte that can be; in text only an ASCII one, so that it stays UTF-8.
    while let last = prefix.last {
      if last < (isText ? 0x7E : 0xFF) {
        prefix[prefix.count - 1] = last + 1
        return prefix
      }
      prefix.removeLast()
    }
    return nil
  }
}
