import Bytes

/// What an ingest has to do with each of a lake's files.
struct LakePlan: Sendable {
  struct Task: Sendable {
    var file: LakeFile
    /// How far it was read before; nil for a new file.
    var state: LakeFileState?
  }

  /// Files to be opened, in order.
  var tasks: [Task] = []
  var unchangedCount = 0
  var warnings: [IngestWarning] = []

  init(_ files: [LakeFile], states: [String: LakeFileState]) {
    var last: String?
    for file in files {
      if file.name == last {
        warnings.append(.twin(file.path, of: file.name))
        continue
      }
      last = file.name
      guard let state = states[file.name] else {
        if file.byteCount > 0 { tasks.append(Task(file: file)) } else { unchangedCount += 1 }
        continue
      }
      // How long a compressed file's text is turns out when it is read.
      if !file.isCompressed && file.byteCount < state.position {
        warnings.append(
          IngestWarning(
            .changed, file: file.name,
            message: "it has \(file.byteCount) bytes now, of which \(state.position) were read already; left alone"))
      } else if file.byteCount == state.byteCount && file.modifiedNanoseconds == state.modifiedNanoseconds {
        unchangedCount += 1
        if state.endsInRecord { warnings.append(.incomplete(file.path, state.position)) }
      } else {
        tasks.append(Task(file: file, state: state))
      }
    }
  }
}

extension IngestWarning {
  static func incomplete(_ file: String, _ position: Int64) -> IngestWarning {
    IngestWarning(
      .incomplete, file: file,
      message: "its last line, from byte \(position), is not whole yet; it is read once its newline is there")
  }

  static func unfinished(_ file: String, frameStart: Int64) -> IngestWarning {
    IngestWarning(
      .incomplete, file: file,
      message: "it ends within the zstd frame that starts at byte \(frameStart); that is read once it is whole")
  }

  static func damaged(_ file: String, _ message: String) -> IngestWarning {
    IngestWarning(.damaged, file: file, message: "\(message); nothing from there on was taken")
  }

  static func twin(_ file: String, of plain: String) -> IngestWarning {
    IngestWarning(.twin, file: file, message: "left alone, since \(plain) is there too")
  }

  static func rewritten(_ file: String, _ position: Int64) -> IngestWarning {
    IngestWarning(
      .changed, file: file, message: "its first \(position) bytes, read already, are not what they were; left alone")
  }

  static func shrank(_ file: String) -> IngestWarning {
    IngestWarning(.changed, file: file, message: "it became shorter while it was read; left for next time")
  }
}
