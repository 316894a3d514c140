import Bytes
import Vectors

/// The memory that records are written into, one array per field and one each for line and offset; becomes vectors.
///
/// A value is written at the next row before anybody knows whether the record fits; only `accept` counts the row. Masks
/// are all ones until the first null, so rows without nulls write nothing.
final class JSONColumns {
  let types: [LogicalType]
  let kinds: [JSONLeafKind]
  let capacity: Int
  /// Where each column's values start.
  let bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private(set) var lines: UnsafeMutablePointer<Int64>
  private(set) var offsets: UnsafeMutablePointer<Int64>
  var rowCount = 0
  private(set) var heap = StringHeap()

  private var buffers: [AlignedBuffer] = []
  private var masks: [AlignedBuffer?] = []
  private var lineBuffer: AlignedBuffer
  private var offsetBuffer: AlignedBuffer
  private var owners: [AnyObject] = []

  /// `types` are such that `JSONLeafKind` knows them.
  init(_ types: [LogicalType], capacity: Int) {
    self.types = types
    kinds = types.map { JSONLeafKind($0) ?? .ignored }
    self.capacity = capacity
    keepsBytes = types.contains { $0.physical == .string }
    bases = .allocate(capacity: max(types.count, 1))
    lineBuffer = AlignedBuffer(byteCount: 0)
    offsetBuffer = lineBuffer
    lines = lineBuffer.values(as: Int64.self)
    offsets = lines
  }

  deinit { bases.deallocate() }

  /// Buffers handed out in vectors, to be used again once nobody else holds them: fresh memory is slow.
  private var retired: [AlignedBuffer] = []

  /// Makes room for rows where there is none: after `finish`, late, so that what it handed out may be free again.
  func prepare() {
    if !isPrepared { makeBuffers() }
  }

  private var isPrepared = false

  private func makeBuffers() {
    isPrepared = true
    buffers = types.map { makeBuffer(capacity * $0.physical.stride) }
    masks = types.map { _ in nil }
    for (column, buffer) in buffers.enumerated() { bases[column] = buffer.base }
    lineBuffer = makeBuffer(capacity * 8)
    offsetBuffer = makeBuffer(capacity * 8)
    lines = lineBuffer.values(as: Int64.self)
    offsets = offsetBuffer.values(as: Int64.self)
  }

  private func makeBuffer(_ byteCount: Int) -> AlignedBuffer {
    for index in retired.indices where retired[index].byteCount == byteCount {
      if isKnownUniquelyReferenced(&retired[index]) { return retired.remove(at: index) }
    }
    return AlignedBuffer(byteCount: byteCount)
  }

  /// True when values may point into the bytes they were read from.
  let keepsBytes: Bool

  /// Keeps `owner`, whose bytes string values point into, as long as the vectors.
  func keepAlive(_ owner: AnyObject) {
    guard keepsBytes else { return }
    if let last = owners.last, last === owner { return }
    owners.append(owner)
  }

  /// Marks the next row's value of `column` null and gives it readable zeros.
  func setNull(_ column: Int) {
    let mask: AlignedBuffer
    if let known = masks[column] {
      mask = known
    } else {
      let words = ValidityMask.wordCount(capacity)
      mask = AlignedBuffer(byteCount: words * 8)
      mask.base.initializeMemory(as: UInt8.self, repeating: 0xFF, count: words * 8)
      masks[column] = mask
    }
    let row = rowCount
    mask.values(as: UInt64.self)[row >> 6] &= ~(1 << UInt64(row & 63))
    let stride = types[column].physical.stride
    (bases[column] + row * stride).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
  }

  /// Returns all rows as vectors (fields, then line and offset) and starts anew.
  func finish() -> (fields: [Vector], line: Vector, offset: Vector) {
    prepare()
    let count = rowCount
    var vectors: [Vector] = []
    for column in types.indices {
      var validity: ValidityMask?
      if let mask = masks[column] {
        let words = mask.values(as: UInt64.self)
        let last = ValidityMask.wordCount(count)
        if count & 63 != 0 { words[last - 1] &= (1 << UInt64(count & 63)) &- 1 }
        validity = ValidityMask(buffer: mask, count: count)
      }
      let isString = types[column].physical == .string
      vectors.append(
        Vector(
          types[column], count: count, buffer: buffers[column], validity: validity,
          owners: isString ? owners + [heap] : []))
    }
    let line = Vector(.bigint, count: count, buffer: lineBuffer)
    let offset = Vector(.bigint, count: count, buffer: offsetBuffer)
    rowCount = 0
    owners = []
    heap = StringHeap()
    // At most two generations wait.
    let generation = buffers.count + 2
    retired = Array(retired.suffix(generation)) + buffers + [lineBuffer, offsetBuffer]
    isPrepared = false
    return (vectors, line, offset)
  }
}
