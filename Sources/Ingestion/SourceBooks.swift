import Bytes
import Engine

/// The books of a source as a snapshot has them: what was ever read of it and what became of that.
/// `recordCount == rowCount + quarantinedCount`.
package struct SourceBooks: Sendable, Hashable {
  /// `schema.table`.
  package var name: String
  package var fileCount = 0
  /// Partitions of topics that were ever read from.
  package var partitionCount = 0
  package var byteCount: Int64 = 0
  package var recordCount: Int64 = 0
  package var rowCount: Int64 = 0
  package var quarantinedCount: Int64 = 0
  /// Files that end within a record, which waits for the rest.
  package var incompleteFileCount = 0
}

extension Ingest {
  /// Returns the books of every source that was ever ingested, by name. - Throws: `.corrupt`.
  package static func books(_ snapshot: Snapshot) throws(PulsehouseError) -> [SourceBooks] {
    var all: [SourceBooks] = []
    for space in snapshot.stateSpaces where space.kind == StateSpace.source("").kind {
      var books = SourceBooks(name: space.name)
      for (file, entry) in try snapshot.entries(of: space) where file != SourceWriter.tableKey {
        let state = try LakeFileState(decoding: entry, file: file)
        books.fileCount += 1
        books.byteCount += state.position
        books.recordCount += state.recordCount
        books.rowCount += state.rowCount
        books.quarantinedCount += state.quarantinedCount
        books.incompleteFileCount += state.endsInRecord ? 1 : 0
      }
      all.append(books)
    }
    for partition in try partitions(snapshot) {
      let index: Int
      if let known = all.firstIndex(where: { $0.name == partition.source }) {
        index = known
      } else {
        index = all.count
        all.append(SourceBooks(name: partition.source))
      }
      all[index].partitionCount += 1
      all[index].byteCount += partition.byteCount
      all[index].recordCount += partition.recordCount
      all[index].rowCount += partition.rowCount
      all[index].quarantinedCount += partition.quarantinedCount
    }
    return all.sorted { $0.name < $1.name }
  }
}
