import Vectors

extension PhysicalNode {
  /// Returns a plan of the same rows in the same order that gives no more columns than `wanted` and what it tests itself,
  /// for reading them apart from the others; nil where rows may be others the next time, or are dear to make again.
  /// `isCounted` is false for a reading that no metrics speak of.
  package func narrowed(to wanted: Set<Column>, isCounted: Bool) -> PhysicalNode? {
    let id = isCounted ? id : -1
    switch operation {
    case .scan(var scan):
      var read = wanted
      if let filter = scan.filter {
        if filter.hasVolatile { return nil }
        read.formUnion(filter.columns)
      }
      let kept = output.indices.filter { read.contains(output[$0]) }
      scan.sources = kept.map { scan.sources[$0] }
      return PhysicalNode(
        id: id, .scan(scan), output: kept.map { output[$0] }, estimatedRowCount: estimatedRowCount)
    case .filter(let condition):
      let read = wanted.union(condition.columns)
      guard !condition.hasVolatile, let below = inputs[0].narrowed(to: read, isCounted: isCounted) else { return nil }
      return PhysicalNode(
        id: id, operation, inputs: [below], output: below.output, estimatedRowCount: estimatedRowCount)
    case .project(let expressions):
      let kept = output.indices.filter { wanted.contains(output[$0]) }
      let chosen = kept.map { expressions[$0] }
      let read = chosen.reduce(into: Set<Column>()) { $0.formUnion($1.columns) }
      guard !chosen.contains(where: \.hasVolatile),
        let below = inputs[0].narrowed(to: read, isCounted: isCounted)
      else { return nil }
      return PhysicalNode(
        id: id, .project(chosen), inputs: [below], output: kept.map { output[$0] },
        estimatedRowCount: estimatedRowCount)
    default: return nil
    }
  }
}
