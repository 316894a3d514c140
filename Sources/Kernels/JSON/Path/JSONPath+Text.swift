/// A path as PostgreSQL shows it.
extension JSONPath {
  func write(_ out: TextBuffer) {
    if isStrict { out.append("strict " as StaticString) }
    JSONPath.write(chain, out, brackets: true)
  }

  private static func write(_ chain: Chain, _ out: TextBuffer, brackets: Bool) {
    for (index, step) in chain.enumerated() {
      step.write(out, hasNext: index + 1 < chain.count, brackets: brackets || index > 0)
    }
  }

  fileprivate static func write(_ chain: Chain, _ out: TextBuffer, within step: Step) {
    write(chain, out, brackets: (chain.first?.priority ?? 6) <= step.priority)
  }

  fileprivate static func writePlain(_ chain: Chain, _ out: TextBuffer) { write(chain, out, brackets: false) }
}

extension JSONPath.Step {
  fileprivate func write(_ out: TextBuffer, hasNext: Bool, brackets: Bool) {
    switch self {
    case .null: out.append("null" as StaticString)
    case .boolean(let value): out.append(value ? "true" : "false" as StaticString)
    case .number(let digits):
      out.append(string: (hasNext ? "(" : "") + String(decoding: digits, as: UTF8.self) + (hasNext ? ")" : ""))
    case .string(let text): JSONValue.write(string: text, out)
    case .variable(let name):
      out.append(0x24)
      JSONValue.write(string: name, out)
    case .root: out.append(0x24)
    case .current: out.append(0x40)
    case .last: out.append("last" as StaticString)
    case .key(let key):
      out.append(0x2E)
      JSONValue.write(string: key, out)
    case .anyKey: out.append(".*" as StaticString)
    case .anyElement: out.append("[*]" as StaticString)
    case .anyLevel(let first, let last): out.append(string: "." + JSONPath.Step.levels(first, last))
    case .method(let method): out.append(string: ".\(method.rawValue)()")
    case .subscripts(let subscripts): JSONPath.Step.write(subscripts, out)
    case .filter(let condition): write("?(", condition, ")", out)
    case .not(let operand): write("!(", operand, ")", out)
    case .exists(let operand): write("exists (", operand, ")", out)
    case .isUnknown(let operand): write("(", operand, ") is unknown", out)
    case .and(let left, let right): writeInfix(left, "&&", right, out, brackets: brackets)
    case .or(let left, let right): writeInfix(left, "||", right, out, brackets: brackets)
    case .compare(let comparison, let left, let right):
      writeInfix(left, comparison.rawValue, right, out, brackets: brackets)
    case .startsWith(let left, let right): writeInfix(left, "starts with", right, out, brackets: brackets)
    case .arithmetic(let operation, let left, let right):
      writeInfix(left, operation.rawValue, right, out, brackets: brackets)
    case .likeRegex(let operand, let pattern):
      bracketed(brackets, out) {
        JSONPath.write(operand, out, within: self)
        out.append(" like_regex " as StaticString)
        JSONValue.write(string: pattern.text, out)
        if !pattern.flags.isEmpty { out.append(string: " flag \"\(pattern.shownFlags)\"") }
      }
    case .sign(let isNegative, let operand):
      bracketed(brackets, out) {
        out.append(isNegative ? 0x2D : 0x2B)
        JSONPath.write(operand, out, within: self)
      }
    }
  }

  private func write(_ head: String, _ chain: JSONPath.Chain, _ tail: String, _ out: TextBuffer) {
    out.append(string: head)
    JSONPath.writePlain(chain, out)
    out.append(string: tail)
  }

  private func bracketed(_ brackets: Bool, _ out: TextBuffer, _ body: () -> Void) {
    if brackets { out.append(0x28) }
    body()
    if brackets { out.append(0x29) }
  }

  private func writeInfix(
    _ left: JSONPath.Chain, _ symbol: String, _ right: JSONPath.Chain, _ out: TextBuffer, brackets: Bool
  ) {
    bracketed(brackets, out) {
      JSONPath.write(left, out, within: self)
      out.append(string: " \(symbol) ")
      JSONPath.write(right, out, within: self)
    }
  }

  private static func write(_ subscripts: [JSONPath.Subscript], _ out: TextBuffer) {
    out.append(0x5B)
    for (index, part) in subscripts.enumerated() {
      if index > 0 { out.append(0x2C) }
      JSONPath.writePlain(part.first, out)
      if let last = part.last {
        out.append(" to " as StaticString)
        JSONPath.writePlain(last, out)
      }
    }
    out.append(0x5D)
  }

  private static func levels(_ first: Int?, _ last: Int?) -> String {
    switch (first, last) {
    case (0?, nil): "**"
    case (nil, nil): "**{last}"
    case (let first?, let last?): first == last ? "**{\(first)}" : "**{\(first) to \(last)}"
    case (let first?, nil): "**{\(first) to last}"
    case (nil, let last?): "**{last to \(last)}"
    }
  }
}
