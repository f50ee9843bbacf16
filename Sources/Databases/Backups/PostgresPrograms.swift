import FoundationEssentials
import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// `pg_dump` and `pg_restore` of one installation that fits a server.
struct PostgresPrograms: Sendable {
  /// Where both are.
  let folder: String
  /// `pg_dump 17.4`.
  let name: String

  var dump: String { "\(folder)/pg_dump" }
  var restore: String { "\(folder)/pg_restore" }

  /// Finds the oldest that can dump the server: its major version must be the server's at least (contract
  /// migrations §7.1).
  /// - Parameters:
  ///   - major: the server's.
  ///   - path: the directories to look into, as in `PATH`.
  /// - Throws: `configuration`, with what is there instead.
  static func find(
    major: Int, path: String, of database: String, launcher: Launcher
  ) async throws(Failure) -> PostgresPrograms {
    var seen: [(major: Int, programs: PostgresPrograms)] = []
    for folder in folders(path) where access("\(folder)/pg_dump", X_OK) == 0 {
      guard access("\(folder)/pg_restore", X_OK) == 0,
        let version = await version(of: "\(folder)/pg_dump", launcher)
      else { continue }
      seen.append(
        (Int(version.prefix { $0 != "." }) ?? 0, PostgresPrograms(folder: folder, name: "pg_dump \(version)"))
      )
    }
    if let best = seen.filter({ $0.major >= major }).min(by: { $0.major < $1.major }) { return best.programs }
    let found = seen.map(\.programs.name)
    throw Failure(
      .configuration, "the database \(database) is PostgreSQL \(major), and there is no pg_dump for it here",
      place: "databases.\(database).backup",
      cause: found.isEmpty
        ? "there is no pg_dump" : "there is \(found.joined(separator: ", ")), which is too old",
      hint: "install it: apt-get install postgresql-client-\(major), or brew install postgresql@\(major)")
  }

  private static func folders(_ path: String) -> [String] {
    var folders = path.split(separator: ":").map(String.init)
    let parents = [
      ("/usr/lib/postgresql", "", "/bin"), ("/opt/homebrew/opt", "postgresql", "/bin"),
      ("/usr/local/opt", "postgresql", "/bin"), ("/usr", "pgsql-", "/bin"),
    ]
    for (parent, beginning, end) in parents {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
      folders += names.filter { $0.hasPrefix(beginning) }.sorted().map { "\(parent)/\($0)\(end)" }
    }
    var known: Set<String> = []
    return folders.filter { known.insert($0).inserted }
  }

  private static func version(of program: String, _ launcher: Launcher) async -> String? {
    let result = try? await launcher.run(
      ProcessSpecification(
        program, ["--version"],
        environment: ["PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C"]), timeout: .seconds(10))
    guard let result, result.exit.isSuccess else { return nil }
    // `pg_dump (PostgreSQL) 17.4 (Debian 17.4-1)`
    return result.text.split(separator: " ").first { $0.first?.isNumber ?? false }.map {
      String($0.filter { $0.isNumber || $0 == "." })
    }
  }
}
