import Bytes

/// A column's type as it lies in a Parquet file.
enum StoredType: Int, Sendable, Hashable {
  case boolean = 0
  case int32 = 1
  case int64 = 2
  case int96 = 3
  case float = 4
  case double = 5
  case byteArray = 6
  case fixedByteArray = 7
}

enum Codec: Int, Sendable, Hashable {
  case none = 0
  case snappy = 1
  case gzip = 2
  case lzo = 3
  case brotli = 4
  case lz4 = 5
  case zstd = 6
  case lz4Raw = 7
}

/// How values lie in a page.
enum PageEncoding: Int, Sendable, Hashable {
  case plain = 0
  case plainDictionary = 2
  case runLength = 3
  case bitPacked = 4
  case deltaBinaryPacked = 5
  case deltaLengthByteArray = 6
  case deltaByteArray = 7
  case runLengthDictionary = 8
  case byteStreamSplit = 9
}

/// What a stored type stands for: the newer logical types and the older converted ones, as far as we tell them apart.
enum Annotation: Sendable, Hashable {
  enum Unit: Int, Sendable, Hashable {
    case milliseconds = 1
    case microseconds = 2
    case nanoseconds = 3
  }

  case none
  case text
  case json
  case uuid
  case date
  case interval
  case float16
  case decimal(precision: Int, scale: Int)
  case integer(bits: Int, isSigned: Bool)
  case time(Unit)
  case timestamp(Unit, isUTC: Bool)
}

/// A node of the schema's tree, which is listed depth first.
struct SchemaElement: Sendable, Hashable {
  var name: String
  var type: StoredType?
  var typeLength = 0
  /// 0 required, 1 optional, 2 repeated.
  var repetition = 0
  var childCount = 0
  var annotation = Annotation.none
}

/// The footer: schema and row groups.
struct FileMetadata: Sendable {
  var schema: [SchemaElement] = []
  var rowCount = 0
  var rowGroups: [RowGroupMetadata] = []
  var createdBy = ""
}

struct RowGroupMetadata: Sendable {
  var rowCount = 0
  var columns: [ColumnChunk] = []
}

/// One column of a row group.
struct ColumnChunk: Sendable {
  var path: [String] = []
  var type = StoredType.int32
  var encodings: [PageEncoding] = []
  var codec = Codec.none
  var valueCount = 0
  var uncompressedByteCount = 0
  var compressedByteCount = 0
  var dataPageOffset = 0
  var dictionaryPageOffset: Int?
  /// A path of another file, which we do not follow.
  var hasForeignFile = false
  var nullCount: Int?
  var minimum: [UInt8]?
  var maximum: [UInt8]?

  /// Where the chunk's first page lies.
  var firstOffset: Int { dictionaryPageOffset.map { min($0, dataPageOffset) } ?? dataPageOffset }
}

/// What stands before a page.
struct PageHeader: Sendable {
  enum Kind: Int, Sendable {
    case data = 0
    case index = 1
    case dictionary = 2
    case dataV2 = 3
  }

  var kind = Kind.data
  var uncompressedByteCount = 0
  var compressedByteCount = 0
  var valueCount = 0
  var encoding = PageEncoding.plain
  /// Version 2: bytes of the levels, which lie uncompressed before the values.
  var definitionByteCount = 0
  var repetitionByteCount = 0
  var isCompressed = true
}
