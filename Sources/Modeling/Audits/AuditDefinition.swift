import Bytes
import SQLSyntax

/// An audit by name: one of the project's own, or one of SQLMesh's built-ins.
enum AuditDefinition {
  case custom(CustomAudit)
  case builtIn(BuiltInAudit)

  /// Finds what a call of a model names; those of the model's own file come first, then the project's.
  static func find(_ call: AuditCall, of model: Model, in project: Project) throws(PulsehouseError) -> AuditDefinition {
    for audits in [model.inlineAudits, project.audits] {
      guard let custom = audits[call.call.name] ?? audits[call.name] else { continue }
      if custom.isStandalone {
        throw PulsehouseError(
          .user, "\(custom.name) is a standalone audit, which belongs to no model", sqlState: "42704",
          hint: "It is asked by itself. Without standalone it can be named here.", range: call.call.nameRange)
      }
      return .custom(custom)
    }
    if let builtIn = BuiltInAudit(rawValue: call.name) { return .builtIn(builtIn) }
    let known = (Array(model.inlineAudits.keys) + Array(project.audits.keys) + BuiltInAudit.allCases.map(\.rawValue))
      .sorted()
    throw PulsehouseError(
      .user, "there is no audit \"\(call.name)\"", sqlState: "42704",
      hint: "There are \(known.joined(separator: ", ")).", range: call.call.nameRange)
  }

  /// The tables the audit reads beside the model's own.
  func tablesRead(by call: AuditCall, of model: Model) throws(PulsehouseError) -> Set<RelationName> {
    let check = try self.check(call, source: model.name.sql)
    guard case .query(let sql, _, let file) = check else { return [] }
    do throws(PulsehouseError) {
      guard case .query(let query) = try PostgresParser.parseOne(sql).node else {
        throw PulsehouseError(.user, "an audit is a SELECT", sqlState: "42601")
      }
      return Set(query.tablesRead.map(RelationName.init))
    } catch {
      var error = error
      // The place would be one in the expanded text.
      error.range = nil
      error.file = file ?? model.file.path
      throw error
    }
  }

  /// What has to be asked of the model's table.
  ///
  /// - Parameter times: the variables of time that the project's own audits may use.
  func check(
    _ call: AuditCall, source: String,
    times: [String: MacroValue] = TimeVariables.values(IntervalRange(0, 0, .day), execution: 0)
  ) throws(PulsehouseError) -> AuditCheck {
    switch self {
    case .custom(let custom):
      try custom.asBuiltIn(call, source: source)
        ?? .query(try custom.query(call, source: source, times: times), file: custom.file.path)
    case .builtIn(let builtIn): try builtIn.check(AuditArguments(call), source: source)
    }
  }
}

/// What has to be asked of a table, in a form that lets questions share a scan.
enum AuditCheck {
  /// Rows for which `predicate` holds are wrong. Where `proof`, an aggregate that zone maps can answer, is 0, there are
  /// none.
  case rows(predicate: String, condition: String?, proof: String? = nil)
  /// `failures`, an aggregate over all rows, is the number of wrong ones; `sample` shows them or what was measured.
  case aggregate(failures: String, condition: String?, sample: String)
  /// The rows of a query are wrong. `counting`, if any, gives their number as its only value, faster.
  case query(String, counting: String? = nil, file: String? = nil)
}

/// The arguments of a built-in audit's call, read as each needs them.
struct AuditArguments {
  let call: AuditCall

  init(_ call: AuditCall) { self.call = call }

  func failure(_ message: String, _ range: Range<Int>? = nil) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: "42601", range: range ?? call.call.range)
  }

  /// Refuses arguments that the audit does not have.
  func allow(_ names: String...) throws(PulsehouseError) {
    for argument in call.call.arguments {
      guard let name = argument.name else {
        throw failure("the arguments of \(call.name) have names, such as \(names[0]) := ...", argument.value.range)
      }
      if name != "condition" && name != "blocking" && !names.contains(name) {
        throw failure(
          "\(call.name) has no argument \"\(name)\"; it takes \(names.joined(separator: ", "))", argument.value.range)
      }
    }
  }

  func optional(_ name: String) -> String? {
    guard let value = call.call[name], !value.isNull else { return nil }
    return value.sql
  }

  func required(_ name: String) throws(PulsehouseError) -> String {
    guard let value = optional(name) else { throw failure("\(call.name) needs \(name) := ...") }
    return value
  }

  func list(_ name: String) throws(PulsehouseError) -> [String] {
    guard let value = call.call[name] else { throw failure("\(call.name) needs \(name) := (...)") }
    let entries = value.list().map(\.sql)
    if entries.isEmpty { throw failure("\(name) is empty", value.range) }
    return entries
  }

  func flag(_ name: String, default value: Bool) throws(PulsehouseError) -> Bool {
    try call.call[name]?.boolean() ?? value
  }

  /// `condition := (...)`: only rows for which it holds are looked at.
  var condition: String? { optional("condition") }
}
