/// What one question to a metric store gave (contract rollout-analysis §3, metrics §2.3).
package enum Reading: Sendable, Hashable {
  case value(Double)
  /// The store answered and has nothing: `empty`, `nan`, `samples`.
  case noData(reason: String)
  /// The store could not be read: `query`, `auth`, `provider`, `timeout`, `not_finite`, …
  case error(reason: String)
}

/// What a reading says about a metric (contract rollout-analysis §1, §4).
package enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
  /// Good enough to go on.
  case pass
  /// Between good enough to go on and bad enough to go back.
  case hold
  /// Bad enough to go back.
  case breach
  /// Too little is known to say anything.
  case noData = "nodata"
  /// The store could not be read.
  case error

  /// Whether it speaks of the service, and not of missing or unreadable data.
  package var isUsable: Bool { self == .pass || self == .hold || self == .breach }
}
