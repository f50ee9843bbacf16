import Concurrency
package import Model

/// Work on an environment that is no run, under its lease: `secrets generate` and `secrets rotate` read a source, decide,
/// and write to it, and meanwhile nobody deploys what is there, and nobody else makes another value.
package struct LeasedWork: Sendable {
  private let ledger: any Ledger
  private let holder: Holder
  private let surroundings: RunSurroundings
  private let interrupter: Interrupter

  package init(
    in ledger: any Ledger, as holder: Holder, _ surroundings: RunSurroundings, interrupter: Interrupter
  ) {
    self.ledger = ledger
    self.holder = holder
    self.surroundings = surroundings
    self.interrupter = interrupter
  }

  /// - Parameter work: gets what throws when the lease is held no longer, to be asked just before each side effect.
  /// - Throws: `leaseHeld`; what the ledger and the work say.
  package func run<Value: Sendable>(
    _ work: (_ confirm: @escaping @Sendable () throws(Failure) -> Void) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    try await holding { hold throws(Failure) in
      try await work { () throws(Failure) in
        guard hold.mayAct() else {
          throw Failure(
            .stale, "the lease was lost before anything was written", hint: "type the same command again")
        }
      }
    }
  }

  /// - Parameter work: gets the lease itself, for what it writes to the ledger.
  /// - Throws: `leaseHeld`; what the ledger and the work say.
  package func holding<Value: Sendable>(
    _ work: (RolloutHold) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let keeper = try await LeaseKeeper.acquire(
      from: ledger, holder: holder, clock: surroundings.clock, spawn: surroundings.spawn,
      onCancel: { [interrupter] in interrupter.cancel(by: $0) })
    do throws(Failure) {
      let value = try await work(RolloutHold(lease: { keeper.lease }, mayAct: keeper.gate))
      await keeper.release()
      return value
    } catch {
      await keeper.release()
      throw error
    }
  }
}
