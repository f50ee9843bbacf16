import Concurrency
import Model

extension RolloutReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [Line(.strong("rollouts \(app) \(environment)"))]
    for rollout in rollouts {
      lines.append(.empty)
      lines += rollout.lines(symbols, environment: environment, now: now.timestamp)
    }
    return lines
  }
}

extension RolloutReport.RolloutLine {
  func lines(_ symbols: Symbols, environment: String, now: Timestamp) -> [Line] {
    var lines = [headline(symbols)]
    if let outcome { lines.append(.labelled("round", [Span(outcome, role)])) }
    lines.append(.labelled("flag", [Span(flag), .faint(served.map { "  \($0)" } ?? "")]))
    if let release {
      lines.append(.labelled("release", [Span("\(release) "), .accent(short(commit ?? ""))]))
    }
    lines.append(.labelled("steps", ladder(symbols)))
    if status == .running {
      lines.append(
        .labelled("credit", bar(symbols) + [Span("  \(credit.duration.words) of \(bake.duration.words)")]))
    }
    let width = metrics.map(\.name.columns).max() ?? 0
    lines += metrics.flatMap { $0.lines(symbols, width: max(11, width + 2)) }
    if let pause { lines.append(.labelled("paused", paused(pause, now))) }
    for order in orders {
      lines.append(
        .labelled("asked", [.warning("\(order.kind.rawValue) by \(order.by), for the next round")]))
    }
    if let end, let summary { lines += ended(end, summary) }
    if let wantsApproval {
      lines.append(
        .labelled(
          "waits for",
          [
            Span("approval of \(wantsApproval): "),
            .accent("shipit rollout approve \(environment) \(key) --step \(wantsApproval.plain)"),
          ]))
    }
    lines += next(symbols, environment, now)
    lines += notes.map { .labelled("note", [.warning($0)]) }
    if let failure {
      lines.append(.labelled("trouble", [.bad(failure.message)]))
      if let hint = failure.hint { lines.append(.labelled("next", [.accent(hint)])) }
    }
    return lines
  }

  private var role: Role {
    if failure != nil || status == .rolledBack { return .bad }
    return status == .halted || pause != nil ? .warning : .plain
  }

  private func headline(_ symbols: Symbols) -> Line {
    let (sign, words): (Span, String) =
      switch status {
      case nil: (.faint(symbols.waiting), "not begun")
      case .ready: (.faint(symbols.waiting), "nobody has it yet")
      case .running where pause != nil: (.warning(symbols.warning), "paused at \(share?.description ?? "?")")
      case .running: (.accent(symbols.arrow), "at \(share?.description ?? "?")")
      case .completed: (.good(symbols.good), "complete")
      case .rolledBack: (.bad(symbols.back), "off again")
      case .halted: (.warning(symbols.warning), "somebody else’s now")
      }
    return Line(sign, " ", .strong(key), Span("  \(words)"))
  }

  /// `10 % → [25 %] → 100 %`.
  private func ladder(_ symbols: Symbols) -> [Span] {
    let present = status == .running ? share.flatMap { share in steps.last { $0 <= share } } : nil
    let reached = status == .completed ? steps.last : status == .running ? share : nil
    var spans: [Span] = []
    for (index, step) in steps.enumerated() {
      if index > 0 { spans.append(.faint(" \(symbols.arrow) ")) }
      if step == present {
        spans.append(.strong("[\(step)]"))
      } else {
        spans.append(step <= reached ?? .nobody ? .good("\(step)") : .faint("\(step)"))
      }
    }
    return spans
  }

  private func bar(_ symbols: Symbols) -> [Span] {
    let width = 20
    let whole = max(bake.duration.wholeMilliseconds, 1)
    let filled = min(width, Int(credit.duration.wholeMilliseconds * Int64(width) / whole))
    let (full, empty) = symbols == .ascii ? ("#", ".") : ("█", "░")
    return [
      .good(String(repeating: full, count: filled)),
      .faint(String(repeating: empty, count: width - filled)),
    ]
  }

  private func paused(_ pause: RolloutPause, _ now: Timestamp) -> [Span] {
    let by = pause.by.map { " by \($0)" } ?? ""
    return [.warning("\(pause.since.relative(to: now))\(by): \(pause.reason ?? pause.why)")]
  }

  private func ended(_ end: RolloutEnd, _ summary: String) -> [Line] {
    var lines = [Line.labelled("ended", [Span("\(end.at.minute)  \(summary)")])]
    if let took = end.took { lines.append(.labelled("off", [Span("within \(took.words), read back")])) }
    switch end.cure?.state {
    case .awaited: lines.append(.labelled("cure", [Span("looked for at \(end.cure?.until.minute ?? "")")]))
    case .cured: lines.append(.labelled("cure", [.good("good again with the flag off")]))
    case .failed:
      lines.append(.labelled("cure", [.bad("still bad with the flag off: the code has to go back too")]))
    case .unknown: lines.append(.labelled("cure", [.warning("not known: nothing could be read")]))
    case nil: break
    }
    return lines
  }

  private func next(_ symbols: Symbols, _ environment: String, _ now: Timestamp) -> [Line] {
    var lines: [Line] = []
    if let nextRound {
      let moment = nextRound.timestamp
      lines.append(.labelled("next look", [Span("\(moment.minute), \(moment.relative(to: now))")]))
    }
    if let earliestRaise, status == .running || status == .ready {
      let what = steps.first { $0 > share ?? .nobody }.map { "\($0) " } ?? "complete "
      lines.append(
        .labelled("possible", [Span("\(what)at \(earliestRaise.timestamp.minute) at the earliest")]))
    }
    if isOverdue {
      lines.append(
        .labelled(
          "late",
          [
            .warning("nobody has looked since \(lastTickAt?.timestamp.minute ?? "its begin"): "),
            .accent("shipit rollout tick \(environment)"),
          ]))
    }
    return lines
  }
}

extension RolloutReport.MetricLine {
  private static let levels = (unicode: Array("▁▂▃▄▅▆▇█"), ascii: Array("_.-=+*%#"))
  /// How many readings are drawn.
  private static let width = 24

  /// Its readings, and what its test says of all of them together.
  func lines(_ symbols: Symbols, width: Int) -> [Line] {
    let tested = test.map { Line.labelled("", [Span($0.words, $0.isCrossed ? .bad : .faint)], width: width) }
    return [line(symbols, width: width)] + [tested].compactMap(\.self)
  }

  private func line(_ symbols: Symbols, width: Int) -> Line {
    let bounds = [pass.map { "pass \($0)" }, abort.map { "abort \($0)" }].compactMap(\.self)
    let latest = readings.last
    let value = latest?.value.map(Self.number) ?? latest?.reason ?? latest?.outcome ?? "not read yet"
    let samples = latest?.samples.map { " of \(Int64($0.rounded()))" } ?? ""
    var spans = sparkline(symbols)
    spans.append(
      Span("\(spans.isEmpty ? "" : "  ")\(value)\(samples)", latest.map { Self.role($0.outcome) } ?? .faint))
    spans.append(
      .faint("  \(bounds.joined(separator: " \(symbols.dot) "))  \(isObserved ? "observed" : state)"))
    return .labelled(name, spans, width: width)
  }

  /// One sign a reading, between the lowest and the highest of values and bounds; what said nothing is a dot or a cross.
  private func sparkline(_ symbols: Symbols) -> [Span] {
    let shown = readings.suffix(Self.width)
    let bounds = [pass, abort].compactMap { $0.flatMap(Self.bound) }
    let numbers = shown.compactMap(\.value) + bounds
    let levels = symbols == .ascii ? Self.levels.ascii : Self.levels.unicode
    guard let low = numbers.min(), let high = numbers.max() else {
      return shown.map { Self.blank($0, symbols) }
    }
    return shown.map { reading in
      guard let value = reading.value else { return Self.blank(reading, symbols) }
      let place = high > low ? (value - low) / (high - low) : 0
      let index = min(levels.count - 1, max(0, Int(place * Double(levels.count - 1) + 0.5)))
      return Span(String(levels[index]), Self.role(reading.outcome))
    }
  }

  private static func blank(_ reading: RolloutReading, _ symbols: Symbols) -> Span {
    reading.outcome == "error" ? .bad(symbols == .ascii ? "x" : "×") : .faint(symbols.dot)
  }

  private static func bound(_ text: String) -> Double? {
    Double(text.drop { ">=< ".contains($0) })
  }

  private static func role(_ outcome: String) -> Role {
    switch outcome {
    case "pass": .good
    case "hold", "nodata": .warning
    default: .bad
    }
  }

  static func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int64(rounded))" : "\(rounded)"
  }
}

extension FlagShare {
  /// As an option takes it: `25`, `0.5`.
  package var plain: String { String(description.dropLast(2)) }
}
