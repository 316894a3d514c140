import Bytes
import Metadata
import Segments

/// What a verification looked at, and what is wrong.
package struct VerificationReport: Sendable {
  package var recordCount = 0
  package var checkpointCount = 0
  package var tableCount = 0
  package var segmentCount = 0
  package var byteCount = 0
  /// Every damage found, each naming its file.
  package var problems: [PulsehouseError] = []
}

extension SnapshotStore {
  /// Reads everything that the newest snapshot rests on, byte by byte: the chain of records, the catalog, and every
  /// block of every segment. Changes nothing, and goes on after damage to find the rest.
  ///
  /// `progress` is told the bytes of segments done and to be done. - Throws: `.io`, `.cancelled` from `progress`.
  package func verify(progress: (Int, Int) throws(PulsehouseError) -> Void = { _, _ in })
    throws(PulsehouseError) -> VerificationReport
  {
    var report = VerificationReport()
    let snapshot = try snapshot()
    try verifyRecords(&report)
    let total = snapshot.tables.reduce(0) { $0 + $1.byteCount }
    for table in snapshot.tables {
      report.tableCount += 1
      let segments: [SegmentDescriptor]
      do throws(PulsehouseError) {
        segments = try table.segments()
      } catch {
        try note(error, in: &report)
        continue
      }
      for segment in segments {
        try progress(report.byteCount, total)
        report.segmentCount += 1
        report.byteCount += segment.byteCount
        report.problems.append(contentsOf: try problems(of: segment, of: table))
      }
    }
    for space in snapshot.stateSpaces {
      do throws(PulsehouseError) {
        _ = try snapshot.entries(of: space)
      } catch {
        try note(error, in: &report)
      }
    }
    try progress(total, total)
    return report
  }

  /// Checks that every record is whole and follows the one before, and that together they lead to the newest state.
  private func verifyRecords(_ report: inout VerificationReport) throws(PulsehouseError) {
    let records = index.records
    let listing = try records.list()
    // A checkpoint stands for the records up to its number, so that none of those need be there.
    var covered: UInt64 = 0
    for number in listing.checkpoints {
      do throws(PulsehouseError) {
        _ = try records.read(number, .checkpoint)
        report.checkpointCount += 1
        covered = number
      } catch {
        try note(error, in: &report)
      }
    }
    var previous: (number: UInt64, hash: ContentHash)?
    for number in listing.commits {
      do throws(PulsehouseError) {
        let (record, hash) = try records.read(number, .commit)
        report.recordCount += 1
        if let previous, previous.number + 1 == number, previous.hash != record.previous {
          throw PulsehouseError(
            .corrupt, "the commit record does not follow the one before it", file: records.path(number, .commit))
        }
        if let previous, previous.number + 1 != number, covered < number - 1 {
          throw PulsehouseError(
            .corrupt, "the commit record is missing, though there are later ones",
            file: records.path(previous.number + 1, .commit))
        }
        previous = (number, hash)
      } catch {
        try note(error, in: &report)
        previous = nil
      }
    }
    guard report.problems.isEmpty else { return }
    // A catalog made from the records alone, in memory, must know what the one on disk knows.
    do throws(PulsehouseError) {
      let fresh = try Catalog(inMemoryFor: index.catalogPath)
      try index.fill(fresh)
      let number = try fresh.knownHead().commit.number
      let found = try index.reading { catalog throws(PulsehouseError) in try catalog.contents(at: number) }
      let expected = try fresh.contents()
      // Nil when others have committed and collected meanwhile.
      guard let found, let expected else { return }
      let order = { (left: CatalogObject, right: CatalogObject) in (left.kind, left.name) < (right.kind, right.name) }
      guard found.objects.sorted(by: order) == expected.objects.sorted(by: order) else {
        throw PulsehouseError(.corrupt, "the catalog is not what the records lead to", file: index.catalogPath)
      }
    } catch {
      try note(error, in: &report)
    }
  }

  private func problems(of segment: SegmentDescriptor, of table: TableState) throws(PulsehouseError)
    -> [PulsehouseError]
  {
    let path = absolutePath(segment.path)
    let file: MappedFile
    do throws(PulsehouseError) {
      guard try fileSystem.status(path) != nil else {
        return [PulsehouseError(.corrupt, "a segment of table \(table.name) is missing", file: path)]
      }
      file = try fileSystem.map(path)
      guard file.count == segment.byteCount else {
        return [
          PulsehouseError(
            .corrupt, "a segment of \(file.count) bytes where \(segment.byteCount) were committed", file: path)
        ]
      }
      let reader = try SegmentReader.open(file)
      guard reader.checksum == segment.checksum, reader.rowCount == segment.rowCount else {
        return [PulsehouseError(.corrupt, "this segment is not the one that was committed", file: path)]
      }
    } catch {
      guard error.kind == .corrupt else { throw error }
      return [error]
    }
    return SegmentVerifier.verify(file).map { damage in
      var message = damage.message
      if let column = damage.column, let rowGroup = damage.rowGroup {
        message = "column \(column) of row group \(rowGroup) is damaged: \(damage.byteCount) bytes at \(damage.offset)"
      }
      return PulsehouseError(.corrupt, message, detail: "It belongs to table \(table.name).", file: path)
    }
  }

  /// Puts damage into the report; anything else is no finding but a failure.
  private func note(_ error: PulsehouseError, in report: inout VerificationReport) throws(PulsehouseError) {
    guard error.kind == .corrupt else { throw error }
    report.problems.append(error)
  }
}
