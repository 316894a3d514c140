import Kernels
import Planning
import Vectors

/// Makes text of batches, for one thread at a time.
package protocol TextEncoder: AnyObject {
  /// Bytes that are ready.
  var byteCount: Int { get }
  func append(_ batch: Batch) throws
  /// Hands over the text that is ready, and starts anew.
  func takeText() -> TextBuffer
}

/// Runs plans whose rows leave as text: every thread makes the text of its own rows.
package enum TextRun {
  /// Runs `plan` with an encoder for each thread and hands the text to `sink`, in the plan's row order, with the number
  /// of rows it holds. Calls of `sink` never overlap, but may come from different threads; a bounded number of bytes
  /// waits for its turn.
  ///
  /// - Throws: as `Executor.run`.
  package static func run(
    _ plan: PhysicalPlan, in context: QueryContext, encoder: @escaping () -> any TextEncoder,
    sink: @escaping (_ text: UnsafeRawBufferPointer, _ rows: Int) throws -> Void
  ) throws {
    if case .limit = plan.root.operation {
      // A limit counts rows in their order, so they become text behind it.
      let encoder = Box(encoder())
      let rows = Box(0)
      func flush() throws {
        let text = encoder.value.takeText()
        try withExtendedLifetime(text) { try sink(text.bytes, rows.value) }
        rows.value = 0
      }
      try Executor.run(plan, in: context) { batch in
        try encoder.value.append(batch)
        rows.value += batch.rowCount
        if encoder.value.byteCount > TextPiece.byteCount { try flush() }
      }
      return try flush()
    }
    let output = OrderedItems<TextPiece> { piece in
      try withExtendedLifetime(piece.text) { try sink(piece.text.bytes, piece.rows) }
    }
    try Executor.run(plan, in: context) { TextSink(encoder(), output) }
  }
}

/// Text of successive rows of a morsel.
private struct TextPiece: OrderedItem {
  let text: TextBuffer
  let rows: Int

  /// About how long a piece is.
  static let byteCount = 1 << 20

  var weight: Int { text.count }
  static var weightLimit: Int { 64 << 20 }
}

/// One worker's way from batches to text.
private final class TextSink: Sink {
  private let encoder: any TextEncoder
  private let output: OrderedItems<TextPiece>
  private var ordinal = 0
  private var rows = 0

  init(_ encoder: any TextEncoder, _ output: OrderedItems<TextPiece>) {
    self.encoder = encoder
    self.output = output
  }

  override func begin(ordinal: Int) { self.ordinal = ordinal }

  override func consume(_ batch: Batch) throws {
    try encoder.append(batch)
    rows += batch.rowCount
    if encoder.byteCount > TextPiece.byteCount { try push() }
  }

  override func end(ordinal: Int) throws {
    if rows > 0 { try push() }
    try output.finish(ordinal)
  }

  override func abort() { output.abort(ordinal) }

  private func push() throws {
    let piece = TextPiece(text: encoder.takeText(), rows: rows)
    rows = 0
    try output.push(piece, ordinal: ordinal)
  }
}
