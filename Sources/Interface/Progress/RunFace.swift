package import Concurrency
package import Model

/// One way to show a run while it goes on. Values in, text out: whoever holds it writes the text.
package protocol RunFace: Sendable {
  /// What the event adds for good, one element a line.
  mutating func handle(_ event: RunEvent) -> [String]

  /// The block below, which the next one replaces; at most `height` lines.
  func frame(now: Timestamp, height: Int) -> [String]

  /// Lines that are due because nothing was said for long. Call it about once a second.
  mutating func tick(now: Timestamp) -> [String]
}

extension RunFace {
  package func frame(now: Timestamp, height: Int) -> [String] { [] }
  package mutating func tick(now: Timestamp) -> [String] { [] }
}

/// Says nothing unless the run fails; then the summary.
package struct QuietFace: RunFace {
  private var picture: RunPicture
  private let canvas: Canvas

  package init(_ canvas: Canvas, plan: Plan? = nil) {
    self.canvas = canvas
    picture = RunPicture(plan: plan)
  }

  package mutating func handle(_ event: RunEvent) -> [String] {
    picture.handle(event)
    guard let result = picture.result, result.exit != .done else { return [] }
    return RunSummary(picture)?.text(canvas) ?? []
  }
}
