import Concurrency
import FoundationEssentials
import Language
import Ledgers
import Model
import Secrets

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Session {
  /// `secrets.rules.NAME.differs-from`, by what the ledgers of the other environments recorded.
  /// - Throws: `configuration`, naming every value that another environment uses too. One whose ledger cannot be read
  ///   is a warning: nothing is known about it.
  static func checkReuse(
    _ project: Project, _ environment: Model.Environment, _ values: SecretValues, _ console: Console
  ) async throws(Failure) {
    let rules = environment.demands.rules
    var reused: [(name: String, other: String)] = []
    for other in SecretReuse.others(rules) {
      do throws(Failure) {
        let (key, releases) = try await recorded(other, project)
        reused += SecretReuse.names(rules, values, in: other, key: key, releases: releases)
          .map { ($0, other) }
      } catch {
        console.warning("secrets were not compared with those of \(other): \(error.message)")
      }
    }
    guard let first = reused.first, let place = rules[first.name]?.place.description else { return }
    throw Failure(
      .configuration,
      "\(reused.count == 1 ? "1 secret" : "\(reused.count) secrets") of \(environment.name) must differ from another environment and does not: "
        + Set(reused.map(\.name)).sorted().joined(separator: ", "),
      place: place.isEmpty ? "environments/\(environment.name).yaml" : place,
      cause: reused.map { "\($0.name) has the value that \($0.other) was released with" }.joined(
        separator: "; "),
      hint: "set another value where it comes from: shipit secrets list \(environment.name)")
  }

  private static func recorded(
    _ name: String, _ project: Project
  ) async throws(Failure) -> (key: [UInt8], releases: [Release]) {
    let read = project.read(name)
    guard let environment = read.environment else {
      throw Failure(
        .configuration, "environments/\(name).yaml cannot be read", hint: "shipit validate \(name)")
    }
    // Opening a local ledger would make one.
    if environment.state == .local, access("\(project.root)/.shipit/\(name).db", R_OK) != 0 {
      throw Failure(.configuration, "its ledger is local, and there is none on this machine")
    }
    let ledger = try await Session.ledger(project, environment, Session.clock)
    return (try await ledger.fingerprintKey(), try await ledger.recentReleases())
  }

  /// What is due for rotation, in a line each; nothing where no rule says so.
  static func rotationNotes(_ environment: Model.Environment, _ releases: [Release], now: Timestamp)
    -> [String]
  {
    SecretAge.due(environment.demands.rules, in: releases, now: now).map { name, due in
      "\(name) was due for rotation \(due.iso8601.prefix(10)): shipit secrets list \(environment.name)"
    }
  }
}
