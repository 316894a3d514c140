import Bytes
import Glibc
import Planning
import Vectors

@testable import Execution

/// Expressions with PostgreSQL's answers, as `Golden/regenerate.py` writes them.
struct GoldenTable {
  struct Row {
    let line: Int
    let function: String
    let type: LogicalType
    /// `=text`, `NULL` or `!SQLSTATE message`.
    let answer: String
    let arguments: [(type: LogicalType, text: String)]
  }

  let rows: [Row]

  init(path: String) throws {
    guard let file = fopen(path, "r") else { throw PulsehouseError(.io, "cannot open \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    var rows: [Row] = []
    for (index, line) in bytes.split(separator: 0x0A).enumerated() {
      let fields = line.split(separator: 0x09, omittingEmptySubsequences: false).map {
        GoldenTable.unescaped(String(decoding: $0, as: UTF8.self))
      }
      guard fields.count >= 3, let type = GoldenTable.type(fields[1]) else {
        throw PulsehouseError(.internal, "line \(index + 1) of the golden table: \(fields)")
      }
      let arguments = try fields.dropFirst(3).map { field -> (type: LogicalType, text: String) in
        let colon = field.firstIndex(of: ":") ?? field.endIndex
        guard colon < field.endIndex, let type = GoldenTable.type(String(field[..<colon])) else {
          throw PulsehouseError(.internal, "line \(index + 1) of the golden table: \(field)")
        }
        return (type, String(field[field.index(after: colon)...]))
      }
      rows.append(Row(line: index + 1, function: fields[0], type: type, answer: fields[2], arguments: arguments))
    }
    self.rows = rows
  }

  private static func unescaped(_ text: String) -> String {
    guard text.contains("\\") else { return text }
    var result = ""
    var isEscaped = false
    for character in text {
      if isEscaped {
        result.append(character == "t" ? "\t" : character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        result.append(character)
      }
    }
    return result
  }

  static func type(_ name: String) -> LogicalType? {
    let parts = name.split { "(,)".contains($0) }.map(String.init)
    let numbers = parts.dropFirst().compactMap { Int($0) }
    switch parts.first ?? "" {
    case "boolean": return .boolean
    case "smallint": return .smallint
    case "integer": return .integer
    case "bigint": return .bigint
    case "real": return .real
    case "double precision": return .double
    case "numeric": return .numeric(precision: numbers.first, scale: numbers.count > 1 ? numbers[1] : nil)
    case "text", "unknown": return .text
    case "varchar", "character varying": return .varchar(length: numbers.first)
    case "char", "character": return .char(length: numbers.first ?? 1)
    case "bytea": return .bytea
    case "date": return .date
    case "time", "time without time zone": return .time
    case "timestamp", "timestamp without time zone": return .timestamp
    case "timestamptz", "timestamp with time zone": return .timestamptz
    case "interval": return .interval
    case "uuid": return .uuid
    default: return nil
    }
  }

  /// Evaluates a row with its arguments as constants, or as columns of a batch (a NULL row, then the values twice).
  static func evaluate(_ row: Row, asColumns: Bool) throws -> String {
    let inputs = row.arguments.map { argument -> Expression in
      .cast(.constant(.text(argument.text), .text), argument.type)
    }
    var operands = inputs
    var columns: [Column] = []
    var vectors: [Vector] = []
    if asColumns {
      for (index, input) in inputs.enumerated() {
        let column = Column(id: index, name: "c\(index)", type: row.arguments[index].type)
        let value = try ConstantEvaluator.value(of: input)
        columns.append(column)
        vectors.append(.of(column.type, [.null, value, value]))
        operands[index] = .column(column)
      }
    }
    let expression: Expression
    if row.function == "cast" {
      expression = .cast(operands[0], row.type)
    } else {
      guard let function = ScalarFunction(rawValue: row.function) else { return "no function \(row.function)" }
      expression = .call(function, operands, row.type)
    }
    let compiled = try CompiledExpression(.cast(expression, .text), input: columns)
    do {
      let result = try compiled.evaluate(Batch(vectors, rowCount: asColumns ? 3 : 1))
      if asColumns, result.scalar(at: 1) != result.scalar(at: 2) { return "rows differ" }
      switch result.scalar(at: asColumns ? 1 : 0) {
      case .text(let text): return "=" + text
      default: return "NULL"
      }
    } catch let error as PulsehouseError {
      return "!\(error.sqlState) \(error.message)"
    }
  }

  /// Known differences, each with its reason; nil when the answer must be PostgreSQL's.
  static func allowance(_ row: Row, _ answer: String) -> String? {
    if answer.hasSuffix("more than 38 digits"), row.answer.utf8.count > 39 { return "numeric holds 38 digits" }
    return nil
  }
}
