import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A pushed commit, with what the platform reads from its files.
package struct EncoreCommit: Sendable {
  /// Forty hexadecimal digits.
  package var sha: String
  /// Versions of the migration files, by database.
  package var migrations: [String: [Int]] = [:]
  /// Why its code does not compile.
  package var problem: String?

  package init(sha: String, migrations: [String: [Int]] = [:]) {
    self.sha = sha
    self.migrations = migrations
  }
}

/// A database of an application and how it migrates, contract §7.
package struct EncoreDatabase: Sendable {
  /// The tools whose files Encore reads.
  package enum Source: String, Sendable {
    case encore, drizzle, prisma
    case drizzleV1 = "drizzle/v1"

    /// Requires the recorded version among the files; the others look only at the files they have.
    var isSequential: Bool { self == .encore || self == .drizzle }
  }

  package var source = Source.encore
  /// The directory of its files, from the repository's root.
  package var directory: String
  /// Where it can be reached, for `encore db conn-uri`.
  package var address: String?

  package init(directory: String) { self.directory = directory }

  /// Why a commit with these files cannot be deployed on what is recorded; nil when it can.
  func refusal(of files: [Int], recorded: [Int]) -> String? {
    guard source.isSequential, let version = recorded.max(), !files.contains(version) else { return nil }
    return "no migration found for version \(version): file does not exist"
  }

  /// The files to apply, in order.
  func pending(_ files: [Int], recorded: [Int]) -> [Int] {
    guard source.isSequential else { return files.filter { !recorded.contains($0) }.sorted() }
    return files.filter { $0 > (recorded.max() ?? 0) }.sorted()
  }

  /// Reads the versions from paths below ``directory``.
  /// - Throws: `Refusal` for a name that the compiler refuses.
  func versions(in paths: [String], language: EncoreLanguage) throws(Refusal) -> [Int] {
    var found: Set<Int> = []
    for path in paths {
      let parts = path.split(separator: "/").map(String.init)
      switch source {
      case .encore, .drizzle:
        guard parts.count == 1, let name = parts.first, name.hasSuffix(".sql") else { continue }
        guard let (version, isUp) = version(of: name, language: language) else {
          throw Refusal("invalid migration filename \(name)")
        }
        if isUp, !found.insert(version).inserted {
          throw Refusal("duplicate migration with index \(version)")
        }
      case .prisma, .drizzleV1:
        guard parts.count == 2, parts[1] == "migration.sql", parts[0] != "meta",
          let version = Int(parts[0].prefix { $0.isASCII && $0.isNumber })
        else { continue }
        found.insert(version)
      }
    }
    return found.sorted()
  }

  private func version(of name: String, language: EncoreLanguage) -> (version: Int, isUp: Bool)? {
    let digits = name.prefix { $0.isASCII && $0.isNumber }
    guard let version = Int(digits), version > 0 else { return nil }
    var rest = name.dropFirst(digits.count)
    var isUp = true
    if source == .drizzle {
      guard rest.hasPrefix("_"), rest.count > 5 else { return nil }
      return (version, true)
    }
    if rest.hasSuffix(".up.sql") {
      rest = rest.dropLast(7)
    } else if rest.hasSuffix(".down.sql") {
      rest = rest.dropLast(9)
      isUp = false
    } else {
      return nil
    }
    if rest.isEmpty { return language == .go ? (version, isUp) : nil }
    guard rest.hasPrefix("_"), rest.count > 1, !rest.contains(".") else { return nil }
    return (version, isUp)
  }
}

/// Asks `git` what a repository's branches hold.
struct CommitReader: Sendable {
  /// The directory of the repository, bare or not.
  let repository: String

  /// The full name of a commit, when a branch of the repository holds it.
  func commit(_ sha: String) async -> String? {
    guard let full = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", sha + "^{commit}"])
    else { return nil }
    let holders = await git([
      "for-each-ref", "--count=1", "--contains", full, "--format=%(refname)", "refs/heads",
    ])
    return holders?.isEmpty == false ? full : nil
  }

  /// The commit that a branch points at.
  func branch(_ name: String) async -> String? {
    await git(["rev-parse", "--verify", "--quiet", "--end-of-options", "refs/heads/\(name)^{commit}"])
  }

  /// Paths below a directory of a commit, from that directory.
  func files(of commit: String, below directory: String) async -> [String] {
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    let text = await git(["ls-tree", "-r", "-z", "--name-only", commit, "--", prefix]) ?? ""
    return text.split(separator: "\0").compactMap { path in
      path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }
  }

  /// - Returns: the output without the last newline; nil when git refuses.
  private func git(_ arguments: [String]) async -> String? {
    var environment = ["GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "LC_ALL": "C"]
    environment["PATH"] = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let result = try? await Launcher().run(
      ProcessSpecification("git", ["-C", repository] + arguments, environment: environment))
    guard let result, result.exit.isSuccess else { return nil }
    return result.text.hasSuffix("\n") ? String(result.text.dropLast()) : result.text
  }
}
