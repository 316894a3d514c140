import Bytes
import CRdKafka

/// Makes and describes topics, and lists groups. One thread at a time; each call waits for the answer.
package final class KafkaAdmin {
  /// A consumer group as the brokers know it.
  package struct Group: Sendable, Hashable {
    package var name: String
    /// Such as `Stable`, `Empty`, `PreparingRebalance`.
    package var state: String
    package var memberCount: Int
  }

  private let client: KafkaClient
  private let milliseconds: Int

  /// `milliseconds` is the time each call may take.
  package init(_ configuration: KafkaConfiguration, milliseconds: Int = 10_000) throws(PulsehouseError) {
    client = try KafkaClient(RD_KAFKA_PRODUCER, configuration)
    self.milliseconds = milliseconds
  }

  deinit { client.destroy() }

  /// Returns the number of partitions of `topic`, nil when there is no such topic.
  package func partitionCount(_ topic: String) throws(PulsehouseError) -> Int? {
    // Asked for by name, a topic may be made by that very question; in the list of all it is there or not.
    try topics()[topic]
  }

  /// Returns the topics there are, with their numbers of partitions. - Throws: `.io` when no broker answers.
  package func topics() throws(PulsehouseError) -> [String: Int] {
    try client.topics(milliseconds: milliseconds)
  }

  /// Returns the groups that the brokers know, by name.
  package func groups() throws(PulsehouseError) -> [Group] {
    let library = client.library
    var answer: UnsafePointer<rd_kafka_group_list>?
    let code = library.rd_kafka_list_groups(client.handle, nil, &answer, Int32(milliseconds))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else { throw client.error(code, "list the groups") }
    defer { library.rd_kafka_group_list_destroy(answer) }
    return (0..<Int(answer.pointee.group_cnt)).map { index in
      let group = answer.pointee.groups[index]
      return Group(
        name: String(cString: group.group), state: group.state.map { String(cString: $0) } ?? "",
        memberCount: Int(group.member_cnt))
    }.sorted { $0.name < $1.name }
  }

  /// Makes a topic; one that is there already is left as it is. Returns whether it was made.
  package func createTopic(
    _ topic: String, partitionCount: Int, retentionMilliseconds: Int64? = nil, replicationFactor: Int = -1
  ) throws(PulsehouseError) -> Bool {
    let library = client.library
    var words = [CChar](repeating: 0, count: 512)
    guard
      let new = library.rd_kafka_NewTopic_new(
        topic, Int32(clamping: partitionCount), Int32(replicationFactor), &words, words.count)
    else {
      throw PulsehouseError(.user, "cannot make the topic \"\(topic)\": \(KafkaClient.text(words))", sqlState: "22023")
    }
    defer { library.rd_kafka_NewTopic_destroy(new) }
    if let retentionMilliseconds {
      _ = library.rd_kafka_NewTopic_set_config(new, "retention.ms", "\(retentionMilliseconds)")
    }
    return try request(
      "make the topic \"\(topic)\"", accepting: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS,
      { queue, options in
        var list: [OpaquePointer?] = [new]
        library.rd_kafka_CreateTopics(client.handle, &list, 1, options, queue)
      },
      { event, count in
        library.rd_kafka_event_CreateTopics_result(event).flatMap {
          library.rd_kafka_CreateTopics_result_topics($0, &count)
        }
      })
  }

  /// Gives a topic more partitions.
  package func createPartitions(_ topic: String, totalCount: Int) throws(PulsehouseError) {
    let library = client.library
    var words = [CChar](repeating: 0, count: 512)
    guard let new = library.rd_kafka_NewPartitions_new(topic, totalCount, &words, words.count) else {
      throw PulsehouseError(.user, "cannot add partitions to \"\(topic)\": \(KafkaClient.text(words))")
    }
    defer { library.rd_kafka_NewPartitions_destroy(new) }
    _ = try request(
      "add partitions to \"\(topic)\"", accepting: RD_KAFKA_RESP_ERR_NO_ERROR,
      { queue, options in
        var list: [OpaquePointer?] = [new]
        library.rd_kafka_CreatePartitions(client.handle, &list, 1, options, queue)
      },
      { event, count in
        library.rd_kafka_event_CreatePartitions_result(event).flatMap {
          library.rd_kafka_CreatePartitions_result_topics($0, &count)
        }
      })
  }

  /// Removes a topic with its messages. Returns false when there was none.
  package func deleteTopic(_ topic: String) throws(PulsehouseError) -> Bool {
    let library = client.library
    guard let old = library.rd_kafka_DeleteTopic_new(topic) else {
      throw PulsehouseError(.io, "no memory", sqlState: "53200")
    }
    defer { library.rd_kafka_DeleteTopic_destroy(old) }
    return try request(
      "remove the topic \"\(topic)\"", accepting: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
      { queue, options in
        var list: [OpaquePointer?] = [old]
        library.rd_kafka_DeleteTopics(client.handle, &list, 1, options, queue)
      },
      { event, count in
        library.rd_kafka_event_DeleteTopics_result(event).flatMap {
          library.rd_kafka_DeleteTopics_result_topics($0, &count)
        }
      })
  }

  /// Sends a request about one topic and waits for its result. False when the result is the error `accepted`.
  private func request(
    _ action: String, accepting accepted: rd_kafka_resp_err_t, _ send: (OpaquePointer, OpaquePointer?) -> Void,
    _ results: (OpaquePointer, inout Int) -> UnsafeMutablePointer<OpaquePointer?>?
  ) throws(PulsehouseError) -> Bool {
    let library = client.library
    guard let queue = library.rd_kafka_queue_new(client.handle) else {
      throw PulsehouseError(.io, "no memory", sqlState: "53200")
    }
    defer { library.rd_kafka_queue_destroy(queue) }
    let options = library.rd_kafka_AdminOptions_new(client.handle, RD_KAFKA_ADMIN_OP_ANY)
    defer { library.rd_kafka_AdminOptions_destroy(options) }
    var words = [CChar](repeating: 0, count: 512)
    _ = library.rd_kafka_AdminOptions_set_request_timeout(options, Int32(milliseconds), &words, words.count)
    send(queue, options)
    // The library ends the request itself; a little later the wait is given up in any case.
    guard let event = library.rd_kafka_queue_poll(queue, Int32(milliseconds + 5000)) else {
      throw client.error(RD_KAFKA_RESP_ERR__TIMED_OUT, action)
    }
    defer { library.rd_kafka_event_destroy(event) }
    let code = library.rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw client.error(code, action) }
    var count = 0
    guard let list = results(event, &count), count > 0, let result = list[0] else {
      throw PulsehouseError(.internal, "cannot \(action): the broker's answer is empty")
    }
    let outcome = library.rd_kafka_topic_result_error(result)
    if outcome == RD_KAFKA_RESP_ERR_NO_ERROR { return true }
    if outcome == accepted { return false }
    let detail = library.rd_kafka_topic_result_error_string(result).map { client.journal.redact(String(cString: $0)) }
    throw KafkaError.error(outcome, action, brokers: client.journal.brokers, detail: detail)
  }
}
