package import Concurrency
package import Model
import Terminal

/// Progress in a job of GitHub Actions: the plain lines, and for each step that said something a group that can be
/// opened, with its log. Whatever others wrote is kept from being a command.
///
/// Steps run beside each other and groups do not nest, so a group is printed when its step ends.
package struct ActionsFace: RunFace {
  private var plain: PlainFace
  private let canvas: Canvas
  private var logs: [StepID: Kept] = [:]

  /// The newest lines of a step, and how many came before them.
  private struct Kept {
    var lines: [String] = []
    var dropped = 0
  }

  /// How many log lines of each step are shown.
  package static let kept = 500

  package init(_ canvas: Canvas, plan: Plan? = nil) {
    self.canvas = canvas
    plain = PlainFace(canvas, plan: plan)
  }

  package mutating func handle(_ event: RunEvent) -> [String] {
    if case .stepLog(let id, let text) = event.kind { keep(text, of: id) }
    var lines = plain.handle(event).map { WorkflowCommand.neutralised($0) }
    switch event.kind {
    case .stepEnded(let id, _), .stepProbed(let id, _), .stepAbandoned(let id, _):
      if plain.picture.steps[id]?.phase.isOver == true { lines += group(id) }
    case .finished:
      lines += annotations.map { $0.command(canvas.redact).line }
    default: break
    }
    return lines
  }

  package mutating func tick(now: Timestamp) -> [String] {
    plain.tick(now: now).map { WorkflowCommand.neutralised($0) }
  }

  private mutating func keep(_ text: String, of id: StepID) {
    logs[id, default: Kept()].lines.append(text)
    let surplus = (logs[id]?.lines.count ?? 0) - Self.kept
    guard surplus > 0 else { return }
    logs[id]?.lines.removeFirst(surplus)
    logs[id]?.dropped += surplus
  }

  private mutating func group(_ id: StepID) -> [String] {
    guard let log = logs.removeValue(forKey: id), !log.lines.isEmpty else { return [] }
    let dropped = log.dropped > 0 ? ["(\(count(log.dropped, "earlier line")) left out)"] : []
    let title = safe("log of \(plain.picture.title(of: id))", canvas.redact)
    return [WorkflowCommand.group(title).line]
      + (dropped + log.lines).map { WorkflowCommand.neutralised(safe($0, canvas.redact)) }
      + [WorkflowCommand.endGroup.line]
  }

  /// What went wrong, for the run's page.
  private var annotations: [Annotation] {
    guard let summary = RunSummary(plain.picture), summary.exit != .done else { return [] }
    var found: [Annotation] = []
    if let failure = summary.failure {
      found.append(
        Annotation(failure, title: "\(summary.environment): " + (summary.failedStep ?? "the run failed")))
    }
    if let failure = summary.rollbackFailure {
      found.append(Annotation(failure, title: "\(summary.environment): putting back failed"))
    }
    if found.isEmpty {
      found.append(
        Annotation(
          .error, title: "\(summary.environment): exit \(summary.exit.rawValue)",
          message: "\(summary.exit.meaning)\nnext: \(summary.next)"))
    }
    return Annotation.best(found)
  }
}

/// Text of others without secrets and control characters; its lines stay.
func safe(_ text: String, _ redact: (String) -> String) -> String {
  sanitise(redact(text), keepingLines: true)
}
