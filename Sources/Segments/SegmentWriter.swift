import Bytes
import Encodings
import Vectors

/// Writes one segment file: whole row groups in, a durable file out.
///
/// Encoding is a pure function that worker threads may run side by side; appending and finishing belong to one thread.
/// The file lies under a temporary name until `finish`; a writer released before that removes it.
package final class SegmentWriter {
  package let schema: Schema
  package let options: SegmentOptions
  private let file: DurableFile
  private var rowGroups: [SegmentFooter.RowGroupEntry] = []
  private var offset = 0
  private var isFinished = false

  /// Rows appended so far.
  package private(set) var rowCount = 0

  /// Starts the file. `path` is where it will be after `finish`. - Throws: `.io`.
  package init(
    _ path: String, schema: Schema, options: SegmentOptions = SegmentOptions(),
    in fileSystem: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) {
    self.schema = schema
    self.options = options
    file = try DurableFile(path, in: fileSystem)
    let head = SegmentFormat.head()
    try file.write(head)
    offset = head.count
  }

  /// Encodes the rows of one row group. Safe to call from any thread, several at once.
  ///
  /// Shape: one vector per column of the schema, of equal length, any form, at least one row and at most
  /// `rowGroupRowCount`. - Throws: `.internal` for vectors that do not fit the schema.
  package static func encodeRowGroup(_ columns: [Vector], schema: Schema, options: SegmentOptions)
    throws(PulsehouseError) -> EncodedRowGroup
  {
    guard columns.count == schema.count, let rowCount = columns.first?.count, rowCount > 0,
      rowCount <= options.rowGroupRowCount
    else { throw PulsehouseError(.internal, "a row group of another shape than its schema") }
    var blockOptions = BlockOptions()
    blockOptions.forced = options.forcedEncoding
    blockOptions.isZstdEnabled = options.isZstdEnabled
    blockOptions.zstdLevel = options.zstdLevel
    for (column, field) in zip(columns, schema.fields)
    where column.count != rowCount || column.type.physical != field.type.physical {
      throw PulsehouseError(.internal, "column \(field.name) of a row group does not fit its schema")
    }
    var keys: BlockKeys?
    if let column = options.keyColumn, columns.indices.contains(column) {
      keys = BlockKeys(column: column, columns[column])
    }
    var blocks = [EncodedBlock?](repeating: nil, count: columns.count)
    var zoneMaps = [ZoneMap](repeating: .empty, count: columns.count)
    // Floats come last: what is known of the others then tells which may predict them.
    let floats = columns.indices.filter { schema[$0].type.isFloat }
    let others = columns.indices.filter { !schema[$0].type.isFloat }
    var decimals: BlockDecimals?
    var tracks: BlockTracks?
    for index in others + floats {
      if index == floats.first {
        if keys == nil && options.keyColumn == nil { keys = likelyKeys(columns, schema, zoneMaps, rowCount) }
        if let known = keys, options.forcedEncoding.map({ $0 == .tracked }) ?? true {
          let isForced = options.forcedEncoding != nil
          let vectors = floats.map { ($0, columns[$0]) }
          let found = BlockDecimals(vectors, isForced: isForced)
          tracks = BlockTracks(vectors, keys: known, decimals: found, isForced: isForced)
          decimals = found
        }
      }
      // Where tracks do not pay, differences to the last row of a key, which hold less, do not either.
      let isPastKeys = tracks == nil && decimals?.hasDigits(index) ?? false
      let (block, statistics) = try BlockEncoder.encode(
        columns[index].retyped(as: schema[index].type), blockOptions,
        keys: index == keys?.column || isPastKeys ? nil : keys,
        link: options.forcedEncoding.map { $0 == .linked } ?? true ? dayLink(index, columns, schema) : nil,
        tracks: tracks, decimals: decimals, column: index)
      // Where the leader does without, its followers must.
      if index == tracks?.leader && !block.encodings.contains(.tracked) { tracks = nil }
      blocks[index] = block
      zoneMaps[index] = ZoneMap(statistics, rowCount: rowCount)
    }
    return EncodedRowGroup(rowCount: rowCount, blocks: blocks.compactMap { $0 }, zoneMaps: zoneMaps)
  }

  /// A column of days that says the days of a column of instants; nil when there is none.
  private static func dayLink(_ instants: Int, _ columns: [Vector], _ schema: Schema) -> BlockLink? {
    guard schema[instants].type == .timestamp || schema[instants].type == .timestamptz else { return nil }
    let microsecondsPerDay: Int64 = 86_400_000_000
    let count = columns[instants].count
    for (column, field) in schema.fields.enumerated() where field.type == .date {
      var isTheirDay = true
      var compared = 0
      for row in stride(from: 0, to: count, by: max(1, count / 64)) {
        guard case .integer(let instant) = columns[instants].scalar(at: row),
          case .integer(let day) = columns[column].scalar(at: row)
        else { continue }
        compared += 1
        let (beginning, overflow) = day.multipliedReportingOverflow(by: microsecondsPerDay)
        isTheirDay = !overflow && instant >= beginning && instant &- beginning < microsecondsPerDay
        if !isTheirDay { break }
      }
      if isTheirDay && compared > 0 {
        return BlockLink(column: column, columns[column], multiplier: microsecondsPerDay)
      }
    }
    return nil
  }

  /// The integer column whose last row of the same value is nearest to a row by its first double: of those whose values
  /// come several times each, the three with the most values. Encoders try it and keep it only where it pays.
  private static func likelyKeys(
    _ columns: [Vector], _ schema: Schema, _ zoneMaps: [ZoneMap], _ rowCount: Int
  ) -> BlockKeys? {
    let candidates = schema.fields.indices
      .filter { schema[$0].type.isInteger }
      .map { (column: $0, distinct: zoneMaps[$0].distinctEstimate ?? 0) }
      .filter { $0.distinct > 16 && $0.distinct <= rowCount / 4 }
      .sorted { $0.distinct > $1.distinct }
      .prefix(3)
    guard let double = schema.fields.indices.first(where: { schema[$0].type == .double }) else { return nil }
    if candidates.count == 1 { return BlockKeys(column: candidates[0].column, columns[candidates[0].column]) }
    // The first rows tell.
    let sample = 0..<min(rowCount, BlockKeys.sampleRows)
    var best: (column: Int, length: Double)?
    for column in candidates.map(\.column) {
      guard let keys = BlockKeys(column: column, columns[column].slice(sample)),
        let length = keys.stepLength(of: columns[double].slice(sample)), length < best?.length ?? .infinity
      else { continue }
      best = (column, length)
    }
    return best.flatMap { BlockKeys(column: $0.column, columns[$0.column]) }
  }

  /// Encodes by this writer's own schema and options.
  package func encodeRowGroup(_ columns: [Vector]) throws(PulsehouseError) -> EncodedRowGroup {
    try SegmentWriter.encodeRowGroup(columns, schema: schema, options: options)
  }

  /// Writes an encoded row group after those before it. - Throws: `.io`.
  package func append(_ rowGroup: EncodedRowGroup) throws(PulsehouseError) {
    precondition(!isFinished, "a finished segment takes no rows")
    precondition(rowGroup.blocks.count == schema.count, "a row group of another schema")
    var entries: [SegmentFooter.BlockEntry] = []
    for (block, zoneMap) in zip(rowGroup.blocks, rowGroup.zoneMaps) {
      try file.write(block.bytes.bytes)
      entries.append(
        SegmentFooter.BlockEntry(
          offset: offset, byteCount: block.bytes.byteCount, checksum: block.checksum,
          encodings: block.encodings, zoneMap: zoneMap))
      offset += block.bytes.byteCount
    }
    rowGroups.append(SegmentFooter.RowGroupEntry(rowCount: rowGroup.rowCount, blocks: entries))
    rowCount += rowGroup.rowCount
  }

  /// Writes the footer and gives the file its name, durably. Call once, last. A segment without rows is fine.
  ///
  /// With `syncDirectory` false the caller syncs the directory once for many files. - Throws: `.io`.
  package func finish(syncDirectory: Bool = true) throws(PulsehouseError) -> SegmentSummary {
    precondition(!isFinished, "a segment is finished once")
    isFinished = true
    let zoneMaps = schema.fields.indices.map { column in
      rowGroups.reduce(ZoneMap.empty) { $0.merged(with: $1.blocks[column].zoneMap) }
    }
    let footer = SegmentFooter(
      schema: schema, sortedBy: options.sortedBy, properties: options.properties, rowGroups: rowGroups,
      zoneMaps: zoneMaps
    ).encode()
    let checksum = CRC32C.checksum(footer)
    try file.write(footer)
    try file.write(
      SegmentFormat.tail(footerOffset: offset, footerByteCount: footer.count, footerChecksum: checksum))
    try file.publish(syncDirectory: syncDirectory)
    return SegmentSummary(
      rowCount: rowCount, byteCount: offset + footer.count + SegmentFormat.tailByteCount,
      rowGroupCount: rowGroups.count, zoneMaps: zoneMaps, checksum: checksum)
  }
}

extension ZoneMap {
  init(_ statistics: ColumnStatistics, rowCount: Int) {
    self.init(
      rowCount: rowCount, nullCount: statistics.nullCount, minimum: statistics.minimum, maximum: statistics.maximum,
      boundsAreExact: statistics.boundsAreExact, distinctEstimate: statistics.distinctEstimate, sum: statistics.sum)
  }
}
