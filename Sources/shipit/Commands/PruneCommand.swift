import Concurrency
import Interface
import Model
import Runner

/// `prune`: shows what stands beside what the file names, and removes one kind of it after a person said so.
enum PruneCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let kind = try kind(invocation)
      let session = try await Session(project, environment, console, needsVariables: false)
      console.reads(environment, on: session.touched)
      var found: [Surplus] = []
      for name in session.platforms.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
        found += try await session.platform(name).surplus(environment)
      }
      let shown = found.filter { kind == nil || $0.kind == kind }
      let doomed = kind == nil ? [] : shown.filter { $0.kept == nil }
      console.result(PruneReport(environment: environment.name, kind: kind, surplus: shown))
      guard !doomed.isEmpty else { return .done }
      guard console.canAsk || invocation.has("yes") else {
        throw Failure(
          .configuration, "prune \(environment.name) wants to be agreed to, and nobody is here to ask",
          hint: "read the list; then the same command with --yes")
      }
      if !invocation.has("yes") {
        let isAgreed = await console.ask(
          "These are removed for good\(kind == .services ? ", in every environment of the project that is no fork" : ""). "
            + "Type \(environment.name) to go on: ", expecting: environment.name)
        guard isAgreed else { return .interrupted }
      }
      let leased = LeasedWork(
        in: session.ledger, as: LedgerPlace.holder("prune", session.variables),
        RunSurroundings(clock: session.clock, redact: { $0 }, watch: { _ in }), interrupter: Interrupter())
      try await leased.run { confirm throws(Failure) in
        for surplus in doomed {
          try confirm()
          try await session.platform(surplus.platform).remove(surplus, environment)
          console.note(["removed: \(surplus.words)"])
        }
      }
      return .done
    }
  }

  private static func kind(_ invocation: Invocation) throws(Failure) -> Surplus.Kind? {
    guard let word = invocation.positional(1) else { return nil }
    guard let kind = Surplus.Kind(rawValue: word) else {
      throw Failure(
        .configuration, "prune knows no “\(word)”", place: "KIND",
        cause: "volumes, databases, environments and projects are never removed from here",
        hint: "one of \(Surplus.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return kind
  }
}
