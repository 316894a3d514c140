import Bytes
import SQLSyntax

/// A query of the project's own under `AUDIT (name ..., ...)` that must return no rows.
package struct CustomAudit: Sendable {
  package var name: String
  package var isBlocking: Bool
  /// Whether it is never asked.
  package var isSkipped: Bool
  /// Whether it belongs to no model and is asked by itself.
  package var isStandalone: Bool
  /// Tables that come first, beside those its query reads.
  var dependsOn: Set<RelationName>
  var description: String?
  /// Arguments a call may leave out.
  package var defaults: [String: MacroValue]
  package var body: ModelBody
  package var file: ModelFile
  package var nameRange: Range<Int>

  /// Reads every audit of a file; `isInline` steps over the model it stands with.
  static func read(_ file: ModelFile, isInline: Bool = false) throws(PulsehouseError) -> [CustomAudit] {
    var audits: [CustomAudit] = []
    for block in file.blocks where block.kind != .model || !isInline {
      do throws(PulsehouseError) {
        audits.append(try read(block, file))
      } catch {
        throw error.located(in: file.text, path: file.path)
      }
    }
    return audits
  }

  private static func read(_ block: HeaderBlock, _ file: ModelFile) throws(PulsehouseError) -> CustomAudit {
    guard block.kind == .audit else {
      throw PulsehouseError(
        .user, "expected AUDIT (...), found \(block.kind.rawValue.uppercased()) (...)", sqlState: "42601",
        range: block.range)
    }
    let isStandalone = try block["standalone"]?.boolean() ?? false
    let known: Set = ["name", "dialect", "blocking", "defaults", "skip", "standalone"]
    let alone: Set = [
      "cron", "cron_tz", "depends_on", "description", "owner", "start", "stamp", "tags", "interval_unit",
    ]
    for property in block.properties
    where !known.contains(property.name) && !(isStandalone && alone.contains(property.name)) {
      throw PulsehouseError(
        .unsupported, "the audit property \"\(property.name)\" is not supported natively", range: property.nameRange)
    }
    if let dialect = block["dialect"], try dialect.word() != "postgres" {
      throw PulsehouseError(
        .unsupported, "audits in the dialect \(try dialect.word()) are not supported natively", range: dialect.range)
    }
    guard let name = block["name"] else {
      throw PulsehouseError(.user, "the audit has no name", sqlState: "42601", range: block.range)
    }
    var defaults: [String: MacroValue] = [:]
    for property in try block["defaults"]?.properties() ?? [] {
      defaults[property.name] = .sql(property.value?.sql ?? "true")
    }
    let isBlocking = try block["blocking"]?.boolean()
    if isStandalone, isBlocking == true, let range = block["blocking"]?.range {
      throw PulsehouseError(
        .user, "a standalone audit blocks nothing", sqlState: "42601", hint: "Leave blocking out.", range: range)
    }
    var dependsOn: Set<RelationName> = []
    for entry in block["depends_on"]?.list() ?? [] {
      dependsOn.insert(try ModelReader(file: file, block: block).relationName(entry))
    }
    return CustomAudit(
      name: try name.word(), isBlocking: isBlocking ?? !isStandalone,
      isSkipped: try block["skip"]?.boolean() ?? false, isStandalone: isStandalone, dependsOn: dependsOn,
      description: try block["description"]?.string(), defaults: defaults,
      body: block.body, file: file, nameRange: name.range)
  }

  /// A standalone audit as what a run looks at among the models.
  func model(_ defaults: ModelDefaults) throws(PulsehouseError) -> Model {
    do throws(PulsehouseError) {
      let query = try ModelQuery(
        body, variables: ModelReader.sampleVariables(.standaloneAudit), constants: self.defaults, within: nameRange)
      let reads = try ModelReader.tablesRead(query, file)
      return Model(
        name: RelationName("audit", name), kind: .standaloneAudit, description: description, grain: [],
        partitionedBy: [],
        clusteredBy: [], columns: [], audits: [], cron: defaults.cron, upstream: reads.union(dependsOn), reads: reads,
        query: query, file: file, nameRange: nameRange)
    } catch {
      throw error.located(in: file.text, path: file.path)
    }
  }

  func error(_ message: String, hint: String? = nil) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: "42601", hint: hint, range: nameRange)
      .located(in: file.text, path: file.path)
  }

  /// The audit's query for one call: `@this_model` is `source`, and each argument its words.
  func query(
    _ call: AuditCall, source: String, times: [String: MacroValue] = [:]
  ) throws(PulsehouseError) -> String {
    var variables = times.merging(defaults) { _, given in given }
    for argument in call.call.arguments {
      guard let name = argument.name else {
        throw PulsehouseError(
          .user, "the arguments of an audit have names", sqlState: "42601", hint: "Write name := value.",
          range: argument.value.range)
      }
      variables[name] = .sql(argument.value.sql)
    }
    variables["this_model"] = .sql(source)
    do throws(PulsehouseError) {
      let expanded = try MacroExpander.expand(body, variables: variables, evaluator: MacroEvaluation.value)
      let statements = StatementSplitter.split(expanded.text)
      guard let only = statements.first, statements.count == 1 else {
        throw PulsehouseError(.user, "an audit is one query", sqlState: "42601", range: nameRange)
      }
      return only.text
    } catch {
      throw error.located(in: file.text, path: file.path)
    }
  }

  /// A project carries the SQL of `relationships` along for SQLMesh, which has no such audit. Where a project's audit of
  /// a built-in's name asks what that would ask, it is that, with its faster way to count.
  func asBuiltIn(_ call: AuditCall, source: String) throws(PulsehouseError) -> AuditCheck? {
    guard let builtIn = BuiltInAudit(rawValue: name),
      let check = try? builtIn.check(AuditArguments(call), source: source), case .query(let sql, _?, _) = check,
      let theirs = try? PostgresParser.parseOne(query(call, source: source)).node.sql,
      let ours = try? PostgresParser.parseOne(sql).node.sql, theirs == ours
    else { return nil }
    return check
  }
}
