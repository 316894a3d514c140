import Bytes
import Encodings
import Glibc
import Segments
import Vectors

/// Encodes, stores and reads back simulated events, and prints what each step costs.
struct CodecBenchmark {
  let eventCount: Int
  /// The length of a span recorded every day; four study weeks when nil.
  let days: Int?
  private let stopwatch = Stopwatch(repeats: 7)

  private func measure(_ name: String, rows: Int, stride: Int, _ body: () throws -> Void) rethrows {
    try stopwatch.measure(name, rows: rows, stride: stride, body)
  }

  func run() throws {
    var events = try EventColumns(eventCount: eventCount, days: days)
    try order("arrival", events, keyColumn: nil, sortedBy: [])
    try order("arrival, by key", events, keyColumn: 0, sortedBy: [])
    events.cluster()
    try order("by user", events, keyColumn: 0, sortedBy: [0, 2])
  }

  /// A number is worth nothing when the values are wrong: holds what is read against what was written.
  private func compare(_ segment: SegmentReader, _ groups: [[Vector]]) throws {
    for (rowGroup, columns) in groups.enumerated() {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      for (index, column) in columns.enumerated() {
        let rows = column.count
        let selection = SelectionVector(stride(from: 3, to: rows, by: 4001).map { UInt32($0) })
        let few = try reader.read(column: index, selection: selection)
        for (place, row) in selection.indices.enumerated()
        where few.scalar(at: place) != column.scalar(at: Int(row)) {
          throw PulsehouseError(.internal, "row \(row) of column \(index) in row group \(rowGroup) is wrong")
        }
        let written = column.flattened()
        let read = try reader.read(column: index, rows: 0..<rows).flattened()
        let isSame =
          column.type.physical == .string
          ? (0..<rows).allSatisfy {
            written.values(as: StringReference.self)[$0] == read.values(as: StringReference.self)[$0]
          }
          : memcmp(written.buffer.base, read.buffer.base, rows * column.type.physical.stride) == 0
        guard isSame else {
          throw PulsehouseError(.internal, "column \(index) of row group \(rowGroup) came back changed")
        }
      }
    }
  }

  private func order(_ name: String, _ events: EventColumns, keyColumn: Int?, sortedBy: [Int]) throws {
    let schema = EventColumns.schema
    var options = SegmentOptions()
    options.keyColumn = keyColumn
    options.sortedBy = sortedBy
    let path = "/tmp/pulsehouse-kernel-bench-\(getpid()).seg"
    defer { unlink(path) }
    let writer = try SegmentWriter(path, schema: schema, options: options)
    var groups: [[Vector]] = []
    var row = 0
    while row < events.count {
      let end = min(row + options.rowGroupRowCount, events.count)
      groups.append(events.vectors(row..<end))
      row = end
    }
    let first = groups[0]
    let rows = first[0].count
    let keys = keyColumn.flatMap { BlockKeys(column: $0, first[$0]) }
    let places = schema.fields.indices.filter { schema[$0].type.isFloat }.map { (column: $0, vector: first[$0]) }
    var decimals = BlockDecimals([])
    measure("\(name): decimals of places", rows: rows, stride: 16) { decimals = BlockDecimals(places) }
    var tracks: BlockTracks?
    if let keys {
      measure("\(name): track places", rows: rows, stride: 16) {
        tracks = BlockTracks(places, keys: keys, decimals: decimals)
      }
    }
    for (index, field) in schema.fields.enumerated() {
      let usable = index == keyColumn ? nil : keys
      try measure("\(name): encode \(field.name)", rows: rows, stride: field.type.physical.stride) {
        _ = try BlockEncoder.encode(
          first[index], keys: usable, tracks: tracks, decimals: decimals, column: index)
      }
    }
    try measure("\(name): encode a row group", rows: rows, stride: 58) { _ = try writer.encodeRowGroup(first) }
    for columns in groups { try writer.append(try writer.encodeRowGroup(columns)) }
    let summary = try writer.finish()

    let segment = try SegmentReader.open(try MappedFile(path))
    try compare(segment, groups)
    let reader = RowGroupReader(segment, rowGroup: 0)
    let scratch = AlignedBuffer(byteCount: (rows + 1024) * 8)
    for (index, field) in schema.fields.enumerated() {
      let stride = field.type.physical.stride
      try measure("\(name): open and read all of \(field.name)", rows: rows, stride: stride) {
        _ = try RowGroupReader(segment, rowGroup: 0).read(column: index, rows: 0..<rows)
      }
      try measure("\(name): read \(field.name) by 2048", rows: rows, stride: stride) {
        var row = 0
        while row < rows {
          _ = try reader.read(column: index, rows: row..<min(row + 2048, rows))
          row += 2048
        }
      }
      if let narrow = try reader.narrow(column: index, rows: 0..<rows, scratch: scratch) {
        try measure("\(name): narrow \(field.name)", rows: rows, stride: narrow.width) {
          _ = try reader.narrow(column: index, rows: 0..<rows, scratch: scratch)
        }
      }
    }
    let bitmap = AlignedBuffer(byteCount: rows / 8 + 64)
    let filters: [(Int, ColumnPredicate)] = [
      (1, .compare(.greater, .integer(120))), (0, .compare(.equal, .integer(10_500))),
      (4, .between(.double(50), .double(60))), (2, .compare(.less, .integer(1_707_000_000_000_000))),
    ]
    for (column, predicate) in filters {
      try measure("\(name): filter \(schema[column].name)", rows: rows, stride: schema[column].type.physical.stride) {
        _ = try reader.filter(
          column: column, predicate, rows: 0..<rows, into: bitmap.values(as: UInt64.self))
      }
    }
    print("\(name): \(segment.rowCount) rows in \(summary.byteCount) bytes")
    var total = 0.0
    for (index, field) in schema.fields.enumerated() {
      let bytes = Double(segment.byteCount(column: index)) / Double(segment.rowCount)
      if index < 6 { total += bytes }
      let encodings = segment.encodings(column: index, rowGroup: 0).map(\.name).joined(separator: ", ")
      print(
        "  " + Stopwatch.pad(field.name, 14) + Stopwatch.pad("\((bytes * 1000).rounded() / 1000)", 8)
          + "bytes a row  \(encodings)")
    }
    print("  " + Stopwatch.pad("event", 14) + "\((total * 1000).rounded() / 1000) bytes a row")
  }
}
