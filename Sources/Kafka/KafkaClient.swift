import Bytes
import CRdKafka
import Glibc
import Synchronization

/// A handle of the client library with its journal: what producer, consumer and admin share.
///
/// @unchecked: the library's handles may be used from any thread; everything here is constant.
final class KafkaClient: @unchecked Sendable {
  let library: ph_rdkafka
  let handle: OpaquePointer
  let journal: KafkaJournal
  /// What callbacks get: the journal, and the delivery books of whoever made the client.
  private let context: Unmanaged<CallbackContext>

  final class CallbackContext {
    let library: ph_rdkafka
    let journal: KafkaJournal
    /// Connections to brokers that were begun, less those by which only offsets are told.
    let connectionCount = Atomic<Int>(0)
    /// Called with each delivered or failed message, from `rd_kafka_poll` and `rd_kafka_flush`.
    var delivered: ((UnsafePointer<rd_kafka_message_t>) -> Void)?

    init(library: ph_rdkafka, journal: KafkaJournal) {
      self.library = library
      self.journal = journal
    }
  }

  /// `defaults` may be overridden by the configuration, `fixed` may not.
  init(
    _ type: rd_kafka_type_t, _ configuration: KafkaConfiguration, defaults: [(String, String)] = [],
    fixed: [(String, String)] = [], delivered: ((UnsafePointer<rd_kafka_message_t>) -> Void)? = nil
  ) throws(PulsehouseError) {
    let library = try KafkaLibrary.open()
    guard !configuration.brokers.isEmpty else {
      throw PulsehouseError(
        .usage, "no Kafka broker is named", hint: "Say --brokers host:port, or brokers 'host:port' in the source.")
    }
    let given = try configuration.resolved()
    let journal = KafkaJournal(
      brokers: configuration.brokers, hidden: given.compactMap { $0.isHidden ? $0.value : nil })
    let conf = library.rd_kafka_conf_new()!
    do throws(PulsehouseError) {
      let own = [("bootstrap.servers", configuration.brokers), ("client.id", "pulsehouse")]
      for (name, value) in own + defaults { try Self.set(library, conf, name, value, journal) }
      for property in given { try Self.set(library, conf, property.name, property.value, journal) }
      for (name, value) in fixed { try Self.set(library, conf, name, value, journal) }
    } catch {
      library.rd_kafka_conf_destroy(conf)
      throw error
    }
    let callbacks = CallbackContext(library: library, journal: journal)
    callbacks.delivered = delivered
    let context = Unmanaged.passRetained(callbacks)
    library.rd_kafka_conf_set_opaque(conf, context.toOpaque())
    library.rd_kafka_conf_set_log_cb(conf) { handle, _, facility, text in
      guard let text, let handle, let library = try? KafkaLibrary.open(), let opaque = library.rd_kafka_opaque(handle)
      else { return }
      let journal = Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue().journal
      journal.log("\(facility.map { String(cString: $0) } ?? ""): \(String(cString: text))")
    }
    library.rd_kafka_conf_set_error_cb(conf) { handle, code, reason, opaque in
      guard let opaque else { return }
      let context = Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue()
      context.noteError(rd_kafka_resp_err_t(code), reason.map { String(cString: $0) }, handle)
    }
    library.rd_kafka_conf_set_connect_cb(conf) { socket, address, size, name, opaque in
      // Offsets go to the group's coordinator by a connection of its own, by which no message ever comes.
      if let opaque, name.map({ !String(cString: $0).hasPrefix("GroupCoordinator") }) ?? true {
        let context = Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue()
        context.connectionCount.add(1, ordering: .releasing)
      }
      return connect(socket, address, socklen_t(size)) == 0 || errno == EINPROGRESS ? 0 : errno
    }
    if delivered != nil {
      library.rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
        guard let message, let opaque else { return }
        Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue().delivered?(message)
      }
    }
    var words = [CChar](repeating: 0, count: 512)
    guard let handle = library.rd_kafka_new(type, conf, &words, words.count) else {
      // The configuration stays ours when no client was made.
      library.rd_kafka_conf_destroy(conf)
      context.release()
      throw PulsehouseError(.user, "cannot make a Kafka client: \(journal.redact(Self.text(words)))", sqlState: "22023")
    }
    self.library = library
    self.handle = handle
    self.journal = journal
    self.context = context
  }

  /// Destroys the handle, which nobody may use any more. That waits for the client's threads, of which one may wait for a
  /// broker that never answers, or for a topic that was deleted: so it is done in a thread of its own, and waited for no
  /// longer than `milliseconds`.
  func destroy(flags: Int32 = 0, milliseconds: Int = 2000) {
    let ending = Ending(self, flags)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let ending = Unmanaged<Ending>.fromOpaque(argument).takeRetainedValue()
        ending.client.library.rd_kafka_destroy_flags(ending.client.handle, ending.flags)
        ending.client.context.release()
        ending.isDone.store(true, ordering: .releasing)
        return nil
      }, Unmanaged.passRetained(ending).toOpaque())
    guard code == 0 else {
      // Without a thread it stays as it is, for as long as the process lives.
      Unmanaged.passUnretained(ending).release()
      return
    }
    pthread_detach(thread)
    let deadline = ContinuousClock.now + .milliseconds(milliseconds)
    while !ending.isDone.load(ordering: .acquiring), ContinuousClock.now < deadline { usleep(200) }
  }

  private final class Ending: Sendable {
    let client: KafkaClient
    let flags: Int32
    let isDone = Atomic<Bool>(false)

    init(_ client: KafkaClient, _ flags: Int32) {
      self.client = client
      self.flags = flags
    }
  }

  static let destroyWithoutClosing = Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)

  private static func set(
    _ library: ph_rdkafka, _ conf: OpaquePointer, _ name: String, _ value: String, _ journal: KafkaJournal
  ) throws(PulsehouseError) {
    var words = [CChar](repeating: 0, count: 512)
    let result = library.rd_kafka_conf_set(conf, name, value, &words, words.count)
    guard result != RD_KAFKA_CONF_OK else { return }
    throw PulsehouseError(
      .user, "the Kafka property \"\(name)\" is not accepted: \(journal.redact(text(words)))", sqlState: "22023",
      hint: result == RD_KAFKA_CONF_UNKNOWN ? "Properties are librdkafka's, by their own names." : nil)
  }

  static func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func error(_ code: rd_kafka_resp_err_t, _ action: String) -> PulsehouseError {
    // A time-out says little; what the connection met says more.
    if code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT {
      serveCallbacks()
      if let known = journal.lastError, known.kind == .user {
        return PulsehouseError(
          known.kind, "cannot \(action): \(known.message)", sqlState: known.sqlState, detail: known.detail,
          hint: known.hint)
      }
    }
    return KafkaError.error(code, action, brokers: journal.brokers, detail: journal.lastLine)
  }

  /// Returns the topics there are, with their numbers of partitions. - Throws: `.io` when no broker answers.
  func topics(milliseconds: Int) throws(PulsehouseError) -> [String: Int] {
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = library.rd_kafka_metadata(handle, 1, nil, &answer, Int32(milliseconds))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else { throw error(code, "ask for the topics") }
    defer { library.rd_kafka_metadata_destroy(answer) }
    var topics: [String: Int] = [:]
    for index in 0..<Int(answer.pointee.topic_cnt) {
      let topic = answer.pointee.topics[index]
      let name = String(cString: topic.topic)
      switch topic.err {
      case RD_KAFKA_RESP_ERR_NO_ERROR: topics[name] = Int(topic.partition_cnt)
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: continue
      // Being made, or its leader being chosen.
      case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE where topic.partition_cnt > 0:
        topics[name] = Int(topic.partition_cnt)
      case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE: continue
      // Topics we may not see are none of our business here; using one says why it cannot be.
      default: continue
      }
    }
    return topics
  }

  /// Grows with each connection to a broker that is begun, before anything comes by it.
  var connectionCount: Int { context.takeUnretainedValue().connectionCount.load(ordering: .acquiring) }

  /// Lets the client report its own errors; messages are not touched.
  func serveCallbacks() { _ = library.rd_kafka_poll(handle, 0) }
}

extension KafkaClient.CallbackContext {
  fileprivate func noteError(_ code: rd_kafka_resp_err_t, _ reason: String?, _ handle: OpaquePointer?) {
    var code = code
    var reason = reason
    let isFatal = code == RD_KAFKA_RESP_ERR__FATAL
    if isFatal, let handle {
      var words = [CChar](repeating: 0, count: 512)
      code = library.rd_kafka_fatal_error(handle, &words, words.count)
      reason = KafkaClient.text(words)
    }
    var error = KafkaError.error(
      code, "reach the broker", brokers: journal.brokers, detail: reason.map { journal.redact($0) })
    error.message = KafkaError.describe(code)
    journal.note(error, isFatal: isFatal)
  }
}
