import Bytes
import Glibc
import Kafka

/// The options that say how to reach Kafka, shared by the commands that do.
package enum KafkaArguments {
  package static let options = [
    OptionSpecification(
      "brokers", value: "HOST:PORT[,...]", "the Kafka brokers (default: $PULSEHOUSE_BROKERS, else the source's)"),
    OptionSpecification(
      "property", value: "NAME=VALUE", mayRepeat: true,
      "a property of librdkafka, such as security.protocol=SASL_SSL; secrets as env:NAME or file:PATH"),
  ]

  /// The brokers named by option or environment; nil when neither does.
  package static func brokers(_ arguments: Arguments) -> String? {
    if let named = arguments.value("brokers"), !named.isEmpty { return named }
    guard let variable = getenv("PULSEHOUSE_BROKERS"), variable.pointee != 0 else { return nil }
    return String(cString: variable)
  }

  /// - Throws: `.usage` when no broker is named, or for a property that cannot be set.
  package static func configuration(_ arguments: Arguments) throws(PulsehouseError) -> KafkaConfiguration {
    guard let brokers = brokers(arguments) else {
      throw PulsehouseError(
        .usage, "no Kafka broker is named",
        hint: "Say --brokers host:port, or set PULSEHOUSE_BROKERS.")
    }
    var configuration = KafkaConfiguration(brokers: brokers)
    for assignment in arguments.all("property") { try configuration.set(assignment: assignment) }
    return configuration
  }
}
