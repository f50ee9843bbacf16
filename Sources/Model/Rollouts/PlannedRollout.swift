/// What a deploy does with one rollout once its release is proven, or a rollback before anything else.
package struct PlannedRollout: Sendable, Hashable, Codable {
  package enum Change: String, Sendable, Hashable, Codable {
    /// The first share is set.
    case begin
    /// The share stays, and its step begins anew: the numbers now speak of other code.
    case restart
    /// It goes on, or is complete.
    case leave
    /// It ended otherwise than well: only `rollout start --again` begins it.
    case refuse
    /// The flag goes off, before any code moves.
    case off
  }

  package var key: String
  /// Which flag, and where it is kept, in words.
  package var flag: String
  package var steps: [FlagShare]
  /// The share that is served now; nil: none.
  package var share: FlagShare?
  package var change: Change
  /// Why.
  package var reason: String?
  /// What decides, in words; empty where time alone does.
  package var gates: [String]
  /// What a person should know of the flag before it is raised; nil: nothing, or nobody has looked.
  package var warnings: [String]?

  package init(
    _ target: RolloutTarget, _ change: Change, share: FlagShare? = nil, reason: String? = nil
  ) {
    key = target.key
    flag = target.flag.words
    steps = target.steps.map(\.share)
    self.share = share
    self.change = change
    self.reason = reason
    gates = target.metrics.filter { !$0.isObserved }.map(\.words)
  }
}

extension PlannedRollout {
  /// Takes in what the flag's store says before anything is raised. Pure.
  package mutating func consider(_ flag: FlagState, environment: String) {
    guard change == .begin else { return }
    if flag.usage == .inactive {
      change = .refuse
      reason =
        "nobody has evaluated the flag for a week, so its numbers would say nothing; once somebody does: shipit rollout start \(environment) \(key)"
      return
    }
    var warnings = flag.ahead
    if flag.usage == .new { warnings.append("nobody has evaluated it yet: the code of this release has to") }
    if flag.needsApproval {
      warnings.append("its store wants an approval of each change, also of switching it off")
    }
    if flag.isOn, flag.share > .nobody {
      warnings.append("it serves \(flag.share) already: the rollout does not lower it, and does not begin")
    }
    self.warnings = warnings.isEmpty ? nil : warnings
  }
}

extension RolloutRecord {
  /// What a release does to a rollout. Pure.
  /// - Parameters:
  ///   - again: a person wants what is over to begin anew.
  package static func change(
    _ record: RolloutRecord?, release: Int, commit: String, again: Bool = false
  ) -> (change: PlannedRollout.Change, reason: String?) {
    guard let record else { return (.begin, nil) }
    switch record.status {
    case .ready, .running: return record.release == release ? (.leave, nil) : (.restart, nil)
    case .completed: return again ? (.begin, nil) : (.leave, "complete: everybody has it")
    case .rolledBack where record.commit != commit: return (.begin, nil)
    case .rolledBack, .halted:
      if again { return (.begin, nil) }
      return (
        .refuse, "it ended with release \(record.release): \(record.end?.summary ?? "switched off")"
      )
    }
  }
}

extension RolloutEnd {
  /// Why, in one line with the numbers.
  package var summary: String {
    switch reason {
    case .completed: "complete"
    case .blind: "the metrics could not be read"
    case .aborted: "aborted\(by.map { " by \($0)" } ?? "")\(words.map { ": \($0)" } ?? "")"
    case .halted: "the flag \(words ?? "was changed")\(by.map { ", by \($0)" } ?? "")"
    case .metric: evidence?.words ?? "a metric was bad"
    }
  }
}

extension RolloutEvidence {
  /// `errors 4.2 (abort > 2) of 2500 samples within 300 s`.
  package var words: String {
    let number = value.map { ($0 * 1000).rounded() / 1000 }.map { "\($0)" } ?? "no value"
    let bound = test == nil ? threshold.map { " (abort \($0))" } ?? "" : ""
    let samples = samples.map { " of \(Int64($0.rounded())) samples" } ?? ""
    let window = window.map { " within \($0.components.seconds) s" } ?? ""
    return "\(metric) \(number)\(bound)\(samples)\(window)\(test.map { "; \($0)" } ?? "")"
  }
}

extension FlagTarget {
  /// Where it is kept, for people: `LaunchDarkly shop/production`.
  package var words: String {
    switch store {
    case .launchDarkly(let project, let environment, _): "LaunchDarkly \(project)/\(environment)"
    case .flagd(let file): "flagd \(file)"
    case .variable(let service, let name): "\(name) of \(service)"
    }
  }
}

extension MetricTarget {
  /// `errors < 1 (abort > 2)`, with what is tested beside the bounds.
  package var words: String {
    let bounds = [name, pass, abort.map { "(abort \($0))" }].compactMap(\.self).joined(separator: " ")
    let against = versus == nil ? nil : "against those without the feature"
    let test = alpha.map { "tested at \($0)" }
    return ([bounds] + [against, test].compactMap(\.self)).joined(separator: ", ")
  }
}
