import FoundationEssentials
import Interface
import Model

/// What commands on one environment share: find the project, read the file, say what went wrong.
enum EnvironmentCommand {
  /// Runs a command that needs the environment's file.
  static func run(
    _ invocation: Invocation,
    _ body: (Project, Model.Environment, Console) async throws(Failure) -> ExitCode
  ) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await guarded(console) {
      let project = try Project(invocation)
      let environment = try project.environment(invocation.positional(0) ?? "", console)
      return try await body(project, environment, console)
    }
  }

  /// Runs a command that does without the file when the ledger has recorded what stood in it.
  static func runRecorded(
    _ invocation: Invocation, _ body: (Subject, Console) async throws(Failure) -> ExitCode
  ) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await guarded(console) {
      let subject = try await Recorded.subject(invocation, invocation.positional(0) ?? "", console)
      if let note = subject.note { console.note([note]) }
      return try await body(subject, console)
    }
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
  func reads(_ environment: Model.Environment) {
    guard !wantsJSON else { return }
    let platforms = Set(environment.services.map(\.platform.rawValue)).sorted().joined(separator: ", ")
    note(["reading what runs in \(environment.name)" + (platforms.isEmpty ? "" : " on \(platforms)")])
  }
}

/// The variables of this process.
func processEnvironment() -> [String: String] { ProcessInfo.processInfo.environment }
