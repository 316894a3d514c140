import Bytes
import Execution
import Kernels
import Planning
import SQLSyntax
import Vectors

/// Computes what macros ask for: an expression of constants, by the SQL of the models themselves.
enum MacroEvaluation {
  /// Knows no table.
  private struct Nothing: SchemaProvider, TableSource {
    func relation(schema: String?, name: String) throws -> Relation? { nil }
    func relationNames() -> [(schema: String, name: String)] { [] }
    func data(for table: Planning.TableReference) throws -> TableData { .batches([]) }
  }

  static func value(_ expression: String) throws(PulsehouseError) -> MacroValue {
    do {
      let context = EvaluationContext(parameters: [], now: 0)
      let planner = Planner(schema: Nothing()) { try ConstantEvaluator.value(of: $0, context) }
      guard case .query(let plan) = try planner.plan(try PostgresParser.parseOne("SELECT \(expression)")) else {
        throw PulsehouseError(.user, "it is no expression", sqlState: "42601")
      }
      var values: [Scalar] = []
      try Executor.run(plan, in: QueryContext(tables: Nothing(), threadCount: 1, now: 0)) { batch in
        for row in 0..<batch.rowCount { values.append(batch.columns[0].scalar(at: row)) }
      }
      guard let value = values.first, values.count == 1, plan.root.output.count == 1 else {
        throw PulsehouseError(.user, "it is not one value", sqlState: "21000")
      }
      return macroValue(value, plan.root.output[0].type)
    } catch let error as PulsehouseError {
      throw error
    } catch {
      throw PulsehouseError(.internal, "\(error)")
    }
  }

  private static func macroValue(_ value: Scalar, _ type: LogicalType) -> MacroValue {
    switch value {
    case .null: return .null
    case .boolean(let value): return .boolean(value)
    case .text(let text) where type == .text: return .text(text)
    default:
      let text = TextFormat.string(value, type) ?? ""
      return type.isNumeric ? .number(text) : .sql("CAST('\(text.replacing("'", with: "''"))' AS \(type.name))")
    }
  }
}
