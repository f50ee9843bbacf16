import Concurrency
import Interface
import Model
import Runner

/// `preview --delete`: what bears the preview's mark goes, and nothing else.
enum PreviewRemoval {
  /// - Returns: nil when a person did not agree.
  static func run(
    _ subject: PreviewSubject, _ project: Project, _ console: Console, asks: Bool
  ) async throws(Failure) -> PreviewRemovalReport? {
    let environment = subject.environment
    let session = try await Session(project, environment, console, needsVariables: false)
    console.reads(environment, on: session.touched)
    if asks, console.canAsk {
      let isAgreed = await console.ask("Delete the preview \(environment.name), with all that is in it?")
      guard isAgreed else { return nil }
    }
    let interrupter = Interrupter()
    let signals = Signals(interrupter) {}
    defer { withExtendedLifetime(signals) {} }
    let leased = LeasedWork(
      in: session.ledger, as: LedgerPlace.holder("preview --delete", session.variables),
      RunSurroundings(clock: session.clock, redact: console.redactor, watch: { _ in }),
      interrupter: interrupter)
    let deleted = try await leased.holding { hold throws(Failure) in
      try await delete(environment, session, console, hold)
    }
    let report = PreviewRemovalReport(
      name: environment.name, base: subject.base.name, deleted: deleted)
    console.result(report)
    return report
  }

  /// - Returns: what went.
  private static func delete(
    _ environment: Model.Environment, _ session: Session, _ console: Console, _ hold: RolloutHold
  ) async throws(Failure) -> [PreviewPart] {
    let made = try await made(session.ledger)
    var deleted: [PreviewPart] = []
    // What leads to a service goes before it.
    for name in session.platforms.keys.sorted(by: { $0.rawValue > $1.rawValue }) {
      let platform = try session.platform(name)
      for part in try await platform.preview(environment, made: made) {
        guard hold.mayAct() else {
          throw Failure(
            .stale, "the lease was lost before \(part.words) was deleted",
            hint: "type the same command again: it deletes what is left")
        }
        console.note(["deleting \(part.words)"])
        try await platform.remove(part, environment)
        deleted.append(part)
      }
    }
    // What was half made is gone with the rest.
    if let open = try await session.ledger.openRun() {
      let result = RunResult(state: .abandoned, exit: .failedMixed)
      try await session.ledger.close(open.id, result: result, release: nil, lease: hold.lease())
    }
    return deleted
  }

  /// The ids of what the preview's runs made, as the ledger has them.
  static func made(_ ledger: any Ledger) async throws(Failure) -> Set<String> {
    var made: Set<String> = []
    for run in try await ledger.runs(limit: 500) where run.plan.kind == .provision {
      for entry in try await ledger.journal(of: run.id) {
        switch entry.fact {
        case .identified(_, let id), .probed(_, .underWay(let id)): made.insert(id)
        // An answer that was lost: it was looked for, and found.
        case .probed(_, .done(let result)): if let id = result.externalID { made.insert(id) }
        default: break
        }
      }
    }
    return made
  }
}
