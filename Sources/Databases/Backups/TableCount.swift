import Model
import Postgres

/// How many rows each table has, as one snapshot sees them.
enum TableCount {
  /// Tables whose rows `pg_dump` copies: ordinary ones that are no extension's.
  private static let tables = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
      AND NOT EXISTS (
        SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
    """

  /// - Throws: `PostgresError`.
  static func read(_ session: PostgresSession) async throws -> [String: Int64] {
    var counts: [String: Int64] = [:]
    for table in try await session.query(tables).compactMap({ $0["name"] }) {
      counts[table] =
        try await session.query("SELECT count(*) AS rows FROM ONLY \(table)").first?.int("rows") ?? 0
    }
    return counts
  }

  /// What differs, in words; nil: nothing.
  static func difference(_ wanted: [String: Int64], _ found: [String: Int64]) -> String? {
    let names = Set(wanted.keys).union(found.keys).sorted().filter { wanted[$0] != found[$0] }
    guard let first = names.first else { return nil }
    func words(_ count: Int64?) -> String { count.map { "\($0) rows" } ?? "no such table" }
    return "\(first): \(words(wanted[first])) when it was made, \(words(found[first])) restored"
      + (names.count > 1 ? ", and \(names.count - 1) more" : "")
  }
}
