// The tags of the protocol buffer in which the C library hands over its tree: those that the translation reads, by the
// names and numbers of libpg_query 15's `pg_query.proto`. Numbers are never reused within a major version.

enum Tag {
  enum AArrayExpr {
    static let elements: UInt32 = 1
    static let location: UInt32 = 2
  }

  enum AConst {
    static let ival: UInt32 = 1
    static let fval: UInt32 = 2
    static let boolval: UInt32 = 3
    static let sval: UInt32 = 4
    static let bsval: UInt32 = 5
    static let isnull: UInt32 = 10
    static let location: UInt32 = 11
  }

  enum AExpr {
    static let kind: UInt32 = 1
    static let name: UInt32 = 2
    static let lexpr: UInt32 = 3
    static let rexpr: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum AIndices {
    static let isSlice: UInt32 = 1
    static let lidx: UInt32 = 2
    static let uidx: UInt32 = 3
  }

  enum AIndirection {
    static let arg: UInt32 = 1
    static let indirection: UInt32 = 2
  }

  enum Alias {
    static let aliasname: UInt32 = 1
    static let colnames: UInt32 = 2
  }

  enum AlterDomainStmt {
    static let subtype: UInt32 = 1
    static let typeName: UInt32 = 2
    static let name: UInt32 = 3
    static let def: UInt32 = 4
    static let behavior: UInt32 = 5
    static let missingOk: UInt32 = 6
  }

  enum AlterEnumStmt {
    static let typeName: UInt32 = 1
    static let oldVal: UInt32 = 2
    static let newVal: UInt32 = 3
    static let newValNeighbor: UInt32 = 4
    static let newValIsAfter: UInt32 = 5
    static let skipIfNewValExists: UInt32 = 6
  }

  enum AlterObjectSchemaStmt {
    static let objectType: UInt32 = 1
    static let relation: UInt32 = 2
    static let object: UInt32 = 3
    static let newschema: UInt32 = 4
    static let missingOk: UInt32 = 5
  }

  enum AlterTableCmd {
    static let subtype: UInt32 = 1
    static let name: UInt32 = 2
    static let def: UInt32 = 5
    static let behavior: UInt32 = 6
    static let missingOk: UInt32 = 7
  }

  enum AlterTableStmt {
    static let relation: UInt32 = 1
    static let cmds: UInt32 = 2
    static let objtype: UInt32 = 3
    static let missingOk: UInt32 = 4
  }

  enum BitString {
    static let bsval: UInt32 = 1
  }

  enum BoolExpr {
    static let boolop: UInt32 = 2
    static let args: UInt32 = 3
    static let location: UInt32 = 4
  }

  enum Boolean {
    static let boolval: UInt32 = 1
  }

  enum BooleanTest {
    static let arg: UInt32 = 2
    static let booltesttype: UInt32 = 3
    static let location: UInt32 = 4
  }

  enum CaseExpr {
    static let arg: UInt32 = 4
    static let args: UInt32 = 5
    static let defresult: UInt32 = 6
    static let location: UInt32 = 7
  }

  enum CaseWhen {
    static let expr: UInt32 = 2
    static let result: UInt32 = 3
    static let location: UInt32 = 4
  }

  enum ClosePortalStmt {
    static let portalname: UInt32 = 1
  }

  enum CoalesceExpr {
    static let args: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum CollateClause {
    static let arg: UInt32 = 1
    static let collname: UInt32 = 2
    static let location: UInt32 = 3
  }

  enum ColumnDef {
    static let colname: UInt32 = 1
    static let typeName: UInt32 = 2
    static let compression: UInt32 = 3
    static let rawDefault: UInt32 = 9
    static let collClause: UInt32 = 14
    static let constraints: UInt32 = 16
    static let location: UInt32 = 18
  }

  enum ColumnRef {
    static let fields: UInt32 = 1
    static let location: UInt32 = 2
  }

  enum CTECycleClause {
    static let cycleColList: UInt32 = 1
    static let cycleMarkColumn: UInt32 = 2
    static let cycleMarkValue: UInt32 = 3
    static let cycleMarkDefault: UInt32 = 4
    static let cyclePathColumn: UInt32 = 5
    static let location: UInt32 = 6
  }

  enum CTESearchClause {
    static let searchColList: UInt32 = 1
    static let searchBreadthFirst: UInt32 = 2
    static let searchSeqColumn: UInt32 = 3
    static let location: UInt32 = 4
  }

  enum CommentStmt {
    static let objtype: UInt32 = 1
    static let object: UInt32 = 2
    static let comment: UInt32 = 3
  }

  enum CommonTableExpr {
    static let ctename: UInt32 = 1
    static let aliascolnames: UInt32 = 2
    static let ctematerialized: UInt32 = 3
    static let ctequery: UInt32 = 4
    static let searchClause: UInt32 = 5
    static let cycleClause: UInt32 = 6
    static let location: UInt32 = 7
  }

  enum Constraint {
    static let contype: UInt32 = 1
    static let conname: UInt32 = 2
    static let deferrable: UInt32 = 3
    static let location: UInt32 = 5
    static let rawExpr: UInt32 = 7
    static let generatedWhen: UInt32 = 9
    static let nullsNotDistinct: UInt32 = 10
    static let keys: UInt32 = 11
    static let including: UInt32 = 12
    static let options: UInt32 = 14
    static let indexname: UInt32 = 15
    static let indexspace: UInt32 = 16
    static let pktable: UInt32 = 20
    static let fkAttrs: UInt32 = 21
    static let pkAttrs: UInt32 = 22
    static let fkMatchtype: UInt32 = 23
    static let fkUpdAction: UInt32 = 24
    static let fkDelAction: UInt32 = 25
    static let fkDelSetCols: UInt32 = 26
    static let skipValidation: UInt32 = 29
  }

  enum CopyStmt {
    static let relation: UInt32 = 1
    static let query: UInt32 = 2
    static let attlist: UInt32 = 3
    static let isFrom: UInt32 = 4
    static let isProgram: UInt32 = 5
    static let filename: UInt32 = 6
    static let options: UInt32 = 7
    static let whereClause: UInt32 = 8
  }

  enum CreateDomainStmt {
    static let domainname: UInt32 = 1
    static let typeName: UInt32 = 2
    static let collClause: UInt32 = 3
    static let constraints: UInt32 = 4
  }

  enum CreateEnumStmt {
    static let typeName: UInt32 = 1
    static let vals: UInt32 = 2
  }

  enum CreateSchemaStmt {
    static let schemaname: UInt32 = 1
    static let authrole: UInt32 = 2
    static let schemaElts: UInt32 = 3
    static let ifNotExists: UInt32 = 4
  }

  enum CreateSeqStmt {
    static let sequence: UInt32 = 1
    static let options: UInt32 = 2
    static let ifNotExists: UInt32 = 5
  }

  enum AlterSeqStmt {
    static let sequence: UInt32 = 1
    static let options: UInt32 = 2
    static let missingOk: UInt32 = 4
  }

  enum RefreshMatViewStmt {
    static let skipData: UInt32 = 2
    static let relation: UInt32 = 3
  }

  enum CreateStmt {
    static let relation: UInt32 = 1
    static let tableElts: UInt32 = 2
    static let inhRelations: UInt32 = 3
    static let partbound: UInt32 = 4
    static let partspec: UInt32 = 5
    static let ofTypename: UInt32 = 6
    static let constraints: UInt32 = 7
    static let options: UInt32 = 8
    static let oncommit: UInt32 = 9
    static let tablespacename: UInt32 = 10
    static let accessMethod: UInt32 = 11
    static let ifNotExists: UInt32 = 12
  }

  enum CreateTableAsStmt {
    static let query: UInt32 = 1
    static let into: UInt32 = 2
    static let objtype: UInt32 = 3
    static let ifNotExists: UInt32 = 5
  }

  enum DeallocateStmt {
    static let name: UInt32 = 1
  }

  enum DeclareCursorStmt {
    static let portalname: UInt32 = 1
    static let options: UInt32 = 2
    static let query: UInt32 = 3
  }

  enum DefElem {
    static let defnamespace: UInt32 = 1
    static let defname: UInt32 = 2
    static let arg: UInt32 = 3
    static let location: UInt32 = 5
  }

  enum DeleteStmt {
    static let relation: UInt32 = 1
    static let usingClause: UInt32 = 2
    static let whereClause: UInt32 = 3
    static let returningList: UInt32 = 4
    static let withClause: UInt32 = 5
  }

  enum DiscardStmt {
    static let target: UInt32 = 1
  }

  enum DropStmt {
    static let objects: UInt32 = 1
    static let removeType: UInt32 = 2
    static let behavior: UInt32 = 3
    static let missingOk: UInt32 = 4
  }

  enum ExecuteStmt {
    static let name: UInt32 = 1
    static let params: UInt32 = 2
  }

  enum ExplainStmt {
    static let query: UInt32 = 1
    static let options: UInt32 = 2
  }

  enum FetchStmt {
    static let direction: UInt32 = 1
    static let howMany: UInt32 = 2
    static let portalname: UInt32 = 3
    static let ismove: UInt32 = 4
  }

  enum Float {
    static let fval: UInt32 = 1
  }

  enum FuncCall {
    static let funcname: UInt32 = 1
    static let args: UInt32 = 2
    static let aggOrder: UInt32 = 3
    static let aggFilter: UInt32 = 4
    static let over: UInt32 = 5
    static let aggWithinGroup: UInt32 = 6
    static let aggStar: UInt32 = 7
    static let aggDistinct: UInt32 = 8
    static let funcVariadic: UInt32 = 9
    static let funcformat: UInt32 = 10
    static let location: UInt32 = 11
  }

  enum GroupingFunc {
    static let args: UInt32 = 2
    static let location: UInt32 = 6
  }

  enum GroupingSet {
    static let kind: UInt32 = 1
    static let content: UInt32 = 2
    static let location: UInt32 = 3
  }

  enum IndexElem {
    static let name: UInt32 = 1
    static let expr: UInt32 = 2
    static let collation: UInt32 = 4
    static let opclass: UInt32 = 5
  }

  enum IndexStmt {
    static let idxname: UInt32 = 1
    static let relation: UInt32 = 2
    static let indexParams: UInt32 = 5
    static let indexIncludingParams: UInt32 = 6
    static let options: UInt32 = 7
    static let whereClause: UInt32 = 8
    static let unique: UInt32 = 15
    static let nullsNotDistinct: UInt32 = 16
    static let ifNotExists: UInt32 = 23
  }

  enum InferClause {
    static let indexElems: UInt32 = 1
    static let whereClause: UInt32 = 2
    static let conname: UInt32 = 3
  }

  enum InsertStmt {
    static let relation: UInt32 = 1
    static let cols: UInt32 = 2
    static let selectStmt: UInt32 = 3
    static let onConflictClause: UInt32 = 4
    static let returningList: UInt32 = 5
    static let withClause: UInt32 = 6
    static let override: UInt32 = 7
  }

  enum Integer {
    static let ival: UInt32 = 1
  }

  enum IntoClause {
    static let rel: UInt32 = 1
    static let colNames: UInt32 = 2
    static let accessMethod: UInt32 = 3
    static let options: UInt32 = 4
    static let onCommit: UInt32 = 5
    static let tableSpaceName: UInt32 = 6
    static let skipData: UInt32 = 8
  }

  enum JoinExpr {
    static let jointype: UInt32 = 1
    static let isNatural: UInt32 = 2
    static let larg: UInt32 = 3
    static let rarg: UInt32 = 4
    static let usingClause: UInt32 = 5
    static let joinUsingAlias: UInt32 = 6
    static let quals: UInt32 = 7
    static let alias: UInt32 = 8
  }

  enum List {
    static let items: UInt32 = 1
  }

  enum LockStmt {
    static let relations: UInt32 = 1
  }

  enum LockingClause {
    static let lockedRels: UInt32 = 1
    static let strength: UInt32 = 2
  }

  enum MergeStmt {
    static let relation: UInt32 = 1
    static let sourceRelation: UInt32 = 2
    static let joinCondition: UInt32 = 3
    static let mergeWhenClauses: UInt32 = 4
    static let withClause: UInt32 = 5
  }

  enum MergeWhenClause {
    static let matched: UInt32 = 1
    static let commandType: UInt32 = 2
    static let override: UInt32 = 3
    static let condition: UInt32 = 4
    static let targetList: UInt32 = 5
    static let values: UInt32 = 6
  }

  enum MinMaxExpr {
    static let op: UInt32 = 5
    static let args: UInt32 = 6
    static let location: UInt32 = 7
  }

  enum MultiAssignRef {
    static let source: UInt32 = 1
    static let ncolumns: UInt32 = 3
  }

  enum NamedArgExpr {
    static let arg: UInt32 = 2
    static let name: UInt32 = 3
  }

  enum Node {
    static let rangeVar: UInt32 = 2
    static let groupingFunc: UInt32 = 7
    static let namedArgExpr: UInt32 = 11
    static let boolExpr: UInt32 = 16
    static let subLink: UInt32 = 17
    static let caseExpr: UInt32 = 27
    static let caseWhen: UInt32 = 28
    static let rowExpr: UInt32 = 31
    static let coalesceExpr: UInt32 = 33
    static let minMaxExpr: UInt32 = 34
    static let sqlvalueFunction: UInt32 = 35
    static let xmlExpr: UInt32 = 36
    static let nullTest: UInt32 = 37
    static let booleanTest: UInt32 = 38
    static let setToDefault: UInt32 = 41
    static let currentOfExpr: UInt32 = 42
    static let joinExpr: UInt32 = 47
    static let insertStmt: UInt32 = 54
    static let deleteStmt: UInt32 = 55
    static let updateStmt: UInt32 = 56
    static let mergeStmt: UInt32 = 57
    static let selectStmt: UInt32 = 58
    static let vacuumStmt: UInt32 = 92
    static let alterTableStmt: UInt32 = 61
    static let alterTableCmd: UInt32 = 62
    static let copyStmt: UInt32 = 70
    static let createStmt: UInt32 = 71
    static let createSeqStmt: UInt32 = 95
    static let alterSeqStmt: UInt32 = 96
    static let refreshMatViewStmt: UInt32 = 155
    static let dropStmt: UInt32 = 73
    static let truncateStmt: UInt32 = 74
    static let renameStmt: UInt32 = 81
    static let transactionStmt: UInt32 = 86
    static let viewStmt: UInt32 = 87
    static let explainStmt: UInt32 = 93
    static let createTableAsStmt: UInt32 = 94
    static let variableSetStmt: UInt32 = 97
    static let variableShowStmt: UInt32 = 98
    static let discardStmt: UInt32 = 99
    static let lockStmt: UInt32 = 105
    static let createSchemaStmt: UInt32 = 109
    static let prepareStmt: UInt32 = 119
    static let executeStmt: UInt32 = 120
    static let deallocateStmt: UInt32 = 121
    static let alterObjectSchemaStmt: UInt32 = 126
    static let alterDomainStmt: UInt32 = 63
    static let closePortalStmt: UInt32 = 68
    static let commentStmt: UInt32 = 75
    static let fetchStmt: UInt32 = 76
    static let createDomainStmt: UInt32 = 89
    static let declareCursorStmt: UInt32 = 122
    static let createEnumStmt: UInt32 = 133
    static let alterEnumStmt: UInt32 = 135
    static let aExpr: UInt32 = 171
    static let columnRef: UInt32 = 172
    static let paramRef: UInt32 = 173
    static let funcCall: UInt32 = 174
    static let aStar: UInt32 = 175
    static let aIndices: UInt32 = 176
    static let aIndirection: UInt32 = 177
    static let aArrayExpr: UInt32 = 178
    static let resTarget: UInt32 = 179
    static let multiAssignRef: UInt32 = 180
    static let typeCast: UInt32 = 181
    static let collateClause: UInt32 = 182
    static let sortBy: UInt32 = 183
    static let windowDef: UInt32 = 184
    static let rangeSubselect: UInt32 = 185
    static let rangeFunction: UInt32 = 186
    static let rangeTableSample: UInt32 = 187
    static let rangeTableFunc: UInt32 = 188
    static let typeName: UInt32 = 190
    static let columnDef: UInt32 = 191
    static let indexElem: UInt32 = 192
    static let indexStmt: UInt32 = 77
    static let constraint: UInt32 = 194
    static let defElem: UInt32 = 195
    static let groupingSet: UInt32 = 201
    static let tableLikeClause: UInt32 = 206
    static let vacuumRelation: UInt32 = 225
    static let lockingClause: UInt32 = 208
    static let xmlSerialize: UInt32 = 210
    static let commonTableExpr: UInt32 = 216
    static let mergeWhenClause: UInt32 = 217
    static let partitionElem: UInt32 = 220
    static let integer: UInt32 = 230
    static let float: UInt32 = 231
    static let boolean: UInt32 = 232
    static let string: UInt32 = 233
    static let list: UInt32 = 235
    static let aConst: UInt32 = 238
  }

  enum NullTest {
    static let arg: UInt32 = 2
    static let nulltesttype: UInt32 = 3
    static let location: UInt32 = 5
  }

  enum OnConflictClause {
    static let action: UInt32 = 1
    static let infer: UInt32 = 2
    static let targetList: UInt32 = 3
    static let whereClause: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum ParamRef {
    static let number: UInt32 = 1
    static let location: UInt32 = 2
  }

  enum ParseResult {
    static let stmts: UInt32 = 2
  }

  enum PartitionElem {
    static let name: UInt32 = 1
    static let expr: UInt32 = 2
    static let collation: UInt32 = 3
    static let opclass: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum PartitionSpec {
    static let strategy: UInt32 = 1
    static let partParams: UInt32 = 2
    static let location: UInt32 = 3
  }

  enum PrepareStmt {
    static let name: UInt32 = 1
    static let argtypes: UInt32 = 2
    static let query: UInt32 = 3
  }

  enum RangeFunction {
    static let lateral: UInt32 = 1
    static let ordinality: UInt32 = 2
    static let isRowsfrom: UInt32 = 3
    static let functions: UInt32 = 4
    static let alias: UInt32 = 5
    static let coldeflist: UInt32 = 6
  }

  enum RangeSubselect {
    static let lateral: UInt32 = 1
    static let subquery: UInt32 = 2
    static let alias: UInt32 = 3
  }

  enum RangeTableSample {
    static let relation: UInt32 = 1
    static let method: UInt32 = 2
    static let args: UInt32 = 3
    static let repeatable: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum RangeVar {
    static let catalogname: UInt32 = 1
    static let schemaname: UInt32 = 2
    static let relname: UInt32 = 3
    static let inh: UInt32 = 4
    static let relpersistence: UInt32 = 5
    static let alias: UInt32 = 6
    static let location: UInt32 = 7
  }

  enum RawStmt {
    static let stmt: UInt32 = 1
    static let stmtLocation: UInt32 = 2
    static let stmtLen: UInt32 = 3
  }

  enum RenameStmt {
    static let renameType: UInt32 = 1
    static let relationType: UInt32 = 2
    static let relation: UInt32 = 3
    static let object: UInt32 = 4
    static let subname: UInt32 = 5
    static let newname: UInt32 = 6
    static let missingOk: UInt32 = 8
  }

  enum ResTarget {
    static let name: UInt32 = 1
    static let indirection: UInt32 = 2
    static let val: UInt32 = 3
    static let location: UInt32 = 4
  }

  enum RowExpr {
    static let args: UInt32 = 2
    static let rowFormat: UInt32 = 4
    static let location: UInt32 = 6
  }

  enum SQLValueFunction {
    static let op: UInt32 = 2
    static let typmod: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum SelectStmt {
    static let distinctClause: UInt32 = 1
    static let intoClause: UInt32 = 2
    static let targetList: UInt32 = 3
    static let fromClause: UInt32 = 4
    static let whereClause: UInt32 = 5
    static let groupClause: UInt32 = 6
    static let groupDistinct: UInt32 = 7
    static let havingClause: UInt32 = 8
    static let windowClause: UInt32 = 9
    static let valuesLists: UInt32 = 10
    static let sortClause: UInt32 = 11
    static let limitOffset: UInt32 = 12
    static let limitCount: UInt32 = 13
    static let limitOption: UInt32 = 14
    static let lockingClause: UInt32 = 15
    static let withClause: UInt32 = 16
    static let op: UInt32 = 17
    static let all: UInt32 = 18
    static let larg: UInt32 = 19
    static let rarg: UInt32 = 20
  }

  enum SetToDefault {
    static let location: UInt32 = 5
  }

  enum SortBy {
    static let node: UInt32 = 1
    static let sortbyDir: UInt32 = 2
    static let sortbyNulls: UInt32 = 3
    static let useOp: UInt32 = 4
    static let location: UInt32 = 5
  }

  enum String {
    static let sval: UInt32 = 1
  }

  enum SubLink {
    static let subLinkType: UInt32 = 2
    static let testexpr: UInt32 = 4
    static let operName: UInt32 = 5
    static let subselect: UInt32 = 6
    static let location: UInt32 = 7
  }

  enum TableLikeClause {
    static let relation: UInt32 = 1
    static let options: UInt32 = 2
  }

  enum VacuumStmt {
    static let rels: UInt32 = 2
    static let isVacuumcmd: UInt32 = 3
  }

  enum VacuumRelation {
    static let relation: UInt32 = 1
  }

  enum TransactionStmt {
    static let kind: UInt32 = 1
    static let options: UInt32 = 2
    static let savepointName: UInt32 = 3
    static let chain: UInt32 = 5
  }

  enum TruncateStmt {
    static let relations: UInt32 = 1
    static let restartSeqs: UInt32 = 2
    static let behavior: UInt32 = 3
  }

  enum TypeCast {
    static let arg: UInt32 = 1
    static let typeName: UInt32 = 2
    static let location: UInt32 = 3
  }

  enum TypeName {
    static let names: UInt32 = 1
    static let setof: UInt32 = 3
    static let pctType: UInt32 = 4
    static let typmods: UInt32 = 5
    static let arrayBounds: UInt32 = 7
    static let location: UInt32 = 8
  }

  enum UpdateStmt {
    static let relation: UInt32 = 1
    static let targetList: UInt32 = 2
    static let whereClause: UInt32 = 3
    static let fromClause: UInt32 = 4
    static let returningList: UInt32 = 5
    static let withClause: UInt32 = 6
  }

  enum VariableSetStmt {
    static let kind: UInt32 = 1
    static let name: UInt32 = 2
    static let args: UInt32 = 3
    static let isLocal: UInt32 = 4
  }

  enum VariableShowStmt {
    static let name: UInt32 = 1
  }

  enum ViewStmt {
    static let view: UInt32 = 1
    static let aliases: UInt32 = 2
    static let query: UInt32 = 3
    static let replace: UInt32 = 4
    static let options: UInt32 = 5
    static let withCheckOption: UInt32 = 6
  }

  enum WindowDef {
    static let name: UInt32 = 1
    static let refname: UInt32 = 2
    static let partitionClause: UInt32 = 3
    static let orderClause: UInt32 = 4
    static let frameOptions: UInt32 = 5
    static let startOffset: UInt32 = 6
    static let endOffset: UInt32 = 7
    static let location: UInt32 = 8
  }

  enum WithClause {
    static let ctes: UInt32 = 1
    static let recursive: UInt32 = 2
    static let location: UInt32 = 3
  }
}
