import Bytes

// YAML: reads the configuration and test files of a project. Tags, several documents and writing are not its affair.

/// A node of a YAML document, with the line (from 1) where it begins.
package struct YAMLValue: Hashable, Sendable {
  package indirect enum Content: Hashable, Sendable {
    /// `isPlain`: without quotes, so that `null`, `true` and numbers are not text.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLValue])
    /// In the order written; keys differ.
    case mapping([YAMLEntry])
  }

  package var content: Content
  package var line: Int

  package init(_ content: Content, line: Int) {
    self.content = content
    self.line = line
  }
}

package struct YAMLEntry: Hashable, Sendable {
  package var key: String
  package var line: Int
  package var value: YAMLValue
}

extension YAMLValue {
  package var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The words of a scalar; nil for null and for what holds other values.
  package var text: String? {
    guard case .scalar(let text, _) = content, !isNull else { return nil }
    return text
  }

  /// `true` and `false` in YAML 1.2's spellings, unquoted.
  package var boolean: Bool? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    return switch text {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  package var elements: [YAMLValue]? {
    guard case .sequence(let elements) = content else { return nil }
    return elements
  }

  package var entries: [YAMLEntry]? {
    guard case .mapping(let entries) = content else { return nil }
    return entries
  }

  /// The value of a key; nil where there is none, or no mapping.
  package subscript(_ key: String) -> YAMLValue? { entries?.first { $0.key == key }?.value }
}
