import Bytes
import CPgQuery
import Glibc

// SQL text to typed syntax, by PostgreSQL 15's own grammar out of libpg_query. Nothing here knows a table: names stay
// names. Read next: `AST/`, then `Translate/`, which turns the C library's tree into it. Beside it stand the text
// tools that need no grammar (`Text/`) and the headers and macros of model files (`Model/`).

/// Parses SQL by PostgreSQL's grammar. Safe to call from any number of threads.
package enum PostgresParser {
  /// The depth up to which trees are translated: expressions count one level, queries and joins two.
  ///
  /// Whoever walks a tree by recursion can rely on it: 8 MiB of stack are 20 KiB a level. AND, OR, lists and VALUES are
  /// flat, so only what really nests or chains (`a || b || ...`, joins, set operations) counts.
  package static let maximumDepth = 400

  /// Returns the statements of `sql`; none for a text of white space and comments.
  ///
  /// `offset` is where `sql` starts in a larger text: it is added to every range, in errors too.
  ///
  /// - Throws: `.user` with PostgreSQL's words, SQLSTATE and range for what its grammar refuses; `.unsupported` (0A000)
  ///   naming a statement or form that it takes and we do not.
  package static func parse(_ sql: String, at offset: Int = 0) throws(PulsehouseError) -> [Statement] {
    var sql = sql
    let result: Result<[Statement], PulsehouseError> = sql.withUTF8 { text in
      do throws(PulsehouseError) {
        return .success(try parse(utf8: text, offset))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Returns the one statement of `sql`.
  ///
  /// - Throws: as `parse`; `.user` if there is none or more than one.
  package static func parseOne(_ sql: String, at offset: Int = 0) throws(PulsehouseError) -> Statement {
    let statements = try parse(sql, at: offset)
    guard let first = statements.first else {
      throw PulsehouseError(.user, "there is no SQL statement here", sqlState: "42601", range: offset..<offset)
    }
    guard statements.count == 1 else {
      throw PulsehouseError(
        .user, "cannot take several commands here", sqlState: "42601", range: statements[1].range.bytes)
    }
    return first
  }

  /// Returns the expression that `sql` is, with ranges into `sql` (plus `offset`).
  ///
  /// - Throws: as `parse`; `.user` if it is something else than one expression.
  package static func parseExpression(_ sql: String, at offset: Int = 0) throws(PulsehouseError) -> Expression {
    let prefix = "SELECT "
    let statement = try parseOne(prefix + sql, at: offset - prefix.utf8.count)
    guard case .query(let query) = statement.node, let value = query.onlyExpression else {
      throw PulsehouseError(
        .user, "this is not one expression", sqlState: "42601", range: offset..<(offset + sql.utf8.count))
    }
    return value
  }

  /// Returns the text of `bytes`.
  ///
  /// - Throws: `.user` (22021) with the position of the first bytes that are not UTF-8, or of a NUL.
  package static func text(ofUTF8 bytes: [UInt8]) throws(PulsehouseError) -> String {
    if let position = bytes.firstIndex(of: 0) { throw invalidByte(bytes, at: position) }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw invalidByte(bytes, at: firstInvalidByte(bytes))
  }

  /// Walks the bytes by the standard's table of well-formed sequences.
  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int {
    var index = 0
    while index < bytes.count {
      let count: Int
      var second: ClosedRange<UInt8> = 0x80...0xBF
      switch bytes[index] {
      case 0x00...0x7F: count = 1
      case 0xC2...0xDF: count = 2
      case 0xE0...0xEF:
        count = 3
        if bytes[index] == 0xE0 { second = 0xA0...0xBF }
        if bytes[index] == 0xED { second = 0x80...0x9F }
      case 0xF0...0xF4:
        count = 4
        if bytes[index] == 0xF0 { second = 0x90...0xBF }
        if bytes[index] == 0xF4 { second = 0x80...0x8F }
      default: return index
      }
      guard index + count <= bytes.count, count == 1 || second.contains(bytes[index + 1]),
        bytes[(index + 1)..<(index + count)].allSatisfy({ $0 & 0xC0 == 0x80 })
      else { return index }
      index += count
    }
    return max(0, bytes.count - 1)
  }

  private static func invalidByte(_ bytes: [UInt8], at position: Int) -> PulsehouseError {
    let digits = String(bytes[position], radix: 16)
    return PulsehouseError(
      .user, "invalid byte sequence for encoding \"UTF8\": 0x\(digits.count < 2 ? "0" : "")\(digits)",
      sqlState: "22021", range: position..<(position + 1))
  }

  /// Texts longer than this are parsed on a thread of their own with a stack for the deepest tree allowed.
  private static let ownThreadByteCount = 8192
  private static let stackByteCount = 64 << 20
  /// Refused before parsing: the C library's time grows with the square of the depth, its stack with the depth.
  private static let maximumEstimate = 10_000
  /// Each takes about 150 bytes of the C library's tree.
  private static let maximumCopiedTokenCount = 4_000_000

  private static func parse(
    utf8 text: UnsafeBufferPointer<UInt8>, _ offset: Int
  ) throws(PulsehouseError) -> [Statement] {
    guard text.count < Int32.max / 2 else {
      throw PulsehouseError(.user, "the SQL text is larger than 1 GiB", sqlState: "54000")
    }
    if let position = text.firstIndex(of: 0) {
      throw PulsehouseError(
        .user, "invalid byte sequence for encoding \"UTF8\": 0x00", sqlState: "22021",
        range: shifted(position..<(position + 1), by: offset))
    }
    guard CopyEstimate.isBelow(maximumCopiedTokenCount, text) else {
      throw PulsehouseError(
        .user, "too much is set to several columns at once", sqlState: "54000",
        hint: "Set the columns one by one, or take what they are set to FROM a subquery.")
    }
    guard text.count > ownThreadByteCount else { return try parseHere(text, offset) }
    guard NestingEstimate.depth(of: text) <= maximumEstimate else { throw SyntaxFailure.tooDeep(nil) }
    return try parseOnOwnThread(text, offset)
  }

  private static func shifted(_ range: Range<Int>, by offset: Int) -> Range<Int> {
    max(0, range.lowerBound + offset)..<max(0, range.upperBound + offset)
  }

  private static func parseHere(
    _ text: UnsafeBufferPointer<UInt8>, _ offset: Int
  ) throws(PulsehouseError) -> [Statement] {
    // The library wants a terminated text; that of a Swift string is, but this is not promised.
    let terminated = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
    defer { terminated.deallocate() }
    for index in 0..<text.count { terminated[index] = CChar(bitPattern: text[index]) }
    terminated[text.count] = 0

    let result = pg_query_parse_protobuf(terminated)
    defer { pg_query_free_protobuf_parse_result(result) }
    if let error = result.error {
      var failure = SyntaxFailure.parserError(error.pointee, in: text)
      failure.range = failure.range.map { shifted($0, by: offset) }
      throw failure
    }
    let tree = result.parse_tree.data.map { data in
      WireMessage(UnsafeRawPointer(data).assumingMemoryBound(to: UInt8.self), count: result.parse_tree.len)
    }
    return try Translator(text, rangeOffset: offset).statements(tree ?? .empty)
  }

  private final class Job {
    let text: UnsafeBufferPointer<UInt8>
    let offset: Int
    var result: Result<[Statement], PulsehouseError>

    init(_ text: UnsafeBufferPointer<UInt8>, _ offset: Int) {
      self.text = text
      self.offset = offset
      result = .failure(PulsehouseError(.internal, "the parser's thread ended early"))
    }

    func run() {
      do throws(PulsehouseError) {
        result = .success(try PostgresParser.parseHere(text, offset))
      } catch {
        result = .failure(error)
      }
    }
  }

  private static func parseOnOwnThread(
    _ text: UnsafeBufferPointer<UInt8>, _ offset: Int
  ) throws(PulsehouseError) -> [Statement] {
    let job = Job(text, offset)
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { throw PulsehouseError(.io, "cannot prepare a thread to parse on") }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackByteCount)
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(job)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Job>.fromOpaque(argument).takeUnretainedValue().run() }
        return nil
      }, argument.toOpaque())
    guard status == 0 else {
      argument.release()
      throw PulsehouseError(.io, "cannot start a thread to parse on (error \(status))")
    }
    pthread_join(thread, nil)
    argument.release()
    return try job.result.get()
  }
}
