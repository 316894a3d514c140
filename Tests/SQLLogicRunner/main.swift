import Bytes
import Engine
import Foundation
import Ingestion
import Kernels
import SQLLogic
import TestKit

// `tools/slt FILE...`: runs sqllogictest scripts, each in an empty warehouse of its own, and says how many records
// passed, failed and were skipped. Exit code 0 when nothing failed, 1 when something did, 2 for a wrong command line.

struct Options {
  var files: [String] = []
  var threads: Int?
  var settings: [String] = []
  var isVerbose = false
  var failureLimit = 10
}

func readOptions() -> Options? {
  var options = Options()
  var arguments = Array(CommandLine.arguments.dropFirst())
  while !arguments.isEmpty {
    let argument = arguments.removeFirst()
    switch argument {
    case "--verbose", "-v": options.isVerbose = true
    case "--set":
      guard !arguments.isEmpty else { return nil }
      options.settings.append(arguments.removeFirst())
    case "--failures":
      guard !arguments.isEmpty, let limit = Int(arguments.removeFirst()) else { return nil }
      options.failureLimit = limit
    case _ where argument.hasPrefix("-"): return nil
    default: options.files.append(argument)
    }
  }
  return options.files.isEmpty ? nil : options
}

/// Runs one file and prints its line. Returns how many records failed, and of what kinds.
func run(_ path: String, _ options: Options) throws -> (passed: Int, failures: [LogicRunner.Failure], skipped: Int) {
  let directory = try TemporaryDirectory()
  let warehouse = try Warehouse(
    directory.path + "/tables", mode: .create, fileSystem: LocalFileSystem(isDurable: false))
  SourceTable.add(to: warehouse)
  var database = SessionDatabase(warehouse) { session in
    session.copyReader = CSVCopyReader()
    for setting in options.settings {
      do {
        try session.run("SET " + setting, into: DiscardingSink())
      } catch {
        print("SET \(setting): \(error)")
        exit(2)
      }
    }
  }
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
  func text(_ url: URL) throws -> String { String(decoding: try Data(contentsOf: url), as: UTF8.self) }
  let script = try LogicScript(text(URL(fileURLWithPath: path)))
  var runner = LogicRunner(md5: Digest.md5(hexadecimalOf:)) { name in try text(folder.appendingPathComponent(name)) }
  let start = ContinuousClock.now
  runner.run(script, name: path, on: &database)
  let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
  let skipped = runner.skipped.values.reduce(0, +)
  let reasons = runner.skipped.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
  print(
    "\(path): passed \(runner.passed), failed \(runner.failures.count), skipped \(skipped)"
      + (reasons.isEmpty ? "" : " (\(reasons))") + String(format: ", %.2f s", seconds))
  for failure in runner.failures.prefix(options.isVerbose ? .max : options.failureLimit) {
    print("  FAILED \(failure)")
  }
  if !options.isVerbose, runner.failures.count > options.failureLimit {
    print("  ... and \(runner.failures.count - options.failureLimit) more failures; --verbose shows all.")
  }
  return (runner.passed, runner.failures, skipped)
}

func main() -> Int32 {
  guard let options = readOptions() else {
    print("usage: tools/slt [--verbose] [--failures N] [--set 'name = value'] FILE...")
    return 2
  }
  var (passed, failed, skipped, unread) = (0, 0, 0, 0)
  for file in options.files {
    do {
      let result = try run(file, options)
      passed += result.passed
      failed += result.failures.count
      skipped += result.skipped
    } catch {
      print("\(file): cannot be run: \(error)")
      unread += 1
    }
  }
  print(
    "\(options.files.count) files: passed \(passed), failed \(failed), skipped \(skipped)"
      + (unread > 0 ? ", not read \(unread)" : ""))
  return failed + unread > 0 ? 1 : 0
}

exit(main())
