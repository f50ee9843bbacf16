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
    if let record {
      lines.append(
        .labelled("file", [.warning("environment file not found: working from release \(record)'s record")]))
    }
    lines += overrides.map(\.line)
    lines += table(symbols)
    let below = runLines + blockLines(symbols)
    if !below.isEmpty { lines += [.empty] + below }
    lines += notes.map { Line(.warning("\(symbols.warning) "), Span($0), overflow: .wrap(hanging: 2)) }
    if let next { lines += [.empty, .labelled("next", [.accent(next)], indent: 0, width: 6)] }
    return lines
  }

  private func headline(_ symbols: Symbols) -> Line {
    let head: [Span] =
      release.map { release in
        let what: [Span] =
          isMix
          ? ["a mix of commits"]
          : [.accent(short(release.commit)), Span(release.subject.isEmpty ? "" : " \(release.subject)")]
        return [.strong("release \(release.release)"), "  "] + what + [.warning(isDirty ? "  dirty" : "")]
      } ?? ["no release"]
    let other = differing.isEmpty ? nil : list(differing.map(\.rawValue))
    var (sign, text): (Span, String) =
      switch truth {
      case .nothing: (.warning(symbols.waiting), " is live yet")
      case .released: (.good(symbols.good), "  is live")
      case .previous: (.good(symbols.good), "  is live; the run after it failed")
      case .mixed: (.bad(symbols.bad), "  was the last good one: the state is mixed, a person is needed")
      case .running: (.accent(symbols.change), "  is what was live before the run that is going on")
      case .inFlight: (.warning(symbols.warning), "  was the last good one: a run stopped half-way")
      }
    // What a platform says goes before what the ledger remembers.
    if let other, truth == .released || truth == .previous {
      (sign, text) = (.bad(symbols.bad), "  is what the ledger has, but something else serves for \(other)")
    } else if !unknown.isEmpty, truth == .released || truth == .previous {
      let names = list(unknown.map(\.rawValue))
      (sign, text) = (
        .warning(symbols.warning), text + ", by the ledger: what serves for \(names) is not known"
      )
    }
    return Line([sign, " "] + head + [Span(text)], overflow: .wrap(hanging: 2))
  }

  /// One row for each service, over all platforms.
  private func table(_ symbols: Symbols) -> [Line] {
    guard !services.isEmpty else { return [] }
    let columns = StatusColumns(services)
    var lines: [Line] = [.empty, Line([.faint(columns.head)])]
    for line in services { lines += rows(line, columns, symbols) }
    if let mix { lines.append(Line([.warning("  \(symbols.warning) \(mix)")], overflow: .wrap(hanging: 4))) }
    return lines
  }

  private func rows(_ line: ServiceLine, _ columns: StatusColumns, _ symbols: Symbols) -> [Line] {
    var spans = columns.row(line)
    let blank = String(repeating: " ", count: columns.indent)
    func below(_ spans: [Span]) -> Line {
      Line([Span(blank)] + spans, overflow: .wrap(hanging: columns.indent))
    }
    var lines: [Line] = []
    if let live = line.live {
      spans.append(Span(live.status, !live.matches ? .bad : live.deployment == nil ? .faint : .good))
      if live.instances.count > 0 {
        let states = live.instances.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.lowercased())" }
        spans.append(.faint(" (\(states.joined(separator: ", ")))"))
      }
    } else if line.trouble != nil {
      spans.append(.warning("not known"))
    } else if isOffline {
      spans.append(.faint("not asked"))
    } else {
      spans.append(.faint("asking \(symbols.ellipsis)"))
    }
    lines.append(Line(spans, overflow: .wrap(hanging: columns.indent)))
    if let address = line.address { lines.append(below([.faint(address)])) }
    if let trouble = line.trouble {
      lines.append(below([.warning("live state not known: \(trouble)")]))
    }
    if let live = line.live, !live.matches {
      lines.append(below([.bad("differs: "), Span(difference(line, live))]))
    }
    if let newest = line.live?.newest { lines.append(below([.warning("newest attempt: \(newest)")])) }
    for note in line.live?.notes ?? [] { lines.append(below([.warning("\(symbols.warning) \(note)")])) }
    return lines
  }

  private func difference(_ line: ServiceLine, _ live: LiveColumn) -> String {
    let seen = live.deployment.map { "deployment \($0)" } ?? "nothing"
    let commit = live.commit.map { " of \(short($0))" } ?? ""
    let here = "\(seen)\(commit) is live, "
    guard truth == .released || truth == .previous, let expected = line.expected,
      let deployment = expected.deployments.last
    else {
      if line.isUnrecorded { return here + "and no release tells who put it there" }
      return here + "the last record has \(line.deployment ?? "none")"
    }
    return here + "release \(expected.release) has \(deployment) of \(short(expected.commit))"
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
      if let cancel = lease.cancel { lines.append(.labelled("cancel", [.warning("asked for by \(cancel)")])) }
    }
    if let hold {
      lines.append(
        .labelled("hold", [.bad(hold.reason), Span(", by \(hold.by), \(hold.at.timestamp.minute)")]))
    }
    for approval in approvals {
      let asked = ", asked for by \(approval.by) \(approval.at.timestamp.relative(to: now.timestamp))"
      let what = approval.subject.isEmpty ? "" : " \(approval.subject)"
      lines.append(
        .labelled(
          "approval",
          [.accent(short(approval.commit)), Span("\(what): "), .warning(approval.words), .faint(asked)]))
      let next =
        approval.missing > 0
        ? "shipit approve \(environment) --digest \(approval.digest.prefix(12))"
        : "\(NextCommand.deploy(environment)) --commit \(short(approval.commit))"
      lines.append(.labelled("", [.accent(next)]))
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
    case .released: differing.isEmpty ? nil : NextCommand.plan(environment)
    case .previous where !differing.isEmpty: NextCommand.plan(environment)
    case .previous, .mixed: last.map { NextCommand.why(environment, $0.run) }
    case .running:
      "shipit cancel \(environment) asks it to stop; if its machine is gone, "
        + "\(NextCommand.settle(environment)) once the lease has ended"
    case .inFlight:
      "\(NextCommand.settle(environment)) ends it; \(NextCommand.deploy(environment)) goes on with it or plans anew"
    }
  }
}

/// How wide the columns of the table are.
private struct StatusColumns {
  private let service: Int
  private let platform: Int
  private let release: Int

  /// Where what belongs to a service goes on below it.
  var indent: Int { service + 4 }

  init(_ services: [StatusReport.ServiceLine]) {
    func widest(_ words: [String], _ head: String) -> Int { (words + [head]).map(\.columns).max() ?? 0 }
    service = widest(services.map(\.service.rawValue), "service")
    platform = widest(services.map(\.platform.rawValue), "platform")
    release = widest(services.map { $0.release.map(String.init) ?? "" }, "release")
  }

  var head: String {
    "  " + padded("service", service) + padded("platform", platform) + padded("commit", 7)
      + padded("release", release) + padded("proven", 8) + padded("cut-over", 10) + "live"
  }

  func row(_ line: StatusReport.ServiceLine) -> [Span] {
    // What serves goes before what the release recorded, of which nothing is known to hold then.
    let differs = line.live.map { !$0.matches } ?? false
    let commit = differs ? line.live?.commit ?? "unknown" : line.commit.isEmpty ? "none" : line.commit
    let proof = differs ? Proof.no : line.proof
    return [
      "  ", .strong(padded(line.service.rawValue, service)), .faint(padded(line.platform.rawValue, platform)),
      .accent(padded(short(commit), 7)),
      Span(padded(differs ? "" : line.release.map(String.init) ?? "", release)),
      Span(padded(proof.rawValue, 8), proof.role), Span(padded(line.cutOver?.rawValue ?? "", 10)),
    ]
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.columns) + 2)
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
