import Bytes
import Vectors

/// How a column of ours lies in a Parquet file, and the other way round.
struct ParquetColumn: Sendable, Hashable {
  var field: Field
  var stored: StoredType
  /// Bytes of a value of fixed length that is none of the numbers.
  var length: Int
  var annotation: Annotation

  /// Chooses for a column to be written. A numeric without precision gets its scale from the first rows, later.
  ///
  /// - Throws: `.unsupported` for a type Parquet has no like of.
  init(writing field: Field) throws(PulsehouseError) {
    self.field = field
    length = 0
    switch field.type {
    case .boolean: (stored, annotation) = (.boolean, .none)
    case .smallint: (stored, annotation) = (.int32, .integer(bits: 16, isSigned: true))
    case .integer: (stored, annotation) = (.int32, .integer(bits: 32, isSigned: true))
    case .bigint: (stored, annotation) = (.int64, .integer(bits: 64, isSigned: true))
    case .real: (stored, annotation) = (.float, .none)
    case .double: (stored, annotation) = (.double, .none)
    case .numeric(let precision, let scale):
      let digits = precision ?? Numeric.maximumDigits
      annotation = .decimal(precision: digits, scale: scale ?? 0)
      switch digits {
      case ...9: stored = .int32
      case ...18: stored = .int64
      default:
        stored = .fixedByteArray
        length = 16
      }
    // Arrays and rows are written as their text, labels are texts by then.
    case .text, .enumeration, .varchar, .char, .array, .record, .unknown: (stored, annotation) = (.byteArray, .text)
    case .bytea: (stored, annotation) = (.byteArray, .none)
    case .date: (stored, annotation) = (.int32, .date)
    case .time: (stored, annotation) = (.int64, .time(.microseconds))
    case .timestamp: (stored, annotation) = (.int64, .timestamp(.microseconds, isUTC: false))
    case .timestamptz: (stored, annotation) = (.int64, .timestamp(.microseconds, isUTC: true))
    case .interval: (stored, length, annotation) = (.fixedByteArray, 12, .interval)
    case .uuid: (stored, length, annotation) = (.fixedByteArray, 16, .uuid)
    case .json, .jsonb: (stored, annotation) = (.byteArray, .json)
    }
  }

  var element: SchemaElement {
    SchemaElement(name: field.name, type: stored, typeLength: length, repetition: 1, annotation: annotation)
  }

  /// Finds our type for a leaf of a file's schema.
  ///
  /// - Throws: `.unsupported` for what we have no type for, naming the column and the file.
  init(reading element: SchemaElement, file: String) throws(PulsehouseError) {
    guard let stored = element.type else {
      throw PulsehouseError(.unsupported, "column \"\(element.name)\" is nested", file: file)
    }
    self.stored = stored
    annotation = element.annotation
    length = element.typeLength
    guard stored != .fixedByteArray || (1...1 << 20).contains(length) else {
      throw PulsehouseError(.corrupt, "column \"\(element.name)\" has values of \(length) bytes", file: file)
    }
    let type: LogicalType?
    switch (stored, element.annotation) {
    case (.boolean, _): type = .boolean
    case (.int32, .date): type = .date
    case (.int32, .time), (.int64, .time): type = .time
    case (.int64, .timestamp(_, let isUTC)): type = isUTC ? .timestamptz : .timestamp
    case (.int96, _): type = .timestamp
    case (.int32, .integer(let bits, let isSigned)):
      type = bits < 16 || (bits == 16 && isSigned) ? .smallint : bits <= 16 || isSigned ? .integer : .bigint
    case (.int64, .integer(64, false)): type = .numeric(precision: 20, scale: 0)
    case (.int32, .decimal(let precision, let scale)), (.int64, .decimal(let precision, let scale)),
      (.byteArray, .decimal(let precision, let scale)), (.fixedByteArray, .decimal(let precision, let scale)):
      guard (1...Numeric.maximumDigits).contains(precision), (0...precision).contains(scale) else {
        throw PulsehouseError(
          .unsupported, "column \"\(element.name)\" has decimals of \(precision) digits, \(scale) behind the point",
          file: file)
      }
      type = .numeric(precision: precision, scale: scale)
    case (.int32, _): type = .integer
    case (.int64, _): type = .bigint
    case (.float, _): type = .real
    case (.double, _): type = .double
    case (.byteArray, .text): type = .text
    case (.byteArray, .json): type = .json
    case (.byteArray, _): type = .bytea
    case (.fixedByteArray, .uuid): type = length == 16 ? .uuid : nil
    case (.fixedByteArray, .interval): type = length == 12 ? .interval : nil
    case (.fixedByteArray, .float16): type = length == 2 ? .real : nil
    case (.fixedByteArray, _): type = .bytea
    }
    guard let type else {
      throw PulsehouseError(.corrupt, "column \"\(element.name)\" has values of a wrong length", file: file)
    }
    field = Field(element.name, type)
  }
}
