import Bytes
import Glibc
import Kafka
import Testing

/// The room against brokers simulated in this process; `Tests/Kafka` holds it against a broker of its own.
struct KafkaRoomTests {
  static let line = Array(#"{"user_id": 7}"#.utf8)

  /// Sends `count` messages, keys going round from 0 to 9.
  func produce(_ count: Int, to topic: String, _ configuration: KafkaConfiguration) throws -> KafkaProducer.Counts {
    let producer = try KafkaProducer(topic: topic, configuration)
    var bytes: [UInt8] = []
    var slices: [KafkaProducer.Slice] = []
    for index in 0..<count {
      let start = bytes.count
      bytes += Array("\(index % 10)".utf8)
      let middle = bytes.count
      bytes += Array(#"{"n": \#(index)}"#.utf8)
      slices.append(KafkaProducer.Slice(key: start..<middle, value: middle..<bytes.count))
    }
    var rest = slices[...]
    while !rest.isEmpty {
      let taken = try bytes.withUnsafeBytes { try producer.send($0, rest) }
      rest = rest.dropFirst(taken)
    }
    #expect(producer.flush(milliseconds: 20_000))
    return producer.counts
  }

  func cluster(_ topic: String, partitions: Int) throws -> (KafkaSimulatedCluster, KafkaConfiguration) {
    let cluster = try KafkaSimulatedCluster()
    cluster.createTopic(topic, partitionCount: partitions)
    return (cluster, KafkaConfiguration(brokers: cluster.brokers))
  }

  /// Reads until every partition's end was seen; texts by partition, offsets held to be without holes.
  func readAll(_ consumer: KafkaConsumer, _ positions: [KafkaPosition]) throws -> [Int32: [String]] {
    var next = Dictionary(uniqueKeysWithValues: positions.map { ($0.partition, $0.offset) })
    var ended: Set<Int32> = []
    var texts: [Int32: [String]] = [:]
    for _ in 0..<400 where ended.count < positions.count {
      let batch = try consumer.receive(limit: 1000, milliseconds: 100)
      for message in batch.messages {
        #expect(message.offset == next[message.partition])
        next[message.partition] = message.offset + 1
        texts[message.partition, default: []].append(String(decoding: try #require(message.value), as: UTF8.self))
        #expect(message.timestampMilliseconds != nil)
        #expect(message.key?.count == 1)
        let value = try #require(message.value)
        #expect(value.baseAddress?.load(fromByteOffset: value.count, as: UInt8.self) == 0)
      }
      for end in batch.ends { ended.insert(end.partition) }
    }
    #expect(ended.count == positions.count)
    return texts
  }

  @Test func whatIsSentArrivesInOrderOfKeys() throws {
    let (cluster, configuration) = try cluster("heartrate", partitions: 3)
    let counts = try produce(5000, to: "heartrate", configuration)
    #expect(counts.delivered == 5000)
    #expect(counts.failed == 0)
    let consumer = try KafkaConsumer(configuration, group: "readers")
    let positions = (0..<3).map { KafkaPosition(topic: "heartrate", partition: $0, offset: 0) }
    try consumer.assign(positions)
    let texts = try readAll(consumer, positions)
    #expect(texts.values.map(\.count).reduce(0, +) == 5000)
    // A key's messages lie in one partition, in the order they were sent.
    for (_, lines) in texts {
      var last: [Int: Int] = [:]
      for line in lines {
        let number = try #require(Int(line.dropFirst(6).dropLast()))
        #expect(last[number % 10, default: -1] < number)
        last[number % 10] = number
      }
    }
    var high: Int64 = 0
    for partition in 0..<3 { high += try consumer.watermarks("heartrate", Int32(partition)).high }
    #expect(high == 5000)
    withExtendedLifetime(cluster) {}
  }

  @Test func seekReadsAgainAndPauseHolds() throws {
    let (cluster, configuration) = try cluster("t", partitions: 1)
    _ = try produce(50, to: "t", configuration)
    let consumer = try KafkaConsumer(configuration, group: "g")
    let start = KafkaPosition(topic: "t", partition: 0, offset: 0)
    try consumer.assign([start])
    #expect(try readAll(consumer, [start])[0]?.count == 50)
    let later = KafkaPosition(topic: "t", partition: 0, offset: 40)
    try consumer.seek([later])
    #expect(try readAll(consumer, [later])[0]?.count == 10)
    try consumer.pause([start])
    try consumer.seek([start])
    #expect(try consumer.receive(limit: 100, milliseconds: 300).count == 0)
    try consumer.resume([start])
    #expect(try readAll(consumer, [start])[0]?.count == 50)
    withExtendedLifetime(cluster) {}
  }

  @Test func brokerErrorsAreRetriedWithoutLossOrDuplicate() throws {
    let (cluster, configuration) = try cluster("t", partitions: 2)
    cluster.push(.produce, [.notLeader, .requestTimedOut, .notLeader])
    let counts = try produce(2000, to: "t", configuration)
    #expect(counts.delivered == 2000)
    cluster.push(.fetch, [.notLeader, .requestTimedOut])
    let consumer = try KafkaConsumer(configuration, group: "g")
    let positions = (0..<2).map { KafkaPosition(topic: "t", partition: $0, offset: 0) }
    try consumer.assign(positions)
    let texts = try readAll(consumer, positions)
    let all = texts.values.flatMap { $0 }
    #expect(all.count == 2000)
    #expect(Set(all).count == 2000)
  }

  @Test func aBrokerThatIsDownIsNamedAndWaitedFor() throws {
    let (cluster, configuration) = try cluster("t", partitions: 1)
    _ = try produce(10, to: "t", configuration)
    let consumer = try KafkaConsumer(configuration, group: "g")
    let start = KafkaPosition(topic: "t", partition: 0, offset: 0)
    try consumer.assign([start])
    #expect(try readAll(consumer, [start])[0]?.count == 10)
    // Telling offsets takes a connection, too, but none by which messages come.
    let connectionCount = consumer.connectionCount
    try consumer.commit([KafkaPosition(topic: "t", partition: 0, offset: 10)])
    _ = try consumer.committed("t", partitionCount: 1)
    #expect(connectionCount > 0)
    #expect(consumer.connectionCount == connectionCount)
    cluster.setDown()
    for _ in 0..<50 where consumer.lastClientError == nil { _ = try consumer.receive(limit: 10, milliseconds: 100) }
    let error = try #require(consumer.takeClientError())
    #expect(error.kind == .io)
    #expect(error.hint?.contains(cluster.brokers) == true)
    cluster.setUp()
    try consumer.seek([start])
    #expect(try readAll(consumer, [start])[0]?.count == 10)
    #expect(consumer.connectionCount > connectionCount)
  }

  @Test func nobodyAtTheAddressIsAnErrorInWords() throws {
    let admin = try KafkaAdmin(KafkaConfiguration(brokers: "127.0.0.1:1"), milliseconds: 300)
    let error = #expect(throws: PulsehouseError.self) { _ = try admin.topics() }
    #expect(error?.kind == .io)
    #expect(error?.hint?.contains("127.0.0.1:1") == true)
  }

  @Test func aPositionOutOfRangeIsAnErrorOfItsOwn() throws {
    let (cluster, configuration) = try cluster("t", partitions: 1)
    _ = try produce(10, to: "t", configuration)
    let consumer = try KafkaConsumer(configuration, group: "g")
    try consumer.assign([KafkaPosition(topic: "t", partition: 0, offset: 1_000_000)])
    let error = #expect(throws: PulsehouseError.self) {
      for _ in 0..<100 { _ = try consumer.receive(limit: 10, milliseconds: 100) }
    }
    #expect(error?.sqlState == KafkaConsumer.outOfRangeState)
    withExtendedLifetime(cluster) {}
  }

  @Test func aGroupThatNobodyJoinsKeepsOffsets() throws {
    let (cluster, configuration) = try cluster("t", partitions: 4)
    let consumer = try KafkaConsumer(configuration, group: "g")
    #expect(try consumer.partitionCount("t", milliseconds: 5000) == 4)
    #expect(try consumer.partitionCount("u", milliseconds: 5000) == nil)
    try consumer.commit([KafkaPosition(topic: "t", partition: 2, offset: 5)])
    // Closing waits for what is on its way.
    consumer.close(milliseconds: 5000)
    let witness = try KafkaConsumer(configuration, group: "g")
    #expect(try witness.committed("t", partitionCount: 4).map(\.offset) == [-1001, -1001, 5, -1001])
    withExtendedLifetime(cluster) {}
  }

  @Test func secretsAreRefusedInPlainTextAndNeverShown() throws {
    var configuration = KafkaConfiguration(brokers: "127.0.0.1:1")
    let refused = #expect(throws: PulsehouseError.self) { try configuration.set("sasl.password", "hunter2") }
    #expect(refused?.kind == .usage)
    #expect(refused.map { "\($0)".contains("hunter2") } == false)
    let bare = #expect(throws: PulsehouseError.self) { try configuration.set(assignment: "hunter2") }
    #expect(bare.map { "\($0)".contains("hunter2") } == false)

    setenv("PULSEHOUSE_TEST_SECRET", "hunter2", 1)
    // A value the library does not accept, so that its words would quote it.
    try configuration.set("ssl.endpoint.identification.algorithm", "env:PULSEHOUSE_TEST_SECRET")
    #expect(!configuration.description.contains("hunter2"))
    let quoted = #expect(throws: PulsehouseError.self) { _ = try KafkaAdmin(configuration) }
    #expect(quoted.map { "\($0)".contains("hunter2") } == false)
    #expect(quoted?.message.contains("(hidden)") == true)

    var missing = KafkaConfiguration(brokers: "127.0.0.1:1")
    try missing.set("sasl.password", "env:PULSEHOUSE_TEST_NO_SUCH")
    let unset = #expect(throws: PulsehouseError.self) { _ = try KafkaAdmin(missing) }
    #expect(unset?.message.contains("PULSEHOUSE_TEST_NO_SUCH") == true)
    try missing.set("sasl.password", "file:/no/such/file")
    #expect(throws: PulsehouseError.self) { _ = try KafkaAdmin(missing) }
  }

  @Test(arguments: [("no.such.property", "1"), ("linger.ms", "soon"), ("enable.idempotence", "false")])
  func wrongPropertiesAreRefused(_ name: String, _ value: String) throws {
    var configuration = KafkaConfiguration(brokers: "127.0.0.1:1")
    let error = #expect(throws: PulsehouseError.self) {
      try configuration.set(name, value)
      _ = try KafkaAdmin(configuration)
    }
    #expect(error?.message.contains(name) == true)
  }
}
