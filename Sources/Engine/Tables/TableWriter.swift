import Bytes
import Execution
import Kernels
import Segments
import Vectors

/// What a `TableWriter` needs to know of the table it writes for.
package struct TableTarget: Sendable {
  /// The table's name without its schema, for messages.
  package var name: String
  package var fields: Schema
  /// Positions of the fields whose values part the table's rows into separate segments; usually none.
  package var partitionedBy: [Int]
  /// Positions of the fields the rows come ordered by, most significant first; empty when they come in no order.
  package var sortedBy: [Int]
  package var options: SegmentOptions

  package init(
    name: String, fields: Schema, partitionedBy: [Int] = [], sortedBy: [Int] = [],
    options: SegmentOptions = SegmentOptions()
  ) {
    self.name = name
    self.fields = fields
    self.partitionedBy = partitionedBy
    self.sortedBy = sortedBy
    self.options = options
  }

  /// - Throws: 23502 for a NULL in a field that takes none.
  func requireValues(_ columns: [Vector]) throws {
    for (field, column) in zip(fields.fields, columns) where !field.isNullable && column.nullCount > 0 {
      throw PulsehouseError(
        .user, "null value in column \"\(field.name)\" of relation \"\(name)\" violates not-null constraint",
        sqlState: "23502")
    }
  }
}

/// A segment file that is durable but named by no commit yet.
package struct WrittenSegment: Sendable {
  package var path: String
  /// The partition's values as text, one for each partition field; empty without partitions.
  package var partition: [String?]
  package var summary: SegmentSummary
}

/// Writes batches as segments of one table: cuts row groups, encodes them side by side, one file at a time per
/// partition. The rows become visible only when a commit names the segments that `finish` returns.
///
/// Rows keep their order within a partition. One thread at a time; memory is bounded by a few row groups per thread
/// (with partitions: by `maximumPendingRows`, after which the fullest partition's segment is cut short).
package final class TableWriter {
  /// Rows after which a segment is finished and the next begun: the unit of pruning, compaction and rewriting.
  package static let segmentRowCount = 16 * 131_072
  private static let maximumPendingRows = 16 * 131_072

  package let target: TableTarget
  private let threadCount: Int
  private let fileSystem: any FileSystem
  private let makePath: (_ partition: [String?]) throws -> String
  private var partitions: [[Scalar]: PartitionWriter] = [:]
  private var pendingRows = 0
  private var finished: [WrittenSegment] = []
  /// Rows taken so far.
  package private(set) var rowCount = 0

  /// `makePath` names each new segment file, in a directory that exists.
  package init(
    _ target: TableTarget, threadCount: Int, fileSystem: any FileSystem,
    makePath: @escaping (_ partition: [String?]) throws -> String
  ) {
    self.target = target
    self.threadCount = max(1, threadCount)
    self.fileSystem = fileSystem
    self.makePath = makePath
  }

  /// Takes the rows of `batch`, whose columns are the table's fields in order and type.
  ///
  /// - Throws: 23502 for a NULL in a field that takes none; `.io`.
  package func append(_ batch: Batch) throws {
    guard batch.rowCount > 0 else { return }
    guard batch.columns.count == target.fields.count else {
      throw PulsehouseError(.internal, "a batch of \(batch.columns.count) columns for \(target.name)")
    }
    try requireValues(batch.columns)
    rowCount += batch.rowCount
    if target.partitionedBy.isEmpty {
      try append(batch, to: [])
    } else {
      try appendByPartition(batch)
    }
  }

  /// - Throws: 23502 for a NULL in a field that takes none.
  package func requireValues(_ columns: [Vector]) throws { try target.requireValues(columns) }

  /// Takes what stages made of rows, in their order.
  package func append(_ item: WriterItem) throws {
    switch item {
    case .rows(let batch): try append(batch)
    case .rowGroup(let rowGroup): try append(rowGroup)
    }
  }

  /// Tells whether row groups of a segment with these fields may be taken as they are.
  package func takesRowGroups(of fields: Schema) -> Bool { target.partitionedBy.isEmpty && fields == target.fields }

  /// Takes a row group of another segment of the table as it is, after the rows taken so far. Its rows count as taken.
  package func append(_ rowGroup: EncodedRowGroup) throws {
    precondition(target.partitionedBy.isEmpty, "a row group may belong to several partitions")
    let writer = partitions[[]] ?? PartitionWriter(target)
    partitions[[]] = writer
    if let columns = writer.builder.finish() {
      pendingRows -= columns.first?.count ?? 0
      writer.ready.append(columns)
    }
    try encode(writer, [])
    rowCount += rowGroup.rowCount
    try add(rowGroup, to: writer, [])
  }

  private func append(_ batch: Batch, to key: [Scalar]) throws {
    let writer = partitions[key] ?? PartitionWriter(target)
    partitions[key] = writer
    writer.builder.append(batch)
    pendingRows += batch.rowCount
    while let columns = writer.builder.next() {
      pendingRows -= columns.first?.count ?? 0
      writer.ready.append(columns)
    }
    if writer.ready.count >= threadCount { try encode(writer, key) }
    while pendingRows > TableWriter.maximumPendingRows,
      let fullest = partitions.max(by: { $0.value.builder.pendingRowCount < $1.value.builder.pendingRowCount })
    {
      try close(fullest.value, fullest.key)
      partitions[fullest.key] = nil
    }
  }

  /// Splits a batch at the rows where a partition value changes; ordered input makes that few pieces.
  private func appendByPartition(_ batch: Batch) throws {
    var start = 0
    for end in RowChanges.rows(of: target.partitionedBy.map { batch.columns[$0] }, count: batch.rowCount)
      + [batch.rowCount]
    {
      let key = partitionKey(batch, start)
      try append(batch.slice(start..<end), to: key)
      start = end
    }
  }

  private func partitionKey(_ batch: Batch, _ row: Int) -> [Scalar] {
    target.partitionedBy.map { batch.columns[$0].scalar(at: row) }
  }

  private func encode(_ writer: PartitionWriter, _ key: [Scalar]) throws {
    let groups = writer.ready
    guard !groups.isEmpty else { return }
    writer.ready.removeAll(keepingCapacity: true)
    let encoded = Slots<EncodedRowGroup>(count: groups.count)
    let (schema, options) = (target.fields, target.options)
    try WorkerPool.shared.forEach(count: groups.count, threads: threadCount) { index, _ in
      encoded[index] = try SegmentWriter.encodeRowGroup(groups[index], schema: schema, options: options)
    }
    for index in groups.indices {
      guard let rowGroup = encoded[index] else { throw PulsehouseError(.internal, "a row group was not encoded") }
      try add(rowGroup, to: writer, key)
    }
  }

  private func add(_ rowGroup: EncodedRowGroup, to writer: PartitionWriter, _ key: [Scalar]) throws {
    if writer.segment == nil {
      writer.path = try makePath(partitionText(key))
      writer.segment = try SegmentWriter(
        writer.path, schema: target.fields, options: target.options, in: fileSystem)
    }
    try writer.segment?.append(rowGroup)
    writer.segmentRowCount += rowGroup.rowCount
    if writer.segmentRowCount >= TableWriter.segmentRowCount { try finishSegment(writer, key) }
  }

  private func finishSegment(_ writer: PartitionWriter, _ key: [Scalar]) throws {
    guard let segment = writer.segment else { return }
    let summary = try segment.finish(syncDirectory: false)
    finished.append(WrittenSegment(path: writer.path, partition: partitionText(key), summary: summary))
    writer.segment = nil
    writer.segmentRowCount = 0
  }

  private func close(_ writer: PartitionWriter, _ key: [Scalar]) throws {
    if let columns = writer.builder.finish() {
      pendingRows -= columns.first?.count ?? 0
      writer.ready.append(columns)
    }
    try encode(writer, key)
    try finishSegment(writer, key)
  }

  private func partitionText(_ key: [Scalar]) -> [String?] {
    zip(key, target.partitionedBy).map { scalar, field in
      TextFormat.string(scalar, target.fields[field].type)
    }
  }

  /// Writes what is left and returns every segment, all durable under their names. Call once, last.
  package func finish() throws -> [WrittenSegment] {
    if target.partitionedBy.isEmpty {
      for (key, writer) in partitions { try close(writer, key) }
    } else {
      // Partitions are many and small: their last row groups are encoded side by side.
      let open = partitions.sorted { "\($0.key)" < "\($1.key)" }
      for (key, writer) in open { try close(writer, key) }
    }
    partitions = [:]
    var directories: Set<String> = []
    for segment in finished { directories.insert(TableWriter.directory(of: segment.path)) }
    for directory in directories.sorted() { try fileSystem.syncDirectory(directory) }
    return finished
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }
}

/// The open segment of one partition and the rows on their way to it.
private final class PartitionWriter {
  var builder: RowGroupBuilder
  var ready: [[Vector]] = []
  var segment: SegmentWriter?
  var segmentRowCount = 0
  var path = ""

  init(_ target: TableTarget) {
    builder = RowGroupBuilder(schema: target.fields, rowGroupRowCount: target.options.rowGroupRowCount)
  }
}
