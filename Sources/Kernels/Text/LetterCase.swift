import Vectors

/// Upper and lower case by Unicode's one-to-one mappings, the same on every machine.
package enum LetterCase {
  package static func upper(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      text.withBytes { convert($0, out, asciiFrom: 0x61) { $0.properties.uppercaseMapping } }
      return true
    }
  }

  package static func lower(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      text.withBytes { convert($0, out, asciiFrom: 0x41) { $0.properties.lowercaseMapping } }
      return true
    }
  }

  /// The first letter of every word in upper case, the others in lower; words are letters and digits.
  package static func initcap(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      var insideWord = false
      var result = String.UnicodeScalarView()
      for scalar in text.string.unicodeScalars {
        let mapping = insideWord ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
        result.append(single(mapping) ?? scalar)
        insideWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      }
      out.append(string: String(result))
      return true
    }
  }

  private static func single(_ mapping: String) -> Unicode.Scalar? {
    let scalars = mapping.unicodeScalars
    return scalars.count == 1 ? scalars.first : nil
  }

  @inline(__always) private static func convert(
    _ bytes: UnsafeRawBufferPointer, _ out: TextBuffer, asciiFrom first: UInt8, _ mapping: (Unicode.Scalar) -> String
  ) {
    let target = out.reserve(bytes.count)
    var high: UInt8 = 0
    for (index, byte) in bytes.enumerated() {
      high |= byte
      target[index] = byte ^ (byte &- first < 26 ? 0x20 : 0)
    }
    if high < 0x80 {
      out.advance(by: bytes.count)
      return
    }
    var result = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      result.append(single(mapping(scalar)) ?? scalar)
    }
    out.append(string: String(result))
  }
}
