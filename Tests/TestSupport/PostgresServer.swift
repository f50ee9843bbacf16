import Concurrency
import Foundation
import Model
package import Postgres
import Processes

/// A real PostgreSQL in a scratch directory, listening on a socket in it, with one user and a password.
///
/// It is started once for all tests and ends with the process that runs them, however that ends.
package final class PostgresServer: Sendable {
  /// A character that has to be escaped in an address.
  package static let password = "planted-p@ss/word"
  private static let escaped = "planted-p%40ss%2Fword"

  /// Why there is none; nil when it can be started.
  package static let missing: String? = {
    guard binaries != nil else { return "PostgreSQL's server is not installed (make setup)" }
    guard geteuid() != 0 || getpwnam("postgres") != nil else {
      return "root may not run it, and there is no user postgres"
    }
    return nil
  }()

  private static let binaries: String? = {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
    let folders =
      versions.sorted { $0.localizedStandardCompare($1) == .orderedDescending }
      .map { "/usr/lib/postgresql/\($0)/bin" }
      + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
  }()

  private static let started = Task { try await PostgresServer() }

  /// The server, started when it is wanted first.
  package static func shared() async throws -> PostgresServer { try await started.value }

  package let directory: String
  private let process: RunningProcess

  /// The database's address with the password.
  package var url: String {
    let socket = directory.replacingOccurrences(of: "/", with: "%2F")
    return "postgres://shipit:\(Self.escaped)@\(socket):5432/postgres"
  }

  private init() async throws {
    guard let binaries = Self.binaries else { throw Failure(.failed, Self.missing ?? "") }
    // The socket's path must be short.
    directory = "/tmp/shipit-pg-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    try Self.password.write(toFile: directory + "/password", atomically: true, encoding: .utf8)
    var prefix: [String] = []
    if geteuid() == 0, let user = getpwnam("postgres") {
      for name in ["", "/password"] { chown(directory + name, user.pointee.pw_uid, user.pointee.pw_gid) }
      // PostgreSQL refuses to run as root.
      prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    }
    let environment = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": directory]
    let initialisation =
      prefix + [
        binaries + "/initdb", "-D", directory + "/data", "-U", "shipit", "-A", "scram-sha-256", "--pwfile",
        directory + "/password", "--no-sync", "--locale=C", "-E", "UTF8",
      ]
    let made = try await Launcher().run(
      ProcessSpecification(
        initialisation[0], Array(initialisation.dropFirst()), environment: environment, directory: directory),
      timeout: .seconds(120))
    guard made.exit.isSuccess else { throw Failure(.failed, "initdb", cause: made.errorText) }
    // The shell outlives whoever started it by a second at most, takes the server along and cleans up.
    let guardian = """
      owner=$1 directory=$2; shift 2
      "$@" & server=$!
      while kill -0 $owner 2>/dev/null && kill -0 $server 2>/dev/null; do sleep 1; done
      kill -INT $server 2>/dev/null; wait $server; rm -rf "$directory"
      """
    let lines = AsyncStream<String>.makeStream()
    process = try Launcher().start(
      ProcessSpecification(
        "sh",
        ["-c", guardian, "sh", String(getpid()), directory] + prefix + [
          binaries + "/postgres", "-D", directory + "/data", "-k", directory, "-c", "listen_addresses=",
          "-c", "fsync=off", "-c", "max_connections=60", "-c", "log_min_messages=log",
        ], environment: environment, directory: directory)
    ) { lines.continuation.yield($0.text) }
    for await line in lines.stream {
      if line.contains("database system is ready") { return }
      if line.contains("FATAL") { throw Failure(.failed, "postgres", cause: line) }
    }
    throw Failure(.failed, "postgres ended before it was ready")
  }

  /// The address of another database of the server.
  package func url(of database: String) -> String {
    url.replacingOccurrences(of: ":5432/postgres", with: ":5432/\(database)")
  }

  /// A new, empty database with its address.
  package func freshDatabase() async throws -> (name: String, url: String) {
    let name = "d_\(UUID().uuidString.prefix(8).lowercased())"
    let session = PostgresSession(try PostgresAddress(url))
    try await session.open()
    _ = try await session.query("CREATE DATABASE \(name)")
    await session.close()
    return (name, url(of: name))
  }

  /// A database connection of the test's own.
  package func database() throws -> PostgresDatabase { PostgresDatabase(try PostgresAddress(url)) }
}
