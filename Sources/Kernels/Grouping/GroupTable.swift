import Bytes
import CKernels
import Glibc
import Vectors

/// Gives every distinct row of its key columns a group number from 0, in order of first appearance, a batch at a time.
///
/// Keys are packed into as few 64-bit words as the values seen need (`KeyColumn`); the packing widens when a value
/// does not fit. A key of few bits indexes a direct table, one of up to 64 bits a hash table that holds the keys, a
/// longer one a hash table that points at them. NULLs are equal to each other, as in GROUP BY.
///
/// One thread fills a table; once it is full, any number may look rows up through a `GroupLookup` each.
package final class GroupTable {
  package let types: [LogicalType]
  package private(set) var groupCount = 0
  /// After `intern`: the rows of the batch that opened a group, one for each new group in order.
  package private(set) var newRows: [UInt32] = []

  var columns: [KeyColumn]
  private(set) var wordCount = 0
  private var bits = 0
  private var rowsSeen = 0
  /// Group `g`'s words at `g * wordCount`.
  private var keys = Store<UInt64>()
  private var representatives: [Representatives?]

  enum Mode { case single, direct, word, words }
  private(set) var mode: Mode = .single
  /// Direct mode: group + 1 by key, 0 for none.
  private var direct = Store<UInt32>(zeroed: 16)
  /// Word mode: pairs of key and group + 1.
  private var slots = Store<Slot>(zeroed: 16)
  private var slotMask = 0
  /// Words mode: upper hash bits and group + 1.
  private var tags = Store<UInt64>(zeroed: 16)

  private var scratch = Store<UInt64>()
  private var numbers: [NumberScratch]

  struct Slot: BitwiseCopyable {
    var key: UInt64
    var group: UInt32
    var padding: UInt32
  }

  /// The widest key that a direct table takes: 4 MiB of it.
  private static let directBits = 20

  /// Makes an empty table. `hints` are known bounds of integer keys, which save the table from widening.
  package init(_ types: [LogicalType], hints: [ClosedRange<Int64>?] = []) {
    self.types = types
    columns = types.map { KeyColumn($0) }
    representatives = columns.map { $0.keepsRepresentative ? Representatives($0.type) : nil }
    numbers = types.map { _ in NumberScratch() }
    for (index, hint) in hints.enumerated() where index < columns.count {
      guard let hint, columns[index].interner == nil, !columns[index].isLearned else { continue }
      columns[index].widen(to: (hint.lowerBound, hint.upperBound))
    }
    (wordCount, bits) = KeyColumn.layOut(&columns)
    rebuild()
  }

  package var byteCount: Int {
    var total = keys.byteCount + direct.byteCount + slots.byteCount + tags.byteCount + scratch.byteCount
    for column in columns { total += column.interner?.byteCount ?? 0 }
    for representative in representatives { total += representative?.byteCount ?? 0 }
    return total
  }

  /// Writes the group of each of `count` rows to `groups`, making new ones as needed, and returns how many are new.
  @discardableResult
  package func intern(_ keys: [Vector], count: Int, into groups: UnsafeMutablePointer<UInt32>) -> Int {
    precondition(keys.count == columns.count && !isClosed, "a vector for every key")
    newRows.removeAll(keepingCapacity: true)
    guard count > 0 else { return 0 }
    let before = groupCount
    if columns.isEmpty {
      memset(groups, 0, count * 4)
      if groupCount == 0 {
        groupCount = 1
        newRows.append(0)
      }
      return groupCount - before
    }
    let inputs = prepare(keys, count: count)
    var mustLayOut = false
    for index in columns.indices {
      if let range = inputs[index].range(), !columns[index].covers(range) {
        widened.append(index)
        mustLayOut = true
      }
    }
    if mustLayOut { layOut(inputs) }
    rowsSeen += count
    let wanted = preferredMode
    if mode != wanted { rebuild() }
    scratch.reserve(count * max(1, wordCount), keeping: 0)
    memset(scratch.base, 0, count * wordCount * 8)
    // The inputs keep the memory alive that their pointers name.
    withExtendedLifetime((inputs, keys)) {
      for index in columns.indices {
        inputs[index].pack(columns[index], into: scratch.base, stride: count, misses: nil)
      }
    }
    internScratch(count, groups)
    if groupCount > before {
      for index in columns.indices { representatives[index]?.append(keys[index], rows: newRows) }
    }
    return groupCount - before
  }

  /// Gives the groups `source` of another table of the same types their groups here, as `intern` of their keys does.
  package func intern(
    groups source: UnsafeBufferPointer<UInt32>, of other: GroupTable, into groups: UnsafeMutablePointer<UInt32>
  ) {
    let count = source.count
    guard count > 0, mode == .word || mode == .direct, wordCount == 1, hasLayout(of: other) else {
      intern(other.keyVectors(source), count: count, into: groups)
      return
    }
    newRows.removeAll(keepingCapacity: true)
    rowsSeen += count
    if mode != preferredMode { rebuild() }
    scratch.reserve(count, keeping: 0)
    let words = scratch.base
    let packed = other.keys.base
    for row in 0..<count { words[row] = packed[Int(source[row])] }
    internScratch(count, groups)
  }

  /// True when a packed key means the same in both tables.
  private func hasLayout(of other: GroupTable) -> Bool {
    for (mine, theirs) in zip(columns, other.columns) {
      if mine.interner != nil || mine.keepsRepresentative || mine.low != theirs.low || mine.high != theirs.high {
        return false
      }
    }
    return true
  }

  private func internScratch(_ count: Int, _ groups: UnsafeMutablePointer<UInt32>) {
    switch mode {
    case .single: preconditionFailure("keys without columns")
    case .direct: internDirect(count, groups)
    case .word: internWord(count, groups)
    case .words: internWords(count, groups)
    }
  }

  /// Makes room for `count` groups at once.
  package func reserve(_ count: Int) {
    keys.reserve(count * max(1, wordCount), keeping: groupCount * wordCount)
    let size = GroupTable.size(for: count)
    switch mode {
    case .single, .direct: break
    case .word: if size > slotMask + 1 { growSlots(to: size) }
    case .words: if size > slotMask + 1 { growTags(to: size) }
    }
  }

  /// Forgets all groups; keeps the layout of keys and the memory.
  package func reset() {
    if mode == .direct {
      for group in 0..<groupCount { direct.base[Int(keys.base[group])] = 0 }
    } else if mode == .word {
      memset(slots.base, 0, (slotMask + 1) * MemoryLayout<Slot>.stride)
    } else if mode == .words {
      memset(tags.base, 0, (slotMask + 1) * 8)
    }
    groupCount = 0
    rowsSeen = 0
    newRows.removeAll(keepingCapacity: true)
    for index in columns.indices where representatives[index] != nil {
      representatives[index] = Representatives(types[index])
    }
  }

  /// Gives the memory back that only finding groups needs: keys may be read, but none interned or found.
  package func close() {
    direct = Store<UInt32>(capacity: 16)
    slots = Store<Slot>(capacity: 16)
    tags = Store<UInt64>(capacity: 16)
    scratch = Store<UInt64>(capacity: 16)
    isClosed = true
  }

  private var isClosed = false

  // MARK: Layout

  private var widened: [Int] = []

  private func prepare(_ keys: [Vector], count: Int) -> [KeyInput] {
    columns.indices.map { index in
      let vector = keys[index]
      precondition(vector.count == count && vector.type.physical == types[index].physical, "keys of the table's types")
      guard let interner = columns[index].interner else { return KeyInput(vector) }
      return numbers[index].read(vector) { interner.intern($0, into: $1) }
    }
  }

  /// Widens the columns that `widened` names and packs every group's key anew.
  private func layOut(_ inputs: [KeyInput]) {
    let old = columns
    let oldWords = wordCount
    for index in widened {
      guard let range = inputs[index].range() else { continue }
      columns[index].widen(to: range)
    }
    widened.removeAll()
    (wordCount, bits) = KeyColumn.layOut(&columns)
    var packed = Store<UInt64>(zeroed: max(groupCount, 16) * max(1, wordCount))
    for index in columns.indices where groupCount > 0 {
      for group in 0..<groupCount {
        columns[index].pack(old[index].code(in: keys.base + group * oldWords), into: packed.base + group * wordCount)
      }
    }
    swap(&keys, &packed)
    rebuild()
  }

  private var preferredMode: Mode {
    if columns.isEmpty { return .single }
    if wordCount > 1 { return .words }
    // A direct table must pay for the clearing of its memory.
    if bits <= 12 || (bits <= GroupTable.directBits && rowsSeen + groupCount >= 1 << max(0, bits - 5)) {
      return .direct
    }
    return .word
  }

  private func rebuild() {
    mode = preferredMode
    switch mode {
    case .single: break
    case .direct:
      direct = Store<UInt32>(zeroed: 1 << bits)
      for group in 0..<groupCount { direct.base[Int(keys.base[group])] = UInt32(truncatingIfNeeded: group &+ 1) }
    case .word: growSlots(to: max(1024, GroupTable.size(for: groupCount)))
    case .words: growTags(to: max(1024, GroupTable.size(for: groupCount)))
    }
    if mode != .direct { direct = Store<UInt32>(capacity: 16) }
    if mode != .word { slots = Store<Slot>(capacity: 16) }
    if mode != .words { tags = Store<UInt64>(capacity: 16) }
  }

  /// True when `count` more groups would fill over five eighths of the slots.
  private func isTight(_ count: Int) -> Bool { (groupCount + count) * 8 > (slotMask + 1) * 5 }

  private static func size(for groups: Int) -> Int { powerOfTwo(groups * 8 / 5 + 1) }

  private static func powerOfTwo(_ atLeast: Int) -> Int {
    atLeast <= 1 ? 1 : 1 << (Int.bitWidth - (atLeast - 1).leadingZeroBitCount)
  }

  private func growSlots(to size: Int) {
    slots = Store<Slot>(zeroed: size)
    slotMask = size - 1
    let base = slots.base
    for group in 0..<groupCount {
      let key = keys.base[group]
      var place = Int(truncatingIfNeeded: GroupTable.hash(key)) & slotMask
      while base[place].group != 0 { place = (place &+ 1) & slotMask }
      base[place] = Slot(key: key, group: UInt32(truncatingIfNeeded: group &+ 1), padding: 0)
    }
  }

  private func growTags(to size: Int) {
    tags = Store<UInt64>(zeroed: size)
    slotMask = size - 1
    for group in 0..<groupCount {
      let hash = GroupTable.hash(keys.base + group * wordCount, 1, wordCount)
      var place = Int(truncatingIfNeeded: hash) & slotMask
      while tags.base[place] != 0 { place = (place &+ 1) & slotMask }
      tags.base[place] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(group &+ 1)
    }
  }

  @inline(__always) static func hash(_ key: UInt64) -> UInt64 { Hash.mix(key ^ Hash.seed, 0xA076_1D64_78BD_642F) }

  /// Hashes the words of one key, `stride` apart.
  @inline(__always) static func hash(_ words: UnsafePointer<UInt64>, _ stride: Int, _ count: Int) -> UInt64 {
    var state = Hash.seed
    var word = 0
    while word < count {
      state = Hash.mix(words[word &* stride] ^ state, 0xA076_1D64_78BD_642F)
      word &+= 1
    }
    return state
  }

  // MARK: Inserting

  private func internDirect(_ count: Int, _ groups: UnsafeMutablePointer<UInt32>) {
    let table = direct.base
    let words = scratch.base
    var missing: UInt32 = 0
    var row = 0
    while row < count {
      let group = table[Int(truncatingIfNeeded: words[row])]
      groups[row] = group &- 1
      // Zero less one has the top bit; no group does.
      missing |= group &- 1
      row &+= 1
    }
    guard missing >> 31 != 0 else { return }
    for row in 0..<count where groups[row] == UInt32.max {
      let key = words[row]
      var group = table[Int(truncatingIfNeeded: key)]
      if group == 0 {
        group = open(row, key)
        table[Int(truncatingIfNeeded: key)] = group
      }
      groups[row] = group &- 1
    }
  }

  /// Adds the group of a one-word key and returns its number + 1.
  @inline(__always) private func open(_ row: Int, _ key: UInt64) -> UInt32 {
    precondition(groupCount < Int(Int32.max) - 1, "more groups than 31 bits count")
    keys.reserve(groupCount + 1, keeping: groupCount)
    keys.base[groupCount] = key
    groupCount += 1
    newRows.append(UInt32(truncatingIfNeeded: row))
    return UInt32(truncatingIfNeeded: groupCount)
  }

  private func internWord(_ count: Int, _ groups: UnsafeMutablePointer<UInt32>) {
    let words = scratch.base
    if isTight(count) {
      // Only as many as really are new; a batch may overshoot, so room is made for all of it when it gets tight.
      growSlots(to: GroupTable.size(for: groupCount * 2 + count))
    }
    let table = slots.base
    let mask = slotMask
    let isLarge = mask >= 1 << 15
    let distance = 16
    if isLarge {
      var ahead = 0
      while ahead < min(distance, count) {
        ph_prefetch(table + (Int(truncatingIfNeeded: GroupTable.hash(words[ahead])) & mask))
        ahead &+= 1
      }
    }
    // Rows that follow each other often have one key, in tables that are stored in its order.
    var previous = ~words[0]
    var previousGroup: UInt32 = 0
    var row = 0
    while row < count {
      if words[row] == previous {
        groups[row] = previousGroup
        row &+= 1
        continue
      }
      if isLarge, row &+ distance < count {
        ph_prefetch(table + (Int(truncatingIfNeeded: GroupTable.hash(words[row &+ distance])) & mask))
      }
      let key = words[row]
      var place = Int(truncatingIfNeeded: GroupTable.hash(key)) & mask
      while true {
        let slot = table[place]
        if slot.key == key && slot.group != 0 {
          groups[row] = slot.group &- 1
          break
        }
        if slot.group == 0 {
          let group = open(row, key)
          table[place] = Slot(key: key, group: group, padding: 0)
          groups[row] = group &- 1
          break
        }
        place = (place &+ 1) & mask
      }
      previous = key
      previousGroup = groups[row]
      row &+= 1
    }
  }

  private func internWords(_ count: Int, _ groups: UnsafeMutablePointer<UInt32>) {
    let words = scratch.base
    let width = wordCount
    if isTight(count) { growTags(to: GroupTable.size(for: groupCount * 2 + count)) }
    let table = tags.base
    let mask = slotMask
    for row in 0..<count {
      let hash = GroupTable.hash(words + row, count, width)
      let tag = hash & 0xFFFF_FFFF_0000_0000
      var place = Int(truncatingIfNeeded: hash) & mask
      while true {
        let slot = table[place]
        if slot == 0 {
          precondition(groupCount < Int(Int32.max) - 1, "more groups than 31 bits count")
          keys.reserve((groupCount + 1) * width, keeping: groupCount * width)
          let key = keys.base + groupCount * width
          for word in 0..<width { key[word] = words[word * count + row] }
          groups[row] = UInt32(truncatingIfNeeded: groupCount)
          groupCount += 1
          table[place] = tag | UInt64(groupCount)
          newRows.append(UInt32(truncatingIfNeeded: row))
          break
        }
        if slot & 0xFFFF_FFFF_0000_0000 == tag {
          let group = UInt32(truncatingIfNeeded: slot) &- 1
          let key = keys.base + Int(group) * width
          var word = 0
          while word < width, key[word] == words[word &* count &+ row] { word &+= 1 }
          if word == width {
            groups[row] = group
            break
          }
        }
        place = (place &+ 1) & mask
      }
    }
  }

  // MARK: Looking up

  /// Finds the groups of packed keys; `groups[row]` becomes `UInt32.max` where there is none or `misses[row]` is set.
  func find(
    _ words: UnsafePointer<UInt64>, count: Int, misses: UnsafePointer<UInt8>?, _ groups: UnsafeMutablePointer<UInt32>
  ) {
    switch mode {
    case .single:
      for row in 0..<count { groups[row] = groupCount == 0 ? UInt32.max : 0 }
    case .direct:
      let table = direct.base
      var row = 0
      while row < count {
        groups[row] = table[Int(truncatingIfNeeded: words[row])] &- 1
        row &+= 1
      }
    case .word:
      let table = slots.base
      let mask = slotMask
      let isLarge = mask >= 1 << 15
      var row = 0
      while row < count {
        if isLarge, row &+ 16 < count {
          ph_prefetch(table + (Int(truncatingIfNeeded: GroupTable.hash(words[row &+ 16])) & mask))
        }
        let key = words[row]
        var place = Int(truncatingIfNeeded: GroupTable.hash(key)) & mask
        while true {
          let slot = table[place]
          if slot.group == 0 || slot.key == key {
            groups[row] = slot.group &- 1
            break
          }
          place = (place &+ 1) & mask
        }
        row &+= 1
      }
    case .words:
      let width = wordCount
      let table = tags.base
      let mask = slotMask
      for row in 0..<count {
        let hash = GroupTable.hash(words + row, count, width)
        let tag = hash & 0xFFFF_FFFF_0000_0000
        var place = Int(truncatingIfNeeded: hash) & mask
        groups[row] = UInt32.max
        while true {
          let slot = table[place]
          if slot == 0 { break }
          if slot & 0xFFFF_FFFF_0000_0000 == tag {
            let group = UInt32(truncatingIfNeeded: slot) &- 1
            let key = keys.base + Int(group) * width
            var word = 0
            while word < width, key[word] == words[word &* count &+ row] { word &+= 1 }
            if word == width {
              groups[row] = group
              break
            }
          }
          place = (place &+ 1) & mask
        }
      }
    }
    guard let misses else { return }
    for row in 0..<count where misses[row] != 0 { groups[row] = UInt32.max }
  }

  // MARK: Reading keys

  /// Returns the key columns of `groups`, in that order. Text comes as codes of one dictionary.
  package func keyVectors(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] {
    columns.indices.map { keyVector($0, groups) }
  }

  /// Returns the values of an integer key column, nil for NULL.
  package func integerKeys(_ index: Int, _ groups: UnsafeBufferPointer<UInt32>) -> [Int64?] {
    let column = columns[index]
    precondition(column.interner == nil, "a key that is an integer")
    return groups.map { column.code(in: keys.base + Int($0) * wordCount) }
  }

  /// Makes reading keys cheap; any number of threads may read them until the next key is interned.
  package func seal() { for column in columns { column.interner?.seal() } }

  func keyVector(_ index: Int, _ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    let column = columns[index]
    if let representative = representatives[index] { return representative.vector(groups) }
    let count = groups.count
    let width = wordCount
    let base = keys.base
    var mask: ValidityMask?
    func invalidate(_ row: Int) {
      if mask == nil { mask = ValidityMask(count: count, allValid: true) }
      mask?.set(row, valid: false)
    }
    @inline(__always) func fill<T: BitwiseCopyable>(_ zero: T, _ make: (Int64) -> T) -> AlignedBuffer {
      let buffer = AlignedBuffer(byteCount: count * MemoryLayout<T>.stride)
      let output = buffer.values(as: T.self)
      for row in 0..<count {
        if let code = column.code(in: base + Int(groups[row]) * width) {
          output[row] = make(code)
        } else {
          output[row] = zero
          invalidate(row)
        }
      }
      return buffer
    }
    let buffer: AlignedBuffer
    switch column.type.physical {
    case .boolean: buffer = fill(UInt8(0)) { UInt8(truncatingIfNeeded: $0) }
    case .int16: buffer = fill(Int16(0)) { Int16(truncatingIfNeeded: $0) }
    case .int32: buffer = fill(Int32(0)) { Int32(truncatingIfNeeded: $0) }
    case .int64: buffer = fill(Int64(0)) { $0 }
    case .string:
      buffer = fill(UInt32(0)) { UInt32(truncatingIfNeeded: $0) }
      guard let interner = column.interner, interner.count > 0 else { return .nulls(column.type, count: count) }
      return Vector(codes: buffer, count: count, dictionary: interner.dictionary(), validity: mask)
    case .float32, .float64, .numeric, .interval, .uuid:
      preconditionFailure("a representative shows this type")
    }
    return Vector(column.type, count: count, buffer: buffer, validity: mask)
  }
}

/// Room for the interned numbers of one batch of a key column.
final class NumberScratch {
  private var numbers = Store<UInt32>()

  /// Turns `vector` into numbers by `intern`, a single one for a constant.
  func read(_ vector: Vector, _ intern: (Vector, UnsafeMutablePointer<UInt32>) -> Void) -> KeyInput {
    if vector.form == .constant {
      let one = Vector(vector.type, count: 1, buffer: vector.buffer, validity: vector.validity, owners: vector.owners)
      intern(one, numbers.base)
      return KeyInput(numbers: numbers.base, count: vector.count, vector: vector, isConstant: true)
    }
    numbers.reserve(vector.count, keeping: 0)
    intern(vector, numbers.base)
    return KeyInput(numbers: numbers.base, count: vector.count, vector: vector, isConstant: false)
  }
}

/// The first value of every group of one column, as it was written.
final class Representatives {
  private var builder: VectorBuilder
  private let type: LogicalType

  init(_ type: LogicalType) {
    self.type = type
    builder = VectorBuilder(type, capacity: 64)
  }

  var byteCount: Int { builder.capacity * type.physical.stride }

  func append(_ vector: Vector, rows: [UInt32]) {
    for row in rows {
      let row = Int(row)
      guard vector.isValid(row) else {
        builder.appendNull()
        continue
      }
      switch type.physical {
      case .string: RowReader<StringReference>(vector)[row].withBytes { builder.append(bytes: $0) }
      case .float32: builder.append(RowReader<Float>(vector)[row])
      case .float64: builder.append(RowReader<Double>(vector)[row])
      case .numeric: builder.append(RowReader<Numeric>(vector)[row])
      case .interval: builder.append(RowReader<Interval>(vector)[row])
      case .uuid: builder.append(RowReader<UUIDValue>(vector)[row])
      case .boolean, .int16, .int32, .int64: preconditionFailure("whole numbers look as they are")
      }
    }
  }

  func vector(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    // A copy of the builder: more groups may follow.
    let all = builder.finish()
    return Gather.rows(all, at: groups)
  }
}
