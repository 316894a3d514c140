import Bytes
import Execution

/// Makes what the partitions of a lake write safe: their files, and the names these get in the folders of hours, which
/// partitions share. Few are synced one by one; for many the whole file system is, which costs no more for thousands.
/// One thread at a time.
final class SinkSync {
  private let folder: SinkFolder
  private let fileSystem: any FileSystem
  /// Of all that is written since this was made; nil where there is no such thing.
  private let span: (any WritingSpan)?
  private let togetherCount: Int
  /// Folders in which names were given since they were last made safe, from the lake's.
  private var due: Set<String> = []
  /// Folders whose own names are safe.
  private var known: Set<String> = []

  /// Makes the lake's folder. From `togetherCount` files or folders on, they are made safe together.
  init(_ folder: SinkFolder, togetherCount: Int = 64, in fileSystem: any FileSystem) throws(PulsehouseError) {
    self.folder = folder
    self.fileSystem = fileSystem
    self.togetherCount = togetherCount
    try fileSystem.makeDirectory(folder.lake)
    span = try fileSystem.writingSpan(folder.lake)
  }

  /// Whether so many files are better made safe by `synchronizeAll`.
  func isWorthwhile(fileCount: Int) -> Bool { span != nil && fileCount >= togetherCount }

  /// Returns when all that the partitions have written, made and renamed is safe.
  func synchronizeAll() throws(PulsehouseError) {
    guard let span else { throw PulsehouseError(.internal, "no span of writing") }
    try span.synchronize()
    for path in due { _ = leading(to: path) }
    due = []
    turn += 1
  }

  /// How often names were made safe.
  private(set) var turn = 0

  /// Says that a name was given in a folder, which is safe from the next turn on. Returns this one.
  func add(_ path: String) -> Int {
    due.insert(path)
    return turn
  }

  /// Returns when all names given are safe.
  func synchronize() throws(PulsehouseError) {
    guard !due.isEmpty else { return }
    if isWorthwhile(fileCount: due.count) { return try synchronizeAll() }
    let fileSystem = fileSystem
    var all = Set(due.map { folder.absolute($0) })
    for path in due.sorted() { all.formUnion(leading(to: path)) }
    try Self.sideBySide(all.sorted()) { (path) throws(PulsehouseError) in try fileSystem.syncDirectory(path) }
    due = []
    turn += 1
  }

  /// What to sync, once, so that a folder itself is safe: the folders that lead to it.
  private func leading(to path: String) -> [String] {
    var found: [String] = []
    var current = path
    while known.insert(current).inserted {
      let isTop = !current.contains("/")
      current = isTop ? "" : Path.parent(current)
      found.append(isTop ? folder.lake : folder.absolute(current))
      if isTop { break }
    }
    return found
  }

  /// From so many on, things are done side by side, and so many at a time at most.
  private static let sideBySideCounts = 16...64

  /// Does the same for each, many at a time: the disk makes what is synced together safe in one go, which is many times
  /// as fast as one after the other. The first error is thrown.
  static func sideBySide<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) throws(PulsehouseError) -> Void
  ) throws(PulsehouseError) {
    do {
      let threads = items.count < sideBySideCounts.lowerBound ? 1 : min(items.count, sideBySideCounts.upperBound)
      try WorkerPool.shared.forEach(count: items.count, threads: threads) { index, _ in try body(items[index]) }
    } catch let error as PulsehouseError {
      throw error
    } catch {
      throw PulsehouseError(.internal, "\(error)")
    }
  }
}
