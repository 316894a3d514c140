import Bytes
import Kernels
import Synchronization
import Vectors

/// Remembers, for one expression of one column, its results on whole dictionaries, so that rows only map codes.
///
/// A dictionary is evaluated once as many rows have asked as it has entries; until then, and for ever when one of its
/// entries raises an error (no row may have that entry), rows are evaluated one batch at a time. A few dictionaries are
/// kept, for as many workers on different row groups.
final class DictionaryCache: Sendable {
  private struct Entry {
    let dictionary: Vector
    var rowsSeen: Int
    /// The result for each entry, then one more for NULL when the expression sees NULLs.
    var result: Vector?
    var hasFailed: Bool
  }

  private static let capacity = 8
  private let entries = Mutex<[Entry]>([])

  /// Returns the results for `dictionary`'s entries if they are worth having now, making them by `evaluate`.
  func result(for dictionary: Vector, rowCount: Int, _ evaluate: () throws -> Vector) -> Vector? {
    let known: (result: Vector?, shouldTry: Bool) = entries.withLock { entries in
      if let index = entries.firstIndex(where: { $0.dictionary === dictionary }) {
        entries[index].rowsSeen += rowCount
        let entry = entries[index]
        return (entry.result, entry.result == nil && !entry.hasFailed && entry.rowsSeen >= dictionary.count)
      }
      if entries.count == Self.capacity { entries.removeFirst() }
      entries.append(Entry(dictionary: dictionary, rowsSeen: rowCount, result: nil, hasFailed: false))
      return (nil, rowCount >= dictionary.count)
    }
    guard known.shouldTry else { return known.result }
    // Outside the lock: two workers may both compute it, which is harmless.
    let made = try? evaluate()
    entries.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.dictionary === dictionary }) else { return }
      entries[index].result = made
      entries[index].hasFailed = made == nil
    }
    return made
  }
}

extension ExpressionNode {
  /// Evaluates on the dictionary of the only column read, or returns nil where that does not apply.
  func evaluateOnDictionary(_ rows: Rows, _ context: EvaluationContext) -> Vector? {
    guard let dictionaries, rows.count > 0 else { return nil }
    let position = positions[0]
    let column = rows.columns[position]
    guard let dictionary = column.dictionary, dictionary.count > 0 else { return nil }
    let result = dictionaries.result(for: dictionary, rowCount: rows.count) {
      var columns = rows.columns
      columns[position] = dictionary
      let values = try evaluateHere(Rows(columns: columns, count: dictionary.count), context).flattened()
      if isStrict { return values }
      columns[position] = .nulls(column.type, count: 1)
      let forNull = try evaluateHere(Rows(columns: columns, count: 1), context)
      return Concat.vectors([values, forNull], type: type).flattened()
    }
    guard let result else { return nil }
    return column.mapCodes(to: result, nullCode: isStrict ? nil : UInt32(dictionary.count), type: type)
  }
}

extension Vector {
  /// Replaces each row's value by entry `code` of `results`; NULL rows become entry `nullCode`, or stay NULL.
  fileprivate func mapCodes(to results: Vector, nullCode: UInt32?, type: LogicalType) -> Vector {
    var codeBuffer = buffer
    var mask = validity
    if let nullCode, let old = validity {
      codeBuffer = AlignedBuffer(byteCount: count * 4)
      let output = codeBuffer.values(as: UInt32.self)
      for row in 0..<count { output[row] = old.isValid(row) ? codes[row] : nullCode }
      mask = nil
    }
    guard results.validity != nil else {
      return Vector(codes: codeBuffer, count: count, dictionary: results, validity: mask)
    }
    let merged = ValidityMask(count: count, allValid: true)
    let input = codeBuffer.values(as: UInt32.self)
    for row in 0..<count where !(mask?.isValid(row) ?? true) || !results.isValid(Int(input[row])) {
      merged.set(row, valid: false)
    }
    let values = Vector(type, count: results.count, buffer: results.buffer, owners: results.owners)
    return Vector(codes: codeBuffer, count: count, dictionary: values, validity: merged)
  }
}
