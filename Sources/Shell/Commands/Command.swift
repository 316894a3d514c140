import Bytes

/// A command of the program: what it takes, and what it does.
package protocol Command: Sendable {
  static var specification: CommandSpecification { get }

  /// Does the work, printing results on standard output and notices on standard error.
  static func run(_ arguments: Arguments) throws
}

/// All commands, in the order the help lists them. A new command is a file in `Commands/` and a line here.
package enum CommandList {
  package static let all: [any Command.Type] = [
    DemoCommand.self,
    GenerateCommand.self,
    ProduceCommand.self,
    SinkCommand.self,
    IngestCommand.self,
    QuarantineCommand.self,
    PlanCommand.self,
    RunCommand.self,
    EnvironmentCommand.self,
    DifferenceCommand.self,
    PromoteCommand.self,
    HistoryCommand.self,
    UndoCommand.self,
    LineageCommand.self,
    TraceCommand.self,
    TestCommand.self,
    SQLCommand.self,
    ExportCommand.self,
    StatusCommand.self,
    BenchCommand.self,
    CollectCommand.self,
    VerifyCommand.self,
    RepairCommand.self,
  ]
}
