import Model

extension PlanReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    if steps.isEmpty {
      return header + (changesRollouts ? [] : empty) + rollouts.flatMap { $0.lines(symbols) } + manualLines
    }
    var lines = header
    for service in services {
      lines.append(.empty)
      lines += self.lines(of: service, symbols)
    }
    for schema in schemas { lines += [.empty] + schema.lines(symbols) }
    if let github { lines += [.empty] + self.lines(of: github, symbols) }
    lines.append(.empty)
    lines += graph(symbols)
    if let mixedWindow {
      lines.append(Line([.strong("mixed"), Span("  \(mixedWindow)")], overflow: .wrap(hanging: 7)))
    }
    lines += rollouts.flatMap { $0.lines(symbols) }
    if !then.isEmpty {
      lines += [
        .empty, Line(.strong("then"), .faint(", planned anew from what is there, in the same command")),
      ]
      lines += then.flatMap { self.lines(of: $0, symbols) }
    }
    lines += manualLines
    if !warnings.isEmpty { lines.append(.empty) }
    lines += warnings.flatMap { Line.warning($0, symbols.warning) }
    lines += [.empty, countLine]
    return lines
  }

  /// Whose plan it is, of which commit, over which release, against which endpoints.
  var header: [Line] {
    var lines = [Line(.strong("\(action.rawValue) \(app) \(environment)"))]
    var commitSpans = [Span.accent(short(commit)), Span(subject.isEmpty ? "" : " \(subject)")]
    if isDirty { commitSpans.append(.warning("  dirty: the working tree has uncommitted changes")) }
    lines.append(.labelled("commit", commitSpans, indent: 0))
    var release: [Span] = []
    if let live {
      // After a rollback in part, or somebody else's, not every service runs it.
      let isWhole = steps.isEmpty || changing.allSatisfy { ($0.previousCommit ?? live.commit) == live.commit }
      let what = isWhole ? "is live" : "is the last good one"
      release.append("\(live.release) (\(short(live.commit))) \(what)")
    } else {
      release.append("none is live yet")
    }
    if let next, !steps.isEmpty { release.append(" → \(next)") }
    if let restores { release.append(", which restores \(restores)") }
    lines.append(.labelled("release", release, indent: 0))
    if let reason { lines.append(.labelled("reason", [Span(reason)], indent: 0)) }
    lines += protect.map { note in
      .labelled(note.rule, [Span(note.words, note.isMet ? .plain : .warning)], indent: 0)
    }
    return lines + overrides.map(\.line)
  }

  private var empty: [Line] {
    let text =
      if let live {
        "nothing to do: release \(live.release) (\(short(live.commit))) is live and matches"
      } else {
        "nothing to do: what is live matches"
      }
    return [.empty, Line(.good(text), overflow: .wrap(hanging: 2))]
      + warnings.flatMap { Line.warning($0, "!") }
  }

  private func lines(of line: ServiceLine, _ symbols: Symbols) -> [Line] {
    guard line.changes else {
      return [Line(.faint("\(symbols.same) \(line.service)  \(line.platform.rawValue), no change"))]
    }
    let isNew = line.previousDeployment == nil
    let sign = isNew ? Span("\(symbols.add) ", .add) : Span("\(symbols.change) ", .change)
    var lines = [
      Line(
        sign, .strong(line.service.rawValue),
        .faint("  \(line.platform.rawValue) · \(line.cutOver.rawValue): \(line.cutOver.words)"))
    ]
    lines += line.reasons.enumerated().map { index, reason in
      .labelled(index == 0 ? "why" : "", [Span(reason)])
    }
    lines.append(.labelled("cut-over", [Span(line.mixedWindow)]))
    lines += line.settings.enumerated().map { index, change in
      let from = change.from ?? symbols.none
      // What shipit wrote, what somebody made of it, what becomes of it.
      let byHand: [Span] =
        change.recorded.map { [.faint($0), " → ", .warning("\(from) by hand")] } ?? [.faint(from)]
      return .labelled(
        index == 0 ? "settings" : "", ["\(change.name)  "] + byHand + [" → ", Span(change.to, .change)])
    }
    lines += line.variables.enumerated().map { index, change in
      .labelled(index == 0 ? "variables" : "", change.spans(symbols))
    }
    if let address = line.address { lines.append(.labelled("address", [Span(address)])) }
    if let lost = line.cannotRestore {
      lines.append(.labelled("rollback", [.warning(isNew ? lost : "cannot restore all: \(lost)")]))
    }
    return lines
  }

  private func lines(of github: GitHubLine, _ symbols: Symbols) -> [Line] {
    let head = Line(
      Span("\(symbols.change) ", .change), .strong("GitHub Actions"), .faint("  of \(github.place.words)"))
    let secrets = github.secrets.enumerated().map { index, change in
      Line.labelled(index == 0 ? "secrets" : "", change.spans(symbols))
    }
    return [head] + secrets + [.labelled("rollback", [.warning("GitHub shows no value: none is put back")])]
  }

  /// What is left for a person.
  private var manualLines: [Line] {
    guard !manual.isEmpty else { return [] }
    let tasks = manual.lines.map { Line([Span("  " + $0, .warning)], overflow: .wrap(hanging: 5)) }
    return [
      .empty, Line(.strong("manual"), .faint(", looked at again by each deploy; exit code 9 until done")),
    ]
      + tasks
  }

  private func graph(_ symbols: Symbols) -> [Line] {
    let steps = shown
    var numbers: [StepID: Int] = [:]
    for (index, step) in steps.enumerated() { numbers[step.id] = index + 1 }
    let width = String(steps.count).count
    let titles = min(44, steps.map(\.title.columns).max() ?? 0)
    var lines = [Line(.strong("steps"), .faint(", each as soon as those it comes after have ended well"))]
    for (index, step) in steps.enumerated() {
      let number = String(index + 1)
      let after = step.needs.compactMap { numbers[$0] }.sorted().map(String.init)
      var spans: [Span] = [
        .faint("  " + String(repeating: " ", count: width - number.count) + number + "  "),
        Span(step.title, step.isCutOver ? .strong : .plain),
      ]
      let padding = String(repeating: " ", count: max(0, titles - step.title.columns))
      if !after.isEmpty { spans.append(.faint("\(padding)  after \(after.joined(separator: ", "))")) }
      if step.isCutOver { spans.append(Span("\(after.isEmpty ? padding : "")  users get it", .change)) }
      lines.append(Line(spans))
      if let wants = step.wants {
        lines.append(
          Line(.faint(String(repeating: " ", count: width + 6) + wants), overflow: .wrap(hanging: width + 6)))
      }
    }
    return lines
  }

  private var countLine: Line {
    if action == .provision {
      return Line(
        [
          .strong("\(count(steps.count, "thing")) to make, "),
          .warning("nothing takes them back: shipit deletes nothing by itself"),
        ], overflow: .wrap(hanging: 2))
    }
    if action == .migrate {
      return Line(.strong("\(count(schemas.count, "schema")), "), .warning("nothing takes a migration back"))
    }
    if action == .backup {
      return Line(.strong("\(count(shown.count, "step")), "), .good("nothing is changed"))
    }
    if action == .restore {
      return Line(
        [
          .strong("\(count(shown.count, "step")), "),
          .warning("what was written since the backup is not in it"),
        ],
        overflow: .wrap(hanging: 2))
    }
    let services = count(changing.count, "service") + (changing.count == 1 ? " changes" : " change")
    let back: Span =
      if schemas.contains(where: { $0.pending.contains { $0.effect == .contract } }) {
        .warning("no automatic rollback across the contract migration")
      } else if !hasPrevious {
        .warning("nothing to go back to")
      } else if github != nil || changing.contains(where: { $0.cannotRestore != nil }) {
        .warning("rollback possible in part")
      } else {
        .good("rollback possible")
      }
    return Line(.strong("\(services), \(count(shown.count, "step")), "), back)
  }
}

extension VariableChange {
  /// Sign, name and, for a text, its values.
  func spans(_ symbols: Symbols) -> [Span] {
    let (sign, role): (String, Role) =
      switch kind {
      case .add: (symbols.add, .add)
      case .change: (symbols.change, .change)
      case .remove: (symbols.remove, .remove)
      }
    var spans = [Span("\(sign) \(name)", role)]
    if isSecret {
      spans.append(.faint("  secret"))
      if byHand == true { spans.append(.warning("  changed by hand")) }
      return spans
    }
    if byHand == true {
      let now = kind == .add ? "removed" : from ?? "another value"
      let was: [Span] = recorded.map { [.faint($0), " → "] } ?? []
      let back: [Span] = to.map { [" → ", Span($0)] } ?? []
      return spans + ["  "] + was + [.warning("\(now) by hand")] + back
    }
    switch (kind, from, to) {
    case (.add, _, let to?): spans.append("  \(to)")
    case (.change, let from?, let to?): spans += ["  ", .faint(from), " → ", Span(to)]
    case (.change, nil, let to?): spans += ["  ", .faint("another value"), " → ", Span(to)]
    case (.remove, let from?, _): spans.append(.faint("  was \(from)"))
    default: break
    }
    return spans
  }
}
