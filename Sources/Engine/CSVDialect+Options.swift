import Bytes
import SQLSyntax

extension CSVDialect {
  /// Reads the options of COPY: format, header, delimiter, quote, escape, null.
  ///
  /// - Throws: `.unsupported` for another format than csv, `.user` 22023 for an option that makes no sense.
  package init(_ options: [StatementOption]) throws(PulsehouseError) {
    self.init(hasHeader: false)
    var hasEscape = false
    for option in options {
      switch option.name {
      case "format":
        guard case .text("csv")? = option.value else {
          throw PulsehouseError(
            .unsupported, "COPY in another format than csv and parquet is not supported",
            hint: "Write COPY ... WITH (FORMAT csv).", range: option.range.bytes)
        }
      case "header": hasHeader = try CSVDialect.flag(option)
      case "delimiter": delimiter = try CSVDialect.byte(option)
      case "quote":
        quote = try CSVDialect.byte(option)
        if !hasEscape { escape = quote }
      case "escape":
        escape = try CSVDialect.byte(option)
        hasEscape = true
      case "null":
        guard case .text(let text)? = option.value else { throw CSVDialect.invalid(option) }
        null = Array(text.utf8)
      case "force_quote":
        guard case .star? = option.value else {
          throw PulsehouseError(
            .unsupported, "FORCE_QUOTE of single columns is not supported", range: option.range.bytes)
        }
        quotesAll = true
      case "encoding":
        guard case .text(let name)? = option.value, ["utf8", "utf-8"].contains(name.lowercased()) else {
          throw PulsehouseError(
            .unsupported, "COPY in another encoding than UTF-8 is not supported", range: option.range.bytes)
        }
      default:
        throw PulsehouseError(
          .user, "option \"\(option.name)\" not recognized", sqlState: "42601",
          hint: "COPY takes format, header, delimiter, quote, escape, null, force_quote, encoding.",
          range: option.range.bytes)
      }
    }
    try validate()
  }

  private static func flag(_ option: StatementOption) throws(PulsehouseError) -> Bool {
    switch option.value {
    case nil: return true
    case .boolean(let value)?: return value
    case .integer(let value)? where value == 0 || value == 1: return value == 1
    case .text(let text)?:
      switch text.lowercased() {
      case "true", "on", "match": return true
      case "false", "off": return false
      default: throw invalid(option)
      }
    default: throw invalid(option)
    }
  }

  private static func byte(_ option: StatementOption) throws(PulsehouseError) -> UInt8 {
    guard case .text(let text)? = option.value, text.utf8.count == 1, let byte = text.utf8.first else {
      throw PulsehouseError(
        .user, "COPY \(option.name) must be a single one-byte character", sqlState: "0A000",
        range: option.range.bytes)
    }
    return byte
  }

  private static func invalid(_ option: StatementOption) -> PulsehouseError {
    PulsehouseError(
      .user, "COPY option \"\(option.name)\" does not take this value", sqlState: "22023", range: option.range.bytes)
  }
}
