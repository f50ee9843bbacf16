package import Concurrency
package import Model

/// What moved from one ledger to another.
package struct MovedLedger: Sendable {
  package var runs: Int
  package var releases: Int
  package var move: LedgerMove
  /// It had been moved before, and only what was left undone was done.
  package var wasThere: Bool

  package init(runs: Int, releases: Int, move: LedgerMove, wasThere: Bool) {
    self.runs = runs
    self.releases = releases
    self.move = move
    self.wasThere = wasThere
  }
}

/// `shipit state move`: takes a ledger's whole history to another one.
///
/// Killed at any moment, it loses nothing: until the old ledger has its note, which is the last write, the old one
/// counts and is complete; from then on the new one does, which was read back before.
package struct MoveOperation: Sendable {
  private let environment: String
  private let old: any MovableLedger
  private let new: any MovableLedger
  private let to: StateStore
  private let holder: Holder
  private let clock: any TimeSource
  private let spawn: Spawner

  package init(
    of environment: String, from old: any MovableLedger, to new: any MovableLedger, called to: StateStore,
    holder: Holder, clock: any TimeSource, spawn: Spawner = .tasks
  ) {
    self.environment = environment
    self.old = old
    self.new = new
    self.to = to
    self.holder = holder
    self.clock = clock
    self.spawn = spawn
  }

  /// - Throws: `leaseHeld` for either ledger; `policy` while a run is open; `stale` when the new ledger has gone on
  ///   by itself; what either ledger says.
  package func run() async throws(Failure) -> MovedLedger {
    if let move = try await old.moved(), move.to == to, let there = try await wasThere(move) { return there }
    let ours = try await keeper(of: old)
    do throws(Failure) {
      let theirs = try await keeper(of: new)
      do throws(Failure) {
        let moved = try await move(ours, theirs)
        await theirs.release()
        await ours.release()
        return moved
      } catch {
        await theirs.release()
        throw error
      }
    } catch {
      await ours.release()
      throw error
    }
  }

  private func keeper(of ledger: any MovableLedger) async throws(Failure) -> LeaseKeeper {
    try await LeaseKeeper.acquire(
      from: ledger, holder: holder, clock: clock, spawn: spawn,
      taking: { holder throws(Failure) in try await ledger.acquireForMove(holder: holder) })
  }

  private func move(_ ours: LeaseKeeper, _ theirs: LeaseKeeper) async throws(Failure) -> MovedLedger {
    if let open = try await old.openRun() {
      throw Failure(
        .policy, "run \(open.id) of \(environment) is open, and a ledger moves only between runs",
        cause: "\(open.plan.kind.rawValue) of \(open.plan.commit.prefix(7)), begun by \(open.by)",
        hint: "shipit settle \(environment), then the same command again")
    }
    let contents = try await old.contents()
    let present = try await new.contents()
    guard contents.continues(present) else { throw goneOn(present) }
    try await new.replace(with: contents, lease: theirs.lease)
    guard try await new.contents() == contents else {
      throw Failure(
        .failed, "what was written to `state: \(to.yaml)` does not read back as it was",
        cause: "the old ledger is untouched and still counts",
        hint: "the same command again; if it stays so, report it as a defect")
    }
    let note = LedgerMove(to: to, by: holder.name, at: clock.now)
    try await old.leave(for: note, lease: ours.lease)
    return MovedLedger(
      runs: contents.runs.count, releases: contents.releases.count, move: note, wasThere: false)
  }

  /// Nil when the new ledger has lost what was moved there.
  private func wasThere(_ move: LedgerMove) async throws(Failure) -> MovedLedger? {
    let present = try await new.contents()
    guard present.continues(try await old.contents()) else { return nil }
    return MovedLedger(runs: present.runs.count, releases: present.releases.count, move: move, wasThere: true)
  }

  private func goneOn(_ present: LedgerContents) -> Failure {
    Failure(
      .stale, "`state: \(to.yaml)` has a history of \(environment) of its own",
      cause: "runs: \(present.runs.count), releases: \(present.releases.count), the newest "
        + (present.runs.last.map { "run \($0.id), begun \($0.startedAt.iso8601) by \($0.by)" } ?? "none")
        + "; none of it may be lost",
      hint: "if that is the one that counts, write `state: \(to.yaml)`; else move it away first")
  }
}
