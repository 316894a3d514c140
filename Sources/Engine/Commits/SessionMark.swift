import Bytes
import Glibc
import Synchronization

/// A file that shows other processes that this one is alive, and the oldest snapshot it still reads.
///
/// `sessions/<12 digits>` stays locked for as long as the process has the warehouse open; the lock goes with the
/// process however it ends, so a file that can be locked is a dead process's. The same digits are in the names of the
/// segments it writes, which keeps them from being taken for orphans.
final class SessionMark: Sendable {
  /// Twelve hexadecimal digits.
  let identifier: String
  private let lock: FileLock?
  private let path: String
  private let fileSystem: any FileSystem
  private let pins = Mutex<[UInt64: Int]>([:])

  /// What the file says while nothing is pinned.
  static let nothingPinned = UInt64.max

  /// Makes the mark. Without a directory (in a warehouse that cannot be written) others do not see it.
  init(directory: String?, fileSystem: any FileSystem) throws(PulsehouseError) {
    self.fileSystem = fileSystem
    guard let directory else {
      identifier = TableIdentifier.random().description
      path = ""
      lock = nil
      return
    }
    // Somebody who surveys the marks may take a file just made, and not locked yet, for a dead process's and remove it.
    while true {
      let identifier = TableIdentifier.random().description
      let path = Path.join(directory, identifier)
      if let lock = try fileSystem.lock(path, .exclusive, timeoutMilliseconds: 0), lock.isCurrent {
        self.identifier = identifier
        self.path = path
        self.lock = lock
        break
      }
    }
    try publish(Self.nothingPinned)
  }

  deinit {
    // While the lock is still held, so that nobody can take a new file of this name for it.
    if lock != nil { try? fileSystem.removeFile(path) }
  }

  /// Marks snapshot `number` as read. Call before looking whether it is still there.
  func pin(_ number: UInt64) throws(PulsehouseError) {
    try change { pins in pins[number, default: 0] += 1 }
  }

  func unpin(_ number: UInt64) {
    // A mark that cannot be rewritten stays too old, which only keeps files longer.
    try? change { pins in
      if let count = pins[number] { pins[number] = count > 1 ? count - 1 : nil }
    }
  }

  private func change(_ body: (inout [UInt64: Int]) -> Void) throws(PulsehouseError) {
    let result: Result<Void, PulsehouseError> = pins.withLock { pins in
      let before = pins.keys.min() ?? Self.nothingPinned
      body(&pins)
      let after = pins.keys.min() ?? Self.nothingPinned
      guard before != after else { return .success(()) }
      do throws(PulsehouseError) {
        return .success(try publish(after))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private func publish(_ oldest: UInt64) throws(PulsehouseError) {
    var writer = ByteWriter(reserving: 16)
    writer.append(oldest)
    writer.append(Int64(getpid()))
    try lock?.replaceContent(writer.bytes)
  }

  /// What the marks in `directory` say.
  struct Survey {
    /// The sessions that are alive.
    var live: Set<String> = []
    /// The oldest snapshot any of them reads.
    var oldestPin = SessionMark.nothingPinned
  }

  /// Looks at all marks, and removes those of the dead.
  static func survey(_ directory: String, fileSystem: any FileSystem) throws(PulsehouseError) -> Survey {
    var survey = Survey()
    for name in try fileSystem.list(directory) {
      let path = Path.join(directory, name)
      if let lock = try fileSystem.lock(path, .exclusive, timeoutMilliseconds: 0) {
        try? fileSystem.removeFile(path)
        withExtendedLifetime(lock) {}
        continue
      }
      survey.live.insert(name)
      let bytes = (try? fileSystem.readFile(path, limit: 64)) ?? []
      // A mark being made has no content yet; what it will pin is not known, so nothing may go.
      var oldest: UInt64 = 0
      if bytes.count >= 8 {
        oldest = bytes[..<8].enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
      }
      survey.oldestPin = min(survey.oldestPin, oldest)
    }
    return survey
  }
}
