import Vectors

/// A type by PostgreSQL's number.
struct PostgresType {
  var identifier: Int64
  var name: String
  /// Bytes; -1 for any number of them.
  var length: Int
  var category: String
  /// The number of the type of arrays of it; 0 for arrays and what has none.
  var array: Int64
  /// Of an array: the number of its elements' type.
  var element: Int64 = 0

  private static let plain: [PostgresType] = [
    (16, "bool", 1, "B", 1000), (17, "bytea", -1, "U", 1001), (18, "char", 1, "Z", 0), (19, "name", 64, "S", 0),
    (20, "int8", 8, "N", 1016), (21, "int2", 2, "N", 1005), (23, "int4", 4, "N", 1007), (25, "text", -1, "S", 1009),
    (26, "oid", 4, "N", 0), (114, "json", -1, "U", 199), (700, "float4", 4, "N", 1021), (701, "float8", 8, "N", 1022),
    (705, "unknown", -2, "X", 0), (1042, "bpchar", -1, "S", 1014), (1043, "varchar", -1, "S", 1015),
    (1082, "date", 4, "D", 1182), (1083, "time", 8, "D", 1183), (1114, "timestamp", 8, "D", 1115),
    (1184, "timestamptz", 8, "D", 1185), (1186, "interval", 16, "T", 1187), (1700, "numeric", -1, "N", 1231),
    (2249, "record", -1, "P", 0), (2950, "uuid", 16, "U", 2951), (3802, "jsonb", -1, "U", 3807),
  ].map { PostgresType(identifier: $0.0, name: $0.1, length: $0.2, category: $0.3, array: $0.4) }

  static let all: [PostgresType] =
    plain
    + plain.filter { $0.array != 0 }.map {
      PostgresType(
        identifier: $0.array, name: "_" + $0.name, length: -1, category: "A", array: 0, element: $0.identifier)
    }

  /// PostgreSQL's own name of a type: `int4`, `_int4` for an array of it.
  static func name(of type: LogicalType) -> String {
    if case .array(let element) = type { return "_" + name(of: element) }
    return all.first { $0.identifier == type.postgresIdentifier }?.name ?? type.name
  }
}

extension Field {
  /// As `pg_attribute.atttypmod` has it.
  var postgresModifier: Int64 {
    switch type {
    case .varchar(let length?), .char(let length): return Int64(length + 4)
    case .numeric(let precision?, let scale): return Int64(precision << 16 | (scale ?? 0) & 2047) + 4
    default: return secondDigits.map(Int64.init) ?? -1
    }
  }
}

extension LogicalType {
  /// PostgreSQL's number of the type.
  var postgresIdentifier: Int64 {
    switch self {
    case .boolean: 16
    case .bytea: 17
    case .bigint: 20
    case .smallint: 21
    case .integer: 23
    case .text: 25
    case .json: 114
    case .real: 700
    case .double: 701
    case .unknown: 705
    case .array(let element): PostgresType.all.first { $0.element == element.postgresIdentifier }?.identifier ?? 1009
    case .char: 1042
    case .varchar: 1043
    case .date: 1082
    case .time: 1083
    case .timestamp: 1114
    case .timestamptz: 1184
    case .interval: 1186
    case .numeric: 1700
    // Numbers of types that users made are found by `CatalogObjects`.
    case .enumeration: 0
    case .record: 2249
    case .uuid: 2950
    case .jsonb: 3802
    }
  }
}
