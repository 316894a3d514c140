import Bytes
import Segments
import Synchronization

/// Open segment readers of one warehouse, shared by its sessions: a segment is mapped once and stays so.
///
/// Files are immutable, so an open reader is never stale. The oldest mappings go when there are too many for the
/// operating system's limit on mappings.
package final class SegmentCache: Sendable {
  private struct State {
    var readers: [String: SegmentReader] = [:]
    var order: [String] = []
    /// By paths relative to the warehouse.
    var zoneMaps: [String: [ZoneMap]] = [:]
  }

  private static let capacity = 16_384
  private static let zoneMapCapacity = 1024
  private let state = Mutex(State())

  package init() {}

  /// Returns the reader for the file at `path`, opening it when it is not open.
  ///
  /// - Throws: `.io` when the file cannot be mapped, `.corrupt` when it is damaged or is not the file that was
  ///   committed, which `checksum` tells.
  package func reader(_ path: String, checksum: UInt32) throws(PulsehouseError) -> SegmentReader {
    if let known = state.withLock({ $0.readers[path] }) { return known }
    let reader: SegmentReader
    do {
      reader = try SegmentReader.open(try MappedFile(path))
    } catch {
      throw error
    }
    guard reader.checksum == checksum else {
      throw PulsehouseError(
        .corrupt, "this segment is not the one that was committed",
        detail:
          "Its footer has checksum \(reader.checksum), the commit names \(checksum).", file: path)
    }
    state.withLock { state in
      if state.readers.updateValue(reader, forKey: path) == nil { state.order.append(path) }
      if state.order.count > SegmentCache.capacity {
        for oldest in state.order.prefix(SegmentCache.capacity / 4) { state.readers[oldest] = nil }
        state.order.removeFirst(SegmentCache.capacity / 4)
      }
    }
    return reader
  }

  /// Returns the segment's zone maps, which are kept decoded of so many segments as a query of few rows may look at.
  func zoneMaps(of segment: SegmentDescriptor) throws(PulsehouseError) -> [ZoneMap] {
    if let known = state.withLock({ $0.zoneMaps[segment.path] }) { return known }
    let zoneMaps = try segment.zoneMaps()
    state.withLock { state in
      if state.zoneMaps.count == SegmentCache.zoneMapCapacity { state.zoneMaps = [:] }
      state.zoneMaps[segment.path] = zoneMaps
    }
    return zoneMaps
  }

  /// Closes every reader but those of `paths`, as soon as nobody reads by it, and forgets zone maps.
  func keep(_ paths: Set<String>) {
    state.withLock { state in
      state.readers = state.readers.filter { paths.contains($0.key) }
      state.order = state.order.filter { state.readers[$0] != nil }
      state.zoneMaps = [:]
    }
  }
}
