package import Concurrency
package import Model

/// Whether a plan has the approvals it needs. Pure.
package struct ApprovalDecision: Sendable, Hashable {
  package let rule: ApprovalRule
  /// One per person, of this very plan, the newest.
  package let granted: [Decision]
  /// Approvals of the same commit whose plan has moved since.
  package let void: [Decision]
  /// Approvals of this very plan that count no more.
  package let expired: [Decision]
  /// Somebody was asked to approve this very plan, and the question still stands.
  package let isWanted: Bool

  /// - Parameters:
  ///   - decisions: the ledger's, newest first.
  ///   - digest: the plan's binding digest.
  ///   - deployer: whose own approval may not count.
  package init(
    _ rule: ApprovalRule, decisions: [Decision], digest: String, commit: String, deployer: Person,
    now: Timestamp
  ) {
    self.rule = rule
    var granted: [String: Decision] = [:]
    var void: [String: Decision] = [:]
    var expired: [String: Decision] = [:]
    for decision in decisions where decision.kind == .approved {
      guard let person = decision.person,
        let name = rule.by.first(where: { $0.lowercased() == person.lowercased() }),
        rule.own || (deployer.name(among: [name]) == nil && decision.by != deployer.by)
      else { continue }
      // Also bounded by the rule as it is now: it may have become stricter.
      let ends = min(decision.expires ?? decision.at + rule.expires, decision.at + rule.expires)
      if decision.digest == digest {
        if ends <= now {
          expired[name] = expired[name] ?? decision
        } else {
          granted[name] = granted[name] ?? decision
        }
      } else if decision.commit == commit, ends > now {
        void[name] = void[name] ?? decision
      }
    }
    func sorted(_ decisions: [String: Decision]) -> [Decision] {
      decisions.values.sorted { ($0.at, $0.person ?? "") < ($1.at, $1.person ?? "") }
    }
    self.granted = sorted(granted)
    self.void = sorted(void)
    self.expired = sorted(expired.filter { granted[$0.key] == nil })
    isWanted = decisions.contains {
      $0.kind == .approvalWanted && $0.digest == digest && $0.expires.map { $0 > now } ?? true
    }
  }

  /// How many more people must approve.
  package var missing: Int { max(0, rule.count - granted.count) }

  /// Those who may still approve.
  package func candidates(deployer: Person) -> [String] {
    rule.by.filter { name in
      !granted.contains { $0.person?.lowercased() == name.lowercased() }
        && (rule.own || deployer.name(among: [name]) == nil)
    }
  }

  /// `1 of 2 given, by ann`.
  package var words: String {
    guard !granted.isEmpty else { return "\(rule.count) wanted, none given" }
    return
      "\(granted.count) of \(rule.count) given, by \(granted.compactMap(\.person).joined(separator: ", "))"
  }
}
