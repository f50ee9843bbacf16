import Concurrency
import Model
import Postgres
import Processes

/// Runs the programs of PostgreSQL against one database. Their password comes by their environment, which others
/// cannot read; never by an argument.
struct PostgresTools: Sendable {
  let programs: PostgresPrograms
  let address: PostgresAddress
  let database: String
  let launcher: Launcher
  /// `PATH`, `HOME` and the like, for the children.
  let surroundings: [String: String]

  /// Copies the database as one snapshot sees it to a descriptor, in PostgreSQL's own compressed form, which keeps owners
  /// and privileges.
  /// - Throws: `Failure`; `CancellationError`.
  func dump(to output: Int32, snapshot: String?, limit: Duration) async throws {
    // Whoever changes a table keeps us waiting; for longer than this it is in the way.
    var arguments = ["-Fc", "-Z", "6", "--lock-wait-timeout=10000", "--no-password"]
    if let snapshot { arguments += ["--snapshot", snapshot] }
    try await run(
      programs.dump, arguments, address, to: output, doing: "copying \(database)", limit: limit)
  }

  /// Reads the whole of a copy and writes nothing: a truncated one is found (contract migrations §7.2).
  /// - Throws: `Failure`; `CancellationError`.
  func read(_ input: Int32, limit: Duration) async throws {
    try await run(
      programs.restore, ["--no-password", "-f", "/dev/null"], nil, from: input,
      doing: "reading the backup of \(database)", limit: limit)
  }

  /// Restores a copy into an empty database, all of it or nothing.
  /// - Parameter keepsOwners: with owners and privileges, whose roles have to exist.
  /// - Throws: `Failure`; `CancellationError`.
  func restore(_ input: Int32, into name: String, keepsOwners: Bool, limit: Duration) async throws {
    var arguments = ["--exit-on-error", "--single-transaction", "--no-password"]
    if !keepsOwners { arguments += ["--no-owner", "--no-privileges"] }
    try await run(
      programs.restore, arguments + ["-d", name], address.naming(database: name), from: input,
      doing: "restoring \(database)", limit: limit)
  }

  private func run(
    _ program: String, _ arguments: [String], _ address: PostgresAddress?, from input: Int32? = nil,
    to output: Int32? = nil, doing what: String, limit: Duration
  ) async throws {
    var environment = surroundings
    // Messages are looked at, so they are in one language.
    environment["LC_ALL"] = "C"
    environment.merge(address?.variables ?? [:]) { $1 }
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          program, arguments, environment: environment, inputDescriptor: input, outputDescriptor: output,
          outputLimit: 64 << 10),
        timeout: limit)
    } catch let error as ProcessError {
      throw Failure(
        .failed, "\(what) cannot begin", place: "databases.\(database).backup", cause: error.description)
    }
    if result.timedOut {
      throw Failure(
        .timeout, "\(what) took longer than \(limit.components.seconds) s",
        place: "databases.\(database).backup",
        hint: "give the deploy more time: protect.deadline")
    }
    guard result.exit.isSuccess else {
      let words = result.errorText.split(separator: "\n").map(String.init)
      throw Failure(
        .failed, "\(what) failed", place: "databases.\(database).backup",
        cause: words.first { $0.contains("error:") } ?? words.last ?? "\(result.exit)",
        hint: "see what the server and the disk say; nothing was changed in the database")
    }
  }
}
