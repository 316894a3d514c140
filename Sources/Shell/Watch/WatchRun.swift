import Bytes
import Engine
import Glibc
import Modeling

/// `pulsehouse run --watch`.
enum WatchRun {
  static let options =
    [
      OptionSpecification("watch", "go on: take in what is new in the sources, build each model when its cron says"),
      OptionSpecification("poll", value: "S", "with --watch: look at the sources every so many seconds (default: 10)"),
      OptionSpecification("wait", "with --watch: wait for another watch of this warehouse to end, and take over"),
      CollectCommand.retain,
      OptionSpecification("lake", value: "DIR", "with --watch: where the lake lies, instead of where its source says"),
    ] + KafkaArguments.options

  static let discussion = """
    With --watch it goes on until Ctrl-C or SIGTERM. Sources are looked at every few seconds, and what is new is
    ingested at once; a model is built when it is outdated and its cron (UTC) comes round, and all are looked at when
    the watch begins. What may pass is tried again after 1, 2, 4 ... 300 seconds; wrong SQL and failing audits wait for
    the next turn, or for a file of the project to change. A model with tags ('freshness=2h') is reported when its
    rows have not changed for that long. One process watches a warehouse.

    A file of the project that changed is told of at once, with what is wrong in it. Its model is built by its new SQL
    at its next turn; a new model, or one that failed, at once. Edit elsewhere, with --env, what should not go live so.

    Every ten minutes (for --retain below 100 minutes, a tenth of it) the watch removes what nobody can look back to any
    more, by the rule that `pulsehouse gc --help` states.
    """

  static func run(_ place: Workplace, _ arguments: Arguments, _ warehouse: Warehouse, _ options: RunOptions) throws {
    if options.isFull || !options.restated.isEmpty {
      throw PulsehouseError(
        .usage, "--watch builds what is outdated, and nothing besides", hint: "Restate by a run of its own.")
    }
    if arguments.value("env") != nil {
      throw PulsehouseError(.usage, "--watch keeps production up to date; an environment is run by hand")
    }
    let clock = SystemWatchClock()
    let printer = WatchPrinter(isJSON: arguments.has("json"), isQuiet: arguments.has("quiet"))
    let work = try WarehouseWatch(place, arguments, warehouse, clock: clock, options: options, printer: printer)
    let running = work.running
    SignalWatch.onInterrupt {
      clock.stop()
      // Again and again, since what runs may be between two statements; the process is gone when it has ended.
      for _ in 0..<100 {
        running.stop()
        usleep(50_000)
      }
    }
    let lock = try WatchLock.acquire(
      place.tables, in: warehouse.fileSystem, now: clock.now, waitingBy: arguments.has("wait") ? clock : nil
    ) { holder in
      printer.note("waiting: \(holder)")
    }
    guard let lock else { return }
    let watch = Watch(
      work, clock: clock, pollSeconds: try KafkaArguments.positive("poll", arguments) ?? 10,
      collectionSeconds: work.collectionSeconds)
    watch.run()
    withExtendedLifetime(lock) {}
  }
}
