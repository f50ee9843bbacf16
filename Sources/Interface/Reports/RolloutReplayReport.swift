package import Concurrency
package import Model

/// What `rollout simulate` says: when it would have raised, paused and switched off.
package struct RolloutReplayReport: Report {
  package static let kind = "rollout-simulation"

  package struct RolloutLine: Codable, Sendable, Hashable {
    package var key: String
    package var steps: [FlagShare]
    package var events: [RolloutEvent]

    package init(_ target: RolloutTarget, events: [RolloutEvent]) {
      key = target.key
      steps = target.steps.map(\.share)
      self.events = events
    }
  }

  package var app: String
  package var environment: String
  package var from: Moment
  package var to: Moment
  /// Whose numbers they are.
  package var release: Int
  package var rollouts: [RolloutLine]

  package init(
    app: String, environment: String, from: Timestamp, to: Timestamp, release: Int, rollouts: [RolloutLine]
  ) {
    self.app = app
    self.environment = environment
    self.from = Moment(from)
    self.to = Moment(to)
    self.release = release
    self.rollouts = rollouts
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [
      Line(.strong("rollouts \(app) \(environment), simulated")),
      .labelled("from", [Span(from.timestamp.minute)], indent: 0),
      .labelled("to", [Span(to.timestamp.minute)], indent: 0),
      .labelled("numbers", [Span("of release \(release); approvals count as given")], indent: 0),
    ]
    for rollout in rollouts {
      lines += [.empty, Line(.strong(rollout.key))]
      lines += rollout.events.map { event in
        .labelled(event.at.minute, [Span(event.text, Self.role(event.text))], width: 22)
      }
    }
    return lines
  }

  private static func role(_ text: String) -> Role {
    if text.hasPrefix("off") { return .bad }
    if text.hasPrefix("paused") || text.hasPrefix("a person") { return .warning }
    return text == "complete" ? .good : .plain
  }
}
