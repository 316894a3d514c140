import Bytes
import Execution
import Planning
import Synchronization

/// What a session took of sequences: for `currval` and `lastval`.
final class SequenceMemory: Sendable {
  private struct State {
    var taken: [TableIdentifier: Int64] = [:]
    var last: TableIdentifier?
  }

  private let state = Mutex(State())

  func remember(_ identifier: TableIdentifier, _ value: Int64, isLast: Bool = true) {
    state.withLock { state in
      state.taken[identifier] = value
      if isLast { state.last = identifier }
    }
  }

  func forget() { state.withLock { $0 = State() } }

  func current(_ identifier: TableIdentifier) -> Int64? { state.withLock { $0.taken[identifier] } }

  var last: Int64? { state.withLock { state in state.last.flatMap { state.taken[$0] } } }
}

/// The sequences as one statement names them.
final class SessionSequences: SequenceSource {
  private let snapshot: Snapshot
  private let searchPath: [String]
  private let file: SequenceFile
  private let memory: SequenceMemory
  private let isReadOnly: Bool
  private let known = Mutex<[String: SequenceDefinition]>([:])

  init(_ snapshot: Snapshot, searchPath: [String], _ store: SnapshotStore, _ memory: SequenceMemory, isReadOnly: Bool) {
    self.snapshot = snapshot
    self.searchPath = searchPath
    file = SequenceFile(store: store)
    self.memory = memory
    self.isReadOnly = isReadOnly
  }

  func definition(_ text: String) throws -> SequenceDefinition {
    if let found = known.withLock({ $0[text] }) { return found }
    guard let parts = SequenceName.parts(text), let name = parts.last else {
      throw PulsehouseError(.user, "invalid name syntax", sqlState: "42602")
    }
    let schemas = parts.count > 1 ? searchPath.schemas(named: parts[parts.count - 2]) : searchPath
    for schema in schemas {
      guard let found = try snapshot.sequence(TableName(schema, name)) else { continue }
      known.withLock { $0[text] = found }
      return found
    }
    for schema in schemas
    where snapshot.table(TableName(schema, name)) != nil || snapshot.view(TableName(schema, name)) != nil {
      throw PulsehouseError(.user, "\"\(name)\" is not a sequence", sqlState: "42809")
    }
    throw PulsehouseError(
      .user, "relation \"\(parts.joined(separator: "."))\" does not exist", sqlState: "42P01")
  }

  private func requireWritable(_ function: String) throws {
    guard !isReadOnly else {
      throw PulsehouseError(.user, "cannot execute \(function)() in a read-only transaction", sqlState: "25006")
    }
  }

  func next(_ name: String, count: Int) throws -> [Int64] {
    try requireWritable("nextval")
    let definition = try definition(name)
    let values = try file.take(count, from: definition)
    if let last = values.last { memory.remember(definition.identifier, last) }
    return values
  }

  func current(_ name: String) throws -> Int64 {
    let definition = try definition(name)
    guard let value = memory.current(definition.identifier) else {
      throw PulsehouseError(
        .user, "currval of sequence \"\(definition.name.name)\" is not yet defined in this session", sqlState: "55000")
    }
    return value
  }

  func last() throws -> Int64 {
    guard let value = memory.last else {
      throw PulsehouseError(.user, "lastval is not yet defined in this session", sqlState: "55000")
    }
    return value
  }

  func set(_ name: String, to value: Int64, isCalled: Bool) throws {
    try requireWritable("setval")
    let definition = try definition(name)
    guard value >= definition.minimum, value <= definition.maximum else {
      throw PulsehouseError(
        .user,
        "setval: value \(value) is out of bounds for sequence \"\(definition.name.name)\" (\(definition.minimum)..\(definition.maximum))",
        sqlState: "22003")
    }
    try file.set(definition, to: SequenceFile.Position(value: value, isCalled: isCalled))
    if isCalled { memory.remember(definition.identifier, value, isLast: false) }
  }
}
