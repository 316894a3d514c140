import Bytes

extension FileMetadata {
  func encode() -> [UInt8] {
    var writer = ThriftWriter()
    writer.structure { writer in
      writer.field(1, int32: 2)
      writer.field(2, list: schema, of: .structure) { writer, element in
        writer.structure { element.encode(&$0) }
      }
      writer.field(3, int64: rowCount)
      writer.field(4, list: rowGroups, of: .structure) { writer, group in
        writer.structure { group.encode(&$0) }
      }
      writer.field(6, text: createdBy)
      // Every column is ordered as its type says, which is what makes its bounds usable.
      writer.field(7, list: schema.filter { $0.type != nil }, of: .structure) { writer, _ in
        writer.structure { $0.field(1) { _ in } }
      }
    }
    return writer.bytes
  }

  static func decode(_ input: ByteReader) throws(PulsehouseError) -> FileMetadata {
    var reader = ThriftReader(input)
    var result = FileMetadata()
    try reader.structure { reader, field throws(PulsehouseError) in
      switch field.number {
      case 2:
        try reader.list(field) { reader, _ throws(PulsehouseError) in
          result.schema.append(try SchemaElement.decode(&reader))
        }
      case 3: result.rowCount = try reader.integer(field)
      case 4:
        try reader.list(field) { reader, _ throws(PulsehouseError) in
          result.rowGroups.append(try RowGroupMetadata.decode(&reader))
        }
      case 6: result.createdBy = try reader.text(field)
      default: return false
      }
      return true
    }
    return result
  }
}

extension SchemaElement {
  func encode(_ writer: inout ThriftWriter) {
    if let type { writer.field(1, int32: type.rawValue) }
    if type == .fixedByteArray { writer.field(2, int32: typeLength) }
    if type != nil { writer.field(3, int32: repetition) }
    writer.field(4, text: name)
    if type == nil { writer.field(5, int32: childCount) }
    if let converted { writer.field(6, int32: converted) }
    if case .decimal(let precision, let scale) = annotation {
      writer.field(7, int32: scale)
      writer.field(8, int32: precision)
    }
    logicalType(&writer)
  }

  /// The older annotation, for readers that know no other.
  private var converted: Int? {
    switch annotation {
    case .none, .uuid, .float16: nil
    case .text: 0
    case .decimal: 5
    case .date: 6
    case .timestamp(.milliseconds, true): 9
    case .timestamp(.microseconds, true): 10
    // Older readers would take a time without a zone for one in UTC.
    case .time, .timestamp: nil
    case .integer(let bits, let isSigned): (isSigned ? 15 : 11) + (bits.trailingZeroBitCount - 3)
    case .json: 19
    case .interval: 21
    }
  }

  private func logicalType(_ writer: inout ThriftWriter) {
    func union(_ number: Int16, _ body: (inout ThriftWriter) -> Void = { _ in }) {
      writer.field(10) { $0.field(number, body) }
    }
    func time(_ number: Int16, _ unit: Annotation.Unit, _ isUTC: Bool) {
      union(number) { writer in
        writer.field(1, isUTC)
        writer.field(2) { $0.field(Int16(unit.rawValue)) { _ in } }
      }
    }
    switch annotation {
    case .none, .interval: break
    case .text: union(1)
    case .decimal(let precision, let scale):
      union(5) { writer in
        writer.field(1, int32: scale)
        writer.field(2, int32: precision)
      }
    case .date: union(6)
    case .time(let unit): time(7, unit, false)
    case .timestamp(let unit, let isUTC): time(8, unit, isUTC)
    case .integer(let bits, let isSigned):
      union(10) { writer in
        writer.field(1, int8: Int8(bits))
        writer.field(2, isSigned)
      }
    case .json: union(12)
    case .uuid: union(14)
    case .float16: union(15)
    }
  }

  static func decode(_ reader: inout ThriftReader) throws(PulsehouseError) -> SchemaElement {
    var element = SchemaElement(name: "")
    var converted: Int?
    var scale = 0
    var precision = 0
    var logical: Annotation?
    try reader.structure { reader, field throws(PulsehouseError) in
      switch field.number {
      case 1:
        guard let type = StoredType(rawValue: try reader.integer(field)) else {
          throw reader.input.corrupt("an unknown type")
        }
        element.type = type
      case 2: element.typeLength = try reader.integer(field)
      case 3: element.repetition = try reader.integer(field)
      case 4: element.name = try reader.text(field)
      case 5: element.childCount = try reader.integer(field)
      case 6: converted = try reader.integer(field)
      case 7: scale = try reader.integer(field)
      case 8: precision = try reader.integer(field)
      case 10: logical = try Self.logicalType(&reader, field)
      default: return false
      }
      return true
    }
    element.annotation = logical ?? Self.annotation(converted, precision, scale)
    return element
  }

  private static func annotation(_ converted: Int?, _ precision: Int, _ scale: Int) -> Annotation {
    switch converted {
    case 0, 4: .text
    case 5: .decimal(precision: precision, scale: scale)
    case 6: .date
    case 7: .time(.milliseconds)
    case 8: .time(.microseconds)
    case 9: .timestamp(.milliseconds, isUTC: true)
    case 10: .timestamp(.microseconds, isUTC: true)
    case 11, 12, 13, 14: .integer(bits: 8 << ((converted ?? 11) - 11), isSigned: false)
    case 15, 16, 17, 18: .integer(bits: 8 << ((converted ?? 15) - 15), isSigned: true)
    case 19: .json
    case 21: .interval
    default: .none
    }
  }

  private static func logicalType(_ reader: inout ThriftReader, _ field: ThriftReader.Field) throws(PulsehouseError)
    -> Annotation?
  {
    var result: Annotation?
    try reader.nested(field) { reader, field throws(PulsehouseError) in
      switch field.number {
      case 1, 4: result = .text
      case 6: result = .date
      case 12: result = .json
      case 14: result = .uuid
      case 15: result = .float16
      case 5:
        var scale = 0
        var precision = 0
        try reader.nested(field) { reader, field throws(PulsehouseError) in
          switch field.number {
          case 1: scale = try reader.integer(field)
          case 2: precision = try reader.integer(field)
          default: return false
          }
          return true
        }
        result = .decimal(precision: precision, scale: scale)
        return true
      case 7, 8:
        var isUTC = false
        var unit = Annotation.Unit.microseconds
        let isTime = field.number == 7
        try reader.nested(field) { reader, field throws(PulsehouseError) in
          if field.number == 1 {
            isUTC = try reader.bool(field)
            return true
          }
          guard field.number == 2 else { return false }
          try reader.nested(field) { _, field throws(PulsehouseError) in
            unit = Annotation.Unit(rawValue: field.number) ?? unit
            return false
          }
          return true
        }
        result = isTime ? .time(unit) : .timestamp(unit, isUTC: isUTC)
        return true
      case 10:
        var bits = 32
        var isSigned = true
        try reader.nested(field) { reader, field throws(PulsehouseError) in
          switch field.number {
          case 1: bits = try reader.integer(field)
          case 2: isSigned = try reader.bool(field)
          default: return false
          }
          return true
        }
        result = .integer(bits: bits, isSigned: isSigned)
        return true
      default: break
      }
      return false
    }
    return result
  }
}

extension RowGroupMetadata {
  func encode(_ writer: inout ThriftWriter) {
    writer.field(1, list: columns, of: .structure) { writer, column in
      writer.structure { column.encode(&$0) }
    }
    writer.field(2, int64: columns.reduce(0) { $0 + $1.uncompressedByteCount })
    writer.field(3, int64: rowCount)
    writer.field(5, int64: columns.first?.firstOffset ?? 0)
    writer.field(6, int64: columns.reduce(0) { $0 + $1.compressedByteCount })
  }

  static func decode(_ reader: inout ThriftReader) throws(PulsehouseError) -> RowGroupMetadata {
    var group = RowGroupMetadata()
    try reader.structure { reader, field throws(PulsehouseError) in
      switch field.number {
      case 1:
        try reader.list(field) { reader, _ throws(PulsehouseError) in
          group.columns.append(try ColumnChunk.decode(&reader))
        }
      case 3: group.rowCount = try reader.integer(field)
      default: return false
      }
      return true
    }
    return group
  }
}

extension ColumnChunk {
  func encode(_ writer: inout ThriftWriter) {
    writer.field(2, int64: firstOffset)
    writer.field(3) { writer in
      writer.field(1, int32: type.rawValue)
      writer.field(2, list: encodings, of: .int32) { $0.element(int32: $1.rawValue) }
      writer.field(3, list: path, of: .binary) { $0.element(text: $1) }
      writer.field(4, int32: codec.rawValue)
      writer.field(5, int64: valueCount)
      writer.field(6, int64: uncompressedByteCount)
      writer.field(7, int64: compressedByteCount)
      writer.field(9, int64: dataPageOffset)
      if let dictionaryPageOffset { writer.field(11, int64: dictionaryPageOffset) }
      writer.field(12) { writer in
        if let nullCount { writer.field(3, int64: nullCount) }
        if let maximum { writer.field(5, binary: maximum) }
        if let minimum { writer.field(6, binary: minimum) }
      }
    }
  }

  static func decode(_ reader: inout ThriftReader) throws(PulsehouseError) -> ColumnChunk {
    var chunk = ColumnChunk()
    try reader.structure { reader, field throws(PulsehouseError) in
      switch field.number {
      case 1:
        chunk.hasForeignFile = true
        return false
      case 3:
        try reader.nested(field) { reader, field throws(PulsehouseError) in try chunk.metadata(&reader, field) }
        return true
      default: return false
      }
    }
    return chunk
  }

  private mutating func metadata(_ reader: inout ThriftReader, _ field: ThriftReader.Field) throws(PulsehouseError)
    -> Bool
  {
    switch field.number {
    case 1:
      guard let stored = StoredType(rawValue: try reader.integer(field)) else {
        throw reader.input.corrupt("an unknown type")
      }
      type = stored
    case 3:
      var names: [String] = []
      try reader.list(field) { reader, kind throws(PulsehouseError) in names.append(try reader.textElement(kind)) }
      path = names
    case 4:
      guard let known = Codec(rawValue: try reader.integer(field)) else {
        throw reader.input.corrupt("an unknown compression")
      }
      codec = known
    case 5: valueCount = try reader.integer(field)
    case 6: uncompressedByteCount = try reader.integer(field)
    case 7: compressedByteCount = try reader.integer(field)
    case 9: dataPageOffset = try reader.integer(field)
    case 11: dictionaryPageOffset = try reader.integer(field)
    default: return false
    }
    return true
  }
}

extension PageHeader {
  func encode() -> [UInt8] {
    var writer = ThriftWriter()
    writer.structure { writer in
      writer.field(1, int32: kind.rawValue)
      writer.field(2, int32: uncompressedByteCount)
      writer.field(3, int32: compressedByteCount)
      if kind == .dictionary {
        writer.field(7) { writer in
          writer.field(1, int32: valueCount)
          writer.field(2, int32: encoding.rawValue)
        }
      } else {
        writer.field(5) { writer in
          writer.field(1, int32: valueCount)
          writer.field(2, int32: encoding.rawValue)
          writer.field(3, int32: PageEncoding.runLength.rawValue)
          writer.field(4, int32: PageEncoding.runLength.rawValue)
        }
      }
    }
    return writer.bytes
  }

  static func decode(_ reader: inout ThriftReader) throws(PulsehouseError) -> PageHeader {
    var header = PageHeader()
    try reader.structure { reader, field throws(PulsehouseError) in
      switch field.number {
      case 1:
        guard let kind = Kind(rawValue: try reader.integer(field)) else {
          throw reader.input.corrupt("a page of unknown kind")
        }
        header.kind = kind
      case 2: header.uncompressedByteCount = try reader.integer(field)
      case 3: header.compressedByteCount = try reader.integer(field)
      case 5, 7:
        try reader.nested(field) { reader, field throws(PulsehouseError) in
          switch field.number {
          case 1: header.valueCount = try reader.integer(field)
          case 2: header.encoding = try Self.encoding(&reader, field)
          default: return false
          }
          return true
        }
      case 8:
        try reader.nested(field) { reader, field throws(PulsehouseError) in
          switch field.number {
          case 1: header.valueCount = try reader.integer(field)
          case 4: header.encoding = try Self.encoding(&reader, field)
          case 5: header.definitionByteCount = try reader.integer(field)
          case 6: header.repetitionByteCount = try reader.integer(field)
          case 7: header.isCompressed = try reader.bool(field)
          default: return false
          }
          return true
        }
      default: return false
      }
      return true
    }
    return header
  }

  private static func encoding(_ reader: inout ThriftReader, _ field: ThriftReader.Field) throws(PulsehouseError)
    -> PageEncoding
  {
    let number = try reader.integer(field)
    guard let encoding = PageEncoding(rawValue: number) else {
      throw reader.input.corrupt("a page in the unknown encoding \(number)")
    }
    return encoding
  }
}
