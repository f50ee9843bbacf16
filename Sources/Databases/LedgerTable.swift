import Concurrency
import Model

/// A tool's table in the schema that unqualified names mean.
struct LedgerTable {
  let schema: String
  let name: String
  /// Types by column.
  let columns: [String: String]

  var quoted: String { "\(SequentialTool.quoted(schema)).\(SequentialTool.quoted(name))" }

  static func schema(_ session: any DatabaseSession) async throws -> String {
    try await session.rows("SELECT current_schema() AS schema", []).first?["schema"] ?? "public"
  }

  /// - Returns: nil when there is none.
  static func find(_ name: String, _ session: any DatabaseSession) async throws -> LedgerTable? {
    let schema = try await schema(session)
    let rows = try await session.rows(
      "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2",
      [schema, name])
    guard !rows.isEmpty else { return nil }
    return LedgerTable(
      schema: schema, name: name,
      columns: Dictionary(
        rows.compactMap { row in row["column_name"].map { ($0, row["data_type"] ?? "") } },
        uniquingKeysWith: { first, _ in first }))
  }

  /// The same name, other columns: whose it is is told by them (contract migrations §2.2).
  func stranger(_ tool: String) -> Failure {
    Failure(
      .configuration, "\(schema).\(name) is not \(tool)'s",
      cause:
        "its columns are \(columns.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))",
      hint: "name the tool that wrote it under `migrations.tool`; nothing was changed")
  }

  static func literal(_ text: String) -> String {
    let quoted =
      "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    // A backslash means something of its own only where the server says so.
    return text.contains("\\")
      ? "E" + quoted.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
      : quoted
  }
}

extension PendingFiles {
  /// Of tools with a row for each file: those without one. What is applied and has no file is said, and is no mistake:
  /// an old checkout has fewer files.
  init(byRow files: [MigrationFile], _ state: MigrationState) {
    let applied = Set(state.applied)
    let rest = files.filter { !applied.contains($0.id) }
    let known = Set(files.map(\.id))
    let gone = state.applied.filter { !known.contains($0) }
    var notes: [String] = []
    if !gone.isEmpty { notes.append("applied, and no file of it is here: \(gone.joined(separator: ", "))") }
    if let newest = state.applied.max(), let late = rest.first(where: { $0.id < newest }) {
      notes.append(
        "\(late.name) is older than what is applied already, \(newest): it is applied all the same")
    }
    self.init(files: rest, applied: files.count - rest.count, notes: notes)
  }
}
