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

  /// Reads a number above zero, perhaps with the suffix k or m.
  package static func positive(_ option: String, _ arguments: Arguments) throws(PulsehouseError) -> Double? {
    guard var text = arguments.value(option)?.lowercased() else { return nil }
    let written = text
    let factors: [Character: Double] = ["k": 1e3, "m": 1e6]
    var factor = 1.0
    if let last = text.last, let scale = factors[last] {
      factor = scale
      text.removeLast()
    }
    guard let number = Double(text), number.isFinite, number > 0, number * factor <= 1e9 else {
      throw PulsehouseError(.usage, "--\(option) wants a number above zero, not \"\(written)\"")
    }
    return number * factor
  }
}
