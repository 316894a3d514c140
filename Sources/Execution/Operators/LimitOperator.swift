import Bytes
import Planning
import Vectors

/// Cuts rows out of an ordered stream: skips some, keeps some, then says that it has enough.
final class RowWindow {
  private var skip: Int
  private var left: Int?

  init(offset: Int, count: Int?) {
    skip = offset
    left = count
  }

  /// Hands on what lies in the window. - Throws: `EarlyStop` once nothing further can.
  func pass(_ batch: Batch, _ emit: Emit) throws {
    if left == 0 { throw EarlyStop() }
    var start = 0
    if skip > 0 {
      start = min(skip, batch.rowCount)
      skip -= start
      if start == batch.rowCount { return }
    }
    let available = batch.rowCount - start
    let taken = min(left ?? available, available)
    left = left.map { $0 - taken }
    try emit(taken == batch.rowCount ? batch : batch.slice(start..<(start + taken)))
    if left == 0 { throw EarlyStop() }
  }
}

/// LIMIT and OFFSET inside a plan; at its root the executor streams through a `RowWindow` instead.
final class LimitOperator: RowsOperator {
  private let input: Operator
  private let count: Expression?
  private let offset: Expression?

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, count: Expression?, offset: Expression?) {
    self.input = input
    self.count = count
    self.offset = offset
    super.init(node, run)
  }

  override func prepare() throws {
    let window = try LimitOperator.window(run, count: count, offset: offset)
    guard let window else { return }
    let keeper = PieceKeeper(run, input.types, PieceKeeper.Share(), for: "LIMIT")
    let output = OrderedOutput { batch in try window.pass(batch) { try keeper.append($0) } }
    try Pipeline.run(input) { _ in OrderedSink(output) }
    pieces = try keeper.take()
    reservation = keeper.reservation
  }

  /// Returns the window that the expressions name; nil for no row at all.
  static func window(_ run: QueryRun, count: Expression?, offset: Expression?) throws -> RowWindow? {
    let count = try Constants.rowCount(count, run, "LIMIT", sqlState: "2201W")
    let offset = try Constants.rowCount(offset, run, "OFFSET", sqlState: "2201X") ?? 0
    return count == 0 ? nil : RowWindow(offset: offset, count: count)
  }
}
