import Bytes
import Modeling

/// What `plan` and `run` share: which models of which project, and what is built anew though nothing changed.
enum RunSelection {
  static let options = [
    OptionSpecification("full", "build everything selected anew"),
    OptionSpecification(
      "restate", value: "MODEL", mayRepeat: true, "build this model anew, or with --from and --to some of its days"),
    OptionSpecification("from", value: "DATE", "first day that --restate builds anew"),
    OptionSpecification("to", value: "DATE", "last day that --restate builds anew (default: --from)"),
  ]

  static let discussion = """
    Without operands every model below models/ is looked at: +MODEL is a model with all it reads, MODEL+ with all that
    read it. Of each no more is built than what it reads, or its SQL, made outdated.
    """

  static func project(_ place: Workplace) throws -> Project {
    let project = try Project.load(place.project)
    guard !project.models.isEmpty else {
      throw PulsehouseError(
        .usage, "there are no models in \(place.project)/models",
        hint: "A project has models/ and sources/; --project names its folder.")
    }
    return project
  }

  /// - Throws: `.usage` for days that are none, or without a model.
  static func options(_ arguments: Arguments) throws -> RunOptions {
    var options = RunOptions()
    options.selection = arguments.operands
    options.isFull = arguments.has("full")
    options.restated = arguments.all("restate")
    if let from = try day("from", arguments) {
      let to = try day("to", arguments) ?? from
      guard from <= to else { throw PulsehouseError(.usage, "--from is after --to") }
      options.restatedDays = from...to
    } else if arguments.value("to") != nil {
      throw PulsehouseError(.usage, "--to needs --from")
    }
    if options.restatedDays != nil && options.restated.isEmpty {
      throw PulsehouseError(.usage, "--from needs --restate MODEL", hint: "Name the model whose days are built anew.")
    }
    return options
  }

  private static func day(_ name: String, _ arguments: Arguments) throws -> Int64? {
    guard let text = arguments.value(name) else { return nil }
    guard let day = CalendarText.day(text) else {
      throw PulsehouseError(.usage, "--\(name) wants a date such as 2024-01-31, not \"\(text)\"")
    }
    return day
  }
}
