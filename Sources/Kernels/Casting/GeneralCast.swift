import Bytes
import Vectors

/// Casts that go through numeric, text, dates and times.
enum GeneralCast {
  static func vector(_ vector: Vector, to type: LogicalType, now: Int64) throws -> Vector {
    throw Cast.noCast(vector.type, type)
  }
}
