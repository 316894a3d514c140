import Bytes
import Foundation
import Testing

/// Real queries with words lost, doubled, exchanged and put in from others: each is planned or refused in words.
struct HostileTextTests {
  private static let queries = [
    "SELECT a , b + 1 FROM t WHERE c = 'x' AND a > 5 ORDER BY b DESC LIMIT 10",
    "SELECT a , count ( * ) , sum ( b ) FROM t GROUP BY a HAVING count ( * ) > 2 ORDER BY 2 DESC",
    "SELECT t . a , u . x FROM t LEFT JOIN u ON t . a = u . a AND u . y > 1.5 WHERE u . x IS NULL",
    "SELECT * FROM t NATURAL FULL JOIN u",
    "SELECT * FROM t WHERE a NOT IN ( SELECT x FROM u WHERE u . a = t . b ) OR EXISTS ( SELECT 1 FROM v WHERE v . z = t . a )",
    "SELECT a , ( SELECT max ( x ) + count ( * ) FROM u WHERE u . a = t . a AND u . x < t . b ) FROM t",
    "SELECT a , ( SELECT x FROM u WHERE u . a = t . a ORDER BY y LIMIT 1 ) FROM t",
    "SELECT * FROM u , LATERAL ( SELECT sum ( b ) AS s FROM t WHERE t . a > u . x ) AS l",
    "WITH w AS ( SELECT a , row_number ( ) OVER ( PARTITION BY a ORDER BY b ) AS n FROM t ) SELECT x . a FROM w x JOIN w y USING ( a ) WHERE x . n = 1",
    "SELECT a , b , grouping ( a , b ) , sum ( sum ( b ) ) OVER ( ORDER BY a ) FROM t GROUP BY ROLLUP ( a , b )",
    "SELECT DISTINCT ON ( a ) a , c FROM t ORDER BY a , b DESC NULLS LAST",
    "SELECT a FROM t UNION SELECT x FROM u EXCEPT ALL SELECT z FROM v ORDER BY 1",
    "SELECT CASE WHEN a > 1 THEN 'x' ELSE c END , coalesce ( b , 0.5 ) , nullif ( a , 3 ) , c || a FROM t",
    "SELECT date_trunc ( 'hour' , event_ts ) , avg ( heart_rate ) FILTER ( WHERE heart_rate > 50 ) FROM silver.events WHERE event_ts :: date = '2024-03-01' GROUP BY 1",
    "SELECT x > ALL ( SELECT b FROM t WHERE t . a = u . a ) , x = ANY ( ARRAY [ 1 , 2 ] ) FROM u",
    "SELECT * FROM ( VALUES ( 1 , 'a' ) , ( 2 , NULL ) ) AS q ( i , n ) WHERE i BETWEEN 1 AND 2 AND n LIKE 'a%'",
    "INSERT INTO t ( a , c ) SELECT x , 'n' FROM u",
    "INSERT INTO t ( a , b ) VALUES ( 1 , DEFAULT ) , ( NULL , 2 )",
    "UPDATE t SET b = b + 1 , c = 'z' FROM u WHERE u . a = t . a",
    "DELETE FROM t USING u WHERE t . a = u . a AND u . x IN ( 1 , 2 ) RETURNING t . * , x",
    "INSERT INTO t ( a , b ) VALUES ( 1 , 2 ) ON CONFLICT DO NOTHING RETURNING a , b * 2",
    "MERGE INTO t USING u ON t . a = u . a WHEN MATCHED AND x > 1 THEN UPDATE SET b = x WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT ( a , c ) VALUES ( u . a , 'n' )",
    "WITH RECURSIVE r ( n ) AS ( SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5 ) SELECT n , a FROM r JOIN t ON n = a",
    "SELECT a , unnest ( ARRAY [ a , 2 ] ) , ( string_to_array ( c , ',' ) ) [ 1 ] FROM t WHERE a = ANY ( '{1,2}' )",
    "SELECT ( '{\"a\":[1]}' :: jsonb -> 'a' ->> 0 ) :: integer , regexp_replace ( c , '(a)' , '\\1' , 'g' ) FROM t WHERE c ~ '^a'",
    "CREATE TABLE z ( id integer PRIMARY KEY , n text UNIQUE CHECK ( length ( n ) > 1 ) , CHECK ( id > 0 ) )",
    "ALTER TABLE t ADD COLUMN z integer DEFAULT 1 CHECK ( z > 0 ) , DROP COLUMN b , ALTER c TYPE varchar ( 3 )",
    "CREATE TABLE z ( id integer NOT NULL DEFAULT 3 , name varchar ( 3 ) , amount numeric ( 10 , 2 ) )",
    "SELECT d :: date FROM generate_series ( timestamp '2020-01-01' , timestamp '2020-02-01' , interval '1 day' ) AS d",
  ]

  /// A small generator with a known seed, so that a failure can be had again.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// PULSEHOUSE_MUTATIONS asks for so many in all.
  private static let mutationsASeed =
    ProcessInfo.processInfo.environment["PULSEHOUSE_MUTATIONS"].flatMap { Int($0) }.map { max(1, $0 / 8) } ?? 1500

  @Test(arguments: 0..<8)
  func everyMutationIsPlannedOrRefused(_ seed: Int) {
    var random = Generator(state: UInt64(seed))
    let sources = HostileTextTests.queries.map { $0.split(separator: " ").map(String.init) }
    let words = sources.flatMap { $0 }
    for _ in 0..<HostileTextTests.mutationsASeed {
      var text = sources[Int.random(in: 0..<sources.count, using: &random)]
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        guard !text.isEmpty else { break }
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: text.remove(at: place)
        case 1: text.insert(text[place], at: place)
        case 2: text.swapAt(place, Int.random(in: 0..<text.count, using: &random))
        case 3: text[place] = words[Int.random(in: 0..<words.count, using: &random)]
        default: text.insert(words[Int.random(in: 0..<words.count, using: &random)], at: place)
        }
      }
      let sql = text.joined(separator: " ")
      do {
        _ = try plan(sql)
      } catch let error as PulsehouseError {
        #expect(error.kind == .user || error.kind == .unsupported, "seed \(seed): \(sql): \(error)")
        if let range = error.range { #expect(range.upperBound <= sql.utf8.count, "seed \(seed): \(sql)") }
      } catch {
        Issue.record("seed \(seed): \(sql): \(error)")
      }
    }
  }
}
