import Bytes
import Testing
import Vectors

@testable import Kernels

/// Rows stored as rows come back as they were, and their packed keys order them as a comparison of values does.
@Suite struct StoredRowsTests {
  @Test(arguments: Samples.types) func rowsComeBackAndKeysOrderThem(type: LogicalType) throws {
    var random = SeededGenerator(11)
    let types: [LogicalType] = [type, .text, .integer]
    let layout = RowLayout(types)
    for nulls in [0, 15] {
      let pools = types.map { $0.physical == .string ? StringPool($0) : nil }
      var writer = RowWriter(layout, pools: pools)
      var bounds = types.map { SortKeyBounds($0) }
      var chunks: [RowChunk] = []
      var numbers: [UInt32] = []
      var batches: [[Vector]] = []
      for (morsel, form) in [Vector.Form.flat, .dictionary, .constant, .flat, .dictionary].enumerated() {
        for count in [1, 700, 65] {
          let batch = [
            Samples.vector(type, count: count, form: form, nullShare: nulls, &random),
            Samples.vector(.text, count: count, form: morsel % 2 == 0 ? .dictionary : .flat, nullShare: nulls, &random),
            Samples.vector(.integer, count: count, form: .flat, nullShare: 0, &random),
          ]
          for column in batch.indices { bounds[column].include(batch[column]) }
          _ = writer.append(batch, rowCount: count)
          batches.append(batch)
        }
        for chunk in writer.takeChunks() {
          let first = UInt32(chunks.count << RowStore.chunkBits)
          numbers += (0..<UInt32(chunk.rowCount)).map { first + $0 }
          chunks.append(chunk)
        }
      }
      let store = RowStore(layout, chunks, hasNulls: writer.hasNulls, pools: pools)
      #expect(store.rowCount == numbers.count)
      let whole = types.indices.map { column in Concat.vectors(batches.map { $0[column] }, type: types[column]) }
      let values = whole.map { Samples.scalars($0) }
      let picked = numbers.indices.shuffled(using: &random)
      let taken = picked.map { numbers[$0] }.withUnsafeBufferPointer { buffer in
        store.columns([2, 0, 1], buffer.baseAddress!, count: buffer.count)
      }
      for (place, column) in [2, 0, 1].enumerated() {
        #expect(Samples.scalars(taken[place]) == picked.map { values[column][$0] })
      }
      let orders = types.map { _ in
        SortOrder(isDescending: Bool.random(using: &random), nullsFirst: Bool.random(using: &random))
      }
      let packing = SortKeyPacking(bounds, orders: orders, pools: pools)
      let rows = numbers.withUnsafeBufferPointer { store.rows($0.baseAddress!, count: numbers.count) }
      let words = (0..<packing.wordCount).map { word -> [UInt64] in
        let columns = packing.columns(ofWord: word).map { store.keyColumn($0, of: rows) }
        return [UInt64](unsafeUninitializedCapacity: numbers.count) { buffer, used in
          packing.encode(word: word, columns, count: numbers.count, into: buffer.baseAddress!)
          used = numbers.count
        }
      }
      for (word, bits) in zip(words, packing.wordBits) where bits < 64 {
        #expect(word.allSatisfy { $0 >> UInt64(bits) == 0 })
      }
      let comparator = RowComparator(whole, orders: orders)
      let order = numbers.indices.sorted { left, right in
        for word in words where word[left] != word[right] { return word[left] < word[right] }
        if !packing.isExact {
          let result = comparator.compare(left, right)
          if result != 0 { return result < 0 }
        }
        return left < right
      }
      #expect(order == Sort.permutation(whole, orders: orders, rowCount: numbers.count).map { Int($0) })
    }
  }

  @Test func pairsAreSortedStably() {
    var random = SeededGenerator(12)
    let sorter = PairSorter()
    for count in [0, 1, 2, 24, 25, 300, 5_000, 40_000] {
      for bits in [0, 1, 9, 40, 64] {
        for disorder in [0, 3, count] {
          let mask = bits == 64 ? UInt64.max : (1 << UInt64(bits)) - 1
          var keys = (0..<count).map { _ in UInt64.random(in: 0...(.max), using: &random) & mask }
          if disorder < count { keys.sort() }
          for _ in 0..<(disorder < count ? disorder : 0) {
            keys.swapAt(Int.random(in: 0..<count, using: &random), Int.random(in: 0..<count, using: &random))
          }
          let expected = keys.indices.sorted { keys[$0] != keys[$1] ? keys[$0] < keys[$1] : $0 < $1 }
          var rows = (0..<UInt32(count)).map { $0 }
          let before = keys
          keys.withUnsafeMutableBufferPointer { keys in
            rows.withUnsafeMutableBufferPointer { rows in
              guard let key = keys.baseAddress, let row = rows.baseAddress else { return }
              sorter.sort(key, row, count: count, bits: bits)
            }
          }
          #expect(rows.map { Int($0) } == expected)
          #expect(keys == expected.map { before[$0] })
        }
      }
    }
  }

  /// Integers of a known range are stored in fewer bytes, NULLs with whatever lies under them.
  @Test(arguments: [LogicalType.smallint, .integer, .bigint, .timestamp], [200, 60_000, 4_000_000_000, Int64.max])
  func narrowRowsComeBack(type: LogicalType, span: Int64) throws {
    var random = SeededGenerator(12)
    let limits: ClosedRange<Int64> =
      switch type.physical {
      case .int16: -32_768...32_767
      case .int32: -2_147_483_648...2_147_483_647
      default: (.min)...(.max)
      }
    for low in [limits.lowerBound, -100, limits.upperBound - min(span, limits.upperBound)] {
      let (sum, isOver) = low.addingReportingOverflow(span)
      let high = isOver ? limits.upperBound : min(sum, limits.upperBound)
      let layout = RowLayout([type, .text], ranges: [low...high, nil])
      let values = (0..<600).map { row -> Scalar in
        row % 11 == 3
          ? .null : .integer(row == 0 ? low : (row == 1 ? high : Int64.random(in: low...high, using: &random)))
      }
      let flat = Vector.of(type, values)
      let all = values.map { $0.isNull ? Scalar.integer(low) : $0 }
      let entries = Vector.of(type, all)
      let pools: [StringPool?] = [nil, StringPool(.text)]
      var writer = RowWriter(layout, pools: pools)
      let codes = AlignedBuffer(byteCount: 600 * 4)
      for row in 0..<600 { codes.values(as: UInt32.self)[row] = UInt32(599 - row) }
      let coded = Vector(codes: codes, count: 600, dictionary: entries)
      let text = Samples.vector(.text, count: 600, form: .flat, nullShare: 5, &random)
      for column in [flat, coded] { _ = writer.append([column, text], rowCount: 600) }
      let store = RowStore(layout, writer.takeChunks(), hasNulls: writer.hasNulls, pools: pools)
      let numbers = (0..<1200).map { UInt32($0 >= 600 ? 1 << RowStore.chunkBits | ($0 - 600) : $0) }
      let taken = numbers.withUnsafeBufferPointer { store.columns([0], $0.baseAddress!, count: 1200) }
      #expect(Samples.scalars(taken[0]) == values + all.reversed())
    }
  }
}
