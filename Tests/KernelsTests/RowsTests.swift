import Bytes
import Testing
import Vectors

@testable import Kernels

@Suite struct RowsTests {
  static let forms: [Vector.Form] = [.flat, .constant, .dictionary]

  @Test(arguments: Samples.types) func gatherTakesTheRowsNamed(type: LogicalType) {
    var random = SeededGenerator(1)
    for count in Samples.lengths {
      for form in Self.forms {
        for nulls in [0, 30] {
          let vector = Samples.vector(type, count: count, form: form, nullShare: nulls, &random)
          let expected = Samples.scalars(vector)
          let indices = (0..<(count == 0 ? 0 : count + 3)).map { _ in
            UInt32.random(in: 0..<UInt32(count), using: &random)
          }
          let taken = Gather.rows(vector, SelectionVector(indices))
          #expect(Samples.scalars(taken) == indices.map { expected[Int($0)] })
          let removed = (0..<count).filter { _ in Int.random(in: 0..<40, using: &random) == 0 }.map { UInt32($0) }
          let rest = Gather.rows(Batch([vector], rowCount: count), without: removed)
          let kept = expected.indices.filter { !removed.contains(UInt32($0)) }.map { expected[$0] }
          #expect(rest.rowCount == kept.count && Samples.scalars(rest.columns[0]) == kept)
          let outer = (0..<count).map { _ in Int32.random(in: -1..<Int32(max(count, 1)), using: &random) }
          let joined = outer.withUnsafeBufferPointer { Gather.rows(vector, orNull: $0) }
          #expect(Samples.scalars(joined) == outer.map { $0 < 0 ? .null : expected[Int($0)] })
        }
      }
    }
  }

  @Test(arguments: Samples.types) func concatKeepsEveryRowWhateverTheForms(type: LogicalType) {
    var random = SeededGenerator(2)
    for _ in 0..<20 {
      let parts = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        Samples.vector(
          type, count: [0, 1, 63, 64, 65, 130].randomElement(using: &random) ?? 0,
          form: Self.forms.randomElement(using: &random) ?? .flat,
          nullShare: [0, 20].randomElement(using: &random) ?? 0,
          &random)
      }
      let whole = Concat.vectors(parts, type: type)
      #expect(whole.type == type)
      #expect(Samples.scalars(whole) == parts.flatMap { Samples.scalars($0) })
    }
  }

  /// Rows that are gathered into an arena lie end to end, whatever is taken between them, and are what they were; where
  /// its memory ends they are put together all the same.
  @Test(arguments: Samples.types) func gatheredRowsLieEndToEndInAnArena(type: LogicalType) {
    var random = SeededGenerator(3)
    for form in Self.forms {
      for nulls in [0, 30] {
        for capacity in [1, 130, 1000] {
          let arena = RowArena(rowCapacity: capacity)
          for _ in 0..<2 {
            let vector = Samples.vector(type, count: 65, form: form, nullShare: nulls, &random)
            let expected = Samples.scalars(vector)
            var parts: [Vector] = []
            var rows: [Int32] = []
            for count in [1, 63, 65, 1, 100] {
              let indices = (0..<count).map { _ in Int32.random(in: (nulls == 0 ? 0 : -1)..<65, using: &random) }
              parts.append(indices.withUnsafeBufferPointer { Gather.rows(vector, orNull: $0, into: arena.column(7)) })
              _ = arena.column(8).take(count, stride: 8)
              rows += indices
            }
            let whole = Concat.vectors(parts, type: type)
            #expect(Samples.scalars(whole) == rows.map { $0 < 0 ? .null : expected[Int($0)] })
            if form == .flat, type.physical != .string, capacity == 1000 {
              #expect(whole.buffer.base == parts[0].buffer.base)
            }
            arena.reset()
            // What was handed out stays as it is when the arena goes on.
            let next = arena.column(7).take(1000, stride: 16)
            next.base.initializeMemory(as: UInt8.self, repeating: 255, count: next.byteCount)
            #expect(Samples.scalars(whole) == rows.map { $0 < 0 ? .null : expected[Int($0)] })
            arena.reset()
          }
        }
      }
    }
  }

  @Test func concatKeepsASharedDictionary() {
    var random = SeededGenerator(3)
    let vector = Samples.vector(.text, count: 100, form: .dictionary, nullShare: 10, &random)
    let whole = Concat.vectors([vector.slice(3..<50), vector.slice(50..<99)], type: .text)
    #expect(whole.form == .dictionary && whole.dictionary === vector.dictionary)
    #expect(Samples.scalars(whole) == Array(Samples.scalars(vector)[3..<99]))
  }

  @Test(arguments: Samples.types) func equalValuesHashAlikeAndMatch(type: LogicalType) {
    var random = SeededGenerator(4)
    let count = 300
    let left = Samples.vector(type, count: count, form: .flat, nullShare: 10, &random)
    for form in Self.forms {
      let right = Samples.vector(type, count: count, form: form, nullShare: 10, &random)
      let leftHashes = Hash.rows([left], count: count)
      let rightHashes = Hash.rows([right], count: count)
      var collisions = 0
      for row in 0..<count {
        let (a, b) = (left.scalar(at: row), right.scalar(at: count - 1 - row))
        let isEqual =
          a.isNull || b.isNull ? a.isNull && b.isNull : referenceOrder(a, b, padded: type.isPadded) == 0
        let hashesAgree = leftHashes[row] == rightHashes[count - 1 - row]
        if isEqual { #expect(hashesAgree, "\(a) and \(b)") } else if hashesAgree { collisions += 1 }
        for nullsMatch in [false, true] {
          var mask: UInt8 = 1
          RowMatch.refine(
            left, [UInt32(row)], right, [UInt32(count - 1 - row)], count: 1, nullsMatch: nullsMatch, &mask)
          #expect((mask == 1) == (isEqual && (nullsMatch || !a.isNull)))
        }
      }
      #expect(collisions == 0)
    }
  }

  @Test func columnOrderMattersToTheHash() {
    let a = Vector.of(.integer, [.integer(1), .integer(2)])
    let b = Vector.of(.integer, [.integer(2), .integer(1)])
    let hashes = Hash.rows([a, b], count: 2)
    #expect(hashes[0] != hashes[1])
  }

  @Test(arguments: Samples.types) func sortingAgreesWithTheReference(type: LogicalType) {
    var random = SeededGenerator(5)
    for count in [0, 1, 2, 33, 65, 300, 2049] {
      for form in Self.forms {
        let first = Samples.vector(type, count: count, form: form, nullShare: count % 2 == 0 ? 0 : 10, &random)
        let second = Samples.vector(.text, count: count, form: .flat, nullShare: 10, &random)
        let orders = [
          SortOrder(isDescending: Bool.random(using: &random), nullsFirst: Bool.random(using: &random)),
          SortOrder(isDescending: Bool.random(using: &random), nullsFirst: Bool.random(using: &random)),
        ]
        let columns = [Samples.scalars(first), Samples.scalars(second)]
        let expected = (0..<count).sorted { a, b in
          for (index, column) in columns.enumerated() {
            let (x, y) = (column[a], column[b])
            if x.isNull || y.isNull {
              if x.isNull && y.isNull { continue }
              return x.isNull == orders[index].nullsFirst
            }
            let order = referenceOrder(x, y, padded: index == 0 && type.isPadded)
            if order != 0 { return (order < 0) != orders[index].isDescending }
          }
          return a < b
        }
        let rows = Sort.permutation([first, second], orders: orders, rowCount: count)
        #expect(rows.map { Int($0) } == expected)
        let comparator = RowComparator([first, second], orders: orders)
        for position in stride(from: 1, to: count, by: 7) {
          #expect(comparator.compare(Int(rows[position - 1]), Int(rows[position])) <= 0)
        }
      }
    }
  }

  @Test func selectionsComeFromMasksAndBooleans() {
    var random = SeededGenerator(6)
    for count in Samples.lengths {
      let vector = Samples.vector(.boolean, count: count, form: .flat, nullShare: 20, &random)
      let expected = (0..<count).filter { vector.scalar(at: $0) == .boolean(true) }.map { UInt32($0) }
      #expect(SelectionVector(whereTrue: vector).indices == expected)
    }
  }
}
