import Bytes
import CYaml

/// Reads a YAML document by libyaml.
package enum YAMLParser {
  private static let depthLimit = 64
  /// Aliases may repeat what they name, but not multiply it without end.
  private static let nodeLimit = 1_000_000

  /// Reads one document; an empty text is null.
  ///
  /// - Throws: `.user` with file and line for what is no YAML, a key written twice, an unknown alias; `.unsupported` for
  ///   a second document.
  package static func parse(_ bytes: [UInt8], path: String) throws(PulsehouseError) -> YAMLValue {
    if bytes.isEmpty { return YAMLValue(.scalar("", isPlain: true), line: 1) }
    let result: Result<YAMLValue, PulsehouseError> = bytes.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress, let yaml = ph_yaml_open(start, buffer.count) else {
        return .failure(PulsehouseError(.io, "no memory", sqlState: "53200", file: path))
      }
      defer { ph_yaml_close(yaml) }
      var reader = Reader(yaml: yaml, path: path)
      do throws(PulsehouseError) {
        return .success(try reader.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private struct Reader {
    let yaml: UnsafeMutablePointer<ph_yaml>
    let path: String
    var anchors: [String: (value: YAMLValue, count: Int)] = [:]
    var nodeCount = 0

    private func failure(_ message: String, line: Int, _ kind: PulsehouseError.Kind = .user) -> PulsehouseError {
      PulsehouseError(kind, message, sqlState: "42601", file: path, line: line)
    }

    private func next() throws(PulsehouseError) -> yaml_event_type_t {
      let type = ph_yaml_next(yaml)
      guard type >= 0 else {
        let words = ph_yaml_problem(yaml).map { String(cString: $0) } ?? "it cannot be read"
        throw failure("this is no YAML: \(words)", line: ph_yaml_problem_line(yaml) + 1)
      }
      return yaml_event_type_t(UInt32(type))
    }

    private var line: Int { ph_yaml_line(yaml) + 1 }

    private var anchor: String? { ph_yaml_anchor(yaml).map { String(cString: $0) } }

    private var scalar: String {
      guard let start = ph_yaml_value(yaml) else { return "" }
      return String(decoding: UnsafeBufferPointer(start: start, count: ph_yaml_length(yaml)), as: UTF8.self)
    }

    mutating func document() throws(PulsehouseError) -> YAMLValue {
      var root = YAMLValue(.scalar("", isPlain: true), line: 1)
      var isRead = false
      while true {
        switch try next() {
        case YAML_STREAM_END_EVENT: return root
        case YAML_DOCUMENT_START_EVENT:
          if isRead { throw failure("a file of several documents is not supported", line: line, .unsupported) }
          isRead = true
          root = try value(try next(), depth: 0)
        default: break
        }
      }
    }

    private mutating func value(_ type: yaml_event_type_t, depth: Int) throws(PulsehouseError) -> YAMLValue {
      let line = self.line
      guard depth < YAMLParser.depthLimit else { throw failure("values nest too deep", line: line) }
      let name = anchor
      let before = nodeCount
      nodeCount += 1
      if type == YAML_ALIAS_EVENT {
        guard let name, let known = anchors[name] else { throw failure("there is no such anchor", line: line) }
        nodeCount += known.count
        guard nodeCount <= YAMLParser.nodeLimit else { throw failure("aliases make this too large", line: line) }
        return YAMLValue(known.value.content, line: line)
      }
      let content: YAMLValue.Content
      switch type {
      case YAML_SCALAR_EVENT: content = .scalar(scalar, isPlain: ph_yaml_is_plain(yaml) != 0)
      case YAML_SEQUENCE_START_EVENT:
        var elements: [YAMLValue] = []
        while true {
          let type = try next()
          if type == YAML_SEQUENCE_END_EVENT { break }
          elements.append(try value(type, depth: depth + 1))
        }
        content = .sequence(elements)
      case YAML_MAPPING_START_EVENT: content = .mapping(try entries(depth: depth))
      default: throw failure("this is no value", line: line)
      }
      guard nodeCount <= YAMLParser.nodeLimit else { throw failure("this is too large", line: line) }
      let value = YAMLValue(content, line: line)
      if let name { anchors[name] = (value, nodeCount - before) }
      return value
    }

    private mutating func entries(depth: Int) throws(PulsehouseError) -> [YAMLEntry] {
      var entries: [YAMLEntry] = []
      var names: Set<String> = []
      while true {
        let type = try next()
        if type == YAML_MAPPING_END_EVENT { return entries }
        let line = self.line
        guard case .scalar(let key, _) = try value(type, depth: depth + 1).content else {
          throw failure("a key is a word", line: line)
        }
        guard names.insert(key).inserted else { throw failure("the key \"\(key)\" is written twice", line: line) }
        entries.append(YAMLEntry(key: key, line: line, value: try value(try next(), depth: depth + 1)))
      }
    }
  }
}
