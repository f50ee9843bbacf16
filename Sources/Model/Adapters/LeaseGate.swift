/// Whether the lease still allows side effects, as its holder counts it.
///
/// A step begins under a confirmed lease, but what it does first may take long, and a laptop may sleep in between. So
/// adapters ask once more just before a request that changes something is sent (DESIGN §7). Outside of a run
/// everything is allowed.
package enum LeaseGate {
  @TaskLocal package static var mayAct: @Sendable () -> Bool = { true }

  /// What an adapter says that did not send.
  package static let words = "the lease was not renewed in time: nothing was sent"
}
