import Bytes
import CKernels

/// A template's steps as the kernel reads them that takes records of nothing but plain numbers, several times as fast
/// as step by step.
final class JSONNumberSteps {
  private let steps: UnsafeMutablePointer<ph_json_step>
  private let columns: [Int]
  /// Every step's literal, padded.
  private let literals: AlignedBuffer
  /// How often a record goes from a byte that numbers are made of to another one, or back.
  let edgeCount: Int

  /// `literals` has one entry more than there are values: what follows the last. Nil when a value is no number of a
  /// type that the kernel reads, when there is none, or when a literal's edge might be taken for part of a number.
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
    guard !kinds.isEmpty, !texts.contains(where: Self.touchesNumber) else { return nil }
    func padded(_ count: Int) -> Int { max(count + 31, 32) & ~31 }
    literals = AlignedBuffer(byteCount: texts.reduce(0) { $0 + padded($1.count) }, zeroed: true)
    self.columns = columns
    steps = .allocate(capacity: texts.count)
    var offset = 0
    var edge = 0
    for (index, text) in texts.enumerated() {
      let literal = literals.base + offset
      text.withUnsafeBytes { if let source = $0.baseAddress { literal.copyMemory(from: source, byteCount: $0.count) } }
      edge += Self.edgeCount(text)
      (steps + index).initialize(
        to: ph_json_step(
          literal: literal.assumingMemoryBound(to: UInt8.self), literal_count: UInt32(text.count),
          kind: UInt32(stepKinds[index]), edge: UInt32(edge), values: nil))
      offset += padded(text.count)
      if index < kinds.count { edge += 2 }
    }
    edgeCount = edge
  }

  /// What the kernel takes for part of a number, before it looks closer.
  private static func isNumberByte(_ byte: UInt8) -> Bool { (UInt8(ascii: "-")...UInt8(ascii: "9")).contains(byte) }

  private static func touchesNumber(_ literal: [UInt8]) -> Bool {
    guard let first = literal.first, let last = literal.last else { return true }
    return isNumberByte(first) || isNumberByte(last)
  }

  private static func edgeCount(_ literal: [UInt8]) -> Int {
    zip(literal, literal.dropFirst()).count { isNumberByte($0) != isNumberByte($1) }
  }

  deinit { steps.deallocate() }

  /// Returns the steps, with values going to the columns at `bases`. The steps live as long as this object.
  func steps(into bases: UnsafePointer<UnsafeMutableRawPointer>) -> UnsafePointer<ph_json_step> {
    for (index, column) in columns.enumerated() { steps[index].values = bases[column] }
    return UnsafePointer(steps)
  }
}
