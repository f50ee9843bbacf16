import Concurrency
import Interface
import Model

enum HistoryCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let limit = try invocation.count("limit", in: 1...1000, default: 20)
      let clock = Session.clock
      let ledger = try await Session.ledger(project, environment, clock)
      console.result(
        HistoryReport(
          app: environment.app, environment: environment.name, now: clock.now,
          releases: try await ledger.releases(limit: limit),
          decisions: try await ledger.decisions(limit: 100)))
      return .done
    }
  }
}

extension Invocation {
  /// An option's number, its error as a failure.
  func count(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(Failure) -> Int {
    do throws(UsageError) {
      return try number(name, in: range, default: standard)
    } catch {
      throw Failure(.configuration, error.message, hint: "shipit \(command.name) --help")
    }
  }
}
