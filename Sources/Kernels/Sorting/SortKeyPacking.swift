import Bytes
import Vectors

/// Sort columns as unsigned words whose order is the rows' order, packed by the columns' bounds: each gives a NULL bit
/// (only where it has NULLs) and its value, moved down by the least one, in as many bits as the bounds need.
///
/// Descending columns are complemented; strings give their rank. A numeric column that 128 bits at one scale do not
/// hold ends the packing: `exactColumns` says how many leading columns the words settle, the rest is for a
/// `RowComparator`.
package struct SortKeyPacking: Sendable {
  /// Some bits of a word.
  private struct Piece: Sendable {
    enum Part: Sendable { case null, first, second }
    let column: Int
    let part: Part
    let bits: Int
    var word = 0
    var shift: UInt64 = 0
  }

  package let orders: [SortOrder]
  package let exactColumns: Int
  /// Bits used by each word, from the low end; the rest are zero.
  package let wordBits: [Int]
  private let pieces: [Piece]
  private let bounds: [SortKeyBounds]
  /// Of string columns: the rank of each number of their pool, and the greatest.
  private let ranks: [[UInt32]?]
  private let greatestRanks: [UInt64]

  package var wordCount: Int { wordBits.count }
  package var isExact: Bool { exactColumns == orders.count }

  /// Takes the columns in order of weight; `pools` names the pool that a string column's numbers come from.
  package init(_ bounds: [SortKeyBounds], orders: [SortOrder], pools: [StringPool?]) {
    precondition(bounds.count == orders.count && bounds.count == pools.count, "an order for every column")
    self.bounds = bounds
    self.orders = orders
    let ranks = pools.map { $0?.ranked() }
    self.ranks = ranks
    let greatest = ranks.map { UInt64($0?.max() ?? 0) }
    greatestRanks = greatest
    var pieces: [Piece] = []
    var exact = 0
    for column in bounds.indices {
      let bound = bounds[column]
      guard bound.isPackable else { break }
      if bound.hasNulls { pieces.append(Piece(column: column, part: .null, bits: 1)) }
      func width(_ low: UInt64, _ high: UInt64) -> Int { low > high ? 0 : 64 - (high - low).leadingZeroBitCount }
      switch bound.type.physical {
      case .string:
        pieces.append(Piece(column: column, part: .first, bits: width(0, greatest[column])))
      case .numeric:
        if let most = bound.mostSmallNumeric {
          pieces.append(Piece(column: column, part: .first, bits: width(0, 2 * most)))
        } else {
          pieces.append(Piece(column: column, part: .first, bits: 64))
          pieces.append(Piece(column: column, part: .second, bits: 64))
        }
      case .uuid, .interval:
        pieces.append(Piece(column: column, part: .first, bits: width(bound.low.0, bound.high.0)))
        pieces.append(Piece(column: column, part: .second, bits: width(bound.low.1, bound.high.1)))
      default:
        pieces.append(Piece(column: column, part: .first, bits: width(bound.low.0, bound.high.0)))
      }
      exact += 1
    }
    exactColumns = exact
    pieces.removeAll { $0.bits == 0 }
    var bits: [Int] = []
    for index in pieces.indices {
      if bits.isEmpty || bits[bits.count - 1] + pieces[index].bits > 64 { bits.append(0) }
      bits[bits.count - 1] += pieces[index].bits
      pieces[index].word = bits.count - 1
    }
    var left = bits
    for index in pieces.indices {
      left[pieces[index].word] -= pieces[index].bits
      pieces[index].shift = UInt64(left[pieces[index].word])
    }
    wordBits = bits
    self.pieces = pieces
  }

  /// How many high bits of the first word belong to the first `count` columns, and whether these bits are all that
  /// the columns have, so that rows with equal bits are equal in them.
  package func leadingBits(_ count: Int) -> (bits: Int, isWhole: Bool) {
    guard !wordBits.isEmpty else { return (0, exactColumns >= count) }
    let own = pieces.filter { $0.column < count }
    let bits = own.filter { $0.word == 0 }.reduce(0) { $0 + $1.bits }
    return (bits, exactColumns >= count && own.allSatisfy { $0.word == 0 })
  }

  /// Columns that a word has bits of.
  package func columns(ofWord word: Int) -> [Int] {
    var result: [Int] = []
    for piece in pieces where piece.word == word && result.last != piece.column { result.append(piece.column) }
    return result
  }

  /// Writes a word of each row. `columns` are the values of `columns(ofWord:)`, in that order, flat; a string column is
  /// one of `UInt32` numbers of its pool.
  package func encode(word: Int, _ columns: [Vector], count: Int, into output: UnsafeMutablePointer<UInt64>) {
    output.update(repeating: 0, count: count)
    let positions = self.columns(ofWord: word)
    for piece in pieces where piece.word == word {
      guard let place = positions.firstIndex(of: piece.column) else { continue }
      encode(piece, columns[place], count, output)
    }
  }

  private func encode(_ piece: Piece, _ vector: Vector, _ count: Int, _ output: UnsafeMutablePointer<UInt64>) {
    let order = orders[piece.column]
    let bound = bounds[piece.column]
    let mask = vector.validity
    let shift = piece.shift
    if piece.part == .null {
      // 1 for the rows that come last.
      let flip: UInt64 = order.nullsFirst ? 0 : 1
      for row in 0..<count {
        let valid = mask.map { ($0.words[row >> 6] >> UInt64(row & 63)) & 1 } ?? 1
        output[row] |= (valid ^ flip) << shift
      }
      return
    }
    let isFirst = piece.part == .first
    let (low, high) = isFirst ? (bound.low.0, bound.high.0) : (bound.low.1, bound.high.1)
    let base = order.isDescending ? high : low
    @inline(__always) func put<T: BitwiseCopyable>(
      _ type: T.Type, _ base: UInt64, _ isDescending: Bool, _ key: (T) -> UInt64
    ) {
      let values = UnsafePointer(vector.buffer.values(as: type))
      var row = 0
      if let mask {
        while row < count {
          let word = isDescending ? base &- key(values[row]) : key(values[row]) &- base
          if mask.isValid(row) { output[row] |= word << shift }
          row &+= 1
        }
      } else if isDescending {
        while row < count {
          output[row] |= (base &- key(values[row])) << shift
          row &+= 1
        }
      } else {
        while row < count {
          output[row] |= (key(values[row]) &- base) << shift
          row &+= 1
        }
      }
    }
    let down = order.isDescending
    switch bound.type.physical {
    case .boolean: put(UInt8.self, base, down) { KeyBits.signed($0) }
    case .int16: put(Int16.self, base, down) { KeyBits.signed($0) }
    case .int32: put(Int32.self, base, down) { KeyBits.signed($0) }
    case .int64: put(Int64.self, base, down) { KeyBits.signed($0) }
    case .float32: put(Float.self, base, down) { KeyBits.float(Double($0)) }
    case .float64: put(Double.self, base, down) { KeyBits.float($0) }
    case .uuid:
      if isFirst { put(UUIDValue.self, base, down) { $0.high } } else { put(UUIDValue.self, base, down) { $0.low } }
    case .interval:
      if isFirst {
        put(Interval.self, base, down) { KeyBits.wide($0.span).0 }
      } else {
        put(Interval.self, base, down) { KeyBits.wide($0.span).1 }
      }
    case .numeric:
      let scale = bound.scale
      if let most = bound.mostSmallNumeric {
        let base = down ? KeyBits.signed(Int64(most)) : KeyBits.signed(-Int64(most))
        put(Numeric.self, base, down) { value in
          let power = PowerOfTen.int128(min(max(scale &- value.scale, 0), 38))
          return KeyBits.signed(Int64(truncatingIfNeeded: value.mantissa &* power))
        }
        return
      }
      // Each word complemented by itself is the whole complemented: nothing is borrowed between them.
      put(Numeric.self, down ? .max : 0, down) { value in
        let words = KeyBits.wide(value.mantissa &* PowerOfTen.int128(min(max(scale &- value.scale, 0), 38)))
        return isFirst ? words.0 : words.1
      }
    case .string:
      guard let ranks = ranks[piece.column] else { return }
      ranks.withUnsafeBufferPointer { rank in
        put(UInt32.self, down ? greatestRanks[piece.column] : 0, down) { UInt64(rank[Int($0)]) }
      }
    }
  }
}
