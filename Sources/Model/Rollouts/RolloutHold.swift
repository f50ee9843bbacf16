/// The lease under which a rollout's flag is changed.
package struct RolloutHold: Sendable {
  /// As confirmed last.
  package var lease: @Sendable () -> Lease
  /// Asked just before the flag is changed.
  package var mayAct: @Sendable () -> Bool

  package init(lease: @escaping @Sendable () -> Lease, mayAct: @escaping @Sendable () -> Bool) {
    self.lease = lease
    self.mayAct = mayAct
  }
}

/// What goes with a release and is no step of its run: the flags of its rollouts.
package struct RolloutHooks: Sendable {
  /// Begins what a plan says begins, once the release is proven. What goes wrong is told by the command itself.
  package var begin: @Sendable ([PlannedRollout], _ release: Int, _ commit: String, RolloutHold) async -> Void
  /// Switches off what a rollback says goes off, before any code moves. A flag that cannot be reached keeps nobody from
  /// taking the code back.
  package var off: @Sendable ([PlannedRollout], _ reason: String, RolloutHold) async -> Void

  package init(
    begin: @escaping @Sendable ([PlannedRollout], Int, String, RolloutHold) async -> Void = { _, _, _, _ in },
    off: @escaping @Sendable ([PlannedRollout], String, RolloutHold) async -> Void = { _, _, _ in }
  ) {
    self.begin = begin
    self.off = off
  }
}
