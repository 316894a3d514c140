import Bytes

/// A file of a lake as the folder lists it.
struct LakeFile: Hashable, Sendable {
  /// From the lake's folder, with `/`: the file's name in `_file` and in the source's state. A compressed file has the
  /// name of the text in it, so that compressing a file which was read already changes nothing.
  var name: String
  /// Bytes on disk.
  var byteCount: Int64
  var modifiedNanoseconds: Int64
  /// True when the file is `<name>.zst`.
  var isCompressed = false

  static let compressedSuffix = ".zst"

  /// About how much text it holds: JSON lines of one kind shrink to an eighth.
  var textByteCount: Int64 { isCompressed ? byteCount * 8 : byteCount }

  /// The file's path from the lake's folder.
  var path: String { isCompressed ? name + Self.compressedSuffix : name }
}

/// Finds a lake's files.
enum LakeListing {
  private static let depthLimit = 32

  /// Returns the files below `folder` that match `pattern`, in byte order of their names, compressed ones (whose names
  /// match without `.zst`) among them. Names that start with a dot are passed over, folders too. Where a file lies both
  /// plain and compressed, both are returned, the plain one first.
  ///
  /// - Throws: `.io`; `.user` when the folder is missing.
  static func files(
    _ folder: String, pattern: String, in fileSystem: any FileSystem
  ) throws(PulsehouseError) -> [LakeFile] {
    guard let status = try fileSystem.status(folder), status.isDirectory else {
      throw PulsehouseError(
        .user, "the lake's folder does not exist", sqlState: "58P01",
        hint: "`pulsehouse generate` makes one; --lake names another.", file: folder)
    }
    let glob = Glob(pattern)
    var found: [LakeFile] = []
    var open = [(name: "", depth: 0)]
    while let directory = open.popLast() {
      for name in try fileSystem.list(Path.join(folder, directory.name)) where !name.hasPrefix(".") {
        let relative = directory.name.isEmpty ? name : directory.name + "/" + name
        // What vanished between the two calls is not there.
        guard let status = try fileSystem.status(Path.join(folder, relative)) else { continue }
        if status.isDirectory {
          guard directory.depth < depthLimit else {
            throw PulsehouseError(.user, "folders nested deeper than \(depthLimit)", file: Path.join(folder, relative))
          }
          open.append((relative, directory.depth + 1))
        } else {
          let isCompressed = relative.hasSuffix(LakeFile.compressedSuffix)
          let name = isCompressed ? String(relative.dropLast(LakeFile.compressedSuffix.count)) : relative
          guard glob.matches(name) else { continue }
          found.append(
            LakeFile(
              name: name, byteCount: status.byteCount, modifiedNanoseconds: status.modifiedNanoseconds,
              isCompressed: isCompressed))
        }
      }
    }
    return found.sorted {
      $0.name == $1.name ? !$0.isCompressed : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
  }
}

/// A pattern of paths: `?` is any character but `/`, `*` any run of those, `**` any run at all (and `**/` also nothing).
struct Glob: Sendable {
  private enum Part: Equatable {
    case byte(UInt8)
    case any
    case run
    case runAcross
    case folders
  }
  private let parts: [Part]

  init(_ pattern: String) {
    var parts: [Part] = []
    let bytes = Array(pattern.utf8)
    var index = 0
    let star = UInt8(ascii: "*")
    while index < bytes.count {
      if bytes[index] == star, index + 1 < bytes.count, bytes[index + 1] == star {
        index += 2
        if index < bytes.count, bytes[index] == UInt8(ascii: "/") {
          parts.append(.folders)
          index += 1
        } else {
          parts.append(.runAcross)
        }
        continue
      }
      parts.append(bytes[index] == star ? .run : bytes[index] == UInt8(ascii: "?") ? .any : .byte(bytes[index]))
      index += 1
    }
    self.parts = parts
  }

  /// O(pattern × path), whatever the pattern.
  func matches(_ path: String) -> Bool {
    let slash = UInt8(ascii: "/")
    // reachable[i]: the parts so far can match the first i bytes.
    let bytes = Array(path.utf8)
    var reachable = [Bool](repeating: false, count: bytes.count + 1)
    reachable[0] = true
    for part in parts {
      var next = [Bool](repeating: false, count: bytes.count + 1)
      switch part {
      case .byte(let byte):
        for index in bytes.indices where reachable[index] && bytes[index] == byte { next[index + 1] = true }
      case .any:
        for index in bytes.indices where reachable[index] && bytes[index] != slash { next[index + 1] = true }
      case .run, .runAcross:
        next[0] = reachable[0]
        for index in bytes.indices {
          next[index + 1] = reachable[index + 1] || next[index] && (part == .runAcross || bytes[index] != slash)
        }
      case .folders:
        var isOpen = false
        for index in 0...bytes.count {
          if reachable[index] {
            next[index] = true
            isOpen = true
          }
          if isOpen, index > 0, bytes[index - 1] == slash { next[index] = true }
        }
      }
      reachable = next
    }
    return reachable[bytes.count]
  }
}
