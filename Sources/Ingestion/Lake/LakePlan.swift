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
    for file in files {
      guard let state = states[file.name] else {
        if file.byteCount > 0 { tasks.append(Task(file: file)) } else { unchangedCount += 1 }
        continue
      }
      if file.byteCount < state.position {
        warnings.append(
          IngestWarning(
            .changed, file: file.name,
            message: "it has \(file.byteCount) bytes now, of which \(state.position) were read already; left alone"))
      } else if file.byteCount == state.byteCount && file.modifiedNanoseconds == state.modifiedNanoseconds {
        unchangedCount += 1
        if state.endsInRecord { warnings.append(.incomplete(file.name, state.position)) }
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

  static func rewritten(_ file: String, _ position: Int64) -> IngestWarning {
    IngestWarning(
      .changed, file: file, message: "its first \(position) bytes, read already, are not what they were; left alone")
  }

  static func shrank(_ file: String) -> IngestWarning {
    IngestWarning(.changed, file: file, message: "it became shorter while it was read; left for next time")
  }
}
