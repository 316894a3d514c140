import Bytes
import Engine
import Planning
import Vectors

/// Reads CSV and JSON files in FROM.
package struct TextFileReader: FileReader {
  package init() {}

  package func table(_ request: FileRequest) throws -> FileTable {
    switch request.function {
    case "read_csv": try CSVFileTable.table(request)
    case "read_json": try JSONFileTable.table(request)
    default: throw PulsehouseError(.internal, "no reader for \(request.function)")
    }
  }
}

extension FileRequest {
  static func guessHint(_ function: String) -> String {
    "The types were guessed from the first rows. Declare them: \(function)(...) AS t(column type, ...), or look at all "
      + "rows: sample_size := -1."
  }

  private func value(_ name: String) -> Option? { options.last { $0.name == name } }

  private func failure(_ option: Option, _ wanted: String) -> PulsehouseError {
    PulsehouseError(.user, "\(option.name) takes \(wanted)", sqlState: "22023", range: option.range)
  }

  func flag(_ name: String) throws(PulsehouseError) -> Bool? {
    guard let option = value(name) else { return nil }
    guard case .boolean(let flag) = option.value else { throw failure(option, "true or false") }
    return flag
  }

  func text(_ name: String) throws(PulsehouseError) -> String? {
    guard let option = value(name) else { return nil }
    guard case .text(let text) = option.value else { throw failure(option, "a string") }
    return text
  }

  func byte(_ name: String) throws(PulsehouseError) -> UInt8? {
    guard let option = value(name) else { return nil }
    guard case .text(let text) = option.value else { throw failure(option, "one character") }
    if text == "\\t" { return 0x09 }
    guard text.utf8.count == 1, let byte = text.utf8.first else { throw failure(option, "one character of one byte") }
    return byte
  }

  /// Rows whose values say what the types are; nil for all.
  func sampleSize() throws(PulsehouseError) -> Int? {
    guard let option = value("sample_size") else { return 20_480 }
    guard case .integer(let count) = option.value, count == -1 || count > 0 else {
      throw failure(option, "a number of rows, or -1 for all")
    }
    return count == -1 ? nil : Int(count)
  }
}
