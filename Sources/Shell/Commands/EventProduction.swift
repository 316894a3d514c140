import Bytes
import Execution
import Ingestion
import Kafka
import Simulation

/// Sends the simulated stream to a topic at a given rate.
struct EventProduction {
  /// How far it is.
  struct Progress {
    var handedOver: Int64 = 0
    var counts = KafkaProducer.Counts()
    var seconds = 0.0
    /// Over the last second or so.
    var messagesPerSecond = 0.0
    var bytesPerSecond = 0.0
    /// What keeps the broker from acknowledging, when it does not.
    var trouble: PulsehouseError?
  }

  var simulation: SimulationOptions
  /// Stops after this many messages; nil goes on, span after span.
  var count: Int?
  /// Stops after this many seconds.
  var duration: Double?
  /// Messages a second; nil is as fast as it goes.
  var rate: Double?
  var cancellation: Cancellation
  /// Turns messages into Avro; nil sends JSON.
  var avro: AvroMessageEncoder?

  /// Messages collected before they are handed over.
  private static let batchLimit = 2000
  /// How long a stop waits for acknowledgements.
  private static let stopMilliseconds = 10_000

  /// Sends until the count, the duration or a cancellation; then waits for acknowledgements.
  ///
  /// Returns the last progress: `handedOver == delivered + failed`, unless the broker stayed away until the end, which
  /// counts what is left as failed. - Throws: `.usage`; `.io`; `.conflict`.
  func run(_ producer: KafkaProducer, _ report: (Progress) -> Void) throws -> Progress {
    var options = simulation
    if let count { options.eventCount = count }
    var stream = try EventStream(options)
    let start = MachineClock.seconds
    func seconds() -> Double { MachineClock.seconds - start }
    var progress = Progress()
    var measured = (seconds: 0.0, counts: KafkaProducer.Counts())
    var bytes: [UInt8] = []
    var slices: [KafkaProducer.Slice] = []
    var isOver = false

    func tell() {
      progress.counts = producer.counts
      progress.seconds = seconds()
      progress.trouble = producer.inFlightCount > 0 ? producer.lastClientError : nil
      let span = progress.seconds - measured.seconds
      if span >= 1 {
        progress.messagesPerSecond = Double(progress.counts.delivered - measured.counts.delivered) / span
        progress.bytesPerSecond = Double(progress.counts.deliveredByteCount - measured.counts.deliveredByteCount) / span
        measured = (progress.seconds, progress.counts)
      }
      report(progress)
    }

    while !isOver && !cancellation.isCancelled {
      let now = seconds()
      if let duration, now >= duration { break }
      var due = Self.batchLimit
      if let rate {
        // The first message goes at once, message n at n / rate.
        due = min(due, Int(now * rate) + 1 - Int(progress.handedOver))
        if due <= 0 {
          let next = Double(progress.handedOver) / rate - now
          producer.poll(milliseconds: max(1, min(100, Int(next * 1000))))
          tell()
          continue
        }
      }
      bytes.removeAll(keepingCapacity: true)
      slices.removeAll(keepingCapacity: true)
      while slices.count < due {
        let isThere: Void? = stream.next { message in
          let keyStart = bytes.count
          bytes.append(contentsOf: message.key)
          let valueStart = bytes.count
          bytes.append(contentsOf: message.value)
          slices.append(KafkaProducer.Slice(key: keyStart..<valueStart, value: valueStart..<bytes.count))
        }
        if isThere == nil {
          guard count == nil, options.eventCount > 0 else {
            isOver = true
            break
          }
          options.startDay += options.spanDays
          stream = try EventStream(options)
        }
      }
      if let avro { Self.encode(avro, &bytes, &slices) }
      var rest = slices[...]
      while !rest.isEmpty && !cancellation.isCancelled {
        let taken = try bytes.withUnsafeBytes { try producer.send($0, rest) }
        progress.handedOver += Int64(taken)
        rest = rest.dropFirst(taken)
        tell()
        if let duration, seconds() >= duration { break }
      }
    }
    var waited = 0
    while !producer.flush(milliseconds: 250) {
      waited += 250
      tell()
      guard waited < Self.stopMilliseconds || !(cancellation.isCancelled || duration != nil) else { break }
    }
    tell()
    progress.counts.failed = progress.handedOver - progress.counts.delivered
    return progress
  }

  /// Puts Avro in the place of the messages' JSON.
  private static func encode(
    _ avro: AvroMessageEncoder, _ bytes: inout [UInt8], _ slices: inout [KafkaProducer.Slice]
  ) {
    var encoded: [UInt8] = []
    var index = 0
    var next = slices
    avro.encode(bytes, slices.map(\.value)) { object in
      let keyStart = encoded.count
      encoded.append(contentsOf: bytes[slices[index].key])
      let valueStart = encoded.count
      encoded.append(contentsOf: object)
      next[index] = KafkaProducer.Slice(key: keyStart..<valueStart, value: valueStart..<encoded.count)
      index += 1
    }
    bytes = encoded
    slices = next
  }
}
