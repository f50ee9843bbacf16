import Concurrency
package import Model
import Postgres
package import Processes

/// A migration tool that is a program of the project's own: it runs where the project is, with the environment that it
/// needs there, on the files of the commit and on no others.
package struct ExternalProgram: Sendable {
  let root: String
  let secrets: SecretValues
  let files: any MigrationFiles
  /// SHA-256 in hex.
  let digest: @Sendable (String) -> String
  let launcher: Launcher
  /// What the children get of the process environment.
  let surroundings: [String: String]
  let redact: @Sendable (String) -> String

  /// - Parameters:
  ///   - root: the project's.
  ///   - process: the variables of this process, of which a few are handed on.
  ///   - redact: takes secrets out of what the program prints.
  package init(
    root: String, secrets: SecretValues, files: any MigrationFiles, process: [String: String],
    digest: @escaping @Sendable (String) -> String, launcher: Launcher = Launcher(),
    redact: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.root = root
    self.secrets = secrets
    self.files = files
    self.digest = digest
    self.launcher = launcher
    self.redact = redact
    let names = [
      "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "USER", "VIRTUAL_ENV", "PYTHONPATH", "POETRY_HOME",
      "UV_CACHE_DIR",
      "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "DJANGO_SETTINGS_MODULE",
    ]
    surroundings = process.filter { names.contains($0.key) }
  }

  /// How sessions of the tool are known in `pg_stat_activity`, also when whoever began them is dead.
  static let session = "shipit migrations"

  private func directory(_ migrations: Migrations) -> String {
    let clean = migrations.directory.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    return clean.isEmpty ? root : "\(root)/\(clean)"
  }

  private func specification(
    _ arguments: [String], _ database: DatabaseTarget, _ migrations: Migrations
  ) throws(Failure) -> ProcessSpecification {
    let address = try DirectAddress(database, secrets).address
    var environment = surroundings
    environment.merge(address.variables) { $1 }
    environment["PGAPPNAME"] = Self.session
    let limits =
      "-c lock_timeout=\(migrations.lockTimeout.wholeMilliseconds) "
      + "-c statement_timeout=\(migrations.statementTimeout.wholeMilliseconds)"
    environment["PGOPTIONS"] = [address.part("options"), limits].compactMap(\.self).joined(separator: " ")
    // By the name the project knows it under.
    if case .secret(let name) = database.url, let value = secrets[name] { environment[name] = value.reveal() }
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    let tool = migrations.tool.programTool
    environment.merge(tool?.variables ?? [:]) { own, _ in own }
    let program = migrations.program ?? tool?.program ?? []
    return ProcessSpecification(
      program.first ?? migrations.tool.rawValue, Array(program.dropFirst()) + arguments,
      environment: environment,
      directory: directory(migrations), outputLimit: 16 << 20)
  }

  // MARK: Looking

  /// The linter, where it is installed.
  var squawk: Squawk { Squawk(launcher: launcher, environment: surroundings) }

  /// What the tool prints when it is called so; nil when it fails.
  func output(_ arguments: [String], _ database: DatabaseTarget, _ migrations: Migrations) async -> String? {
    guard let specification = try? specification(arguments, database, migrations),
      let result = try? await launcher.run(specification, timeout: .seconds(60)), result.exit.isSuccess
    else { return nil }
    return result.text
  }

  // MARK: Applying

  /// Runs the tool on the files of the commit.
  /// - Throws: `Failure`; `CancellationError`.
  func upgrade(_ change: SchemaChange, _ call: StepCall, limit: Duration) async throws {
    let (database, migrations) = (change.database, change.migrations)
    try await checkTree(change)
    let specification = try specification(migrations.tool.programTool?.upgrade ?? [], database, migrations)
    let result: ProcessResult
    do {
      result = try await launcher.run(specification, timeout: limit) { [redact] line in
        call.report(.log(redact(line.text)))
      }
    } catch let error as ProcessError {
      throw Failure(
        .configuration, "\(specification.program) cannot be started",
        place: "databases.\(database.key).migrations",
        cause: error.description,
        hint: "install it here, or say how it is called: migrations: {program: [poetry, run, alembic]}")
    }
    guard !result.timedOut else {
      throw Failure(
        .timeout, "\(specification.program) took longer than \(limit.components.seconds) s",
        place: "databases.\(database.key).migrations")
    }
    guard result.exit.isSuccess else {
      let lines = (result.errorText + "\n" + result.text).split(separator: "\n").map { redact(String($0)) }
      let telling =
        lines.last { $0.contains("FAILED:") } ?? lines.first { $0.contains("Error") || $0.contains("ERROR") }
        ?? lines.last ?? "\(result.exit)"
      let code = if case .code(let code) = result.exit { "exit \(code)" } else { "\(result.exit)" }
      throw Failure(
        .failed, "\(specification.program) failed in \(database.key), \(code)",
        place: "databases.\(database.key).migrations", cause: telling,
        hint:
          "its lines are above, and in shipit why \(call.run.environment); correct it in a new commit, then deploy that"
      )
    }
  }

  /// The tool reads the working tree: it has to be the commit's.
  private func checkTree(_ change: SchemaChange) async throws(Failure) {
    let further = try await change.migrations.tool.programTool?.furtherPaths(
      change.migrations, files, commit: change.commit)
    let paths = change.pending.map(\.path) + (further ?? [])
    guard try await !hasTree(paths, commit: change.commit, isDirty: change.isDirty) else { return }
    throw Failure(
      .stale, "the scripts here are not as commit \(change.commit.prefix(7)) has them", place: paths.first,
      cause: "\(change.migrations.tool.rawValue) runs in the working tree",
      hint: "git switch --detach \(change.commit.prefix(12)), then this again")
  }

  /// Whether files of the working tree are as a commit has them.
  func hasTree(_ paths: [String], commit: String, isDirty: Bool) async throws(Failure) -> Bool {
    if isDirty { return true }
    let wanted = try await files.texts(of: paths, commit: commit, isDirty: false)
    // A file that is missing here is as good as another one.
    let here = try? await files.texts(of: wanted.keys.sorted(), commit: commit, isDirty: true)
    return wanted == here
  }
}
