import Concurrency
import Interface
import Model
import Runner

enum UnlockCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let name = subject.environment.name
      let ledger = try await Session.ledger(subject.project, subject.environment, Session.clock)
      // Where there is nothing to take there is nothing to agree to.
      guard try await ledger.holder() == nil || invocation.has("yes") || console.canAsk else {
        throw Failure(
          .configuration, "unlock \(name) wants to be agreed to, and nobody is here to ask",
          hint: "add --yes, once it is certain that the holder is dead")
      }
      let operation = UnlockOperation(ledger, clock: Session.clock)
      let sighting = try await operation.watch { lease, limit in
        console.note(["watching \(lease.holder.name) for up to \(limit.words): does it renew its lease?"])
      }
      let isOpen = try await ledger.openRun() != nil
      func report(
        _ outcome: UnlockReport.Outcome, _ lease: Lease?, renews: Bool = false, _ exit: ExitCode = .done
      ) -> UnlockReport {
        UnlockReport(
          environment: name, outcome: outcome, lease: lease, renews: renews, isOpen: isOpen,
          now: Session.clock.now, exit: exit)
      }
      let (lease, renews): (Lease, Bool)
      switch sighting {
      case .nobody:
        console.result(report(.free, nil))
        return .done
      case .silent(let seen): (lease, renews) = (seen, false)
      case .renews(let seen): (lease, renews) = (seen, true)
      }
      guard !renews || invocation.has("force") else {
        console.result(report(.refused, lease, renews: true, .leaseHeld))
        return .leaseHeld
      }
      console.note(report(.asked, lease, renews: renews).text(console.noteCanvas))
      if !invocation.has("yes") {
        let typed = await console.ask(
          "It loses the lease, and what it still does on a platform is not stopped. Type \(name) to go on: ",
          expecting: name)
        guard typed else {
          console.result(report(.refused, lease, .interrupted))
          return .interrupted
        }
      }
      try await operation.free(lease, isForced: invocation.has("force"))
      console.result(report(.freed, lease))
      return .done
    }
  }
}
