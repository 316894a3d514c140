import Bytes
import Engine
import Foundation
import Kernels
import SQLLogic
import TestKit
import Testing

/// Runs every script of `Scripts/`, each in a warehouse of its own, with one thread and with two.
///
/// With `PULSEHOUSE_COMPLETE=1` in the environment, differing results are written into the scripts for review.
/// `PULSEHOUSE_SCRIPT=name` runs only scripts whose path contains the name.
@Suite struct SQLLogicTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Scripts")

  static let scripts: [String] = {
    let wanted = ProcessInfo.processInfo.environment["PULSEHOUSE_SCRIPT"]
    let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.hasSuffix(".slt") && (wanted == nil || $0.contains(wanted!)) }.sorted()
  }()

  @Test(arguments: scripts, [1, 2]) func script(name: String, threads: Int) throws {
    let url = SQLLogicTests.folder.appendingPathComponent(name)
    let file = try LogicScript(String(contentsOf: url, encoding: .utf8))
    let directory = try TemporaryDirectory()
    let warehouse = try Warehouse(
      directory.path + "/tables", mode: .create, fileSystem: LocalFileSystem(isDurable: false))
    var database = SessionDatabase(warehouse) { $0.settings.threadCount = threads }
    var runner = LogicRunner(md5: Digest.md5(hexadecimalOf:)) { included in
      try String(contentsOf: url.deletingLastPathComponent().appendingPathComponent(included), encoding: .utf8)
    }
    runner.run(file, name: name, on: &database)
    if ProcessInfo.processInfo.environment["PULSEHOUSE_COMPLETE"] != nil, !runner.failures.isEmpty {
      try runner.completed.write(to: url, atomically: true, encoding: .utf8)
    }
    for failure in runner.failures { Issue.record("\(failure)") }
    #expect(runner.passed + runner.skipped.values.reduce(0, +) >= file.records.count)
  }

  @Test func thereAreScripts() {
    #expect(!SQLLogicTests.scripts.isEmpty || ProcessInfo.processInfo.environment["PULSEHOUSE_SCRIPT"] != nil)
  }
}
