/// Whether the lease still allows side effects, as its holder counts it.
///
/// A step begins under a confirmed lease, but what it does first may take long, and a laptop may sleep in between. So
/// adapters ask once more just before a request that changes something is sent (DESIGN §7). Outside of a run
/// everything is allowed.
package struct LeaseGate: Sendable {
  private let check: @Sendable () -> Bool

  package init(_ check: @escaping @Sendable () -> Bool) { self.check = check }

  // A value of a named type: with a bare function the optimised executable crashed when it was set.
  @TaskLocal private static var current = LeaseGate { true }

  /// What an adapter asks.
  package static func mayAct() -> Bool { current.check() }

  /// Performs a step's work under a gate.
  @inline(never)
  package static func under<Result: Sendable>(
    _ gate: @escaping @Sendable () -> Bool, _ work: @Sendable () async -> Result
  ) async -> Result {
    await $current.withValue(LeaseGate(gate)) { await work() }
  }

  /// What an adapter says that did not send.
  package static let words = "the lease was not renewed in time: nothing was sent"
}
