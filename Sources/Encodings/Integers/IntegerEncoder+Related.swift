import Bytes

/// Encodings that lean on other columns of the row group.
extension IntegerEncoder {
  private func stepEncoder(_ tracks: BlockTracks, _ position: Int, _ rowClass: Int) -> PackedEncoder {
    let start = tracks.rowCounts[..<rowClass].reduce(0, +)
    return PackedEncoder(
      codes: UnsafePointer(tracks.columns[position].steps.values(as: UInt64.self)) + start,
      count: tracks.rowCounts[rowClass], base: 0, multiplier: 1, mayFrame: false)
  }

  private func classEncoder(_ codes: AlignedBuffer) -> PackedEncoder {
    PackedEncoder(
      codes: UnsafePointer(codes.values(as: UInt64.self)), count: count, base: 0, multiplier: 1, isScanned: true,
      mayFrame: false)
  }

  private func wideClasses(_ tracks: BlockTracks) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let wide = buffer.values(as: UInt64.self)
    let narrow = tracks.codes.values(as: UInt8.self)
    for row in 0..<count { wide[row] = UInt64(narrow[row]) }
    return buffer
  }

  /// How the classes of rows are packed, where this column leads, and the steps of each class; and about how many bytes
  /// they take.
  func tracked(_ tracks: BlockTracks, _ position: Int) -> (Choice.Form, Int) {
    let plans = tracks.rowCounts.indices.map { stepEncoder(tracks, position, $0).plan() }
    var codesPlan: PackedEncoder.Plan?
    if position == 0 {
      let codes = wideClasses(tracks)
      codesPlan = classEncoder(codes).plan()
      withExtendedLifetime(codes) {}
    }
    // The leader's classes serve all.
    let shared = (codesPlan?.byteCount ?? count / 4) + tracks.vectorCounts.count * 2
    let byteCount = plans.reduce(128) { $0 + $1.byteCount } + shared / tracks.columns.count
    return (.tracked(codesPlan, plans), byteCount)
  }

  /// Appends tracks without the byte that says so.
  func write(
    _ tracks: BlockTracks, _ position: Int, _ codesPlan: PackedEncoder.Plan?, _ plans: [PackedEncoder.Plan],
    into writer: inout ByteWriter
  ) {
    writer.pad(to: 4)
    writer.append(UInt32(tracks.key.column))
    writer.append(codesPlan == nil ? UInt32(tracks.columns[0].index) : TrackedStream.isLeader)
    writer.append(tracks.columns[position].base)
    writer.append(UInt32(plans.count))
    for rows in tracks.rowCounts { writer.append(UInt32(rows)) }
    for isFromHome in tracks.isFromHome { writer.append(isFromHome) }
    if let codesPlan {
      writer.appendArray(tracks.vectorCounts)
      let codes = wideClasses(tracks)
      classEncoder(codes).write(codesPlan, into: &writer)
      withExtendedLifetime(codes) {}
    }
    for (rowClass, plan) in plans.enumerated() { stepEncoder(tracks, position, rowClass).write(plan, into: &writer) }
  }

  /// What the other column does not say, packed.
  func rests(_ link: Link) -> (AlignedBuffer, Choice) {
    let buffer = AlignedBuffer(byteCount: max(count, 1) * 8)
    let rest = buffer.values(as: Int64.self)
    let multiplier = link.multiplier
    var row = 0
    while row < count {
      rest[row] = values[row] &- multiplier &* link.values[row]
      row &+= 1
    }
    return (buffer, IntegerEncoder(values: UnsafePointer(rest), count: count, allowed: [.packed]).choose())
  }

  /// Appends what was chosen to be packed, without the byte that says so.
  func writePacked(_ choice: Choice, into writer: inout ByteWriter) {
    guard case .packed(let codes, let plan) = choice.form else { preconditionFailure("rests are packed") }
    packedEncoder(codes, choice.profile).write(plan, into: &writer)
  }
}
