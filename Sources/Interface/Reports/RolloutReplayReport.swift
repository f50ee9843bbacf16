package import Concurrency
package import Model

/// What `rollout simulate` says: when it would have raised, paused and switched off.
package struct RolloutReplayReport: Report {
  package static let kind = "rollout-simulation"

  package struct RolloutLine: Codable, Sendable, Hashable {
    package var key: String
    package var steps: [FlagShare]
    package var events: [RolloutEvent]
    /// Metrics that are left out: their source keeps no history.
    package var missing: [RolloutReplayGap]
    /// What the same rules do to healthy services; nil where no metric is a share of failures.
    package var healthy: HealthyRollouts?

    package init(
      _ target: RolloutTarget, events: [RolloutEvent], missing: [RolloutReplayGap] = [],
      healthy: HealthyRollouts? = nil
    ) {
      key = target.key
      steps = target.steps.map(\.share)
      self.events = events
      self.missing = missing
      self.healthy = healthy
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
      lines += rollout.missing.map { gap in
        .labelled(
          "left out", [.warning("\(gap.metric): \(gap.source) keeps no history")], width: 22)
      }
      if let healthy = rollout.healthy { lines += healthy.lines }
    }
    return lines
  }

  private static func role(_ text: String) -> Role {
    if text.hasPrefix("off") { return .bad }
    if text.hasPrefix("paused") || text.hasPrefix("a person") { return .warning }
    return text == "complete" ? .good : .plain
  }
}

extension HealthyRollouts {
  /// How often chance alone would have switched it off, and on what that rests.
  fileprivate var lines: [Line] {
    let role: Role = rolledBack * 50 > rollouts ? .warning : .plain
    var lines: [Line] = [
      .labelled(
        "by chance",
        [
          Span(
            "\(rolledBack) of \(rollouts) rollouts of a healthy service would have been switched off", role)
        ],
        width: 22)
    ]
    lines += assumptions.map { one in
      let source = one.isSeen ? "as in this time" : "the bound of pass, for this time was worse"
      return .labelled(
        "if",
        [
          .faint(
            "\(one.metric): \(RolloutReport.MetricLine.number(one.failing)) % fail, \(source), of \(Int64(one.requests.rounded())) requests a reading, each by itself"
          )
        ], width: 22)
    }
    if !left.isEmpty {
      lines.append(.labelled("", [.faint("\(left.joined(separator: ", ")) counts as good")], width: 22))
    }
    return lines
  }
}
