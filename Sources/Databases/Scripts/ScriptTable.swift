import Concurrency
import Model

/// What `shipit_migrations` says of scripts, and what is there of their indexes. Changes nothing.
struct ScriptTable: Sendable {
  let session: any DatabaseSession

  /// Rows of scripts have another kind than those of migrations, and their path as id.
  static let kind = "script"

  /// Checksums of what has run to its end, by path.
  func finished() async throws -> [String: String] {
    guard let table = try await LedgerTable.find(OwnTable.name, session) else { return [:] }
    let rows = try await session.rows(
      "SELECT id, checksum FROM \(table.quoted) WHERE kind = $1 AND finished_at IS NOT NULL", [Self.kind])
    return Dictionary(
      rows.compactMap { row in row["id"].map { ($0, row["checksum"] ?? "") } },
      uniquingKeysWith: { first, _ in first })
  }

  enum Presence: Sendable, Hashable {
    case absent
    case valid
    /// Left by a build that failed or was stopped.
    case invalid
    /// Somebody builds it now.
    case building(pid: String)
    /// The name is another index's.
    case other(definition: String)
  }

  /// What is there of an index.
  func presence(of index: IndexStatement) async throws -> Presence {
    let rows = try await session.rows(
      """
      SELECT i.indisvalid AND i.indisready AS valid, pg_get_indexdef(i.indexrelid) AS definition,
        (SELECT pid FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS builder
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relname = $1
        AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($2))
      """, [index.name, index.table.map(SequentialTool.quoted).joined(separator: ".")])
    guard let row = rows.first else { return .absent }
    if let pid = row["builder"] { return .building(pid: pid) }
    let definition = row["definition"] ?? ""
    guard IndexStatement.shape(of: definition) == index.shape else { return .other(definition: definition) }
    return row["valid"] == "t" ? .valid : .invalid
  }
}
