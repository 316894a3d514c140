import Bytes

/// A message as it would be produced to Kafka; the bytes live until the stream is asked for the next.
package struct SimulatedMessage {
  /// The user id in decimal digits.
  package var key: UnsafeRawBufferPointer
  /// The JSON object, perhaps a broken one.
  package var value: UnsafeRawBufferPointer
  /// The event's own time.
  package var timestampMilliseconds: Int
  package var partition: Int
}

/// The lines of a lake as one stream of messages in order of delivery, without a lake.
///
/// The same options give the same messages as ``Simulation/generate(_:to:progress:)`` writes lines. Late messages come
/// after the messages of the hour that follows theirs.
package final class EventStream {
  private let plans: [DayPlan]
  private let generator: DayGenerator
  private let formatter: LineFormatter
  private var text = ByteText(capacity: 512)
  private var keys = ByteText()
  private var keyStarts: [Int] = []
  private let partitions: [Int]
  private var nextPlan = 0
  private var nextHour = 25
  /// Entries of the present hour with their delivery, then late ones of the hour before.
  private var queue: [UInt64] = []
  private var position = 0

  /// - Throws: `.usage` for options out of bounds.
  package init(_ options: SimulationOptions) throws(PulsehouseError) {
    try options.validate()
    let population = Population(seed: options.seed, startDay: options.startDay)
    plans = DayPlan.all(options)
    generator = DayGenerator(seed: options.seed, population: population)
    formatter = LineFormatter(population)
    partitions = population.users.map { Partitioner.partition(ofUser: $0.id) }
    for user in population.users {
      keyStarts.append(keys.count)
      keys.append(decimal: user.id)
    }
    keyStarts.append(keys.count)
  }

  /// Hands the next message to `body` and returns its result; nil when all are told.
  package func next<R>(_ body: (SimulatedMessage) throws -> R) rethrows -> R? {
    while position >= queue.count {
      if !fillQueue() { return nil }
    }
    let entry = LineEntry(bits: queue[position])
    position += 1
    let record = generator.records[entry.event]
    let dayStart = generator.plan.day * 86_400
    let user = Int(record.user)
    text.removeAll()
    formatter.append(entry, record, dayStart: dayStart, to: &text)
    return try body(
      SimulatedMessage(
        key: UnsafeRawBufferPointer(rebasing: keys.bytes[keyStarts[user]..<keyStarts[user + 1]]),
        value: text.bytes, timestampMilliseconds: (dayStart + Int(record.second)) * 1000,
        partition: partitions[user]))
  }

  /// Collects the next hour's messages; the last step of a day holds only the late ones of its last hour.
  private func fillQueue() -> Bool {
    queue.removeAll(keepingCapacity: true)
    position = 0
    if nextHour > 24 {
      if nextPlan == plans.count { return false }
      generator.generate(plans[nextPlan])
      nextPlan += 1
      nextHour = 0
    }
    if nextHour < 24 {
      for partition in 0..<SimulationOptions.partitionCount {
        append(DayGenerator.bucket(hour: nextHour, partition: partition, late: false))
      }
      queue.sort()
    }
    if nextHour > 0 {
      let onTime = queue.count
      for partition in 0..<SimulationOptions.partitionCount {
        append(DayGenerator.bucket(hour: nextHour - 1, partition: partition, late: true))
      }
      queue[onTime...].sort()
    }
    nextHour += 1
    return true
  }

  private func append(_ bucket: Int) {
    generator.withEntries(bucket) { queue.append(contentsOf: $0) }
  }
}
