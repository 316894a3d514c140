import Bytes
import Vectors

/// Changes the type of whole vectors, as PostgreSQL's casts do.
package enum Cast {
  /// Returns every value as `type`, modifiers applied. NULL stays NULL; the form is kept where that is cheap.
  ///
  /// `now` (microseconds since 1970 UTC) is what `'today'` and its kin mean, `zone` what times without one are in; nil
  /// is UTC. Explicit casts: `varchar(n)` cuts off.
  /// - Throws: 22P02 and its kin for text that is no such value, 22003 and 22008 out of range, 42846 where PostgreSQL
  ///   has no cast.
  package static func vector(
    _ vector: Vector, to type: LogicalType, now: Int64 = 0, zone: ZoneRules? = nil
  ) throws -> Vector {
    if vector.type == type { return vector }
    if vector.isConstantNull { return .nulls(type, count: vector.count) }
    switch (vector.type.physical, type) {
    case (.int16, _) where type.isInteger || type.isFloat || type == .boolean,
      (.int32, _) where vector.type == .integer && (type.isInteger || type.isFloat || type == .boolean),
      (.int64, _) where vector.type == .bigint && (type.isInteger || type.isFloat || type == .boolean),
      (.float32, _) where type.isInteger || type.isFloat,
      (.float64, _) where type.isInteger || type.isFloat:
      return try NumberCast.vector(vector, to: type)
    default: return try GeneralCast.vector(vector, to: type, now: now, zone: zone)
    }
  }

  /// Brings values to the type of the column they are assigned to: text longer than `varchar(n)` or `char(n)` allows is
  /// an error (22001) unless only blanks are lost. Otherwise as `vector(_:to:now:)`.
  package static func assign(_ vector: Vector, to type: LogicalType, now: Int64 = 0) throws -> Vector {
    if vector.type == type { return vector }
    switch type {
    case .varchar(.some), .char:
      let text = vector.type.isText ? vector : try Cast.vector(vector, to: .text, now: now)
      return try TextLength.limited(text, to: type, isExplicit: false)
    default: return try Cast.vector(vector, to: type, now: now)
    }
  }

  static func noCast(_ from: LogicalType, _ to: LogicalType) -> PulsehouseError {
    PulsehouseError(.user, "cannot cast type \(from.name) to \(to.name)", sqlState: "42846")
  }
}
