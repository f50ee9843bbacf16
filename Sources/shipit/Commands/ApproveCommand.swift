import Concurrency
import Engine
import Interface
import Model
import Runner

enum ApproveCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let name = environment.name
      guard let rule = environment.protect.approval else {
        throw Failure(
          .configuration, "\(name) asks for no approval", place: "protect.approval",
          hint: "shipit deploy \(name); or write `protect: {approval: {by: [NAME]}}`")
      }
      let person = await Session.person(processEnvironment(), root: project.root)
      guard let own = person.name(among: rule.by) else {
        throw Failure(
          .authentication, "\(person.by) may not approve deploys of \(name)", place: "protect.approval.by",
          cause: "those who may are \(rule.by.joined(separator: ", ")); you are known here as "
            + (person.names.isEmpty ? "nobody" : person.names.joined(separator: ", ")),
          hint: "ask one of them, or set your name: git config user.name NAME")
      }
      let ledger = try await Session.ledger(project, environment, Session.clock)
      let now = Session.clock.now
      let wanted = try await wanted(invocation, environment, ledger, now)
      let decisions = try await ledger.decisions(limit: 100)
      if let earlier = decisions.first(where: {
        $0.kind == .approved && $0.digest == wanted.digest && $0.person?.lowercased() == own.lowercased()
          && ($0.expires.map { $0 > now } ?? true)
      }) {
        console.result(
          MessageReport(environment: name, "\(own) has approved this already, at \(earlier.at.minute)"))
        return .done
      }
      console.note(ApprovalReport(wanted, rule: rule, environment: name).text(console.noteCanvas))
      if !invocation.has("yes"), console.canAsk, await !console.ask("Approve this as \(own)?") {
        console.failure(Failure(.cancelled, "not agreed to: nothing was approved"))
        return .interrupted
      }
      var approval = wanted
      (approval.kind, approval.by, approval.at, approval.person) = (.approved, person.by, now, own)
      (approval.reason, approval.expires) = (invocation.value("reason"), now + rule.expires)
      try await ledger.record(approval)
      let state = ApprovalDecision(
        rule, decisions: [approval] + decisions, digest: approval.digest ?? "", commit: approval.commit ?? "",
        deployer: Person(asking: wanted), now: now)
      console.result(
        ApprovalReport(approval, rule: rule, environment: name, missing: state.missing))
      return .done
    }
  }

  /// What is to be approved: the saved plan, or what a deploy asked for.
  private static func wanted(
    _ invocation: Invocation, _ environment: Model.Environment, _ ledger: any Ledger, _ now: Timestamp
  ) async throws(Failure) -> Decision {
    if let path = invocation.value("plan") {
      let saved = try PlanFile.read(path, for: environment)
      return Decision(
        .approvalWanted, by: saved.by, at: saved.madeAt, digest: saved.plan.digest,
        binding: saved.plan.binding,
        commit: saved.plan.commit, subject: saved.plan.subject, changes: Policy.changes(of: saved.plan))
    }
    let waiting = try await ledger.decisions(limit: 100).filter {
      $0.kind == .approvalWanted && ($0.expires.map { $0 > now } ?? true)
    }
    guard let digest = invocation.value("digest") else {
      guard let newest = waiting.first else {
        throw Failure(
          .configuration, "no deploy of \(environment.name) waits for approval",
          hint: "shipit deploy \(environment.name) asks for it; or approve a saved plan: "
            + "shipit approve \(environment.name) --plan FILE")
      }
      return newest
    }
    guard digest.count >= 8, let found = waiting.first(where: { $0.digest?.hasPrefix(digest) ?? false })
    else {
      throw Failure(
        .configuration, "no deploy of \(environment.name) with the digest \(digest) waits for approval",
        cause: waiting.isEmpty
          ? "none waits"
          : "those that wait: " + waiting.compactMap { $0.digest?.prefix(12) }.joined(separator: ", "),
        hint: "copy it from what the deploy printed, 8 digits at least")
    }
    return found
  }
}
