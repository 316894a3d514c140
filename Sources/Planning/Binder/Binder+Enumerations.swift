import Bytes
import SQLSyntax
import Vectors

/// Enumerated types: CREATE and ALTER TYPE, and the functions over a type's labels.
extension Binder {
  /// Bytes of a label, as PostgreSQL has it.
  private static let maximumLabelLength = 63

  /// The labels of a new type. - Throws: 23505 for one that stands twice, 42602 for one that is too long.
  func enumerationLabels(_ texts: [String], _ range: SourceRange) throws -> [EnumerationType.Label] {
    var labels: [EnumerationType.Label] = []
    for text in texts {
      try requireLabel(text, range)
      if labels.contains(where: { $0.text == text }) {
        throw BinderError.user(
          "23505", "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"", range)
      }
      let position = Int64(labels.count + 1) * Int64(EnumerationType.step)
      guard position <= Int64(Int32.max) else { throw tooMany(range) }
      labels.append(EnumerationType.Label(position: Int32(position), text: text))
    }
    return labels
  }

  private func requireLabel(_ text: String, _ range: SourceRange) throws {
    if text.isEmpty { throw BinderError.unsupported("an empty enum label", range) }
    guard text.utf8.count <= Binder.maximumLabelLength else {
      throw BinderError.user(
        "42602", "invalid enum label \"\(text)\"", range,
        detail: "Labels must be \(Binder.maximumLabelLength) bytes or less.")
    }
  }

  private func tooMany(_ range: SourceRange) -> PulsehouseError {
    BinderError.user(
      "54000", "there is no room for another label at this place of the enumerated type", range,
      hint: "Make a new type of all labels, and give the columns that.")
  }

  /// The labels of a type with another one among them, or with one renamed; nil where there is nothing to do.
  func changed(
    _ labels: [EnumerationType.Label], by action: AlterType.Action, _ range: SourceRange, _ notices: inout [String]
  ) throws -> [EnumerationType.Label]? {
    var result = labels
    switch action {
    case .addValue(let text, let ifNotExists, let neighbour, let isAfter):
      try requireLabel(text, range)
      if labels.contains(where: { $0.text == text }) {
        guard ifNotExists else {
          throw BinderError.user("42710", "enum label \"\(text)\" already exists", range)
        }
        notices.append("enum label \"\(text)\" already exists, skipping")
        return nil
      }
      var index = labels.count
      if let neighbour {
        index = try place(of: neighbour, labels, range) + (isAfter ? 1 : 0)
      }
      let position = try self.position(between: index - 1, and: index, labels, range)
      result.insert(EnumerationType.Label(position: position, text: text), at: index)
    case .renameValue(let text, let new):
      try requireLabel(new, range)
      let index = try place(of: text, labels, range)
      if labels.contains(where: { $0.text == new }) {
        throw BinderError.user("42710", "enum label \"\(new)\" already exists", range)
      }
      result[index].text = new
    default: return nil
    }
    return result
  }

  private func place(of text: String, _ labels: [EnumerationType.Label], _ range: SourceRange) throws -> Int {
    if let index = labels.firstIndex(where: { $0.text == text }) { return index }
    throw BinderError.user("22023", "\"\(text)\" is not an existing enum label", range)
  }

  /// A position between two labels, a step from the one where there is no other.
  private func position(
    between lower: Int, and upper: Int, _ labels: [EnumerationType.Label], _ range: SourceRange
  ) throws -> Int32 {
    let step = Int64(EnumerationType.step)
    let low = lower >= 0 ? Int64(labels[lower].position) : nil
    let high = upper < labels.count ? Int64(labels[upper].position) : nil
    let position: Int64 =
      switch (low, high) {
      case (nil, nil): step
      case (let low?, nil): low + step
      case (nil, let high?): high - step
      case (let low?, let high?): low + (high - low) / 2
      }
    guard position != low, let fitting = Int32(exactly: position) else { throw tooMany(range) }
    return fitting
  }

  // MARK: Functions

  /// enum_first, enum_last and enum_range; nil for other names. What the argument is does not matter, only its type.
  func bindEnumerationFunction(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ range: SourceRange
  ) throws -> Expression? {
    let counts = ["enum_first": 1...1, "enum_last": 1...1, "enum_range": 1...2]
    guard counts[name]?.contains(arguments.count) == true else { return nil }
    guard let known = arguments.first(where: { $0.type != .unknown }) else {
      throw BinderError.noFunction(name, of: arguments.map(\.type), range)
    }
    guard case .enumeration(let type) = known.type,
      arguments.allSatisfy({ $0.type == .unknown || !$0.type.isOtherEnumeration(than: known.type) })
    else {
      throw BinderError.noFunction(name, of: arguments.map(\.type), range)
    }
    func value(_ label: EnumerationType.Label) -> Expression {
      .constant(.integer(Int64(label.position)), known.type)
    }
    guard name == "enum_range" else {
      guard let label = name == "enum_first" ? type.labels.first : type.labels.last else {
        throw BinderError.user("55000", "enum \(SQLPrinter.quoted(type.name)) contains no values", range)
      }
      return value(label)
    }
    var bounds: [Int64?] = [nil, nil]
    if arguments.count == 2 {
      for (index, argument) in arguments.enumerated() {
        let bound = try coerce(argument, to: known.type, ranges[index])
        guard bound.isConstant else { throw BinderError.unsupported("enum_range between values of columns", range) }
        if case .integer(let position) = try constant(bound, range) { bounds[index] = position }
      }
    }
    let labels = type.labels.filter { label in
      Int64(label.position) >= bounds[0] ?? .min && Int64(label.position) <= bounds[1] ?? .max
    }
    if labels.isEmpty { return .constant(.text("{}"), .array(known.type)) }
    return .call(.makeArray, labels.map(value), .array(known.type))
  }
}
