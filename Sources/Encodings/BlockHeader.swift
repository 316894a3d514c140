import Bytes
import Vectors

/// The first 32 bytes of a block.
///
/// | offset | bytes | content |
/// |-------:|------:|---------|
/// | 0 | 4 | row count |
/// | 4 | 1 | physical type |
/// | 5 | 1 | validity |
/// | 6 | 1 | layout |
/// | 7 | 1 | zero |
/// | 8 | 8 | least value, for integer-like types in the integers layout; else 0 |
/// | 16 | 8 | greatest value, likewise |
/// | 24 | 4 | decimals of scaled numerics; else 0 |
/// | 28 | 4 | zero |
struct BlockHeader {
  /// What follows the validity. Raw values are on disk for ever.
  enum Layout: UInt8 {
    /// Nothing: every row is null.
    case none = 0
    /// An integer stream: integers, booleans, scaled numerics, or the bits of floats.
    case integers = 1
    /// A decimal stream.
    case decimal = 2
    /// Distinct values in ascending order, then an integer stream of codes.
    case dictionary = 3
    /// Values as they lie in memory, or a string section.
    case plain = 4
  }

  var rowCount: Int
  var physical: PhysicalType
  var validity: Validity
  var layout: Layout
  var minimum: Int64 = 0
  var maximum: Int64 = 0
  var scale: Int32 = 0

  func write(into writer: inout ByteWriter) {
    writer.append(UInt32(rowCount))
    writer.append(physical.rawValue)
    writer.append(validity.rawValue)
    writer.append(layout.rawValue)
    writer.append(UInt8(0))
    writer.append(minimum)
    writer.append(maximum)
    writer.append(scale)
    writer.append(UInt32(0))
  }

  /// Writes the validity again, which is known only after the validity itself has been written.
  func overwriteKinds(in writer: inout ByteWriter) {
    let kinds = UInt32(physical.rawValue) | UInt32(validity.rawValue) << 8 | UInt32(layout.rawValue) << 16
    writer.overwrite(kinds, at: 4)
  }

  init(
    rowCount: Int, physical: PhysicalType, validity: Validity, layout: Layout, minimum: Int64 = 0, maximum: Int64 = 0,
    scale: Int32 = 0
  ) {
    self.rowCount = rowCount
    self.physical = physical
    self.validity = validity
    self.layout = layout
    self.minimum = minimum
    self.maximum = maximum
    self.scale = scale
  }

  init(_ cursor: inout BlockCursor) throws(PulsehouseError) {
    rowCount = Int(try cursor.load(UInt32.self))
    guard let physical = PhysicalType(rawValue: try cursor.load(UInt8.self)),
      let validity = Validity(rawValue: try cursor.load(UInt8.self)),
      let layout = Layout(rawValue: try cursor.load(UInt8.self)), try cursor.load(UInt8.self) == 0
    else { throw BlockCursor.damaged("a block of unknown layout") }
    self.physical = physical
    self.validity = validity
    self.layout = layout
    minimum = try cursor.load(Int64.self)
    maximum = try cursor.load(Int64.self)
    scale = try cursor.load(Int32.self)
    guard try cursor.load(UInt32.self) == 0, (layout == .none) == (validity == .allNull) else {
      throw BlockCursor.damaged("a block of unknown layout")
    }
  }
}
