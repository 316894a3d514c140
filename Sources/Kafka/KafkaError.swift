import Bytes
import CRdKafka

/// A client's error code in words, as one of our kinds, with what to do about it.
enum KafkaError {
  /// `action` completes "cannot ..."; `subject` names the topic or group it is about.
  static func error(
    _ code: rd_kafka_resp_err_t, _ action: String, brokers: String, detail: String? = nil
  ) -> PulsehouseError {
    let words = describe(code)
    let (kind, hint) = judge(code, brokers)
    return PulsehouseError(kind, "cannot \(action): \(words)", sqlState: sqlState(code), detail: detail, hint: hint)
  }

  static func describe(_ code: rd_kafka_resp_err_t) -> String {
    guard let library = try? KafkaLibrary.open() else { return "error \(code.rawValue)" }
    let words = KafkaLibrary.text(library.rd_kafka_err2str(code))
    let name = KafkaLibrary.text(library.rd_kafka_err2name(code))
    return "\(words) (\(name))"
  }

  private static func sqlState(_ code: rd_kafka_resp_err_t) -> String? {
    switch code {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE: "08001"
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__SSL:
      "28000"
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      "42P01"
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      "42501"
    default: nil
    }
  }

  private static func judge(_ code: rd_kafka_resp_err_t, _ brokers: String) -> (PulsehouseError.Kind, String?) {
    switch code {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      (.io, "No broker answers at \(brokers). Does one run there, and is its port the one for clients?")
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      (
        .user,
        "The broker refused the login: check sasl.mechanism, sasl.username and sasl.password, and security.protocol."
      )
    case RD_KAFKA_RESP_ERR__SSL:
      (.user, "No secure connection could be made: check security.protocol and ssl.ca.location.")
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      (.user, "Check the topic's name, or make it: pulsehouse produce makes it when it is missing.")
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: (.user, "The topic has fewer partitions.")
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      (.user, "This user may not do that: ask for the right on the topic, group or cluster.")
    case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_CONFIG, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
      RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
      (.user, nil)
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      (.unsupported, "The broker is too old or too different for this client.")
    case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: (.conflict, nil)
    default: (.io, nil)
    }
  }
}
