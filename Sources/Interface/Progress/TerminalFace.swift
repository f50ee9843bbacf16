package import Concurrency
package import Model

/// Progress on a terminal: finished steps settle above, the running ones are redrawn in place below.
package struct TerminalFace: RunFace {
  package private(set) var picture: RunPicture
  /// May be given a new width when the window changes.
  package var canvas: Canvas
  private var titles = 16

  /// - Parameter plan: The plan of a run that is continued.
  package init(_ canvas: Canvas, plan: Plan? = nil) {
    self.canvas = canvas
    picture = RunPicture(plan: plan)
  }

  package mutating func handle(_ event: RunEvent) -> [String] {
    picture.handle(event)
    titles = min(36, picture.steps.values.map(\.step.title.columns).max() ?? 16)
    return canvas.draw(settled(event))
  }

  private func settled(_ event: RunEvent) -> [Line] {
    let symbols = canvas.symbols
    switch event.kind {
    case .started: return [picture.heading]
    case .resumed(_, _, let finished):
      return [
        picture.heading, Line(.faint("  continues: \(count(finished.count, "step")) had ended before")),
      ]
    case .stepEnded(let id, _), .stepAbandoned(let id, _):
      guard picture.isTold(id, begins: false), let step = picture.line(of: id), step.phase.isOver else {
        return []
      }
      return [row(step, sign: step.sign(symbols), now: event.at)] + picture.failureLines(id, symbols)
    case .turned(_, _, let undo): return picture.turnLines(undo, symbols)
    case .interrupted(let interruption): return [picture.interruptionLine(interruption, symbols)]
    case .cancelAsked(let request, let isHeeded): return [picture.cancelLine(request, isHeeded, symbols)]
    case .leaseWaits(let text):
      return [Line(.warning("\(symbols.waiting) "), Span(text), overflow: .wrap(hanging: 2))]
    case .finished: return [.empty] + (RunSummary(picture)?.lines(symbols) ?? [])
    // What a probe finds is told by the end that follows.
    case .stepBegan, .stepProgress, .stepLog, .stepRetries, .stepProbing, .stepProbed: return []
    }
  }

  package func frame(now: Timestamp, height: Int) -> [String] {
    guard picture.result == nil, picture.facts != nil, height > 0 else { return [] }
    let running = picture.running
    var foot: [Line] = []
    if let waiting = waitingLine, height > 2 { foot.append(waiting) }
    if height > 1 { foot.append(clockLine(now)) }
    let room = max(1, height - foot.count)
    let turning = canvas.symbols.turning
    let turn = turning[Int(max(0, now.milliseconds / 100)) % turning.count]
    var body = running.prefix(running.count > room ? max(0, room - 1) : room).map { step in
      row(step, sign: .accent(turn), now: now)
    }
    if running.count > body.count {
      body.append(Line(.faint("  and \(running.count - body.count) more run")))
    }
    return (body + foot).prefix(height).flatMap { line in
      var line = line
      line.overflow = .clip
      return canvas.draw(line)
    }
  }

  /// `✓ deploy api          12.4 s  live after 12 s`.
  private func row(_ step: RunPicture.StepPicture, sign: Span, now: Timestamp) -> Line {
    let title = step.step.title
    let time = step.elapsed(now)?.ticking ?? ""
    var spans = [
      sign, Span(" "), Span(title, step.phase.isOver ? .plain : .strong),
      Span(String(repeating: " ", count: max(0, titles - title.columns))),
      .faint(String(repeating: " ", count: max(2, 10 - time.columns)) + time),
    ]
    let says = [step.says, step.phase.isOver ? "" : step.log.last ?? ""].filter { !$0.isEmpty }
    if !says.isEmpty {
      spans.append(Span("  " + says.joined(separator: " · "), step.phase.isOver ? .plain : .faint))
    }
    if step.attempt > 1 { spans.append(.warning("  attempt \(step.attempt)")) }
    return Line(spans, overflow: step.phase.isOver ? .wrap(hanging: 4) : .clip)
  }

  private var waitingLine: Line? {
    let waiting = picture.waiting
    guard !waiting.isEmpty else { return nil }
    let names = waiting.map(\.step.title).joined(separator: ", ")
    let verb = waiting.count == 1 ? "waits" : "wait"
    return Line(.faint("\(canvas.symbols.waiting) \(waiting.count) \(verb): \(names)"))
  }

  private func clockLine(_ now: Timestamp) -> Line {
    let spent = picture.startedAt.map { (now - $0).words } ?? ""
    let limit = picture.plan.map { " of \($0.deadline.words)" } ?? ""
    let (ended, all) = picture.progress
    return Line(.faint("  \(ended) of \(count(all, "step")) · \(spent)\(limit)"))
  }
}
