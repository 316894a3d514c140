import Glibc
import Vectors

/// approx_count_distinct: 2,048 registers of the longest run of zero bits seen, about 2.3 % off.
///
/// A group keeps its hashes themselves, and so is exact, until it has more of them than its registers take room.
/// Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog"; linear counting for the small range.
package final class DistinctEstimateAccumulator: Accumulator {
  private var groups: [State] = []

  private enum State {
    case hashes(Set<UInt64>)
    case registers([UInt8])
  }

  private static let registerBits = 11
  private static let exactLimit = 256

  package override init() {}

  private var denseCount = 0
  private var hashCount = 0

  package override var byteCount: Int {
    groups.count * 16 + hashCount * 24 + denseCount << DistinctEstimateAccumulator.registerBits
  }

  package override func resize(to groupCount: Int) {
    while groups.count < groupCount { groups.append(.hashes([])) }
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let hashes = Hash.rows([inputs[0]], count: count)
    for row in 0..<count where inputs[0].isValid(row) { add(hashes[row], to: groups.map { Int($0[row]) } ?? 0) }
  }

  private func add(_ hash: UInt64, to group: Int) {
    switch groups[group] {
    case .hashes(var hashes):
      groups[group] = .registers([])
      if hashes.insert(hash).inserted { hashCount += 1 }
      if hashes.count <= DistinctEstimateAccumulator.exactLimit {
        groups[group] = .hashes(hashes)
        return
      }
      var registers = [UInt8](repeating: 0, count: 1 << DistinctEstimateAccumulator.registerBits)
      for hash in hashes { DistinctEstimateAccumulator.note(hash, in: &registers) }
      groups[group] = .registers(registers)
      denseCount += 1
      hashCount -= hashes.count
    case .registers(var registers):
      groups[group] = .hashes([])
      DistinctEstimateAccumulator.note(hash, in: &registers)
      groups[group] = .registers(registers)
    }
  }

  private static func note(_ hash: UInt64, in registers: inout [UInt8]) {
    let index = Int(hash >> UInt64(64 - registerBits))
    let rest = hash << UInt64(registerBits) | 1 << UInt64(registerBits - 1)
    registers[index] = max(registers[index], UInt8(rest.leadingZeroBitCount + 1))
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: DistinctEstimateAccumulator.self)
    for index in 0..<count {
      let to = Int(target[index])
      switch other.groups[Int(source[index])] {
      case .hashes(let hashes): for hash in hashes { add(hash, to: to) }
      case .registers(let theirs):
        var mine = [UInt8](repeating: 0, count: theirs.count)
        switch groups[to] {
        case .hashes(let hashes): for hash in hashes { DistinctEstimateAccumulator.note(hash, in: &mine) }
        case .registers(let registers): mine = registers
        }
        for register in mine.indices { mine[register] = max(mine[register], theirs[register]) }
        groups[to] = .registers(mine)
      }
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(.bigint, groups, zero: Int64(0)) { group in
      switch self.groups[group] {
      case .hashes(let hashes): Int64(hashes.count)
      case .registers(let registers): DistinctEstimateAccumulator.estimate(registers)
      }
    }
  }

  private static func estimate(_ registers: [UInt8]) -> Int64 {
    let size = Double(registers.count)
    var sum = 0.0
    var empty = 0
    for register in registers {
      sum += scalbn(1.0, -Int32(register))
      if register == 0 { empty += 1 }
    }
    let raw = 0.7213 / (1 + 1.079 / size) * size * size / sum
    if raw <= 2.5 * size, empty > 0 { return Int64((size * log(size / Double(empty))).rounded()) }
    return Int64(raw.rounded())
  }
}
