import Concurrency
import Model

extension WhyReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [
      Line(
        .strong("run \(run)"), Span(", \(action.rawValue) of \(app) \(environment) as release \(release)")),
      .labelled("commit", [.accent(short(commit)), Span(subject.isEmpty ? "" : " \(subject)")]),
      .labelled("by", [Span("\(by), \(startedAt.timestamp.minute)")]),
    ]
    lines += decisions.enumerated().map { index, decision in
      .labelled(
        index == 0 ? "decided" : "", [Span(decision.words), .faint(", \(decision.at.minute)")])
    }
    lines.append(outcome)
    lines += failureLines(symbols)
    lines += exposure.map {
      .labelled(
        "exposed",
        [.warning("users could get \(short($0.commit)) of \($0.service) for \($0.lasted.duration.words)")])
    }
    if !unseen.isEmpty {
      lines.append(
        .labelled(
          "exposed", [.good("nobody: \(list(unseen.map(\.rawValue))) was staged and not promoted")]))
    }
    if !unattended.isEmpty { lines.append(.labelled("in flight", [.warning(list(unattended))])) }
    lines += (foreign ?? [:]).sorted { $0.key < $1.key }.map { name, deployment in
      let commit = deployment.commit.map { " of \(short($0))" } ?? ""
      return .labelled(
        "foreign",
        [.warning("\(name): deployment \(deployment.id)\(commit) was put live by somebody else meanwhile")])
    }
    if let live {
      lines.append(
        .labelled(
          "live", ["release \(live.release) ", .accent(short(live.commit)), Span(" \(live.subject)")]))
    }
    lines += [.empty, Line(.strong("what happened"))]
    let width = timeline.map(\.after.duration.ticking.columns).max() ?? 0
    lines += timeline.map { moment in
      let time = moment.after.duration.ticking
      let blank = String(repeating: " ", count: width - time.columns)
      let role: Role =
        switch moment.tone {
        case .plain: .plain
        case .good: .good
        case .bad: .bad
        case .warning: .warning
        }
      return Line(
        [.faint("  \(blank)\(time)  "), Span(moment.text, role)], overflow: .wrap(hanging: width + 4))
    }
    return lines + [.empty, .labelled("next", [.accent(next)], indent: 0, width: 6)]
  }

  private var outcome: Line {
    guard let state, let exit else {
      return .labelled("result", [.warning("it is open: it runs, or stopped half-way")])
    }
    let time = took.map { " in \($0.duration.words)" } ?? ""
    return .labelled("result", [Span(state.words, state.role), Span("\(time), exit \(exit.rawValue)")])
  }

  private func failureLines(_ symbols: Symbols) -> [Line] {
    guard failure != nil || rollbackFailure != nil else { return [] }
    var lines: [Line] = [.empty]
    if let failure {
      lines.append(
        .labelled(
          failure.kind == .cancelled ? "stopped" : "failed",
          [.bad(failedTitle.map { "\($0): " } ?? ""), .strong(failure.message)]))
      if let place = failure.place { lines.append(.labelled("where", [Span(place)])) }
      if let cause = failure.cause { lines.append(.labelled("because", [Span(cause)])) }
      lines += log.suffix(20).map { Line(.faint("  \(symbols.bar) "), Span($0)) }
    }
    if let rollbackFailure {
      lines.append(.labelled("then", [.bad("putting back failed: "), Span(rollbackFailure.message)]))
      if let cause = rollbackFailure.cause { lines.append(.labelled("because", [Span(cause)])) }
    }
    return lines
  }
}
