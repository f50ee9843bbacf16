import Concurrency
import Model

extension StatusReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [Line(.strong("\(app) \(environment)"))]
    lines.append(headline(symbols))
    if let by, let since {
      var spans: [Span] = [
        "\(by), \(since.timestamp.minute)", .faint(" (\(since.timestamp.relative(to: now.timestamp)))"),
      ]
      if let restores { spans.append(", restored release \(restores)") }
      lines.append(.labelled("put live", spans))
    }
    if let reason { lines.append(.labelled("reason", [Span(reason)])) }
    lines += overrides.map(\.line)
    if !services.isEmpty { lines.append(.empty) }
    lines += services.flatMap { rows($0, symbols) }
    let below = runLines + blockLines(symbols)
    if !below.isEmpty { lines += [.empty] + below }
    lines += notes.map { Line(.warning("\(symbols.warning) "), Span($0), overflow: .wrap(hanging: 2)) }
    if let next { lines += [.empty, .labelled("next", [.accent(next)], indent: 0, width: 6)] }
    return lines
  }

  private func headline(_ symbols: Symbols) -> Line {
    let head: [Span] =
      release.map {
        [
          .strong("release \($0.release)"), "  ", .accent(short($0.commit)),
          Span($0.subject.isEmpty ? "" : " \($0.subject)"),
          .warning(isDirty ? "  dirty" : ""),
        ]
      } ?? ["no release"]
    let (sign, text): (Span, String) =
      switch truth {
      case .nothing: (.warning(symbols.waiting), " is live yet")
      case .released: (.good(symbols.good), "  is live")
      case .previous: (.good(symbols.good), "  is live; the run after it failed")
      case .mixed: (.bad(symbols.bad), "  was the last good one: the state is mixed, a person is needed")
      case .running: (.accent(symbols.change), "  is what was live before the run that is going on")
      case .inFlight: (.warning(symbols.warning), "  was the last good one: a run stopped half-way")
      }
    return Line([sign, " "] + head + [Span(text)], overflow: .wrap(hanging: 2))
  }

  private func rows(_ line: ServiceLine, _ symbols: Symbols) -> [Line] {
    let width = services.map(\.service.rawValue.columns).max() ?? 0
    let name = line.service.rawValue
    var spans: [Span] = [
      "  ", .strong(name), Span(String(repeating: " ", count: max(0, width - name.columns)) + "  "),
      .accent(short(line.commit)), "  ", Span(line.proof.words, line.proof.role),
    ]
    if let live = line.live {
      spans.append(Span("  \(live.status)", live.matches ? .good : .bad))
      if live.instances.count > 0 {
        let states = live.instances.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.lowercased())" }
        spans.append(.faint(" (\(states.joined(separator: ", ")))"))
      }
    } else if let trouble = line.trouble {
      spans.append(.warning("  live state not known: \(trouble)"))
    } else if !isOffline {
      spans.append(.faint("  asking \(line.platform.rawValue) \(symbols.ellipsis)"))
    }
    if let address = line.address { spans.append(.faint("  \(address)")) }
    var lines = [Line(spans, overflow: .wrap(hanging: 4 + width))]
    let blank = String(repeating: " ", count: 4 + width)
    if let live = line.live, !live.matches {
      let seen = live.deployment.map { "deployment \($0)" } ?? "nothing"
      let commit = live.commit.map { " of \(short($0))" } ?? ""
      let wanted = line.deployment ?? "none"
      lines.append(
        Line(
          [Span(blank), .bad("differs: "), Span("\(seen)\(commit) is live, the release recorded \(wanted)")],
          overflow: .wrap(hanging: 4 + width)))
    }
    if let newest = line.live?.newest {
      lines.append(
        Line([Span(blank), .warning("newest attempt: \(newest)")], overflow: .wrap(hanging: 4 + width)))
    }
    return lines
  }

  private var runLines: [Line] {
    var lines: [Line] = []
    if let running {
      let verb = running.action.rawValue
      let started = running.startedAt.timestamp.relative(to: now.timestamp)
      let text = "\(running.run), \(verb) of \(short(running.commit)) as release \(running.release)"
      lines.append(.labelled("run", [.strong(text), Span(", by \(running.by), begun \(started)")]))
      if !running.open.isEmpty { lines.append(.labelled("in flight", [.warning(list(running.open))])) }
      if !running.moved.isEmpty { lines.append(.labelled("moved", [.warning(list(running.moved))])) }
    }
    if running == nil, let last, truth != .released || last.state == .abandoned {
      let ended = last.endedAt.map { " \($0.timestamp.relative(to: now.timestamp))" } ?? ""
      lines.append(
        .labelled(
          "last run",
          [
            "\(last.run), release \(last.release) of \(short(last.commit)): \(last.state.words)\(ended), exit \(last.exit.rawValue)"
          ]
        ))
      if let failure = last.failure { lines.append(.labelled("", [.faint(failure.message)])) }
      if !last.unattended.isEmpty { lines.append(.labelled("in flight", [.warning(list(last.unattended))])) }
    }
    return lines
  }

  private func blockLines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    if let lease {
      let moment = lease.expires.timestamp.relative(to: now.timestamp)
      let left =
        lease.expires.timestamp > now.timestamp ? "ends \(moment) unless renewed" : "expired \(moment)"
      lines.append(
        .labelled("lease", ["\(lease.holder), \(lease.purpose)", .faint(", \(left)")]))
    }
    if let hold {
      lines.append(
        .labelled("hold", [.bad(hold.reason), Span(", by \(hold.by), \(hold.at.timestamp.minute)")]))
    }
    if !bad.isEmpty {
      let marks = bad.prefix(5).map { "\(short($0.commit)) (release \($0.release))" }
      let more = bad.count > 5 ? " and \(bad.count - 5) more" : ""
      lines.append(
        .labelled(
          "refused",
          [.warning(list(marks) + more), .faint(": rolled back by itself; --again deploys it anyway")]))
    }
    return lines
  }

  private var next: String? {
    switch truth {
    case .nothing: NextCommand.plan(environment)
    case .released: nil
    case .previous, .mixed: last.map { NextCommand.why(environment, $0.run) }
    case .running: nil
    case .inFlight: "\(NextCommand.deploy(environment)) settles it first, then goes on or plans anew"
    }
  }
}

extension RunResult.State {
  /// For people, in one or two words.
  package var words: String {
    switch self {
    case .released: "live"
    case .restored: "restored"
    case .rolledBack: "rolled back"
    case .unchanged: "failed, nothing changed"
    case .mixed: "failed, mixed"
    case .inFlight: "interrupted, in flight"
    case .abandoned: "settled, not continued"
    }
  }

  var role: Role {
    switch self {
    case .released, .restored: .good
    case .rolledBack, .unchanged, .abandoned, .inFlight: .warning
    case .mixed: .bad
    }
  }
}
