package import Concurrency

/// A moment of a rollout that is marked where people look at graphs and errors.
package struct RolloutMark: Sendable, Hashable {
  package enum Event: String, Sendable, Hashable, CaseIterable {
    case started, raised, paused, resumed, completed
    case rolledBack = "rolled-back"
  }

  package var app: String
  package var environment: String
  /// The rollout's key, which is the flag's.
  package var rollout: String
  package var event: Event
  /// What share has it now, in thousandths of a percent.
  package var share: Int
  package var release: Int
  /// The full id of the release's commit.
  package var commit: String
  package var at: Timestamp
  /// Why, such as the metric that decided; already redacted.
  package var reason: String?

  package init(
    app: String, environment: String, rollout: String, event: Event, share: Int, release: Int, commit: String,
    at: Timestamp, reason: String? = nil
  ) {
    self.app = app
    self.environment = environment
    self.rollout = rollout
    self.event = event
    self.share = share
    self.release = release
    self.commit = commit
    self.at = at
    self.reason = reason
  }

  /// Names this mark among all, so that one that was left before is found again.
  package var handle: String {
    "shipit/\(app)/\(environment)/rollout/\(rollout)/\(release)/\(event.rawValue)/\(share)"
  }

  /// One line for people: `new-checkout at 25 % (release 42)`.
  package var text: String {
    let percent = share % 1000 == 0 ? "\(share / 1000)" : "\(Double(share) / 1000)"
    let what =
      switch event {
      case .started, .raised: "at \(percent) %"
      case .paused: "paused at \(percent) %"
      case .resumed: "resumed at \(percent) %"
      case .completed: "for everybody"
      case .rolledBack: "off again"
      }
    return "\(rollout) \(what) (release \(release))" + (reason.map { ": \($0)" } ?? "")
  }
}

/// One place where marks are left. It decides nothing: what it throws is told, and the rollout goes on.
package protocol RolloutMarker: Sendable {
  /// Kind and place, for people: `Grafana at grafana.example.com`.
  var name: String { get }

  /// Leaves a mark. The same mark again leaves no second one, as far as the place allows to find it.
  func leave(_ mark: RolloutMark) async throws(Failure)
}
