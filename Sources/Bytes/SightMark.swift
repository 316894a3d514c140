/// A hash over names and numbers.
package struct SightMark {
  private var hash = XXH64()

  package init() {}

  package mutating func add(_ name: String, _ first: Int64, _ second: Int64) {
    var writer = ByteWriter(reserving: name.utf8.count + 24)
    writer.append(name)
    writer.append(first)
    writer.append(second)
    writer.bytes.withUnsafeBytes { hash.update($0) }
  }

  package var value: UInt64 { hash.finish() }
}
