import Vectors

/// The rows that RETURNING gives, kept until the statement has done its work.
final class ReturnedRows {
  private let fields: [Field]
  private var batches: [Batch] = []

  init(_ fields: [Field]) { self.fields = fields }

  /// True when the statement has no RETURNING.
  var isEmpty: Bool { fields.isEmpty }

  /// Takes as many columns from `first` on as RETURNING has.
  func append(_ batch: Batch, from first: Int) {
    if fields.isEmpty { return }
    batches.append(Batch(Array(batch.columns.dropFirst(first).prefix(fields.count)), rowCount: batch.rowCount))
  }

  /// Gives them to the sink; nothing where there is no RETURNING.
  func send(to sink: any ResultSink) throws {
    if fields.isEmpty { return }
    try sink.begin(fields)
    for batch in batches where batch.rowCount > 0 { try sink.append(batch) }
  }
}
