import Concurrency
import Model

extension RunSummary {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [headline(symbols)]
    lines += failureLines
    if !unattended.isEmpty {
      lines.append(
        .labelled("in flight", [.warning(list(unattended)), Span(": goes on without us")]))
    }
    if !services.isEmpty {
      lines.append(Line(.strong("  live now")))
      lines += services.map { row($0, symbols) }
    }
    lines += schemas.enumerated().map { index, text in
      .labelled(index == 0 ? "schema" : "", [Span(text), .faint(action == .migrate ? "" : "; it stays")])
    }
    lines += exposureLines
    // What follows is the deploy, in the same command.
    if action == .provision, state == .released { return lines }
    lines.append(.labelled("exit", [Span("\(exit.rawValue): \(exitWords)")]))
    lines.append(.labelled("next", [.accent(next)]))
    if let runbook = Runbook(self) { lines.append(.labelled("runbook", [.accent(runbook.command)])) }
    return lines
  }

  private func headline(_ symbols: Symbols) -> Line {
    let time = Span.faint("  in \(took.duration.words)")
    let subjectText = subject.isEmpty ? "" : " \(subject)"
    switch state {
    case .released where action == .migrate:
      return Line(.good("\(symbols.good) the schemas are as the commit wants them"), time)
    case .released where action == .backup:
      return Line(.good("\(symbols.good) backed up, and proven good"), time)
    case .released where action == .restore:
      return Line(.good("\(symbols.good) the database is as the backup has it"), time)
    case .released where action == .secrets:
      return Line(
        .good("\(symbols.good) the secrets are written; what runs takes them up with its next deploy"), time,
        overflow: .wrap(hanging: 2))
    case .released where action == .provision:
      return Line(.good("\(symbols.good) what was missing is made"), time)
    case .unchanged where action == .provision:
      return Line(
        [
          .bad("\(symbols.bad) not everything could be made; "),
          .strong("what was made stays, and the same command goes on from there"), time,
        ],
        overflow: .wrap(hanging: 2))
    case .released:
      return Line(
        [
          .good("\(symbols.good) release \(release) is live: "), Span("\(short(commit))\(subjectText)"), time,
        ],
        overflow: .wrap(hanging: 2))
    case .restored:
      // Without a ledger there is no release to name.
      let what =
        restores.map { "release \($0) is live again, as release \(release)" }
        ?? "what served before is live again"
      return Line(
        [.good("\(symbols.good) \(what): "), Span("\(short(commit))\(subjectText)"), time],
        overflow: .wrap(hanging: 2))
    case .rolledBack:
      return Line(
        [
          .bad("\(symbols.bad) release \(release) \(ended); "),
          .strong("what it moved was put back and proven"), time,
        ],
        overflow: .wrap(hanging: 2))
    case .unchanged:
      return Line(
        [
          .bad("\(symbols.bad) release \(release) \(ended); "),
          .strong("nothing users see was changed\(foreign.isEmpty ? "" : " by it")"), time,
        ],
        overflow: .wrap(hanging: 2))
    case .mixed:
      return Line(
        [
          .bad("\(symbols.bad) release \(release) \(ended); the state is mixed: "),
          .strong("a person is needed"), time,
        ],
        overflow: .wrap(hanging: 2))
    case .inFlight:
      return Line(
        [
          .warning(
            "\(symbols.warning) run \(run) \(interruption == nil ? "stopped half-way" : "was interrupted"); "),
          .strong(leftBehind), time,
        ],
        overflow: .wrap(hanging: 2))
    case .abandoned:
      return Line(
        [.warning("\(symbols.warning) run \(run) was settled and not continued"), time],
        overflow: .wrap(hanging: 2))
    }
  }

  /// What a run that stopped left.
  private var leftBehind: String {
    if !unattended.isEmpty { return "some of it is still in flight" }
    if rollbackFailure != nil { return "nothing of it is in flight, and not everything is put back" }
    return services.contains { $0.state == .moved }
      ? "nothing of it is in flight, and what went live stays"
      : "nothing of it is in flight, and what it wrote is not live"
  }

  /// How it came to its end, when not well.
  private var ended: String {
    if interruption != nil { return "was interrupted" }
    return exit == .deadline ? "ran out of time" : "failed"
  }

  /// What the exit code says, without a claim that is not true of this state.
  private var exitWords: String {
    switch exit {
    case .hangup, .interrupted, .terminated:
      action == .provision
        ? "\(exit.meaning); nothing that serves was touched"
        : state == .inFlight || state == .mixed
          ? exit.meaning : "\(exit.meaning), and the previous release is live"
    case .failedClean where !foreign.isEmpty:
      "failed, and what it moved is put back; \(list(foreign.map(\.rawValue))) "
        + "\(foreign.count == 1 ? "was" : "were") deployed by somebody else meanwhile"
    default: exit.meaning
    }
  }

  private var failureLines: [Line] {
    var lines: [Line] = []
    if let failure {
      let step = failedStep.map { "\($0): " } ?? ""
      let label = failure.kind == .cancelled ? "stopped" : "failed"
      lines.append(.labelled(label, [.strong(step), Span(failure.message)]))
      if let place = failure.place { lines.append(.labelled("where", [Span(place)])) }
      if let cause = failure.cause { lines.append(.labelled("because", [Span(cause)])) }
    } else if let failedStep {
      lines.append(.labelled("failed", [Span(failedStep)]))
    }
    if let rollbackFailure {
      lines.append(
        .labelled("then", [.bad("putting back failed: "), Span(rollbackFailure.message)]))
      if let cause = rollbackFailure.cause { lines.append(.labelled("because", [Span(cause)])) }
    }
    return lines
  }

  private func row(_ line: ServiceLine, _ symbols: Symbols) -> Line {
    let width = services.map(\.service.rawValue.columns).max() ?? 0
    let name =
      line.service.rawValue + String(repeating: " ", count: max(0, width - line.service.rawValue.columns))
    var spans: [Span] = ["    ", .strong(name), "  "]
    switch line.state {
    case .unknown: spans.append(.warning("not known"))
    case .foreign: spans.append(.warning(line.commit.map(short) ?? "unknown"))
    case .untouched, .moved, .putBack: spans.append(.accent(line.commit.map(short) ?? "nothing"))
    }
    switch line.state {
    case .untouched: spans.append(.faint("  not moved by this run"))
    case .putBack: spans.append("  put back")
    case .moved: if state != .released, state != .restored { spans.append(.warning("  new")) }
    case .foreign, .unknown: break
    }
    if let proof = line.proof { spans.append(Span("  \(proof.words)", proof.role)) }
    if let note = line.note { spans.append(Span("  \(note)", line.state == .foreign ? .warning : .faint)) }
    if let address = line.address, line.state == .moved { spans.append(.faint("  \(address)")) }
    return Line(spans, overflow: .wrap(hanging: 6 + width))
  }

  private var exposureLines: [Line] {
    services.compactMap { line in
      guard let exposed = line.exposed else { return nil }
      return .labelled(
        "exposed",
        [.warning("users could get \(short(commit)) of \(line.service) for \(exposed.duration.words)")])
    }
  }

  /// The command that helps most now.
  package var next: String {
    if let hint = (rollbackFailure ?? failure)?.hint, state != .inFlight { return hint }
    switch state {
    case .released, .restored, .abandoned: return NextCommand.status(environment)
    case .rolledBack, .unchanged, .mixed: return NextCommand.why(environment, run)
    case .inFlight:
      return
        "\(NextCommand.status(environment)); \(NextCommand.settle(environment)) ends it, the same command again goes on"
    }
  }
}
