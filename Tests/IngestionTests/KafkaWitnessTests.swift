import Glibc
import Kafka
import Testing

@testable import Ingestion

@Suite(.serialized) struct KafkaWitnessTests {
  private let cluster: KafkaSimulatedCluster
  private let configuration: KafkaConfiguration

  init() throws {
    cluster = try KafkaSimulatedCluster()
    cluster.createTopic("t", partitionCount: 2)
    configuration = KafkaConfiguration(brokers: cluster.brokers)
    let producer = try KafkaProducer(topic: "t", configuration)
    var bytes: [UInt8] = []
    var slices: [KafkaProducer.Slice] = []
    for number in 0..<400 {
      let start = bytes.count
      bytes += Array("\(number)".utf8)
      slices.append(KafkaProducer.Slice(key: start..<bytes.count, value: start..<bytes.count))
    }
    var rest = slices[...]
    while !rest.isEmpty { rest = rest.dropFirst(try bytes.withUnsafeBytes { try producer.send($0, rest) }) }
    #expect(producer.flush(milliseconds: 20_000))
  }

  /// What each message of the topic is known by.
  private func marks() throws -> [Int32: [KafkaWitness.Mark]] {
    let consumer = try KafkaConsumer(configuration, group: "g")
    try consumer.assign((0..<2).map { KafkaPosition(topic: "t", partition: $0, offset: 0) })
    var marks: [Int32: [KafkaWitness.Mark]] = [:]
    for _ in 0..<200 where marks.values.map(\.count).reduce(0, +) < 400 {
      let batch = try consumer.receive(limit: 1000, milliseconds: 100)
      for message in batch.messages {
        marks[message.partition, default: []].append(
          KafkaWitness.Mark(offset: message.offset, fingerprint: KafkaWorker.fingerprint(message)))
      }
    }
    #expect(marks.values.allSatisfy { $0.count > 50 })
    return marks
  }

  /// Looks until the look that is due at `now` is over.
  private func look(
    _ witness: KafkaWitness, now: Double, latest: [Int32: KafkaWitness.Mark] = [:]
  ) throws -> KafkaWitness.Finding? {
    for _ in 0..<500 {
      if let finding = try witness.look(now: now, latest: { latest }) { return finding }
      if !witness.isLooking { return nil }
      usleep(10_000)
    }
    Issue.record("a look that does not end")
    return nil
  }

  @Test func theSameTopicIsFoundTheSame() throws {
    let marks = try marks()
    let witness = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 10)
    try witness.begin(marks.mapValues { $0[10] }, now: 0)
    #expect(try look(witness, now: 5) == nil)
    #expect(try look(witness, now: 11, latest: marks.mapValues { $0[50] }) == nil)
    // The next look asks for what was the latest at the one before.
    #expect(try look(witness, now: 22, latest: marks.mapValues { $0[51] }) == nil)
  }

  @Test func anotherMessageAtTheOffsetIsToldWhenALookIsDue() throws {
    var marks = try marks().mapValues { $0[10] }
    marks[1]?.fingerprint ^= 1
    let witness = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 10)
    try witness.begin(marks, now: 0)
    #expect(try look(witness, now: 9) == nil)
    #expect(try look(witness, now: 10) == .replaced(partition: 1, offset: marks[1]?.offset ?? -1))
  }

  /// What was read between two looks may be of another topic already: the older mark is asked for all the same.
  @Test func beginningAnewKeepsTheOlderMark() throws {
    let all = try marks()
    var wrong = all.mapValues { $0[10] }
    wrong[0]?.fingerprint ^= 1
    let witness = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 10)
    try witness.begin(wrong, now: 0)
    try witness.begin(all.mapValues { $0[20] }, now: 5)
    #expect(try look(witness, now: 15) == .replaced(partition: 0, offset: wrong[0]?.offset ?? -1))
    // A partition that is ours no longer is forgotten.
    let other = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 10)
    try other.begin(wrong, now: 0)
    try other.begin([1: all[1]![20]], now: 5)
    #expect(try look(other, now: 15) == nil)
  }

  @Test func anOffsetThatIsGoneIsOutOfRangeAndAskedForOnce() throws {
    let marks = try marks()
    let witness = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 10)
    try witness.begin([0: KafkaWitness.Mark(offset: 1_000_000, fingerprint: 1)], now: 0)
    #expect(try look(witness, now: 11) == .outOfRange)
    #expect(!witness.isLooking)
    #expect(try look(witness, now: 22, latest: marks.mapValues { $0[3] }) == nil)
    #expect(try look(witness, now: 33, latest: marks.mapValues { $0[4] }) == nil)
  }

  @Test func aBrokerThatIsAwayIsAskedAgainLater() throws {
    var marks = try marks().mapValues { $0[10] }
    marks[0]?.fingerprint ^= 1
    let witness = try KafkaWitness(configuration, topic: "t", group: "g", seconds: 30)
    try witness.begin(marks, now: 0)
    cluster.setDown()
    for _ in 0..<20 {
      #expect(try witness.look(now: 31, latest: { [:] }) == nil)
      usleep(10_000)
    }
    #expect(witness.isLooking)
    // Given up, and due again.
    #expect(try witness.look(now: 45, latest: { [:] }) == nil)
    #expect(!witness.isLooking)
    cluster.setUp()
    #expect(try look(witness, now: 62) == .replaced(partition: 0, offset: marks[0]?.offset ?? -1))
  }
}
