package import Concurrency

/// What a person decided about an environment. It is a record, not a proof of who it was: whoever may write to the
/// ledger may write any name into it.
package struct Decision: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable {
    /// A deploy asks for approval.
    case approvalWanted = "approval-wanted"
    case approved
    case freezeOverridden = "freeze-overridden"
    /// Deployed although it was not live where it should be first.
    case afterOverridden = "after-overridden"
    case held
    case holdLifted = "hold-lifted"
    /// A new value was made for a secret, and kept in its source.
    case secretGenerated = "secret-generated"
    /// A rotation was begun or ended in a secret's source.
    case secretRotated = "secret-rotated"
  }

  package var kind: Kind
  /// Who and where: `ann@laptop`.
  package var by: String
  /// The name in `protect.approval.by` under which an approval counts.
  package var person: String?
  package var at: Timestamp
  /// Why; for a lifted hold, what it had said.
  package var reason: String?
  /// The binding digest of the plan that is meant.
  package var digest: String?
  /// What that digest is made of.
  package var binding: PlanBinding?
  package var commit: String?
  package var subject: String?
  /// What the plan would change, in words.
  package var changes: [String]?
  /// When it no longer counts.
  package var expires: Timestamp?

  package init(
    _ kind: Kind, by: String, at: Timestamp, person: String? = nil, reason: String? = nil,
    digest: String? = nil, binding: PlanBinding? = nil, commit: String? = nil, subject: String? = nil,
    changes: [String]? = nil, expires: Timestamp? = nil
  ) {
    self.kind = kind
    self.by = by
    self.at = at
    self.person = person
    self.reason = reason
    self.digest = digest
    self.binding = binding
    self.commit = commit
    self.subject = subject
    self.changes = changes
    self.expires = expires
  }
}

/// Whoever acts, by the names they are known under.
package struct Person: Sendable, Hashable {
  /// `ann@laptop`.
  package var by: String
  /// User names, the most telling first: of GitHub, of git, of this machine.
  package var names: [String]

  package init(by: String, names: [String]) {
    self.by = by
    self.names = names
  }

  /// Whoever asked for an approval, as far as the record tells: their user name before the machine's.
  package init(asking decision: Decision) {
    self.init(by: decision.by, names: [String(decision.by.prefix { $0 != "@" })])
  }

  /// The name among those declared under which they are known, as it is declared.
  package func name(among declared: [String]) -> String? {
    declared.first { name in names.contains { $0.lowercased() == name.lowercased() } }
  }
}
