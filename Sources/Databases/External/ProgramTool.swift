import Concurrency
import Model

/// A migration tool that is a program: it runs its own scripts, in the working tree, and its table says afterwards what
/// it did.
protocol ProgramTool: MigrationTool {
  /// How it is called in `directory`, unless the file says otherwise.
  var program: [String] { get }
  /// What makes it apply everything that is pending.
  var upgrade: [String] { get }
  /// What it needs in its environment beside the address.
  var variables: [String: String] { get }
  /// Files besides the migrations that have to be as the commit has them.
  func furtherPaths(
    _ migrations: Migrations, _ files: any MigrationFiles, commit: String
  ) async throws(Failure) -> [String]
  /// What it would do. Changes nothing.
  func look(_ survey: ProgramSurvey) async throws -> ProgramSurvey.Result
  /// After it has ended well: a tool without a table of its own leaves its mark.
  func finish(_ change: SchemaChange, release: Int, _ session: any DatabaseSession) async throws
}

extension ProgramTool {
  var variables: [String: String] { [:] }
  func furtherPaths(
    _ migrations: Migrations, _ files: any MigrationFiles, commit: String
  ) async throws(Failure) -> [String] { [] }
  func finish(_ change: SchemaChange, release: Int, _ session: any DatabaseSession) async throws {}

  // Its scripts are not told by their names, and nobody else runs them.
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] { [] }
  func objection(to script: SQLScript) -> String? { nil }
  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    PendingFiles(files: files, applied: 0)
  }
  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    throw Failure(.internalError, "these scripts are run by their own program")
  }
  func lock(_ session: any DatabaseSession) async throws -> Int64? { nil }
}

/// What a tool's program is asked about: the scripts of a commit, and what the table says is applied.
struct ProgramSurvey: Sendable {
  struct Pending: Sendable {
    var file: MigrationFile
    /// Relative to the project.
    var path: String
    /// The script as it stands in the commit: what was planned is what is run.
    var script: String
    /// What it will do, for the review.
    var sql: String
  }

  struct Result: Sendable {
    var pending: [Pending] = []
    var applied = 0
    var notes: [String] = []
  }

  /// The review of what nobody can read.
  static let unknown = "-- shipit: unknown\n"

  let files: any MigrationFiles
  let program: ExternalProgram
  let database: DatabaseTarget
  let migrations: Migrations
  let state: MigrationState
  let commit: String
  let isDirty: Bool

  /// Everything below the tool's directory, relative to it.
  /// - Throws: `configuration` when there is no such directory.
  func names() async throws(Failure) -> [String] {
    guard
      let names = try await files.names(in: migrations.directory, commit: commit, isDirty: isDirty)
    else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no directory \(migrations.directory)",
        place: "databases.\(database.key).migrations.directory",
        hint: "commit it, or correct the path, which counts from the project's root")
    }
    return names
  }

  func texts(_ paths: [String]) async throws(Failure) -> [String: String] {
    try await files.texts(of: paths, commit: commit, isDirty: isDirty)
  }

  func path(_ name: String) -> String { PostgresObserver.path(name, in: migrations.directory) }

  /// Whether the program, which reads the working tree, would see what the commit has.
  func isHere(_ paths: [String]) async throws(Failure) -> Bool {
    try await program.hasTree(paths, commit: commit, isDirty: isDirty)
  }

  /// What the program prints; nil when it fails.
  func output(_ arguments: [String]) async -> String? {
    await program.output(arguments, database, migrations)
  }

  var elsewhere: String {
    "the working tree, where \(migrations.tool.rawValue) runs, is not commit \(commit.prefix(7))"
  }
}

extension String {
  /// What a comment `# shipit: expand` or `-- shipit: expand` of a script says, as SQL would say it.
  var migrationTag: String {
    firstMatch(of: #/(?m)^\s*(?:#|--)\s*shipit:\s*(\w+)/#).map { "-- shipit: \($0.1)\n" } ?? ""
  }
}
