import FoundationEssentials
import Interface
import Model

/// What commands on one environment share: find the project, read the file, say what went wrong.
enum EnvironmentCommand {
  /// Runs a command that needs the environment's file.
  /// - Parameter place: which of the positionals names the environment.
  static func run(
    _ invocation: Invocation, place: Int = 0,
    _ body: (Project, Model.Environment, Console) async throws(Failure) -> ExitCode
  ) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await guarded(console) {
      let project = try Project(invocation)
      let environment = try project.environment(
        try place == 0 ? name(invocation) : invocation.positional(place) ?? "", console)
      return try await body(project, environment, console)
    }
  }

  /// Runs a command that does without the file when the ledger has recorded what stood in it.
  /// - Parameter place: which of the positionals names the environment.
  static func runRecorded(
    _ invocation: Invocation, place: Int = 0, _ body: (Subject, Console) async throws(Failure) -> ExitCode
  ) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await guarded(console) {
      let subject = try await Recorded.subject(
        invocation, try place == 0 ? name(invocation) : invocation.positional(place) ?? "", console)
      if let note = subject.note { console.note([note]) }
      return try await body(subject, console)
    }
  }

  /// The environment that was named, else the only one there is.
  /// - Throws: `Failure` of kind configuration when none was named and it cannot be told which is meant.
  private static func name(_ invocation: Invocation) throws(Failure) -> String {
    if let name = invocation.positional(0) { return name }
    let candidates = try Project.candidates(invocation)
    var known = Project.home(candidates).map { Project(root: $0).environments } ?? []
    if known.isEmpty { known = try Recorded.names(invocation) }
    if known.count == 1 { return known[0] }
    let command = invocation.command.name
    throw Failure(
      .configuration, "\(command) wants the name of an environment",
      cause: known.isEmpty ? "there is none here" : "there are \(known.joined(separator: ", "))",
      hint: "shipit \(command) \(known.first ?? "ENV")")
  }

  /// Ends a command with its code, after saying what went wrong.
  static func guarded(_ console: Console, _ body: () async throws -> ExitCode) async -> Int32 {
    do {
      return console.ended(try await body())
    } catch let failure as Failure {
      console.failure(failure)
      return console.ended(failure.exitCode)
    } catch is Refused {
      return console.ended(.usage)
    } catch {
      console.failure(Failure(.internalError, "\(error)"))
      return console.ended(.internalError)
    }
  }
}

extension Console {
  /// Said before a platform is asked, so that nobody wonders whether anything happens.
  func reads(_ environment: Model.Environment, on platforms: Set<PlatformName>) {
    guard !wantsJSON else { return }
    let platforms = platforms.map(\.rawValue).sorted().joined(separator: ", ")
    note(["reading what runs in \(environment.name)" + (platforms.isEmpty ? "" : " on \(platforms)")])
  }
}

/// The variables of this process.
func processEnvironment() -> [String: String] { ProcessInfo.processInfo.environment }
