import Concurrency
import Interface
import Model
import Redaction
import Runner
import Secrets

enum HoldCommand {
  static func hold(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let by = Session.user(processEnvironment())
      let variables = processEnvironment()
      let pool = await SecretPool.open(
        environment,
        SecretAccess(root: project.root, process: variables, patience: SecretAccess.shortPatience))
      let redactor = Redactor(
        secrets: SecretResolver(pool).available(environment).map { ($0.name, $0.value.reveal()) })
      // A reason is kept in the ledger and told to everybody: what was pasted into it by accident is not.
      let hold = Hold(
        reason: redactor.redact(invocation.value("reason") ?? "no reason was given"), by: by,
        at: Session.clock.now)
      try await write(hold, project, environment)
      console.result(
        MessageReport(
          environment: environment.name, "\(environment.name) is on hold: \(hold.reason)",
          next: "shipit unhold \(environment.name), to lift it"))
      let notifying = try await Notifying(
        environment, root: project.root, variables: variables, clock: Session.clock,
        redact: { redactor.redact($0) }, patience: SecretAccess.shortPatience)
      if let line = await notifying.tell(hold, environment) { console.warning(line) }
      return .done
    }
  }

  static func unhold(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let ledger = try await Session.ledger(project, environment, Session.clock)
      guard let hold = try await ledger.hold() else {
        console.result(MessageReport(environment: environment.name, "\(environment.name) is not on hold"))
        return .done
      }
      try await write(nil, project, environment)
      console.result(
        MessageReport(
          environment: environment.name, "the hold on \(environment.name) is lifted; it was: \(hold.reason)"))
      return .done
    }
  }

  /// Needs no lease: it stops the next deploy, and somebody on call must not wait for the one that runs.
  private static func write(
    _ hold: Hold?, _ project: Project, _ environment: Model.Environment
  ) async throws(Failure) {
    let ledger = try await Session.ledger(project, environment, Session.clock)
    let lifted = hold == nil ? try await ledger.hold() : nil
    try await ledger.setHold(hold, lease: nil)
    try await ledger.record(
      Decision(
        hold == nil ? .holdLifted : .held, by: Session.user(processEnvironment()), at: Session.clock.now,
        reason: hold?.reason ?? lifted?.reason))
  }
}
