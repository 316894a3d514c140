import Bytes

/// The files of `commits/`: `<20 digits>.commit` and `<20 digits>.checkpoint`.
struct RecordFiles: Sendable {
  let directory: String
  let fileSystem: any FileSystem
  /// Tells this process's temporary files from others'.
  let suffix: String

  /// A record's file is never longer: the largest payload and its frame.
  private static let byteLimit = (4 << 30) + 4096

  func path(_ number: UInt64, _ kind: CommitRecord.Kind) -> String {
    let digits = String(number)
    let padded = String(repeating: "0", count: 20 - digits.utf8.count) + digits
    return Path.join(directory, "\(padded).\(kind == .commit ? "commit" : "checkpoint")")
  }

  /// The numbers of the files that are there, ascending.
  struct Listing {
    var commits: [UInt64] = []
    var checkpoints: [UInt64] = []
    /// Names that are neither: left by writers that died.
    var others: [String] = []

    /// The number of the newest file; nil when there is none.
    var newest: UInt64? {
      switch (commits.last, checkpoints.last) {
      case (let commit?, let checkpoint?): max(commit, checkpoint)
      case (let commit, let checkpoint): commit ?? checkpoint
      }
    }
  }

  func list() throws(PulsehouseError) -> Listing {
    var listing = Listing()
    for name in try fileSystem.list(directory) {
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].utf8.count == 20, let number = UInt64(parts[0]), number > 0,
        number < UInt64(Int64.max)
      else {
        listing.others.append(name)
        continue
      }
      switch parts[1] {
      case "commit": listing.commits.append(number)
      case "checkpoint": listing.checkpoints.append(number)
      default: listing.others.append(name)
      }
    }
    listing.commits.sort()
    listing.checkpoints.sort()
    return listing
  }

  func exists(_ number: UInt64, _ kind: CommitRecord.Kind) throws(PulsehouseError) -> Bool {
    try fileSystem.status(path(number, kind)) != nil
  }

  func bytes(_ number: UInt64, _ kind: CommitRecord.Kind) throws(PulsehouseError) -> [UInt8] {
    try fileSystem.readFile(path(number, kind), limit: Self.byteLimit)
  }

  /// Reads and checks a record. - Throws: `.corrupt`, naming the file.
  func read(_ number: UInt64, _ kind: CommitRecord.Kind) throws(PulsehouseError)
    -> (record: CommitRecord, hash: ContentHash)
  {
    let decoded = try CommitRecord.decode(try bytes(number, kind), kind, path: path(number, kind))
    guard decoded.record.number == number else {
      throw PulsehouseError(
        .corrupt, "this is the record of commit \(decoded.record.number), not \(number)", file: path(number, kind))
    }
    return decoded
  }

  /// Writes a record so that it survives whatever comes next; on failure nothing is left under its name, unless not
  /// even that could be undone.
  func write(_ bytes: [UInt8], _ number: UInt64, _ kind: CommitRecord.Kind) throws(PulsehouseError) {
    let path = path(number, kind)
    let file = try DurableFile(path, suffix: suffix, in: fileSystem)
    try file.write(bytes)
    do throws(PulsehouseError) {
      try file.publish()
    } catch {
      if file.isPublished {
        // It has its name and would count, but may not survive: take it back.
        try? fileSystem.removeFile(path)
        try? fileSystem.syncDirectory(directory)
      }
      throw error
    }
  }
}
