import Bytes
import Glibc
import Vectors

/// Reads a Parquet file, row group by row group. Any thread, and several at once.
///
/// - Throws: `.io`; `.corrupt`, naming the file and the place; `.unsupported`, naming what we cannot read.
package final class ParquetReader: Sendable {
  package let path: String
  /// The columns that are flat; others are refused when the file is opened.
  package let schema: Schema
  package let rowCount: Int
  private let columns: [ParquetColumn]
  /// For each column whether NULLs are possible.
  private let isOptional: [Bool]
  private let groups: [RowGroupMetadata]
  private let file: RandomAccessFile

  /// The largest footer we take for one.
  private static let mostFooterBytes = 256 << 20

  package init(_ path: String) throws(PulsehouseError) {
    self.path = path
    file = try RandomAccessFile(path)
    let magic = Array("PAR1".utf8)
    func noParquet(_ why: String) -> PulsehouseError {
      PulsehouseError(.corrupt, "not a Parquet file: \(why)", file: path)
    }
    guard file.byteCount >= 12 else { throw noParquet("it is too short") }
    let tail = try file.read(file.byteCount - 8..<file.byteCount)
    guard tail[4...].elementsEqual(magic) else {
      throw noParquet(
        tail[4...].elementsEqual(Array("PARE".utf8)) ? "its footer is encrypted" : "it does not end in PAR1")
    }
    let length = tail[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= file.byteCount - 12, length <= Self.mostFooterBytes else {
      throw noParquet("its footer would be \(length) bytes long")
    }
    let start = file.byteCount - 8 - length
    let footer = try file.read(start..<start + length)
    let metadata = try ByteReader.reading(footer, source: path) { reader throws(PulsehouseError) in
      try FileMetadata.decode(reader)
    }
    guard let root = metadata.schema.first, root.type == nil, root.childCount == metadata.schema.count - 1 else {
      let nested = metadata.schema.dropFirst().first { $0.type == nil }
      throw PulsehouseError(
        nested == nil ? .corrupt : .unsupported,
        nested.map { "column \"\($0.name)\" is nested, which is not supported" } ?? "the schema makes no sense",
        file: path)
    }
    var columns: [ParquetColumn] = []
    for element in metadata.schema.dropFirst() {
      guard element.repetition != 2 else {
        throw PulsehouseError(
          .unsupported, "column \"\(element.name)\" is repeated, which is not supported", file: path)
      }
      columns.append(try ParquetColumn(reading: element, file: path))
    }
    for (index, group) in metadata.rowGroups.enumerated() {
      guard group.columns.count == columns.count, (0...1 << 40).contains(group.rowCount) else {
        throw PulsehouseError(.corrupt, "row group \(index) has another number of columns", file: path)
      }
    }
    self.columns = columns
    isOptional = metadata.schema.dropFirst().map { $0.repetition == 1 }
    groups = metadata.rowGroups
    schema = Schema(columns.map(\.field))
    rowCount = groups.reduce(0) { $0 + $1.rowCount }
  }

  package var rowGroupCount: Int { groups.count }

  package func rowCount(rowGroup: Int) -> Int { groups[rowGroup].rowCount }

  /// Reads columns of a row group whole, each a vector of all its rows.
  package func read(rowGroup: Int, columns wanted: [Int]) throws(PulsehouseError) -> [Vector] {
    var vectors: [Vector] = []
    for column in wanted { vectors.append(try read(column, groups[rowGroup], rowGroup)) }
    return vectors
  }

  private func read(_ column: Int, _ group: RowGroupMetadata, _ rowGroup: Int) throws(PulsehouseError) -> Vector {
    let chunk = group.columns[column]
    func failure(_ kind: PulsehouseError.Kind, _ message: String, hint: String? = nil) -> PulsehouseError {
      PulsehouseError(
        kind, "column \"\(columns[column].field.name)\" of row group \(rowGroup): \(message)", hint: hint, file: path)
    }
    guard !chunk.hasForeignFile else { throw failure(.unsupported, "it lies in another file") }
    switch chunk.codec {
    case .none, .snappy, .zstd: break
    default:
      throw failure(
        .unsupported, "compression by \(chunk.codec) is not supported",
        hint: "Write the file with zstd, snappy or no compression.")
    }
    guard chunk.type == columns[column].stored else { throw failure(.corrupt, "its type is not the schema's") }
    let start = chunk.firstOffset
    guard start >= 4, chunk.compressedByteCount >= 0, chunk.compressedByteCount <= file.byteCount - start else {
      throw failure(.corrupt, "it would lie outside the file")
    }
    guard chunk.valueCount == group.rowCount else { throw failure(.corrupt, "its values are not one a row") }
    let bytes = try file.read(start..<start + chunk.compressedByteCount)
    do throws(PulsehouseError) {
      var decoder = ColumnDecoder(
        columns[column], isOptional: isOptional[column], codec: chunk.codec, rowCount: group.rowCount)
      return try bytes.withRawBytes { (raw) throws(PulsehouseError) -> Vector in
        try decoder.decode(ByteReader(raw, source: path, baseOffset: start))
      }
    } catch {
      var error = error
      error.message = "column \"\(columns[column].field.name)\" of row group \(rowGroup): \(error.message)"
      throw error
    }
  }
}

/// A file read at any place. It may be changed by others meanwhile, so it is not mapped.
final class RandomAccessFile: Sendable {
  let path: String
  let byteCount: Int
  private let descriptor: Int32

  init(_ path: String) throws(PulsehouseError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open file", path, code: errno) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      let code = errno
      close(descriptor)
      throw .system("look at file", path, code: code)
    }
    guard information.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw PulsehouseError(.io, "not a regular file", file: path)
    }
    byteCount = Int(information.st_size)
  }

  deinit { close(descriptor) }

  /// - Throws: `.corrupt` when the file is shorter than it was.
  func read(_ range: Range<Int>) throws(PulsehouseError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count, let base = buffer.baseAddress {
        let got = pread(descriptor, base + count, range.count - count, off_t(range.lowerBound + count))
        if got < 0 && errno == EINTR { continue }
        if got <= 0 {
          code = got < 0 ? errno : 0
          return
        }
        count += got
      }
    }
    if code != 0 { throw .system("read file", path, code: code) }
    guard bytes.count == range.count else {
      throw PulsehouseError(.corrupt, "the file ends early, at offset \(range.lowerBound + bytes.count)", file: path)
    }
    return bytes
  }
}
