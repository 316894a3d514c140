import Bytes

/// What of an earlier, unfinished run a run takes over.
struct Resumption: Sendable {
  var unfinished: [RelationName: UnfinishedModel]
  var restatement: Restatement

  /// Puts what an unfinished run made of the model in its place, in the open transaction, if it is still what that run
  /// would make of it: the same SQL, nothing published of the model since, and of what the run had changed itself before
  /// just the same again. What else the model reads may have changed; the planner finds that as ever. Of a kind whose
  /// rows tell of earlier runs nothing may have changed, so that no run shows that nobody saw.
  func takeOver(_ model: Model, in session: any ModelSession) throws -> UnfinishedModel? {
    guard let saved = unfinished[model.name] else { return nil }
    let request = restatement.request(for: model.name)
    guard request.isEmpty || request == saved.request, saved.state.definition == (try model.definition()),
      try session.committedVersion(model.name) == saved.before
    else { return nil }
    for (name, mark) in saved.state.reads {
      if let snapshot = mark.snapshot {
        let version = RelationVersion(identifier: mark.identifier, changedAt: snapshot)
        if model.kind.accumulates, try session.hasChanged(name, since: version) { return nil }
      } else {
        guard try session.relationVersion(name)?.identifier == mark.identifier, try session.isAsSetAside(name) else {
          return nil
        }
      }
    }
    try session.takeBack(saved)
    try session.putModelState(model.name, saved.state.encode())
    return saved
  }
}

extension Restatement {
  /// What is asked for of a model, in a form that two runs can be compared by; empty for nothing.
  func request(for name: RelationName) -> String {
    guard models.contains(name) else { return "" }
    return days.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "all"
  }

  /// The same without one model.
  func without(_ name: RelationName) -> Restatement {
    var rest = self
    rest.models.remove(name)
    return rest
  }
}
