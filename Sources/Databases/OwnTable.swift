import Model

/// `shipit_migrations`, in which shipit writes down what it applied by itself: migrations, scripts and commands, by their kind.
enum OwnTable {
  static let name = "shipit_migrations"

  /// The table in the schema that unqualified names mean, as SQL names it.
  static func quoted(_ session: any DatabaseSession) async throws -> String {
    "\(SequentialTool.quoted(try await LedgerTable.schema(session))).\(name)"
  }

  /// Makes it where it is not there yet.
  /// - Parameter table: as `quoted` gives it.
  static func creation(_ table: String) -> String {
    """
    CREATE TABLE IF NOT EXISTS \(table) (
      id text PRIMARY KEY, checksum text NOT NULL, kind text NOT NULL, started_at timestamptz NOT NULL,
      finished_at timestamptz, release text, error text)
    """
  }
}
