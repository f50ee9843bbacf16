package import Concurrency
package import Model

/// Progress where nothing can be redrawn: one line an event, and a sign of life at least each 30 seconds.
package struct PlainFace: RunFace {
  package private(set) var picture: RunPicture
  private let canvas: Canvas
  private var spokeAt: Timestamp?
  /// Shows the log lines of the steps too.
  private let showsLogs: Bool

  /// The longest silence.
  package static let silence = Duration.seconds(30)

  /// - Parameter showsLogs: Whether log lines of steps are shown as they come.
  package init(_ canvas: Canvas, plan: Plan? = nil, showsLogs: Bool = false) {
    self.canvas = canvas
    self.showsLogs = showsLogs
    picture = RunPicture(plan: plan)
  }

  package mutating func handle(_ event: RunEvent) -> [String] {
    let before = currentProgress(event)
    picture.handle(event)
    let lines = lines(for: event, before: before)
    if !lines.isEmpty { spokeAt = event.at }
    return canvas.draw(lines)
  }

  package mutating func tick(now: Timestamp) -> [String] {
    guard picture.result == nil, let last = spokeAt, now - last >= Self.silence else { return [] }
    spokeAt = now
    let running = picture.running.map { step in
      let says = [step.says, step.log.last ?? ""].first { !$0.isEmpty }
      let elapsed = step.elapsed(now).map { " \($0.words)" } ?? ""
      return "\(step.step.title)\(elapsed)" + (says.map { " (\($0))" } ?? "")
    }
    let text = running.isEmpty ? "waiting" : "still running: " + running.joined(separator: "; ")
    return canvas.draw([stamped(now, Span(text))])
  }

  private func currentProgress(_ event: RunEvent) -> String? {
    if case .stepProgress(let id, _) = event.kind { picture.steps[id]?.progress } else { nil }
  }

  private func lines(for event: RunEvent, before: String?) -> [Line] {
    let symbols = canvas.symbols
    switch event.kind {
    case .started: return [picture.heading]
    case .resumed(_, _, let finished):
      return [
        picture.heading, stamped(event.at, "continues: \(count(finished.count, "step")) had ended before"),
      ]
    case .stepBegan(let step, let attempt):
      guard attempt > 1 || picture.isTold(step.id, begins: true) else { return [] }
      let again = attempt > 1 ? ", attempt \(attempt)" : ""
      let title = attempt > 1 ? step.title : picture.line(of: step.id)?.step.title ?? step.title
      return [stamped(event.at, "\(symbols.arrow) \(title)\(again)")]
    case .stepProgress(let id, let text):
      guard text != before, picture.isTold(id, begins: false) else { return [] }
      return [stamped(event.at, .faint("  \(picture.title(of: id)): \(text)"))]
    case .stepLog(let id, let text):
      return showsLogs ? [stamped(event.at, .faint("  \(picture.title(of: id)) \(symbols.bar) \(text)"))] : []
    case .stepProbed(let id, let finding):
      // What is found is told by the end that follows.
      guard let step = picture.steps[id] else { return [] }
      switch finding {
      case .absent, .underWay: return [stamped(event.at, "  \(step.step.title): \(step.says)")]
      case .done, .failed, .unknown: return []
      }
    case .stepEnded(let id, _), .stepAbandoned(let id, _):
      guard picture.isTold(id, begins: false), let step = picture.line(of: id) else { return [] }
      guard step.phase.isOver else {
        return [stamped(event.at, "  \(step.step.title): \(step.says)")]
      }
      let says = step.says.isEmpty ? "" : ": \(step.says)"
      let took = step.elapsed(event.at).map { " (\($0.words))" } ?? ""
      let line = stamped(event.at, step.sign(symbols), " \(step.step.title)\(took)\(says)")
      return [line] + picture.failureLines(id, symbols, lines: RunPicture.kept)
    case .stepRetries(let id, let failure, let wait):
      return [
        stamped(event.at, .warning("  \(picture.title(of: id)): again in \(wait.words): \(failure.message)"))
      ]
    case .stepProbing(let id):
      return [stamped(event.at, "  \(picture.title(of: id)): finding out what became of it")]
    case .turned(_, _, let undo): return picture.turnLines(undo, symbols)
    case .interrupted(let interruption): return [picture.interruptionLine(interruption, symbols)]
    case .cancelAsked(let request, let isHeeded): return [picture.cancelLine(request, isHeeded, symbols)]
    case .leaseWaits(let text): return [stamped(event.at, Span(text))]
    case .finished: return [.empty] + (RunSummary(picture)?.lines(symbols) ?? [])
    }
  }

  /// A line with the time of day before it.
  private func stamped(_ at: Timestamp, _ spans: Span...) -> Line {
    Line([.faint("\(at.iso8601.dropFirst(11).prefix(8)) ")] + spans, overflow: .wrap(hanging: 11))
  }
}
