import Bytes

/// Where the sequences of a warehouse stand: a small file for each below `sequences/`, written anew whenever values are
/// taken.
///
/// Apart from commits on purpose: a value that was given out never comes again, whatever becomes of the transaction, and
/// two sessions that take values never conflict. One process at a time holds `sequences/lock`.
///
/// | offset | size | content                                        |
/// |-------:|-----:|------------------------------------------------|
/// | 0      | 8    | the last value, or the one to begin with       |
/// | 8      | 1    | 1 when it was given out                        |
/// | 9      | 4    | CRC32C of the nine bytes before                |
struct SequenceFile {
  struct Position: Equatable {
    var value: Int64
    var isCalled: Bool
  }

  let store: SnapshotStore
  private static let byteCount = 13

  private var folder: String { store.absolutePath("sequences") }

  private func path(_ definition: SequenceDefinition) -> String {
    Path.join(folder, definition.identifier.description)
  }

  /// Where a sequence stands.
  func position(of definition: SequenceDefinition) throws -> Position {
    guard try store.fileSystem.status(path(definition)) != nil else {
      return Position(value: definition.start, isCalled: false)
    }
    let bytes = try store.fileSystem.readFile(path(definition), limit: 1 << 10)
    func damaged() -> PulsehouseError {
      PulsehouseError(.corrupt, "the position of the sequence \(definition.name) is damaged", file: path(definition))
    }
    guard bytes.count == Self.byteCount else { throw damaged() }
    return try ByteReader.reading(bytes, source: "a sequence's position") { reader throws(PulsehouseError) in
      let value = try reader.readInt64()
      let isCalled = try reader.readBool()
      guard try reader.readUInt32() == CRC32C.checksum(Array(bytes.prefix(9))) else { throw damaged() }
      return Position(value: value, isCalled: isCalled)
    }
  }

  func set(_ definition: SequenceDefinition, to position: Position) throws {
    try locked { try write(position, definition) }
  }

  /// Takes `count` values in turn.
  ///
  /// - Throws: 2200H when the sequence ends; nothing is taken then.
  func take(_ count: Int, from definition: SequenceDefinition) throws -> [Int64] {
    try locked {
      var position = try position(of: definition)
      var values: [Int64] = []
      values.reserveCapacity(count)
      for _ in 0..<count {
        position = try definition.next(after: position)
        values.append(position.value)
      }
      if count > 0 { try write(position, definition) }
      return values
    }
  }

  private func write(_ position: Position, _ definition: SequenceDefinition) throws {
    var writer = ByteWriter()
    writer.append(position.value)
    writer.append(position.isCalled)
    writer.append(CRC32C.checksum(writer.bytes))
    let file = try DurableFile(path(definition), in: store.fileSystem)
    try writer.bytes.withUnsafeBytes { try file.write($0) }
    try file.publish()
  }

  private func locked<Result>(_ body: () throws -> Result) throws -> Result {
    if try store.fileSystem.status(folder) == nil { try store.fileSystem.makeDirectory(folder) }
    let lock = try store.fileSystem.lock(Path.join(folder, "lock"), .exclusive, timeoutMilliseconds: 30_000)
    guard let lock else {
      throw PulsehouseError(.conflict, "the sequences are locked by another process", sqlState: "55P03")
    }
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }
}

extension SequenceDefinition {
  /// - Throws: 2200H at the end of a sequence that does not begin again.
  func next(after position: SequenceFile.Position) throws -> SequenceFile.Position {
    guard position.isCalled else { return SequenceFile.Position(value: position.value, isCalled: true) }
    let (sum, overflow) = position.value.addingReportingOverflow(increment)
    if !overflow, sum >= minimum, sum <= maximum { return SequenceFile.Position(value: sum, isCalled: true) }
    guard cycles else {
      let bound =
        increment > 0
        ? "maximum value of sequence \"\(name.name)\" (\(maximum))"
        : "minimum value of sequence \"\(name.name)\" (\(minimum))"
      throw PulsehouseError(.user, "nextval: reached \(bound)", sqlState: "2200H")
    }
    return SequenceFile.Position(value: increment > 0 ? minimum : maximum, isCalled: true)
  }
}
