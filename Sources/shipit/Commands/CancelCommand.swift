import Concurrency
import Interface
import Language
import Model
import Runner

enum CancelCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let environment = subject.environment.name
      let limit = try invocation.duration("within")
      let ledger = try await Session.ledger(subject.project, subject.environment, Session.clock)
      let request = CancelRequest(
        by: Session.user(processEnvironment()), reason: invocation.value("reason") ?? "no reason was given",
        at: Session.clock.now)
      let cancellation = try await CancelOperation(
        ledger, clock: Session.clock, request: request, limit: limit,
        tell: { lease, limit in
          console.note([
            "\(lease.holder.name) (\(lease.holder.purpose)) is asked to stop, with its next heartbeat within "
              + "\(lease.heartbeat.words); waiting up to \(limit.words)"
          ])
        }
      ).run()
      let report = CancelReport(
        environment: environment, outcome: outcome(cancellation.outcome), lease: cancellation.lease,
        reason: request.reason, run: cancellation.run, result: cancellation.result,
        takesBack: cancellation.takesBack, waited: cancellation.waited)
      console.result(report)
      return report.exit
    }
  }

  private static func outcome(_ outcome: Cancellation.Outcome) -> CancelReport.Outcome {
    switch outcome {
    case .nobody: .nobody
    case .stopped: .stopped
    case .vanished: .vanished
    case .stillHeld: .stillHeld
    }
  }
}

extension Invocation {
  /// An option's value as a duration.
  /// - Throws: `configuration` when it is none.
  func duration(_ name: String) throws(Failure) -> Duration? {
    guard let text = value(name) else { return nil }
    guard let duration = Language.duration(written: text), duration > .zero else {
      throw Failure(
        .configuration, "--\(name) takes a duration such as 60s or 5m, not “\(text)”",
        hint: "shipit \(command.name) --help")
    }
    return duration
  }
}
