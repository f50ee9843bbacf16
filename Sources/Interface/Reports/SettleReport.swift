import Concurrency
package import Model

/// What `settle` and `finish` say: what an interrupted run had left, and what is live now.
package struct SettleReport: Report {
  package static let kind = "settle"

  package enum Outcome: String, Codable, Sendable, Hashable {
    /// No run was open.
    case nothing
    /// Everything it was to do had been done and was found good.
    case completed
    /// Its traces are known and recorded; it is not continued.
    case abandoned
    /// What it left is not known yet: it stays open.
    case unknown
    /// Somebody else is at work, or the run is somebody else's: left alone.
    case notOurs = "not-ours"
  }

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var commit: String
  }

  package var environment: String
  package var outcome: Outcome
  package var run: RunID?
  package var release: Int?
  package var action: Plan.Kind?
  package var commit: String?
  package var by: String?
  package var truth: StatusReport.Truth
  /// The newest good release.
  package var live: ReleaseHead?
  package var services: [ServiceLine]
  package var unattended: [String]
  package var failure: Failure?
  /// The holder whose lease was freed, for its process was gone.
  package var freed: String?
  /// Why it was left alone.
  package var notOurs: String?
  package var exit: ExitCode

  /// - Parameters:
  ///   - run: the run that was open.
  ///   - status: what the ledger says now.
  package init(
    _ outcome: Outcome, run: RunRecord?, result: RunResult?, failure: Failure?, status: StatusReport,
    freed: String? = nil, notOurs: String? = nil
  ) {
    environment = status.environment
    self.outcome = outcome
    self.run = run?.id
    release = run?.release
    action = run?.plan.kind
    commit = run?.plan.commit
    by = run?.by
    truth = status.truth
    live = status.release
    services = status.services.map { ServiceLine(service: $0.service, commit: $0.commit) }
    unattended = (result?.unattended ?? []).map { run?.plan.step($0)?.title ?? $0.rawValue }
    self.failure = failure
    self.freed = freed
    self.notOurs = notOurs
    exit =
      switch outcome {
      case .nothing, .completed, .notOurs: .done
      case .abandoned: status.truth == .mixed ? .failedMixed : .done
      case .unknown: failure?.exitCode ?? .failedMixed
      }
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    if let freed {
      lines.append(
        Line(
          .good("\(symbols.good) "), Span("the lease of \(freed) is freed: its process is gone"),
          overflow: .wrap(hanging: 2)))
    }
    lines.append(headline(symbols))
    if !unattended.isEmpty { lines.append(.labelled("not known", [.warning(list(unattended))])) }
    if let failure {
      lines.append(.labelled("because", [Span(failure.message)]))
      if let cause = failure.cause { lines.append(.labelled("", [Span(cause)])) }
    }
    if outcome == .abandoned, truth == .mixed {
      lines.append(.labelled("live now", [Span(list(services.map { "\($0.service) \(short($0.commit))" }))]))
    }
    if let next { lines.append(.labelled("next", [.accent(next)])) }
    return lines
  }

  private func headline(_ symbols: Symbols) -> Line {
    let (sign, text): (Span, String) =
      switch outcome {
      case .nothing: (.good(symbols.good), "nothing to settle in \(environment): no run is open")
      case .notOurs: (.good(symbols.good), "nothing of ours to settle in \(environment): \(notOurs ?? "")")
      case .completed:
        (
          .good(symbols.good),
          "\(environment) is settled: \(runWords) had come to its end; \(liveWords) is live"
        )
      case .abandoned where truth == .mixed:
        (.bad(symbols.bad), "\(environment) is settled, and mixed: \(runWords) is closed half-way")
      case .abandoned:
        (
          .good(symbols.good),
          "\(environment) is settled: \(runWords) is closed as abandoned; \(liveWords) is live as before"
        )
      case .unknown: (.bad(symbols.bad), "\(environment) is not settled: \(runWords) stays open")
      }
    return Line(sign, Span(" " + text), overflow: .wrap(hanging: 2))
  }

  private var runWords: String {
    guard let run, let action, let commit, let by else { return "no run" }
    return "run \(run), \(action.rawValue) of \(short(commit)) by \(by),"
  }

  private var liveWords: String {
    live.map { "release \($0.release) (\(short($0.commit)))" } ?? "nothing that shipit knows of"
  }

  private var next: String? {
    switch outcome {
    case .nothing, .completed, .notOurs: nil
    case .abandoned:
      truth == .mixed
        ? "\(NextCommand.deploy(environment)) goes on, \(NextCommand.rollback(environment)) goes back"
        : NextCommand.deploy(environment)
    case .unknown: failure?.hint ?? NextCommand.status(environment)
    }
  }
}
