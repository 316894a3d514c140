import Bytes

/// A zstd file of a lake as the text it holds, read from its start. Its frames may be many: files grow by whole ones.
final class CompressedInput {
  /// Why a read ended.
  enum Stop: Hashable, Sendable {
    /// The memory given is full, within a frame.
    case full
    /// A frame ended, and all of its bytes so far are what was compressed; more may follow.
    case frameEnd
    /// The file ended where a frame did.
    case end
    /// The file ended within a frame.
    case unfinished
  }

  private let file: InputFile
  private let decoder: ZstdDecoder
  /// The file's length when it was listed; what came after is for next time.
  private let byteCount: Int64
  private let chunk = AlignedBuffer(byteCount: 256 << 10)
  private var chunkRange = 0..<0
  private var readPosition: Int64 = 0
  private var isInFrame = false
  /// Where in the compressed file the frame being read starts.
  private(set) var frameStart: Int64 = 0

  /// Opens the file; nil when there is none. - Throws: `.io`.
  init?(_ path: String, byteCount: Int64) throws(PulsehouseError) {
    guard let file = try InputFile(path) else { return nil }
    self.file = file
    self.byteCount = byteCount
    decoder = try ZstdDecoder()
  }

  /// Decompresses up to `capacity` bytes, at least one, to `target`; ends early where a frame or the file does.
  ///
  /// - Throws: `.corrupt` with the file and the place of the damaged frame; `.io`.
  func read(to target: UnsafeMutableRawPointer, capacity: Int) throws(PulsehouseError) -> (count: Int, stop: Stop) {
    var count = 0
    while true {
      if chunkRange.isEmpty {
        let wanted = Int(min(Int64(chunk.byteCount), byteCount - readPosition))
        let got = wanted > 0 ? try file.read(to: chunk.base, count: wanted, at: readPosition) : 0
        if got == 0 && !isInFrame { return (count, .end) }
        // Within a frame the decoder may still hold bytes back, so it is asked even when the file has no more.
        readPosition += Int64(got)
        chunkRange = 0..<got
      }
      let hadInput = !chunkRange.isEmpty
      let step: ZstdDecoder.Step
      do {
        step = try decoder.decompress(
          UnsafeRawBufferPointer(start: chunk.base + chunkRange.lowerBound, count: chunkRange.count),
          into: UnsafeMutableRawBufferPointer(start: target + count, count: capacity - count))
      } catch {
        throw PulsehouseError(
          .corrupt, "\(error.message), in the frame that starts at byte \(frameStart) of the compressed file",
          file: file.path)
      }
      chunkRange = (chunkRange.lowerBound + step.consumedCount)..<chunkRange.upperBound
      count += step.producedCount
      isInFrame = !step.endsFrame
      if step.endsFrame {
        frameStart = readPosition - Int64(chunkRange.count)
        return (count, .frameEnd)
      }
      if count == capacity { return (count, .full) }
      if !hadInput && step.producedCount == 0 { return (count, .unfinished) }
    }
  }
}
