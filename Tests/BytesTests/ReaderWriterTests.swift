import Bytes
import Testing

@Suite struct ReaderWriterTests {
  @Test func everythingComesBack() throws {
    var writer = ByteWriter()
    writer.append(UInt8(7))
    writer.append(UInt16(0x1234))
    writer.append(UInt32.max)
    writer.append(UInt64.max)
    writer.append(Int32.min)
    writer.append(Int64.min)
    writer.append(-0.0)
    writer.append(true)
    for value in [0, 127, 128, 16_383, 16_384, UInt64.max] { writer.appendVarint(value) }
    writer.append("Åse 🙂")
    writer.append([1, 2, 3])
    writer.append(ContentHash(low: 1, high: 2))
    writer.pad(to: 8)
    #expect(writer.count % 8 == 0)
    try ByteReader.reading(writer.bytes, source: "test") { reader throws(PulsehouseError) in
      #expect(try reader.readUInt8() == 7)
      #expect(try reader.readUInt16() == 0x1234)
      #expect(try reader.readUInt32() == .max)
      #expect(try reader.readUInt64() == .max)
      #expect(try reader.readInt32() == .min)
      #expect(try reader.readInt64() == .min)
      #expect(try reader.readDouble().sign == .minus)
      #expect(try reader.readBool())
      for value in [0, 127, 128, 16_383, 16_384, UInt64.max] { #expect(try reader.readVarint() == value) }
      #expect(try reader.readString() == "Åse 🙂")
      #expect(try reader.readBytes() == [1, 2, 3])
      #expect(try reader.readHash() == ContentHash(low: 1, high: 2))
      try reader.skipPadding(to: 8)
      try reader.expectEnd()
    }
  }

  @Test func integersAreLittleEndian() {
    var writer = ByteWriter()
    writer.append(UInt32(0x0403_0201))
    #expect(writer.bytes == [1, 2, 3, 4])
    writer.overwrite(UInt32(9), at: 0)
    #expect(writer.bytes == [9, 0, 0, 0])
  }

  @Test(
    arguments: [
      [0x80],  // a number that never ends
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],  // 65 bits
      [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1],  // a length longer than the bytes
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],  // a length beyond Int
      [2, 0xC3, 0x28],  // not UTF-8
    ] as [[UInt8]])
  func damageIsReported(_ bytes: [UInt8]) {
    let error = #expect(throws: PulsehouseError.self) {
      try ByteReader.reading(bytes, source: "somewhere") { reader throws(PulsehouseError) in
        _ = try reader.readString()
      }
    }
    #expect(error?.kind == .corrupt)
    #expect(error?.file == "somewhere")
  }

  @Test func everyTruncationThrows() {
    var writer = ByteWriter()
    writer.append("some text")
    writer.append(UInt64(5))
    writer.append([1, 2, 3, 4])
    for length in 0..<writer.count {
      #expect(throws: PulsehouseError.self) {
        try ByteReader.reading(Array(writer.bytes.prefix(length)), source: "cut") { reader throws(PulsehouseError) in
          _ = try reader.readString()
          _ = try reader.readUInt64()
          _ = try reader.readBytes()
        }
      }
    }
  }

  @Test func errorsNameTheOffset() {
    let error = #expect(throws: PulsehouseError.self) {
      try [UInt8](repeating: 0, count: 10).withRawBytes { raw throws(PulsehouseError) in
        var reader = ByteReader(raw, source: "x", baseOffset: 100)
        _ = try reader.readUInt64()
        _ = try reader.readUInt64()
      }
    }
    #expect(error?.message.contains("108") == true)
  }
}
