import Analysis
import Concurrency
import Model

extension RolloutSitting {
  /// The flag as its store has it, or why it cannot be read.
  func look() async -> (FlagState?, Failure?) {
    do throws(Failure) { return (try await parts.flag.read(), nil) } catch { return (nil, error) }
  }

  /// What the rules are told of it.
  func seen(_ flag: FlagState) -> Tick.Flag {
    Tick.Flag(
      isOn: flag.isOn, share: flag.share.thousandths,
      isChanged: isDoubtful || record.flag.map { flag.draw.difference(from: $0.draw) != nil } ?? false)
  }

  /// Whether it serves what the running step has set, to the same people.
  func isOurs(_ flag: FlagState) -> Bool {
    flag.isOn && flag.share == record.share && !seen(flag).isChanged
  }

  func change(_ flag: FlagState, at: Timestamp) -> RolloutForeignChange {
    let draw = record.flag.flatMap { flag.draw.difference(from: $0.draw) }.map { "; \($0)" } ?? ""
    return RolloutForeignChange(
      at: at, author: flag.lastChange, found: (flag.isOn ? "serves \(flag.share)" : "is off") + draw)
  }

  // MARK: The first step

  /// Sets the first share, once it may be.
  mutating func begin() async throws(RoundStop) -> RolloutResult {
    guard let first = target.steps.first else {
      throw .failed(Failure(.configuration, "rollout \(record.key) has no steps"))
    }
    if first.needsApproval, !isNextApproved { return try await waiting(.approval) }
    let now = parts.clock.now
    guard parts.calendar.window(at: now) == .open else { return try await waiting(.window) }
    let flag: FlagState
    do throws(Failure) { flag = try await parts.flag.read() } catch { return result(.troubled, error) }
    guard !flag.isOn || flag.share == .nobody || record.mayLower == true else {
      let who = flag.lastChange?.name.map { ", by \($0)" } ?? ""
      return result(
        .troubled,
        Failure(
          .stale, "\(parts.flag.name) serves \(flag.share) already\(who): the rollout does not lower it",
          hint: "switch it off there and run shipit rollout tick \(record.environment), or leave it and abort"
        ))
    }
    // Its metrics would show nothing, and nothing would look good.
    guard flag.usage != .inactive else {
      return result(
        .troubled,
        Failure(
          .configuration, "nobody has evaluated \(parts.flag.name) for a week: its numbers would say nothing",
          hint: "let the released code ask for it; the next round looks again"))
    }
    return try await raise(to: first.share, from: flag)
  }

  private mutating func waiting(_ why: TickAction.Wait) async throws(RoundStop) -> RolloutResult {
    let action = TickAction.wait(why).written
    if record.lastAction != action {
      record.lastAction = action
      try await save()
    }
    return result(.waits(why))
  }

  // MARK: Raising

  /// Writes down what is intended, changes the flag, and begins the next step; a killed one is settled by `settle`.
  /// - Parameter share: nil: the last bake is over, and everybody gets it without a draw.
  mutating func raise(to share: FlagShare?, from flag: FlagState) async throws(RoundStop) -> RolloutResult {
    record.intent = RolloutIntent(
      share == nil ? .complete : .raise, from: flag.isOn ? flag.share : nil, to: share ?? .everybody,
      at: parts.clock.now, latestEffect: latestEffect, by: parts.by)
    record.flag = flag
    if let reason = parts.freezeOverride, parts.calendar.isFrozen(at: parts.clock.now) {
      record.note("raised within a freeze: \(reason)", by: parts.by, at: parts.clock.now)
    }
    // It wins only where nobody has asked to stop since the record was read.
    try await save()
    guard hold.mayAct() else { throw .failed(.leaseLost) }
    let words = share.map(\.description) ?? "complete"
    let after: FlagState
    let (provider, note) = (parts.flag, note(words))
    do throws(FlagRefusal) {
      after = try await gated { () async throws(FlagRefusal) in
        guard let share else { return try await provider.complete(expected: flag, note: note) }
        return try await provider.set(share, expected: flag, note: note)
      }
    } catch { return try await refused(error) }
    do throws(RoundStop) {
      return try await raised(after)
    } catch {
      // Whoever wrote in between may have switched it off for good: then ours came too late.
      if case .lost = error { try await takeBackIfEnded() }
      throw error
    }
  }

  /// Until when a change that begins now can take effect: whoever began it stops acting with its lease.
  var latestEffect: Timestamp { parts.clock.now + hold.lease().duration }

  /// Under the lease, which adapters ask for once more just before they send.
  func gated(
    _ call: @escaping @Sendable () async throws(FlagRefusal) -> FlagState
  ) async throws(FlagRefusal) -> FlagState {
    try await LeaseGate.under(hold.mayAct) {
      do throws(FlagRefusal) { return Result<FlagState, FlagRefusal>.success(try await call()) } catch {
        return .failure(error)
      }
    }.get()
  }

  /// The flag is as intended: begins the next step, or ends the rollout.
  mutating func raised(_ flag: FlagState) async throws(RoundStop) -> RolloutResult {
    let now = parts.clock.now
    let before = record.share
    let isComplete = record.intent?.kind == .complete
    let to = record.intent?.to ?? flag.share
    record.intent = nil
    record.flag = flag
    record.mayLower = nil
    if isComplete {
      record.status = .completed
      record.end = RolloutEnd(.completed, at: now, share: to)
      record.note("complete: everybody has it", by: parts.by, at: now)
    } else {
      beginStep(to, at: now)
      record.note("\(to)", by: parts.by, at: now)
    }
    try await save()
    await mark(isComplete ? .completed : before == nil ? .started : .raised)
    return result(isComplete ? .completed : .raised(from: before, to: to))
  }

  /// Fresh counters: what was earned before was about another crowd.
  mutating func beginStep(_ share: FlagShare, at now: Timestamp) {
    record.status = .running
    record.share = share
    record.stepStartedAt = now
    record.lastTickAt = now
    record.lastAction = TickAction.advance.written
    record.progress = nil
    record.metrics = [:]
    record.credit = .zero
    record.bake = target.step(at: share)?.bake ?? .zero
    record.steps = target.steps.map(\.share)
    record.pause = nil
  }

  /// The flag's store did not make the change.
  private mutating func refused(_ refusal: FlagRefusal) async throws(RoundStop) -> RolloutResult {
    switch refusal.code {
    case .ambiguous:
      // The intent stays: the next round looks first.
      return result(.troubled, refusal.failure)
    case .changedByOther:
      // What it is now is judged from the beginning.
      throw .lost
    case .approvalRequired, .approvalDeclined:
      record.intent = nil
      record.lastAction = "wait:store"
      try await save()
      if let link = refusal.link { notes.append("approve it: \(link)") }
      return result(.waitsForStore, refusal.failure)
    case .notPermitted, .rateLimited, .unreachable, .invalid:
      record.intent = nil
      try await save()
      return result(.troubled, refusal.failure)
    }
  }

  private func takeBackIfEnded() async throws(RoundStop) {
    let present: RolloutRecord?
    do throws(Failure) { present = try await parts.ledger.rollout(record.key) } catch { throw .failed(error) }
    guard let present, present.status == .rolledBack || present.abortOrder != nil else { return }
    do throws(FlagRefusal) {
      _ = try await parts.flag.off(known: record.flag, note: note("off"))
    } catch { throw .failed(error.failure) }
  }

  // MARK: Settling

  /// A round was killed between its intent and its end: the flag says how far it came.
  /// - Returns: nil when the way is free.
  mutating func settle() async throws(RoundStop) -> RolloutResult? {
    guard let intent = record.intent else { return nil }
    // What was begun may still arrive: until then the flag says nothing.
    do { try await parts.clock.sleep(until: min(intent.latestEffect, parts.clock.now + .seconds(120))) } catch
    {
      throw .failed(Failure(.cancelled, "stopped while an earlier round's change of the flag was waited for"))
    }
    let (found, trouble) = await look()
    guard let flag = found else { return result(.troubled, trouble) }
    let isSame = record.flag.map { flag.draw.difference(from: $0.draw) == nil } ?? true
    if isSame, flag.isOn, flag.share == intent.to, intent.kind != .complete || flag.draw.order.isEmpty {
      notes.append("an interrupted round had set \(flag.share): recorded")
      return try await raised(flag)
    }
    record.intent = nil
    guard flag.version != record.flag?.version else { return nil }
    // Whether it took effect before somebody else touched the flag nobody knows: theirs counts.
    if record.share == nil { return try await halt(flag, at: parts.clock.now) }
    isDoubtful = true
    return nil
  }

  // MARK: Somebody else's change

  /// Somebody lowered the share or turned it off: the flag is theirs, and nothing is written to it any more.
  mutating func halt(_ flag: FlagState?, at now: Timestamp) async throws(RoundStop) -> RolloutResult {
    let foreign = flag.map { change($0, at: now) }
    record.foreign = foreign
    record.flag = flag ?? record.flag
    record.status = .halted
    record.intent = nil
    record.orders = []
    record.end = RolloutEnd(
      .halted, at: now, by: foreign?.author?.name, words: foreign?.found, share: record.share)
    record.note("ended: the flag \(foreign?.found ?? "was changed")", by: foreign?.author?.name, at: now)
    try await save()
    return result(.halted)
  }

  /// Whether a resumed rollout goes on with a flag that somebody else left otherwise.
  func adopts(_ flag: FlagState, _ share: FlagShare) -> Bool {
    let seen = seen(flag)
    return flag.isOn && flag.share >= share && (flag.share > share || seen.isChanged)
  }

  /// A person has seen somebody's change and wants to go on from it.
  mutating func adopt(_ flag: FlagState, by: String?) async throws(RoundStop) -> RolloutResult {
    let now = parts.clock.now
    let before = record.share
    record.flag = flag
    record.foreign = nil
    beginStep(flag.share, at: now)
    record.note("goes on with the flag as it is now: \(flag.share)", by: by, at: now)
    try await save()
    return result(.raised(from: before, to: flag.share))
  }
}

extension Failure {
  static let leaseLost = Failure(
    .stale, "the lease was not renewed in time: the flag was not touched", hint: "the next round goes on")
}
