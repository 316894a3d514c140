import CKernels
import Glibc
import Shell

// The program is compiled for processors with AVX2; an older one gets words instead of an illegal instruction.
if ph_cpu_has_v3() == 0 {
  let words = "pulsehouse needs an x86-64 processor with AVX2, FMA and BMI2 (2013 or later)\n"
  write(STDERR_FILENO, words, words.utf8.count)
  exit(5)
}
// Scans and encoders take and give back megabyte buffers all the time; fresh pages would cost more than the work.
ph_keep_freed_memory()
exit(Program.main(Array(CommandLine.arguments.dropFirst())).rawValue)
