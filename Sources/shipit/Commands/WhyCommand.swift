import Interface
import Model

enum WhyCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let ledger = try await Session.ledger(project, environment, Session.clock)
      guard let record = try await record(invocation, ledger, environment.name) else {
        console.result(MessageReport(environment: environment.name, "\(environment.name) has had no run yet"))
        return .done
      }
      console.result(
        WhyReport(
          record, journal: try await ledger.journal(of: record.id),
          live: try await ledger.recentReleases().first(where: \.isGood)))
      return .done
    }
  }

  private static func record(
    _ invocation: Invocation, _ ledger: any Ledger, _ environment: String
  ) async throws(Failure) -> RunRecord? {
    guard let text = invocation.positional(1) else { return try await ledger.runs(limit: 1).first }
    guard let number = Int(text), let record = try await ledger.run(RunID(number)) else {
      throw Failure(
        .configuration, "\(environment) has no run “\(text)”",
        hint: "shipit history \(environment), for the runs there are")
    }
    return record
  }
}
