// The enumerations of the C library's tree, by the numbers they have on its wire. An unknown number reads as nil, which
// the translation reports by name rather than guesses.

enum OperatorExpressionCode: Int {
  case plain = 1
  case any
  case all
  case distinct
  case notDistinct
  case nullIf
  case `in`
  case like
  case ilike
  case similar
  case between
  case notBetween
  case betweenSymmetric
  case notBetweenSymmetric
}

enum BooleanOperatorCode: Int {
  case and = 1
  case or
  case not
}

enum SublinkCode: Int {
  case exists = 1
  case all
  case any
  case rowCompare
  case scalar
  case multiple
  case array
}

enum JoinCode: Int {
  case inner = 1
  case left
  case full
  case right
}

enum SetOperationCode: Int {
  case none = 1
  case union
  case intersect
  case except
}

enum GroupingSetCode: Int {
  case empty = 1
  case simple
  case rollup
  case cube
  case sets
}

enum ConstraintCode: Int {
  case null = 1
  case notNull
  case defaultValue
  case identity
  case generated
  case check
  case primaryKey
  case unique
  case exclusion
  case foreignKey
  case deferrable
  case notDeferrable
  case deferred
  case immediate
}

enum TransactionCode: Int {
  case begin = 1
  case start
  case commit
  case rollback
  case savepoint
  case release
  case rollbackTo
}

enum VariableSetCode: Int {
  case value = 1
  case defaultValue
  case current
  case multi
  case reset
  case resetAll
}

/// Kinds of named objects; only those that a translated statement may name.
enum ObjectCode: Int {
  case column = 7
  case domain = 13
  case domainConstraint = 14
  case index = 21
  case materializedView = 24
  case schema = 37
  case sequence = 38
  case tableConstraint = 41
  case table = 42
  case type = 50
  case view = 52
}

enum AlterTableCode: Int {
  case addColumn = 1
  case columnDefault = 4
  case dropNotNull = 6
  case setNotNull = 7
  case dropExpression = 8
  case dropColumn = 15
  case addConstraint = 19
  case dropConstraint = 27
  case alterColumnType = 30
  case setOptions = 40
  case resetOptions = 41
  case addIdentity = 68
  case setIdentity = 69
  case dropIdentity = 70
}

enum OnCommitCode: Int {
  case preserveRows = 2
  case deleteRows = 3
  case drop = 4

  var meaning: OnCommit {
    switch self {
    case .preserveRows: .preserveRows
    case .deleteRows: .deleteRows
    case .drop: .drop
    }
  }
}

enum CommandCode: Int {
  case update = 3
  case insert = 4
  case delete = 5
  case nothing = 8
}

/// The bits of a window's frame.
struct FrameBits: OptionSet {
  let rawValue: Int
  static let isWritten = FrameBits(rawValue: 0x00001)
  static let range = FrameBits(rawValue: 0x00002)
  static let rows = FrameBits(rawValue: 0x00004)
  static let groups = FrameBits(rawValue: 0x00008)
  static let startUnboundedPreceding = FrameBits(rawValue: 0x00020)
  static let endUnboundedFollowing = FrameBits(rawValue: 0x00100)
  static let startCurrentRow = FrameBits(rawValue: 0x00200)
  static let endCurrentRow = FrameBits(rawValue: 0x00400)
  static let startPreceding = FrameBits(rawValue: 0x00800)
  static let endPreceding = FrameBits(rawValue: 0x01000)
  static let startFollowing = FrameBits(rawValue: 0x02000)
  static let endFollowing = FrameBits(rawValue: 0x04000)
  static let excludeCurrentRow = FrameBits(rawValue: 0x08000)
  static let excludeGroup = FrameBits(rawValue: 0x10000)
  static let excludeTies = FrameBits(rawValue: 0x20000)
}

/// What stands between DECLARE's name and its query.
struct CursorBits: OptionSet {
  let rawValue: Int
  static let binary = CursorBits(rawValue: 0x01)
  static let scroll = CursorBits(rawValue: 0x02)
  static let noScroll = CursorBits(rawValue: 0x04)
  static let insensitive = CursorBits(rawValue: 0x08)
  static let asensitive = CursorBits(rawValue: 0x10)
  static let hold = CursorBits(rawValue: 0x20)
}
