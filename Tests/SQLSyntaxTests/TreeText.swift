import SQLSyntax

/// Writes a syntax tree as one compact line: types in parentheses, places and empty parts left out.
enum TreeText {
  static func of(_ value: Any) -> String {
    switch value {
    case let text as String: return "'" + text + "'"
    case let flag as Bool: return String(flag)
    case let number as any BinaryInteger: return String(number)
    case is SourceRange: return ""
    case let name as OperatorName: return (name.schema.map { $0 + "." } ?? "") + name.symbol
    default: break
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.map { of($0.value) } ?? ""
    case .collection: return "[" + mirror.children.map { orBlank($0.value) }.joined(separator: " ") + "]"
    case .tuple:
      return parts(mirror).joined(separator: " ")
    case .enum:
      guard let child = mirror.children.first, let label = child.label else { return "\(value)" }
      let inner = of(child.value)
      return inner.isEmpty ? label : "(\(label) \(inner))"
    case .struct, .class:
      if value is Expression, let node = mirror.children.first { return of(node.value) }
      return "{" + parts(mirror).joined(separator: " ") + "}"
    default: return "\(value)"
    }
  }

  private static func parts(_ mirror: Mirror) -> [String] {
    mirror.children.compactMap { child in
      let text = of(child.value)
      guard let label = child.label, !label.hasPrefix(".") else {
        return child.value is SourceRange ? nil : text.isEmpty ? "_" : text
      }
      if text.isEmpty || text == "[]" || child.value as? Bool == false { return nil }
      return label + ":" + text
    }
  }

  private static func orBlank(_ value: Any) -> String {
    let text = of(value)
    return text.isEmpty ? "_" : text
  }
}
