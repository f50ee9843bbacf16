import Concurrency
import FoundationEssentials
import Interface
import Language
import Model
import Runner
import YAML

enum StateCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await EnvironmentCommand.guarded(console) {
      guard invocation.positional(0) == "move" else {
        throw Failure(
          .configuration, "state does not know “\(invocation.positional(0) ?? "")”",
          hint: "shipit state move ENV TO")
      }
      let name = invocation.positional(1) ?? ""
      let project = try Project(invocation)
      let environment = try project.environment(name, console)
      let to = try target(invocation.positional(2) ?? "")
      return try await move(project, environment, to, invocation, console)
    }
  }

  /// `local`, `git`, or `postgres:SECRET`.
  private static func target(_ text: String) throws(Failure) -> StateStore {
    switch text {
    case "local": return .local
    case "git": return .git
    default:
      let secret = text.dropFirst("postgres:".count)
      guard text.hasPrefix("postgres:"), !secret.isEmpty,
        secret.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      else {
        throw Failure(
          .configuration, "a ledger cannot be moved to “\(text)”",
          cause:
            "there are local, git and postgres:SECRET, with the name of the secret that holds the address",
          hint: "shipit state move prod postgres:LEDGER_URL")
      }
      return .postgres(urlSecret: String(secret))
    }
  }

  private static func move(
    _ project: Project, _ environment: Model.Environment, _ to: StateStore, _ invocation: Invocation,
    _ console: Console
  ) async throws(Failure) -> ExitCode {
    let name = environment.name
    guard environment.state != to else {
      // Whoever comes back to a move whose line is written already finds it done.
      _ = try await Session.ledger(project, environment, Session.clock)
      console.result(
        MessageReport(environment: name, "the ledger of \(name) is in `state: \(to.yaml)` already"))
      return .done
    }
    let clock = Session.clock
    let old = try await LedgerPlace.open(environment.state, project, environment, clock)
    if let move = try await old.moved(), move.to != to { throw .moved(move, environment: name) }
    let new = try await LedgerPlace.open(to, project, environment, clock)
    console.note([
      "moving the ledger of \(name) from `state: \(environment.state.yaml)` to `state: \(to.yaml)`"
    ])
    let moved = try await MoveOperation(
      of: name, from: old, to: new, called: to,
      holder: LedgerPlace.holder("state move", processEnvironment()), clock: clock
    ).run()
    var report = MoveReport(
      environment: name, from: environment.state, to: to, runs: moved.runs, releases: moved.releases,
      wasThere: moved.wasThere)
    try place(&report, project, name, to, isWritten: invocation.has("write"))
    console.result(report)
    return .done
  }

  /// Finds the line that has to change, and changes it where that was asked for.
  private static func place(
    _ report: inout MoveReport, _ project: Project, _ name: String, _ to: StateStore, isWritten: Bool
  ) throws(Failure) {
    let files = project.read(name).files.compactMap { file in
      FileManager.default.contents(atPath: "\(project.root)/\(file.name)").map { (file.name, Array($0)) }
    }
    guard let line = StateLine(in: files, replacedBy: to.yaml) else { return }
    (report.file, report.line, report.old, report.new) = (line.file, line.line, line.old, line.new)
    guard isWritten else { return }
    guard let text = line.text else {
      report.new = "state: \(to.yaml)"
      return
    }
    do {
      try text.write(toFile: "\(project.root)/\(line.file)", atomically: true, encoding: .utf8)
    } catch {
      throw Failure(
        .failed, "the ledger has moved, and \(line.file) could not be written",
        place: "\(line.file):\(line.line)",
        cause: "\(error)", hint: "write the line yourself: \(line.new ?? "state: \(to.yaml)")")
    }
    report.isWritten = true
  }
}
