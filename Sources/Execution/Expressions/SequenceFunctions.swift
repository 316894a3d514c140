import Bytes
import Kernels
import Vectors

/// `nextval` and its kin, over the rows of a batch in turn.
enum SequenceFunctions {
  private static func source(_ context: EvaluationContext) throws -> any SequenceSource {
    guard let source = context.sequences else { throw PulsehouseError(.unsupported, "a sequence here") }
    return source
  }

  /// A value for each row; rows next to each other that name the same sequence take theirs together.
  static func next(_ names: Vector, count: Int, _ context: EvaluationContext) throws -> Vector {
    let source = try source(context)
    var builder = VectorBuilder(.bigint, capacity: count)
    var row = 0
    while row < count {
      guard case .text(let name) = names.scalar(at: row) else {
        builder.appendNull()
        row += 1
        continue
      }
      var end = row + 1
      if names.form == .constant {
        end = count
      } else {
        while end < count, names.scalar(at: end) == .text(name) { end += 1 }
      }
      for value in try source.next(name, count: end - row) { builder.append(.integer(value)) }
      row = end
    }
    return builder.finish()
  }

  static func current(_ names: Vector, count: Int, _ context: EvaluationContext) throws -> Vector {
    let source = try source(context)
    let values = try (0..<count).map { row -> Scalar in
      guard case .text(let name) = names.scalar(at: row) else { return .null }
      return .integer(try source.current(name))
    }
    return .of(.bigint, values)
  }

  static func last(count: Int, _ context: EvaluationContext) throws -> Vector {
    guard count > 0 else { return .nulls(.bigint, count: 0) }
    return .constant(.bigint, .integer(try source(context).last()), count: count)
  }

  static func set(_ arguments: [Vector], count: Int, _ context: EvaluationContext) throws -> Vector {
    let source = try source(context)
    let values = try (0..<count).map { row -> Scalar in
      guard case .text(let name) = arguments[0].scalar(at: row),
        case .integer(let value) = arguments[1].scalar(at: row),
        case .boolean(let isCalled) = arguments[2].scalar(at: row)
      else { return .null }
      try source.set(name, to: value, isCalled: isCalled)
      return .integer(value)
    }
    return .of(.bigint, values)
  }
}
