extension GitLedger {
  /// How a git ledger behaves in time.
  package struct Options: Sendable {
    package var timing = LeaseTiming(duration: .seconds(90), heartbeat: .seconds(20))
    /// How long `acquire` watches a lease that may be dead before it says who holds it; nil: the whole lease.
    package var patience: Duration?
    /// How long what was read from the remote is taken for the present state by readers.
    package var freshness = Duration.seconds(2)
    /// What gathers in the local journal is pushed after this time at the latest, when more comes.
    package var coalescing = Duration.seconds(15)

    package init() {}
  }
}
