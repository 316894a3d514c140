import Bytes
import CRdKafka

/// Brokers simulated inside this process by the client library itself, for tests that need errors on demand.
///
/// It keeps messages in memory only, a few megabytes a partition, and is no proof of how a real broker behaves.
package final class KafkaSimulatedCluster {
  /// Requests, by their numbers in the protocol.
  package enum Request: Int16, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
  }

  /// What a broker can be made to answer.
  package enum Fault: Sendable {
    case notLeader, requestTimedOut, outOfRange, coordinatorLoading, rebalanceInProgress, unknownMember

    fileprivate var code: rd_kafka_resp_err_t {
      switch self {
      case .notLeader: RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
      case .requestTimedOut: RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
      case .outOfRange: RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
      case .coordinatorLoading: RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
      case .rebalanceInProgress: RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
      case .unknownMember: RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
      }
    }
  }

  private let client: KafkaClient
  private let cluster: OpaquePointer

  package init(brokerCount: Int = 1) throws(PulsehouseError) {
    client = try KafkaClient(RD_KAFKA_PRODUCER, KafkaConfiguration(brokers: "127.0.0.1:1"))
    guard let cluster = client.library.rd_kafka_mock_cluster_new(client.handle, Int32(brokerCount)) else {
      client.destroy()
      throw PulsehouseError(.internal, "no simulated cluster")
    }
    self.cluster = cluster
  }

  deinit {
    client.library.rd_kafka_mock_cluster_destroy(cluster)
    client.destroy()
  }

  package var brokers: String { KafkaLibrary.text(client.library.rd_kafka_mock_cluster_bootstraps(cluster)) }

  package func createTopic(_ topic: String, partitionCount: Int) {
    _ = client.library.rd_kafka_mock_topic_create(cluster, topic, Int32(partitionCount), 1)
  }

  /// The next requests of this kind are answered by these faults, one each.
  package func push(_ request: Request, _ faults: [Fault]) {
    let codes = faults.map(\.code)
    client.library.rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, codes.count, codes)
  }

  package func setDown(broker: Int = 1) { _ = client.library.rd_kafka_mock_broker_set_down(cluster, Int32(broker)) }

  package func setUp(broker: Int = 1) { _ = client.library.rd_kafka_mock_broker_set_up(cluster, Int32(broker)) }
}
