import Bytes

/// The record that a bronze row was read from, as it lies in its file.
package enum RawRecord {
  /// The longest record shown.
  private static let byteLimit = 64 << 20

  /// Reads a line of a source's file: by its byte offset where that is known, else by its number from 1.
  ///
  /// Nil when the file is no longer there, or no longer that long. A compressed lake file is decompressed to there.
  /// - Throws: `.io`, `.corrupt`.
  package static func line(
    of source: Source, file name: String, offset: Int64?, line: Int64?, options: IngestOptions
  ) throws(PulsehouseError) -> [UInt8]? {
    let folder: String
    switch source.kind {
    case .lake(let lake): folder = options.lakePath ?? Path.join(options.dataDirectory, lake.path)
    case .csv: folder = options.dataDirectory
    case .kafka: return nil
    }
    let path = Path.join(folder, name)
    let files = LocalFileSystem()
    if let status = try files.status(path), !status.isDirectory {
      guard let file = try InputFile(path) else { return nil }
      var position = offset ?? 0
      return try search(skipping: offset == nil ? max(0, (line ?? 1) - 1) : 0) { buffer throws(PulsehouseError) in
        let count = try file.read(to: buffer.base, count: buffer.byteCount, at: position)
        position += Int64(count)
        return count
      }
    }
    let compressed = path + LakeFile.compressedSuffix
    guard let status = try files.status(compressed),
      let input = try CompressedInput(compressed, byteCount: status.byteCount)
    else { return nil }
    // Offsets are those of the text, so all before is passed over.
    var left = offset ?? 0
    return try search(skipping: offset == nil ? max(0, (line ?? 1) - 1) : 0) { buffer throws(PulsehouseError) in
      while true {
        let wanted = left > 0 ? Int(min(left, Int64(buffer.byteCount))) : buffer.byteCount
        let (count, stop) = try input.read(to: buffer.base, capacity: wanted)
        if left == 0 && count > 0 { return count }
        left -= Int64(count)
        if count == 0 && (stop == .end || stop == .unfinished) { return 0 }
      }
    }
  }

  /// Passes over lines, and returns the next one without its newline; nil when there is none.
  private static func search(
    skipping lines: Int64, _ fill: (AlignedBuffer) throws(PulsehouseError) -> Int
  ) throws(PulsehouseError) -> [UInt8]? {
    let buffer = AlignedBuffer(byteCount: 64 << 10)
    var left = lines
    var record: [UInt8] = []
    while true {
      let count = try fill(buffer)
      if count == 0 { return record.isEmpty ? nil : record }
      let bytes = withExtendedLifetime(buffer) { Array(buffer.bytes.prefix(count)) }
      var start = 0
      while left > 0, let end = bytes[start...].firstIndex(of: 0x0A) {
        start = end + 1
        left -= 1
      }
      if left > 0 { continue }
      if let end = bytes[start...].firstIndex(of: 0x0A) {
        record += bytes[start..<end]
        return record
      }
      record += bytes[start...]
      guard record.count <= byteLimit else { return record }
    }
  }
}
