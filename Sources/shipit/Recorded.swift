import FoundationEssentials
import Language
import Ledgers
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An environment as a command found it: in its file, or in the release records when there is no file.
struct Subject: Sendable {
  var project: Project
  var environment: Model.Environment
  /// The release whose record stands for the file that was not found.
  var record: Int?

  /// What every header says about it.
  var note: String? { record.map { "environment file not found: working from release \($0)'s record" } }
}

/// Finds environments where a checkout may be missing: on call, the ledger alone has to do (DESIGN §7).
enum Recorded {
  /// The environment by its file, else by what the ledger recorded of it.
  /// - Throws: `Failure` of kind configuration when there is neither; `Refused` after diagnostics.
  static func subject(_ invocation: Invocation, _ name: String, _ console: Console) async throws -> Subject {
    let candidates = try Project.candidates(invocation)
    let home = Project.home(candidates)
    if let home, hasFile(home, name) {
      let project = Project(root: home)
      return Subject(project: project, environment: try project.environment(name, console))
    }
    guard let root = candidates.first(where: { hasLedger($0, name) }) else {
      if let home, let preview = await preview(Project(root: home), name) { return preview }
      if let home, !Project(root: home).environments.isEmpty, invocation.command.name != "rollback" {
        // Most likely a slip of the pen: the diagnostics name what there is. On call the ways on matter more.
        _ = try Project(root: home).environment(name, console)
      }
      throw missing(name, in: home ?? candidates.first ?? ".")
    }
    return try await read(Project(root: root), name)
  }

  /// The environments that have a ledger in the directory, for `status` without a checkout.
  static func names(_ invocation: Invocation) throws(Failure) -> [String] {
    for directory in try Project.candidates(invocation) {
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory + "/.shipit")) ?? [])
        .filter { $0.hasSuffix(".db") && !$0.hasPrefix(".") }.map { String($0.dropLast(3)) }
      if !names.isEmpty { return names.sorted() }
    }
    return []
  }

  private static func read(_ project: Project, _ name: String) async throws(Failure) -> Subject {
    // Without the file it is not known where a shared ledger would be; a local one lies here.
    let ledger = try await LocalLedger.open(root: project.root, environment: name, time: Session.clock)
    if let move = try await ledger.moved() { throw .moved(move, environment: name) }
    let releases = try await ledger.recentReleases()
    let telling = releases.filter { $0.configuration != nil }
    guard let release = telling.first(where: \.isGood) ?? telling.first,
      let environment = release.configuration
    else {
      throw Failure(
        .configuration, "there is no environments/\(name).yaml, and no release records what it said",
        place: "\(project.root)/.shipit/\(name).db",
        hint: "change into the project, or name it: --root DIR")
    }
    return Subject(project: project, environment: environment, record: release.number)
  }

  /// A preview, which never has a file: its ledger is where that of the environment is that it is a preview of.
  private static func preview(_ project: Project, _ name: String) async -> Subject? {
    for base in project.environments {
      guard var environment = project.read(base).environment, environment.state != .local else { continue }
      environment.name = name
      guard let ledger = try? await LedgerPlace.open(project, environment, Session.clock),
        let run = try? await ledger.runs(limit: 1).first, let recorded = run.plan.configuration,
        recorded.previewOf?.base == base
      else { continue }
      return Subject(project: project, environment: recorded, record: run.release)
    }
    return nil
  }

  private static func hasFile(_ root: String, _ name: String) -> Bool {
    ["yaml", "yml"].contains { access("\(root)/environments/\(name).\($0)", F_OK) == 0 }
  }

  private static func hasLedger(_ root: String, _ name: String) -> Bool {
    !name.contains("/") && access("\(root)/.shipit/\(name).db", R_OK) == 0
  }

  private static func missing(_ name: String, in directory: String) -> Failure {
    let others = Project(root: directory).environments
    return Failure(
      .configuration,
      "there is neither environments/\(name).yaml nor a ledger .shipit/\(name).db in \(directory)",
      cause: "an environment is known by its file, or by the releases that its ledger records"
        + (others.isEmpty ? "" : "; environments/ holds \(others.joined(separator: ", "))"),
      hint: "name the directory of either: --root DIR. When the ledger is lost: "
        + "shipit rollback \(name) --without-ledger, which needs an environments/\(name).yaml that names "
        + "platforms and services, and the platforms' tokens")
  }
}
