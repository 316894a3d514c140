import Bytes

/// How far one partition of a topic has been written to a lake: a small file, replaced in one step, and the only truth
/// about it.
///
/// ```
/// pulsehouse sink 2
/// topic heartrate
/// partition 0
/// next 1300
/// records 1298
/// mark 1299 0123456789abcdef
/// file 0.part 2024/01/31/23/heartrate+0+000000001200.jsonl 1200 1299 99
/// hash 0123456789abcdef
/// ```
/// `next` is the offset to go on from. A `file` line is one that the last commit made: its name while it was written,
/// its name in the lake, its first and last offset and its records. `mark` is what the last message is known by, so that
/// a topic made anew shows; version 1 has none. `hash` is XXH64 of all lines before.
struct SinkJournal: Hashable, Sendable {
  struct File: Hashable, Sendable {
    var workName: String
    var path: String
    var firstOffset: Int64
    var lastOffset: Int64
    var recordCount: Int64
  }

  var topic: String
  var partition: Int32
  var nextOffset: Int64
  var recordCount: Int64 = 0
  /// What the last message is known by; nil where that is not known.
  var mark: KafkaWitness.Mark?
  /// What the last commit has to give its name in the lake.
  var files: [File] = []

  func encode() -> [UInt8] {
    var text = "pulsehouse sink 2\ntopic \(topic)\npartition \(partition)\nnext \(nextOffset)\nrecords \(recordCount)\n"
    if let mark { text += "mark \(mark.offset) \(hexadecimal(mark.fingerprint))\n" }
    for file in files {
      text += "file \(file.workName) \(file.path) \(file.firstOffset) \(file.lastOffset) \(file.recordCount)\n"
    }
    return Array((text + "hash \(Self.hash(text))\n").utf8)
  }

  private static func hash(_ text: String) -> String {
    hexadecimal(Array(text.utf8).withUnsafeBytes { XXH64.hash($0, seed: 0) })
  }

  init(topic: String, partition: Int32, nextOffset: Int64) {
    self.topic = topic
    self.partition = partition
    self.nextOffset = nextOffset
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt` naming `path`; `.unsupported` for a newer version.
  init(decoding bytes: [UInt8], path: String) throws(PulsehouseError) {
    func corrupt(_ what: String) -> PulsehouseError {
      PulsehouseError(
        .corrupt, "the sink's journal is damaged: \(what)",
        hint: "The lake's files are whole, and their names say which offsets they start with.", file: path)
    }
    guard let text = String(validating: bytes, as: UTF8.self), text.hasSuffix("\n") else { throw corrupt("not text") }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard lines.first == "pulsehouse sink 1" || lines.first == "pulsehouse sink 2" else {
      if lines.first?.hasPrefix("pulsehouse sink ") == true {
        throw PulsehouseError(.unsupported, "the sink's journal was written by a newer version", file: path)
      }
      throw corrupt("no head")
    }
    let last = lines.removeLast()
    let body = lines.map { $0 + "\n" }.joined()
    guard last == "hash \(Self.hash(body))" else { throw corrupt("its hash is another") }
    func value(_ index: Int, _ name: String) throws(PulsehouseError) -> Substring {
      guard lines.indices.contains(index), lines[index].hasPrefix(name + " ") else { throw corrupt("no \(name)") }
      return lines[index].dropFirst(name.count + 1)
    }
    guard let partition = Int32(try value(2, "partition")), let next = Int64(try value(3, "next")),
      let records = Int64(try value(4, "records"))
    else { throw corrupt("a number") }
    self.init(topic: String(try value(1, "topic")), partition: partition, nextOffset: next)
    recordCount = records
    var head = 5
    if lines.indices.contains(head), lines[head].hasPrefix("mark ") {
      let parts = try value(head, "mark").split(separator: " ")
      guard parts.count == 2, let offset = Int64(parts[0]), let fingerprint = UInt64(parts[1], radix: 16) else {
        throw corrupt("a mark")
      }
      mark = KafkaWitness.Mark(offset: offset, fingerprint: fingerprint)
      head += 1
    }
    for index in lines.indices.dropFirst(head) {
      let parts = try value(index, "file").split(separator: " ")
      guard parts.count == 5, let first = Int64(parts[2]), let last = Int64(parts[3]), let records = Int64(parts[4])
      else { throw corrupt("a file") }
      files.append(
        File(
          workName: String(parts[0]), path: String(parts[1]), firstOffset: first, lastOffset: last, recordCount: records
        ))
    }
  }
}
