import Bytes

/// The models of a project, each after those it reads.
package struct ModelGraph: Sendable {
  /// Every model once, upstream first; where the order is free, by name.
  package let ordered: [Model]
  /// Tables that models read and that no model makes.
  package let external: Set<RelationName>

  /// Puts the project's models in order.
  ///
  /// - Throws: `.user` for models that depend on themselves through others, naming the circle.
  package init(_ project: Project) throws(PulsehouseError) {
    let byName = Dictionary(uniqueKeysWithValues: project.models.map { ($0.name, $0) })
    var waitingFor: [RelationName: Int] = [:]
    var readers: [RelationName: [RelationName]] = [:]
    var external: Set<RelationName> = []
    for model in project.models {
      var count = 0
      for name in model.upstream {
        if byName[name] == nil {
          external.insert(name)
        } else {
          count += 1
          readers[name, default: []].append(model.name)
        }
      }
      waitingFor[model.name] = count
    }
    var ordered: [Model] = []
    var ready = project.models.filter { waitingFor[$0.name] == 0 }.map(\.name)
    while !ready.isEmpty {
      var next: [RelationName] = []
      for name in ready.sorted() {
        if let model = byName[name] { ordered.append(model) }
        for reader in readers[name] ?? [] {
          let left = (waitingFor[reader] ?? 0) - 1
          waitingFor[reader] = left
          if left == 0 { next.append(reader) }
        }
      }
      ready = next
    }
    if ordered.count < project.models.count {
      throw Self.circle(project.models.filter { (waitingFor[$0.name] ?? 0) > 0 })
    }
    self.ordered = ordered
    self.external = external
  }

  /// Follows dependencies among models that all wait for each other until one comes up again.
  private static func circle(_ waiting: [Model]) -> PulsehouseError {
    let byName = Dictionary(uniqueKeysWithValues: waiting.map { ($0.name, $0) })
    guard var current = waiting.min(by: { $0.name < $1.name }) else {
      return PulsehouseError(.internal, "models wait for each other without a circle")
    }
    var path: [RelationName] = []
    while !path.contains(current.name) {
      path.append(current.name)
      guard let next = current.upstream.filter({ byName[$0] != nil }).min(), let model = byName[next] else { break }
      current = model
    }
    let start = path.firstIndex(of: current.name) ?? 0
    let names = (path[start...] + [current.name]).map(\.description).joined(separator: " reads ")
    return current.error(.user, "models depend on themselves: \(names)", sqlState: "42P19")
  }

  /// The models that `names` select: `model`, `+model` with all it reads, `model+` with all that read it.
  ///
  /// - Throws: `.usage` for a name that no model has.
  package func selecting(_ names: [String]) throws(PulsehouseError) -> [Model] {
    if names.isEmpty { return ordered }
    var chosen: Set<RelationName> = []
    for written in names {
      let wantsUpstream = written.hasPrefix("+")
      let wantsDownstream = written.hasSuffix("+") && written.count > 1
      let name = String(written.dropFirst(wantsUpstream ? 1 : 0).dropLast(wantsDownstream ? 1 : 0)).lowercased()
      guard let model = ordered.first(where: { $0.name.description == name }) else {
        throw PulsehouseError(
          .usage, "there is no model \"\(name)\"",
          hint: "There are \(ordered.map(\.name.description).sorted().joined(separator: ", ")).")
      }
      var reached: Set<RelationName> = [model.name]
      if wantsUpstream {
        for other in ordered.reversed() where reached.contains(other.name) { reached.formUnion(other.upstream) }
      }
      chosen.formUnion(reached)
      if wantsDownstream {
        var below: Set<RelationName> = [model.name]
        for other in ordered where !other.upstream.isDisjoint(with: below) { below.insert(other.name) }
        chosen.formUnion(below)
      }
    }
    return ordered.filter { chosen.contains($0.name) }
  }
}
