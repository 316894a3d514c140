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
  var completes = false
  var failureLimit = 10
  var mutations = 0
  var seed: UInt64 = 1
  /// Where a statement is written before it is run.
  var trace: String?
}

func readOptions() -> Options? {
  var options = Options()
  var arguments = Array(CommandLine.arguments.dropFirst())
  while !arguments.isEmpty {
    let argument = arguments.removeFirst()
    switch argument {
    case "--verbose", "-v": options.isVerbose = true
    case "--complete": options.completes = true
    case "--set":
      guard !arguments.isEmpty else { return nil }
      options.settings.append(arguments.removeFirst())
    case "--mutations":
      guard !arguments.isEmpty, let count = Int(arguments.removeFirst()) else { return nil }
      options.mutations = count
    case "--seed":
      guard !arguments.isEmpty, let seed = UInt64(arguments.removeFirst()) else { return nil }
      options.seed = seed
    case "--trace":
      guard !arguments.isEmpty else { return nil }
      options.trace = arguments.removeFirst()
    case "--failures":
      guard !arguments.isEmpty, let limit = Int(arguments.removeFirst()) else { return nil }
      options.failureLimit = limit
    case _ where argument.hasPrefix("-"): return nil
    default: options.files.append(argument)
    }
  }
  return options.files.isEmpty ? nil : options
}

/// An empty warehouse whose sessions have the settings asked for.
func makeDatabase(
  _ directory: TemporaryDirectory, _ options: Options, settings: [String] = []
) throws -> SessionDatabase {
  let warehouse = try Warehouse(
    directory.path + "/tables", mode: .create, fileSystem: LocalFileSystem(isDurable: false))
  SourceTable.add(to: warehouse)
  return SessionDatabase(warehouse) { session in
    session.copyReader = CSVCopyReader()
    for setting in options.settings + settings {
      do {
        try session.run("SET " + setting, into: DiscardingSink())
      } catch {
        print("SET \(setting): \(error)")
        exit(2)
      }
    }
  }
}

/// Runs one file and prints its line. Returns how many records failed, and of what kinds.
func run(_ path: String, _ options: Options) throws -> (passed: Int, failures: [LogicRunner.Failure], skipped: Int) {
  let directory = try TemporaryDirectory()
  var database = try makeDatabase(directory, options)
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
  func text(_ url: URL) throws -> String { String(decoding: try Data(contentsOf: url), as: UTF8.self) }
  let script = try LogicScript(text(URL(fileURLWithPath: path)))
  var runner = LogicRunner(md5: Digest.md5(hexadecimalOf:)) { name in
    let file = folder.appendingPathComponent(name)
    guard name.contains("*") else { return try text(file) }
    let pattern = file.lastPathComponent.split(separator: "*", omittingEmptySubsequences: false)
    let siblings = try FileManager.default.contentsOfDirectory(atPath: file.deletingLastPathComponent().path).sorted()
    let matches = siblings.filter { $0.hasPrefix(pattern[0]) && $0.hasSuffix(pattern[pattern.count - 1]) }
    return try matches.map { try text(file.deletingLastPathComponent().appendingPathComponent($0)) }
      .joined(separator: "\n\n")
  }
  let start = ContinuousClock.now
  runner.run(script, name: path, on: &database)
  let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000
  if options.completes, !runner.failures.isEmpty {
    try Data(runner.completed.utf8).write(to: URL(fileURLWithPath: path))
  }
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
    print("usage: tools/slt [--verbose] [--failures N] [--set 'name = value'] [--complete] FILE...")
    return 2
  }
  if options.mutations > 0 {
    do { return try runMutations(options) } catch {
      print("\(error)")
      return 2
    }
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
