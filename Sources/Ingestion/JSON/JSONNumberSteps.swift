import Bytes
import CKernels

/// A template's steps as the kernel reads them that takes records of nothing but plain numbers, several times as fast
/// as step by step.
final class JSONNumberSteps {
  private let steps: UnsafeMutablePointer<ph_json_step>
  private let columns: [Int]
  /// Every step's literal, padded.
  private let literals: AlignedBuffer

  /// `literals` has one entry more than there are values: what follows the last. Nil when a value is no number of a
  /// type that the kernel reads.
  init?(literals texts: [[UInt8]], kinds: [JSONLeafKind], columns: [Int]) {
    var stepKinds: [Int] = []
    for kind in kinds {
      switch kind {
      case .int16: stepKinds.append(ph_json_int16)
      case .int32: stepKinds.append(ph_json_int32)
      case .int64: stepKinds.append(ph_json_int64)
      case .float64: stepKinds.append(ph_json_double)
      default: return nil
      }
    }
    stepKinds.append(ph_json_end)
    func padded(_ count: Int) -> Int { max(count + 31, 32) & ~31 }
    literals = AlignedBuffer(byteCount: texts.reduce(0) { $0 + padded($1.count) }, zeroed: true)
    self.columns = columns
    steps = .allocate(capacity: texts.count)
    var offset = 0
    for (index, text) in texts.enumerated() {
      let literal = literals.base + offset
      text.withUnsafeBytes { if let source = $0.baseAddress { literal.copyMemory(from: source, byteCount: $0.count) } }
      (steps + index).initialize(
        to: ph_json_step(
          literal: literal.assumingMemoryBound(to: UInt8.self), literal_count: UInt32(text.count),
          kind: UInt32(stepKinds[index]), values: nil))
      offset += padded(text.count)
    }
  }

  deinit { steps.deallocate() }

  /// Returns the steps, with values going to the columns at `bases`. The steps live as long as this object.
  func steps(into bases: UnsafePointer<UnsafeMutableRawPointer>) -> UnsafePointer<ph_json_step> {
    for (index, column) in columns.enumerated() { steps[index].values = bases[column] }
    return UnsafePointer(steps)
  }
}
