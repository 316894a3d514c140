import CKernels
import Glibc

// Measures kernels and codecs one by one on simulated events: `swift run -c release KernelBench [events]`.
// Each line is a name, nanoseconds a row (the best of several runs) and GB/s of decoded values.

ph_keep_freed_memory()
PartitionBenchmark().run()
do {
  try CodecBenchmark(eventCount: CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000).run()
} catch {
  print("KernelBench: \(error)")
  exit(1)
}
