import Bytes

/// Remembers that a run found nothing to do, so that the next one need not read a thousand models to find it again.
///
/// It holds while no file of the project or of its seeds, the program, and the warehouse's newest snapshot are others.
/// A file beside the tables, which may be removed at any time.
package struct IdleMark: Sendable {
  private static let head = "pulsehouse idle 1"

  private let path: String
  private let selection: String
  private let files: any FileSystem
  /// How the project's files looked before they were read.
  private let sight: ProjectSight

  /// Looks at the project's files; do so before they are read.
  ///
  /// - Parameter selection: what the run is about beside the project: an environment, names of models.
  package init(tables: String, project: String, selection: [String], in files: any FileSystem) throws(PulsehouseError) {
    path = Path.join(tables, "idle.mark")
    self.selection = selection.joined(separator: " ")
    self.files = files
    sight = try ProjectSight(project, in: files)
  }

  /// Returns how many models the last run found up to date, when nothing has happened since that could change it.
  package func modelCount(at snapshot: UInt64) -> Int? {
    guard let bytes = try? files.readFile(path, limit: 1 << 20) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    guard lines.count >= 2, let count = Int(lines[1]) else { return nil }
    let seeds = lines.dropFirst(3).dropLast().map { $0 }
    guard let now = try? text(count, seeds, snapshot), now == lines.joined(separator: "\n") else { return nil }
    return count
  }

  /// Takes down that a run of `project` found nothing to do at the snapshot it looked at.
  ///
  /// - Parameter now: nanoseconds since 1970 UTC, before anything was read.
  package func remember(_ report: RunReport, of project: Project, now: Int64) {
    let seeds = project.models.compactMap { model -> String? in
      if case .seed(let path, _) = model.kind { return path }
      return nil
    }
    // Whatever is in the way, the next run just takes longer.
    guard report.isIdle, sight.newest < now - 1_000_000_000,
      let seen = try? ProjectSight(of: seeds, in: files), seen.newest < now - 1_000_000_000,
      let text = try? text(report.models.count, seeds, report.snapshotBefore),
      let file = try? DurableFile(path, in: files)
    else { return }
    try? file.write(Array(text.utf8))
    try? file.publish(isDurable: false)
  }

  private func text(_ count: Int, _ seeds: [String], _ snapshot: UInt64) throws(PulsehouseError) -> String {
    var mark = SightMark()
    mark.add(selection, Int64(bitPattern: snapshot), Int64(bitPattern: sight.mark))
    mark.add("", Int64(bitPattern: try ProjectSight(of: seeds, in: files).mark), 0)
    if let program = try files.status("/proc/self/exe") {
      mark.add("program", program.byteCount, program.modifiedNanoseconds)
    }
    return ([Self.head, String(count), String(mark.value, radix: 16)] + seeds + [""]).joined(separator: "\n")
  }
}
