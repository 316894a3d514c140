import Bytes
import Engine
import Execution
import Ingestion

/// `pulsehouse quarantine`: what did not fit, and a second try after a fix.
package enum QuarantineCommand: Command {
  package static let specification = CommandSpecification(
    "quarantine", "show what did not fit and why; `quarantine replay` tries it again after a fix",
    operands: "[replay] [SOURCE ...]", maximumOperands: 1000,
    discussion: """
      Each source has a table quarantine.<schema>_<table> with the raw bytes, the place and the reason of every record that
      did not fit. After the source's file or the type of a column was mended, `replay` tries them again: records that fit
      become rows of bronze, with the places they came from, and leave quarantine in the same commit. Where the source
      now declares a wider type than the table has, the table takes it. A CSV source is loaded anew from its file.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let sources = try Source.load(directory: Path.join(place.project, "sources"))
    let isReplay = arguments.operands.first == "replay"
    let names = isReplay ? Array(arguments.operands.dropFirst()) : arguments.operands
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: isReplay)
    var output = StandardOutput()
    if isReplay {
      try replay(sources, names, warehouse, place, arguments, &output)
    } else {
      let summaries = try Ingest.sources(named: names, among: sources).compactMap {
        try QuarantineSummary.make($0, in: warehouse)
      }
      try output.write(arguments.has("json") ? JSONText.array(summaries.map(json)) + "\n" : text(summaries))
    }
    try output.flush()
  }

  private static func replay(
    _ sources: [Source], _ names: [String], _ warehouse: Warehouse, _ place: Workplace, _ arguments: Arguments,
    _ output: inout StandardOutput
  ) throws {
    var options = IngestOptions()
    options.dataDirectory = place.data
    if let threads = try arguments.count("threads") { options.threadCount = threads }
    let cancellation = options.cancellation
    SignalWatch.onInterrupt { cancellation.cancel() }
    let reports = try Ingest.replay(sources, names: names, into: warehouse, options: options)
    if arguments.has("json") {
      let written = reports.map { report in
        JSONText.object([
          ("source", .text(report.source)), ("examined", .number(Int(report.examinedCount))),
          ("replayed", .number(Int(report.replayedCount))), ("remaining", .number(Int(report.remainingCount))),
          ("cut", .number(Int(report.cutCount))),
          ("adopted", .raw(JSONText.array(report.adoptedColumns.map { JSONText.quote($0) }))),
        ])
      }
      return try output.write(JSONText.array(written) + "\n")
    }
    for report in reports {
      try output.write(
        "\(report.source): \(grouped(report.examinedCount)) examined = \(grouped(report.replayedCount)) to bronze + "
          + "\(grouped(report.remainingCount)) still in quarantine\n")
      if report.cutCount > 0 {
        try output.write("  \(grouped(report.cutCount)) of them were too long to be kept whole\n")
      }
      for column in report.adoptedColumns { try output.write("  the table's column is now \(column)\n") }
    }
  }

  private static func grouped(_ number: Int64) -> String { Decimals.grouped(Int(number)) }

  private static let headers = [
    BoxTable.Header(name: "source", type: "", isRightAligned: false),
    BoxTable.Header(name: "records", type: "", isRightAligned: true),
    BoxTable.Header(name: "reason", type: "", isRightAligned: false),
    BoxTable.Header(name: "for instance", type: "", isRightAligned: false),
    BoxTable.Header(name: "at", type: "", isRightAligned: false),
  ]

  private static func text(_ summaries: [QuarantineSummary]) -> String {
    guard !summaries.isEmpty else { return "quarantine is empty\n" }
    var rows: [[String?]] = []
    for summary in summaries {
      for reason in summary.reasons.prefix(20) {
        rows.append([
          summary.source, grouped(reason.count), reason.words, sample(reason.sample),
          "\(reason.sample.file):\(reason.sample.line > 0 ? reason.sample.line : reason.sample.offset)",
        ])
      }
      if summary.reasons.count > 20 {
        let rest = summary.reasons.dropFirst(20)
        rows.append([
          summary.source, grouped(rest.reduce(0) { $0 + $1.count }), "and \(rest.count) more reasons", "", "",
        ])
      }
    }
    return BoxTable(headers: headers, head: rows).lines(width: Terminal.width).map { $0 + "\n" }.joined()
  }

  /// The record's start, as text where it is text.
  private static func sample(_ sample: QuarantineSummary.Sample) -> String {
    let start = String(decoding: sample.raw.prefix(80), as: UTF8.self)
    return sample.raw.count > 80 ? start + "…" : start
  }

  private static func json(_ summary: QuarantineSummary) -> String {
    let reasons = summary.reasons.map { reason in
      JSONText.object([
        ("reason", .text(reason.words)), ("records", .number(Int(reason.count))),
        ("file", .text(reason.sample.file)), ("line", .number(Int(reason.sample.line))),
        ("offset", .number(Int(reason.sample.offset))), ("sample", .text(sample(reason.sample))),
      ])
    }
    return JSONText.object([
      ("source", .text(summary.source)), ("records", .number(Int(summary.count))),
      ("reasons", .raw(JSONText.array(reasons))),
    ])
  }
}
