import Bytes
import Vectors

extension JSONFunctions {
  /// `row_to_json(row, true)`, `array_to_json(array, true)`: JSON without blanks, with a line for each of its own members.
  package static func lines(_ json: Vector) throws -> Vector {
    mapText(json, .json) { json, out in
      json.withBytes { bytes in
        var depth = 0
        var isText = false
        var isEscaped = false
        for byte in bytes {
          out.append(byte)
          if isText {
            if isEscaped {
              isEscaped = false
            } else if byte == 0x5C {
              isEscaped = true
            } else if byte == 0x22 {
              isText = false
            }
            continue
          }
          switch byte {
          case 0x22: isText = true
          case 0x5B, 0x7B: depth += 1
          case 0x5D, 0x7D: depth -= 1
          case 0x2C where depth == 1: out.append("\n " as StaticString)
          default: break
          }
        }
      }
      return true
    }
  }
}
