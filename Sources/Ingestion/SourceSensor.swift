import Bytes
import Kafka

/// Notices that a source may have something new, without reading it: by the names, sizes and times of its files, or by
/// where the partitions of its topic end.
///
/// One thread at a time. What lies there when the sensor is made counts as new.
package final class SourceSensor {
  package let source: Source
  private let options: IngestOptions
  private let files: any FileSystem
  private var taken: UInt64?
  private var seen: UInt64?
  /// Kept from look to look, so that a broker sees one connection and not one a poll.
  private var broker: (admin: KafkaAdmin, consumer: KafkaConsumer)?

  package init(_ source: Source, options: IngestOptions, files: any FileSystem = LocalFileSystem()) {
    self.source = options.brokers == nil ? source : source.withoutLake
    self.options = options
    self.files = files
  }

  /// Looks, and returns whether the source is other than when `take` was last called.
  ///
  /// - Throws: `.io` and `.user` where it is not there or does not answer.
  package func hasNews() throws(PulsehouseError) -> Bool {
    let mark = try self.mark()
    seen = mark
    return mark != taken
  }

  /// Says that what the last look saw was ingested.
  package func take() { taken = seen }

  private func mark() throws(PulsehouseError) -> UInt64 {
    switch source.kind {
    case .lake(let folder):
      let path = options.lakePath ?? Path.join(options.dataDirectory, folder.path)
      var mark = SightMark()
      for file in try LakeListing.files(path, pattern: folder.pattern, in: files) {
        mark.add(file.path, file.byteCount, file.modifiedNanoseconds)
      }
      return mark.value
    case .csv(let csv):
      let path = Path.join(options.dataDirectory, csv.path)
      guard let status = try files.status(path) else {
        throw PulsehouseError(.user, "the source's file does not exist", sqlState: "58P01", file: path)
      }
      var mark = SightMark()
      mark.add(path, status.byteCount, status.modifiedNanoseconds)
      return mark.value
    case .kafka(let topic):
      let (admin, consumer) = try connect(topic)
      guard let count = try admin.partitionCount(topic.topic) else {
        throw PulsehouseError(.user, "there is no topic \"\(topic.topic)\"", sqlState: "42P01")
      }
      var mark = SightMark()
      for partition in 0..<Int32(clamping: count) {
        let ends = try consumer.watermarks(topic.topic, partition, milliseconds: 1500)
        mark.add(topic.topic, Int64(partition), ends.high)
      }
      return mark.value
    }
  }

  private func connect(_ topic: KafkaTopic) throws(PulsehouseError) -> (KafkaAdmin, KafkaConsumer) {
    if let broker { return broker }
    let configuration = try KafkaIngest.configuration(topic, options)
    // Of a group of its own, which it never joins: it only asks where partitions end.
    let made = (
      try KafkaAdmin(configuration, milliseconds: 1500), try KafkaConsumer(configuration, group: topic.group + ".watch")
    )
    broker = made
    return made
  }
}
