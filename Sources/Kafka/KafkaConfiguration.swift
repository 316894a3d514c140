import Bytes
import CRdKafka
import Glibc

/// How to reach a cluster: brokers, and any property of librdkafka by its own name.
///
/// A value `env:NAME` or `file:PATH` is taken from the environment or a file (one line end at its end left out) when a
/// client is made. Secrets must come that way: as plain text they are refused. No value that came that way is ever
/// shown: not by `description`, not in errors, not in log lines kept.
package struct KafkaConfiguration: Sendable, Hashable, CustomStringConvertible {
  /// `host:port`, several separated by commas.
  package var brokers: String
  /// Properties by name, as written: places of secrets, never secrets.
  package private(set) var properties: [String: String] = [:]

  package init(brokers: String) { self.brokers = brokers }

  /// Sets a property. - Throws: `.usage` for a secret in plain text, or a property that we must set ourselves.
  package mutating func set(_ name: String, _ value: String) throws(PulsehouseError) {
    guard !Self.reserved.contains(name) else {
      throw PulsehouseError(
        .usage, "the Kafka property \"\(name)\" cannot be set",
        hint: name == "bootstrap.servers" || name == "metadata.broker.list"
          ? "Name the brokers instead." : "Exactly-once delivery rests on it.")
    }
    guard !Self.isSecret(name) || Self.isReference(value) else {
      throw PulsehouseError(
        .usage, "the Kafka property \"\(name)\" is a secret and must not be written out",
        hint: "Name its place: \(name)=env:VARIABLE or \(name)=file:/path.")
    }
    properties[name] = value
  }

  /// Sets a property written `name=value`.
  package mutating func set(assignment: String) throws(PulsehouseError) {
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      // Not shown: who forgets the name may have typed the secret.
      throw PulsehouseError(.usage, "a Kafka property is written name=value", hint: "For example client.id=watches.")
    }
    try set(String(assignment[..<equals]), String(assignment[assignment.index(after: equals)...]))
  }

  /// Properties whose meaning our promises rest on.
  private static let reserved: Set<String> = [
    "bootstrap.servers", "metadata.broker.list", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
    "enable.idempotence", "acks", "request.required.acks", "isolation.level", "enable.partition.eof",
    "partition.assignment.strategy", "group.id", "log_level",
  ]

  package static func isSecret(_ name: String) -> Bool {
    name.contains("password") || name.contains("secret") || name == "ssl.key.pem" || name == "sasl.oauthbearer.config"
      || name == "sasl.username"
  }

  private static func isReference(_ value: String) -> Bool { value.hasPrefix("env:") || value.hasPrefix("file:") }

  package var description: String {
    let shown = properties.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return ([brokers] + shown).joined(separator: " ")
  }

  /// The properties with the values that their places hold, and which of them must not be shown.
  func resolved() throws(PulsehouseError) -> [(name: String, value: String, isHidden: Bool)] {
    var all: [(name: String, value: String, isHidden: Bool)] = []
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      if value.hasPrefix("env:") {
        let variable = String(value.dropFirst(4))
        guard let found = getenv(variable) else {
          throw PulsehouseError(
            .usage, "the Kafka property \"\(name)\" wants the environment variable \(variable), which is not set")
        }
        all.append((name, String(cString: found), true))
      } else if value.hasPrefix("file:") {
        let path = String(value.dropFirst(5))
        var bytes = try LocalFileSystem().readFile(path, limit: 1 << 20)
        if bytes.last == 0x0A { bytes.removeLast() }
        if bytes.last == 0x0D { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
          throw PulsehouseError(.usage, "the Kafka property \"\(name)\" wants a file of text", file: path)
        }
        all.append((name, text, true))
      } else {
        all.append((name, value, false))
      }
    }
    return all
  }
}
