/// Where a byte of a text stands for people: line and column, both from 1. A column is a character.
package struct TextPosition: Hashable, Sendable {
  package var line: Int
  package var column: Int

  package init(ofByte offset: Int, in text: String) {
    var line = 1
    var column = 1
    for byte in text.utf8.prefix(max(0, offset)) {
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    self.line = line
    self.column = column
  }
}
