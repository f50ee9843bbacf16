package import Concurrency

/// The twin's own time: that of a source, which can be moved forward or stopped by hand.
package struct TwinTime: Sendable {
  let source: any TimeSource
  private var offset: Duration = .zero
  private var frozenAt: Timestamp?

  package init(_ source: any TimeSource) {
    self.source = source
  }

  package var now: Timestamp { frozenAt ?? source.now + offset }

  package mutating func advance(by duration: Duration) {
    if let frozenAt { self.frozenAt = frozenAt + duration } else { offset += duration }
  }

  package mutating func freeze() {
    frozenAt = now
  }

  package mutating func thaw() {
    guard let frozenAt else { return }
    offset = frozenAt - source.now
    self.frozenAt = nil
  }
}
