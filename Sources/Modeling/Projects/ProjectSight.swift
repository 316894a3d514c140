import Bytes

/// What a look at a project's files shows without reading them: their names, sizes and times.
package struct ProjectSight: Hashable, Sendable {
  /// Differs whenever a file does.
  package private(set) var mark: UInt64
  /// When the file that changed last did, nanoseconds since 1970 UTC. One that changes twice within a tick of the
  /// clock looks the same, so marks of files that are younger than a second prove nothing.
  package private(set) var newest: Int64 = .min

  /// Looks at the folders of `project` that say what a run does.
  package init(_ project: String, in files: any FileSystem) throws(PulsehouseError) {
    let names = ["config.yaml", "config.yml", "models", "audits", "sources", "seeds"]
    try self.init(of: names.map { Path.join(project, $0) }, in: files)
  }

  /// Looks at files and folders wherever they lie.
  package init(of paths: [String], in files: any FileSystem) throws(PulsehouseError) {
    var hash = SightMark()
    mark = 0
    for path in paths { try add(path, &hash, files, depth: 0) }
    mark = hash.value
  }

  private mutating func add(_ path: String, _ hash: inout SightMark, _ files: any FileSystem, depth: Int)
    throws(PulsehouseError)
  {
    guard depth < 32, let status = try files.status(path) else { return }
    guard status.isDirectory else {
      hash.add(path, status.byteCount, status.modifiedNanoseconds)
      newest = max(newest, status.modifiedNanoseconds)
      return
    }
    for name in try files.list(path).sorted() where !name.hasPrefix(".") {
      try add(Path.join(path, name), &hash, files, depth: depth + 1)
    }
  }
}
