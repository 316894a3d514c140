import Bytes
import CRdKafka

/// The client library's functions, found once per process when Kafka is first asked for.
enum KafkaLibrary {
  private static let opened: Result<ph_rdkafka, PulsehouseError> =
    withUnsafeTemporaryAllocation(of: ph_rdkafka.self, capacity: 1) { memory in
      guard let target = memory.baseAddress else { return .failure(PulsehouseError(.internal, "no memory")) }
      // C fills every entry or says that it could not.
      guard let failure = ph_rdkafka_open(target) else { return .success(target.pointee) }
      return .failure(
        PulsehouseError(
          .unsupported, "the Kafka client library cannot be opened: \(String(cString: failure))",
          hint: "Install it: apt-get install librdkafka1"))
    }

  static func open() throws(PulsehouseError) -> ph_rdkafka { try opened.get() }

  /// The text at `pointer`, empty for none.
  static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

  /// The library's version, such as `2.0.2`.
  package static func version() throws(PulsehouseError) -> String { text(try open().rd_kafka_version_str()) }
}
