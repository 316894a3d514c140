import Bytes
import Testing
import Vectors

@Suite struct VectorTests {
  static let lengths = [0, 1, 63, 64, 65, 2047, 2048, 2049]

  @Test(arguments: lengths) func builderKeepsValuesAndNulls(count: Int) {
    var builder = VectorBuilder(.integer, capacity: 1)
    for row in 0..<count { row % 3 == 1 ? builder.appendNull() : builder.append(Int32(row)) }
    let vector = builder.finish()
    #expect(vector.count == count)
    for row in 0..<count {
      #expect(vector.scalar(at: row) == (row % 3 == 1 ? .null : .integer(Int64(row))))
    }
    #expect(vector.nullCount == (0..<count).filter { $0 % 3 == 1 }.count)
  }

  @Test(arguments: lengths) func slicesOfMasksKeepTheirRows(count: Int) {
    let mask = ValidityMask(count: count, allValid: true)
    for row in stride(from: 0, to: count, by: 7) { mask.set(row, valid: false) }
    for start in [0, 1, 5, 63, 64, 65, 1000] where start <= count {
      let slice = mask.slice(start..<count)
      #expect(slice.count == count - start)
      for row in 0..<slice.count { #expect(slice.isValid(row) == mask.isValid(start + row)) }
      #expect(slice.nullCount == (start..<count).filter { $0 % 7 == 0 }.count)
    }
  }

  @Test func stringsOrderByBytesWhateverTheirLength() {
    let words = [
      "", "a", "ab", "abc", "abcd", "abcde", "abcdefghijkl", "abcdefghijklm", "abcdefghijklmn", "b", "é", "漢字漢字漢字",
    ]
    let heap = StringHeap()
    let references = words.map { heap.intern($0) }
    for (left, leftWord) in zip(references, words) {
      #expect(left.string == leftWord)
      for (right, rightWord) in zip(references, words) {
        #expect((left == right) == (leftWord == rightWord))
        #expect((left < right) == leftWord.utf8.lexicographicallyPrecedes(rightWord.utf8))
      }
    }
  }

  @Test(arguments: lengths) func everyFormFlattensToTheSameRows(count: Int) {
    let dictionary = Vector.of(.text, [.text("Schlafen"), .text("a word longer than twelve"), .text("")])
    let codes = AlignedBuffer(byteCount: count * 4)
    for row in 0..<count { codes.values(as: UInt32.self)[row] = UInt32(row % 3) }
    let mask = ValidityMask(count: count, allValid: true)
    for row in 0..<count where row % 5 == 0 { mask.set(row, valid: false) }
    let coded = Vector(codes: codes, count: count, dictionary: dictionary, validity: mask)
    let flat = coded.flattened()
    for row in 0..<count { #expect(flat.scalar(at: row) == coded.scalar(at: row)) }
    let part = coded.slice((count / 2)..<count)
    for row in 0..<part.count { #expect(part.scalar(at: row) == coded.scalar(at: count / 2 + row)) }

    for value in [Scalar.null, .double(-0.0)] {
      let constant = Vector.constant(.double, value, count: count)
      let spread = constant.flattened()
      for row in 0..<count { #expect(spread.scalar(at: row) == value && constant.scalar(at: row) == value) }
      #expect(constant.nullCount == (value.isNull ? count : 0))
    }
  }

  @Test func numericsPrintTheirScale() {
    #expect(Numeric(mantissa: -5, scale: 3).description == "-0.005")
    #expect(Numeric(mantissa: 150, scale: 2).description == "1.50")
    #expect(Numeric(mantissa: 0, scale: 0).description == "0")
    #expect(Numeric.nan.description == "NaN")
  }

  @Test(arguments: 0...9) func labelsAreFoundByTheirPositions(count: Int) {
    let labels = (0..<count).map { EnumerationType.Label(position: Int32($0) * 10, text: "label \($0)") }
    let type = EnumerationType(identifier: 1, schema: "public", name: "t", labels: labels)
    for position in Int32(-1)...Int32(count * 10) {
      let expected = position >= 0 && position % 10 == 0 && Int(position) < count * 10
      #expect(type.label(at: position) == (expected ? "label \(position / 10)" : nil))
    }
    for label in labels { #expect(type.position(of: label.text) == label.position) }
    #expect(type.position(of: "other") == nil)
    // Two that say the same are one type, also where they are two objects.
    #expect(type == EnumerationType(identifier: 1, schema: "public", name: "t", labels: labels))
    #expect(type != EnumerationType(identifier: 1, schema: "public", name: "u", labels: labels))
  }
}
