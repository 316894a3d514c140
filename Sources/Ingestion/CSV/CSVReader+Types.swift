import Bytes
import Kernels
import Vectors

extension CSVReader {
  /// Casts the rows read to the targets' types. Touches nothing but its argument and what never changes.
  func typed(_ texts: CSVTexts) throws -> CSVRows {
    let (lines, rowCount) = (texts.lines, texts.lines.count)
    var result = texts.columns
    var rejected = texts.rejected
    var reasons: [Int: String] = [:]
    for (index, target) in targets.enumerated() where target.type != .text {
      let text = texts.columns[index]
      do {
        result[index] = try CSVFastCast.vector(text, to: target.type) ?? Cast.assign(text, to: target.type)
      } catch {
        // Some row does not fit: find each.
        var values: [Vector] = []
        for row in 0..<rowCount {
          let one = text.slice(row..<(row + 1))
          do {
            values.append(try Cast.assign(one, to: target.type))
          } catch let error as PulsehouseError {
            if mode == .strict {
              throw PulsehouseError(
                error.kind, error.message, sqlState: error.sqlState, detail: "Column \"\(target.name)\".",
                file: name, line: Int(lines[row]))
            }
            if reasons[row] == nil { reasons[row] = "\(target.name): \(error.message)" }
            values.append(.constant(target.type, .null, count: 1))
          }
        }
        result[index] = Concat.vectors(values, type: target.type)
      }
    }
    if !reasons.isEmpty {
      let kept = SelectionVector((0..<rowCount).filter { reasons[$0] == nil }.map { UInt32($0) })
      result = result.map { Gather.rows($0, kept) }
      for (row, reason) in reasons {
        rejected.append(Self.rejection(reason, texts.ranges[row], lines[row], texts.buffer, texts.offset))
      }
    }
    rejected.sort { $0.line < $1.line }
    let keptLines = reasons.isEmpty ? lines : lines.indices.filter { reasons[$0] == nil }.map { lines[$0] }
    return CSVRows(
      columns: result, lines: keptLines, rowCount: keptLines.count, rejected: rejected,
      recordCount: texts.recordCount, byteCount: texts.byteCount)
  }
}
