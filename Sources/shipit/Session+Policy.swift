import Concurrency
import Engine
import FoundationEssentials
import Language
import Ledgers
import Model
import Processes
import Runner
import Zones

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Session {
  /// Where the rules of `protect` get their facts from.
  func policySources(_ console: Console) async -> PolicySources {
    let project = project
    // A command looks once: the deploy decides by it, and its plan shows the same.
    let seen = Locked<[String: UpstreamState]>([:])
    return PolicySources(
      person: environment.protect.approval == nil
        ? nil : await Session.person(variables, root: project.root),
      reader: ZoneDatabase.system(variables).local(variables),
      zone: PolicySources.systemZone(variables),
      upstream: { name throws(Failure) in
        if let state = seen.withLock({ $0[name] }) { return state }
        let state = try await Session.upstream(name, project, console)
        seen.withLock { $0[name] = state }
        return state
      })
  }

  /// The rules of `protect`, for what only looks.
  func policy(_ sources: PolicySources) -> Policy {
    Policy(environment, ledger: ledger, clock: clock, by: Session.user(variables), sources: sources)
  }

  /// Whoever runs this: in GitHub Actions whoever started the run, elsewhere by the names of git and of the machine.
  /// It is what they say, and proves nothing.
  static func person(_ variables: [String: String], root: String) async -> Person {
    let by = user(variables)
    if variables["GITHUB_ACTIONS"] == "true" {
      // A run that was started again has the first one's actor, and another who started it.
      let actor = variables["GITHUB_TRIGGERING_ACTOR"] ?? variables["GITHUB_ACTOR"]
      return Person(by: by, names: [actor].compactMap(\.self))
    }
    var names: [String] = []
    for key in ["user.name", "user.email"] {
      let result = try? await Launcher().run(
        ProcessSpecification("git", ["config", "--get", key], environment: variables, directory: root),
        timeout: .seconds(5))
      guard let result, result.exit.isSuccess else { continue }
      let name = result.text.split(separator: "\n").first.map(String.init) ?? ""
      if !name.isEmpty { names.append(name) }
    }
    names += [variables["USER"] ?? variables["LOGNAME"]].compactMap(\.self)
    return Person(by: by, names: names)
  }

  /// What is live in another environment of the project, by its ledger and by its platforms.
  private static func upstream(
    _ name: String, _ project: Project, _ console: Console
  ) async throws(Failure) -> UpstreamState {
    let read = project.read(name)
    guard let environment = read.environment else {
      throw Failure(
        .configuration, "environments/\(name).yaml cannot be read", place: "protect.after",
        cause: read.diagnostics.first { $0.severity == .error }?.message, hint: "shipit validate \(name)")
    }
    if environment.state == .local, access("\(project.root)/.shipit/\(name).db", R_OK) != 0 {
      throw Failure(
        .configuration, "the ledger of \(name) is local, and there is none on this machine",
        place: "\(project.root)/.shipit/\(name).db",
        hint: "let both share a ledger: `state: git` or `state: {postgres: …}` in environments/\(name).yaml")
    }
    let session = try await Session(project, environment, console, needsVariables: false, isPartial: true)
    let ledger = session.ledger
    return UpstreamState(
      environment: environment, releases: try await ledger.recentReleases(),
      openRun: try await ledger.openRun(), holder: try await ledger.holder(), live: await session.live())
  }

  /// What the platforms serve, or why the first of them that does not answer does not.
  private func live() async -> Result<[ServiceName: LiveState], Failure> {
    var states: [ServiceName: LiveState] = [:]
    for name in Set(environment.services.map(\.platform)).sorted(by: { $0.rawValue < $1.rawValue }) {
      do throws(Failure) {
        states.merge(try await platform(name).live(environment)) { first, _ in first }
      } catch {
        return .failure(error)
      }
    }
    return .success(states)
  }
}
