import Concurrency
package import Model

/// What `cancel` says: who was asked, and what became of it.
package struct CancelReport: Report {
  package static let kind = "cancel"

  package enum Outcome: String, Codable, Sendable, Hashable {
    case nobody, stopped, vanished
    case stillHeld = "still-held"
  }

  package var environment: String
  package var outcome: Outcome
  package var holder: String?
  package var purpose: String?
  package var reason: String
  package var run: RunID?
  package var release: Int?
  package var commit: String?
  /// How the run ended; nil when it had none, or nobody said.
  package var state: RunResult.State?
  package var unattended: [String]
  /// The run is still open: it has to be settled.
  package var isOpen: Bool
  /// It takes back what it moved, and that is brought to its end.
  package var takesBack: Bool
  package var waited: Seconds
  package var exit: ExitCode

  package init(
    environment: String, outcome: Outcome, lease: Lease?, reason: String, run: RunRecord?, result: RunResult?,
    takesBack: Bool, waited: Duration
  ) {
    self.environment = environment
    self.outcome = outcome
    holder = lease?.holder.name
    purpose = lease?.holder.purpose
    self.reason = reason
    self.run = run?.id
    release = run?.release
    commit = run?.plan.commit
    state = result?.state
    unattended = (result?.unattended ?? []).map { run?.plan.step($0)?.title ?? $0.rawValue }
    isOpen = run.map { $0.result == nil } ?? false
    self.takesBack = takesBack
    self.waited = Seconds(waited)
    exit = outcome == .stillHeld ? .leaseHeld : .done
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [headline(symbols)]
    if !unattended.isEmpty { lines.append(.labelled("in flight", [.warning(list(unattended))])) }
    if let next { lines.append(.labelled("next", [.accent(next)])) }
    return lines
  }

  private func headline(_ symbols: Symbols) -> Line {
    let who = "\(holder ?? "somebody") (\(purpose ?? ""))"
    let time = waited.duration.words
    let (sign, text): (Span, String) =
      switch outcome {
      case .nobody where isOpen:
        (
          .warning(symbols.warning),
          "nobody is at work on \(environment), and \(runWords) is open: it was interrupted"
        )
      case .nobody: (.good(symbols.good), "nobody is at work on \(environment): there is nothing to cancel")
      case .stopped: (.good(symbols.good), "\(who) gave \(environment) back after \(time): \(became)")
      case .vanished:
        (
          .warning(symbols.warning),
          "\(who) did not answer, and its lease of \(environment) ran out after \(time): \(became)"
        )
      case .stillHeld where takesBack:
        (
          .warning(symbols.warning),
          "\(who) still holds \(environment) after \(time): \(runWords) takes back what it moved, and is let to"
        )
      case .stillHeld:
        (.bad(symbols.bad), "\(who) still holds \(environment) after \(time); it was asked to stop")
      }
    return Line(sign, Span(" " + text), overflow: .wrap(hanging: 2))
  }

  private var runWords: String { run.map { "run \($0) of \(short(commit ?? ""))" } ?? "its run" }

  private var became: String {
    guard run != nil else { return "nothing was begun" }
    guard let state else { return isOpen ? "\(runWords) is left half-way" : "\(runWords) has ended" }
    if state == .inFlight { return "\(runWords) was interrupted and stays open" }
    return "\(runWords): \(state.words)"
  }

  private var next: String? {
    switch outcome {
    case .stillHeld: NextCommand.status(environment)
    case .nobody, .stopped, .vanished: isOpen ? NextCommand.settle(environment) : nil
    }
  }
}
