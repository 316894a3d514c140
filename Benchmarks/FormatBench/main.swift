import CKernels
import Glibc

// Compares how events can travel: `FormatBench [events] [schema.avsc]`. Prints a JSON object a format; tools/compare-formats
// draws them. Encoding starts from columns and decoding ends in columns, so both ends are what the program works with.

ph_keep_freed_memory()
do {
  let words = CommandLine.arguments.dropFirst()
  try FormatComparison(
    eventCount: words.first.flatMap { Int($0) } ?? 200_000,
    schemaPath: words.dropFirst().first ?? "warehouse/sources/heart_rate.avsc"
  ).run()
} catch {
  print("FormatBench: \(error)")
  exit(1)
}
