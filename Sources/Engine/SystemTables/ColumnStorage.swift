import Segments
import Vectors

/// How a table's columns lie on disk, summed over its segments.
enum ColumnStorage {
  static func rows(_ table: TableState, in warehouse: Warehouse) throws -> [[Scalar]] {
    let fields = table.definition.schema.fields
    var bytes = [Int](repeating: 0, count: fields.count)
    var encodings = [Set<String>](repeating: [], count: fields.count)
    for segment in try table.segments() {
      let reader = try warehouse.segmentCache.reader(
        warehouse.absolutePath(segment.path), checksum: segment.checksum)
      for index in fields.indices where index < reader.schema.count {
        bytes[index] += reader.byteCount(column: index)
        for rowGroup in 0..<reader.rowGroupCount {
          encodings[index].insert(
            reader.encodings(column: index, rowGroup: rowGroup).map { "\($0)" }.joined(separator: " "))
        }
      }
    }
    return fields.enumerated().map { index, field in
      [
        .text(table.name.schema), .text(table.name.name), .text(field.name), .text(field.type.name),
        .text(encodings[index].sorted().joined(separator: "; ")), .integer(Int64(bytes[index])),
        table.rowCount == 0 ? .null : .double(Double(bytes[index]) / Double(table.rowCount)),
      ]
    }
  }
}
