/// A type of labels in an order of their own: CREATE TYPE ... AS ENUM.
///
/// A value lies in memory and on disk as its label's position, an `Int32`: comparing, sorting, grouping and the bounds of
/// zone maps are those of integers, whatever the labels are called. Positions are `step` apart, so that a label that is
/// added between two others takes the middle and no stored value changes.
package final class EnumerationType: Hashable, Sendable {
  package struct Label: Hashable, Sendable {
    /// Never changes, and never means another label.
    package var position: Int32
    package var text: String

    package init(position: Int32, text: String) {
      self.position = position
      self.text = text
    }
  }

  package static let step: Int32 = 1 << 12

  /// Told apart from a later type of the same name.
  package let identifier: UInt64
  package let schema: String
  package let name: String
  /// In their order: positions ascend.
  package let labels: [Label]

  package init(identifier: UInt64, schema: String, name: String, labels: [Label]) {
    self.identifier = identifier
    self.schema = schema
    self.name = name
    self.labels = labels
  }

  package static func == (left: EnumerationType, right: EnumerationType) -> Bool {
    left === right
      || (left.identifier == right.identifier && left.schema == right.schema && left.name == right.name
        && left.labels == right.labels)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(identifier) }

  /// Returns the label at a position; nil when there is none. O(log of the labels).
  package func label(at position: Int32) -> String? {
    var range = labels.startIndex..<labels.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if labels[middle].position == position { return labels[middle].text }
      range = labels[middle].position < position ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// Returns the position of a label; nil when there is none.
  package func position(of text: String) -> Int32? { labels.first { $0.text == text }?.position }
}
