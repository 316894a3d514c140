/// How many terminal cells text takes: 0 for combining marks and controls, 2 for wide East Asian letters and emoji.
package enum DisplayWidth {
  package static func of(_ text: String) -> Int {
    var width = 0
    var isASCII = true
    for byte in text.utf8 where byte >= 0x80 || byte < 0x20 {
      isASCII = false
      break
    }
    if isASCII { return text.utf8.count }
    for scalar in text.unicodeScalars { width += cells(scalar) }
    return width
  }

  /// Cuts `text` to at most `width` cells, ending in an ellipsis when something was cut.
  package static func truncate(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    guard width > 0 else { return "" }
    var kept = String.UnicodeScalarView()
    var used = 0
    for scalar in text.unicodeScalars {
      let next = cells(scalar)
      if used + next > width - 1 { break }
      kept.append(scalar)
      used += next
    }
    return String(kept) + "…"
  }

  /// Adds blanks on the right (or left) until `text` takes `width` cells.
  package static func pad(_ text: String, to width: Int, onLeft: Bool = false) -> String {
    let missing = width - of(text)
    guard missing > 0 else { return text }
    let blanks = String(repeating: " ", count: missing)
    return onLeft ? blanks + text : text + blanks
  }

  private static func cells(_ scalar: Unicode.Scalar) -> Int {
    let value = scalar.value
    if value < 0x20 || (value >= 0x7f && value < 0xa0) { return 0 }
    if value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
      return 2
    default: return 1
    }
  }
}
