import CKernels
import Glibc

// Measures kernels and codecs one by one on simulated events, of four weeks or of so many days without a gap:
// `swift run -c release KernelBench [events [days]]`.
// Each line is a name, nanoseconds a row (the best of several runs) and GB/s of decoded values.

ph_keep_freed_memory()
Stopwatch.printHead()
ProfilingBenchmark().run()
PartitionBenchmark().run()
do {
  let numbers = CommandLine.arguments.dropFirst().map { Int($0) }
  let eventCount = numbers.first.flatMap { $0 } ?? 1_000_000
  try CodecBenchmark(eventCount: eventCount, days: numbers.dropFirst().first.flatMap { $0 }).run()
} catch {
  print("KernelBench: \(error)")
  exit(1)
}
