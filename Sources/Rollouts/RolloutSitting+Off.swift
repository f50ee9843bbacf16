import Analysis
import Concurrency
import Metrics
import Model

extension RolloutSitting {
  /// A metric, or a store that cannot be read, ends the rollout.
  mutating func rollBack(
    _ why: TickAction.Rollback, _ progress: StepProgress, at: Timestamp
  ) async throws(RoundStop) -> RolloutResult {
    try encode(progress)
    record.lastAction = TickAction.rollback(why).written
    let reason: RolloutEnd.Reason =
      switch why {
      case .metric: .metric
      case .blind: .blind
      case .operator: .aborted
      }
    let order = record.abortOrder
    return try await switchOff(
      RolloutEnd(
        reason, at: at, by: order?.by, words: order?.reason, share: record.share,
        evidence: why == .metric ? try evidence(progress) : nil))
  }

  /// A person's abort, or a switching off that was interrupted: before anything else.
  mutating func obeyAbort() async throws(RoundStop) -> RolloutResult {
    if let end = record.intent?.end, record.intent?.kind == .off { return try await switchOff(end) }
    let order = record.abortOrder
    return try await switchOff(
      RolloutEnd(.aborted, at: parts.clock.now, by: order?.by, words: order?.reason, share: record.share))
  }

  private func evidence(_ progress: StepProgress) throws(RoundStop) -> RolloutEvidence? {
    let measures: [RolloutMeasure]
    do throws(Failure) { measures = try parts.measures(record) } catch { throw .failed(error) }
    for measure in measures where progress.tallies[measure.target.name]?.state == .failed {
      let readings = record.metrics[measure.target.name]?.readings ?? []
      if let reading = readings.last(where: { $0.outcome == "breach" }) { return measure.evidence(reading) }
    }
    return nil
  }

  // MARK: Switching off

  /// One call that turns the flag off and resets its rule, read back; then what goes with it, then the record.
  mutating func switchOff(_ decided: RolloutEnd) async throws(RoundStop) -> RolloutResult {
    var end = decided
    if record.intent?.kind != .off {
      record.intent = RolloutIntent(
        .off, from: record.share, to: nil, at: parts.clock.now, latestEffect: latestEffect, by: parts.by,
        end: end)
      try await saveUrgently()
    }
    guard hold.mayAct() else { throw .failed(.leaseLost) }
    let began = parts.clock.now
    let flag: FlagState
    do throws(FlagRefusal) { flag = try await off() } catch {
      let needsPerson = error.code == .approvalRequired || error.code == .approvalDeclined
      if let link = error.link { notes.append("approve it: \(link)") }
      return result(needsPerson ? .waitsForStore : .troubled, error.failure)
    }
    end.took = parts.clock.now - began
    if end.reason == .metric, let within = target.cureWithin {
      end.cure = RolloutCure(until: parts.clock.now + within)
    }
    do throws(Failure) {
      // Before the record ends: a process killed in between does both again.
      try await parts.ledger.markBad(record.commit, release: record.release, lease: hold.lease())
      if end.reason == .aborted {
        try await parts.ledger.setHold(
          Hold(
            reason: "rollout \(record.key) was aborted: \(end.words ?? "no reason was given")",
            by: end.by ?? parts.by, at: parts.clock.now), lease: hold.lease())
      }
    } catch { notes.append("the flag is off; its release could not be marked: \(error.message)") }
    try await saveMerging { record, at in
      record.ended(end, flag: flag, at: at)
    }
    await mark(.rolledBack, reason: end.summary)
    return result(.rolledBack)
  }

  /// Up to five times where trouble may pass (contract rollout-analysis §13).
  private func off() async throws(FlagRefusal) -> FlagState {
    var wait = Duration.milliseconds(200)
    for _ in 1..<5 {
      do throws(FlagRefusal) {
        return try await offOnce()
      } catch {
        guard error.isTransient || error.code == .ambiguous else { throw error }
        let pause = min(error.retryAfter ?? wait, .seconds(5))
        guard (try? await parts.clock.sleep(for: pause)) != nil else { throw error }
        wait = wait * 2
      }
    }
    return try await offOnce()
  }

  private func offOnce() async throws(FlagRefusal) -> FlagState {
    let (flag, known, note) = (parts.flag, record.flag, note("off"))
    return try await gated { () async throws(FlagRefusal) in try await flag.off(known: known, note: note) }
  }

  /// Writes down that the flag goes off. A ledger that cannot be written keeps nobody from it; another holder does.
  private mutating func saveUrgently() async throws(RoundStop) {
    let (intent, action) = (record.intent, record.lastAction)
    do throws(RoundStop) {
      try await saveMerging { record, _ in
        record.intent = intent
        record.lastAction = action
      }
    } catch {
      guard case .failed(let failure) = error, failure.kind != .stale, failure.kind != .cancelled else {
        throw error
      }
      notes.append("the ledger cannot be written (\(failure.message)): the flag goes off first")
    }
  }

  /// Writes a change onto whatever the record is by now: what somebody else wrote meanwhile stays.
  private mutating func saveMerging(
    _ change: (inout RolloutRecord, Timestamp) -> Void
  ) async throws(RoundStop) {
    var written = record
    change(&written, parts.clock.now)
    for _ in 0..<RolloutRound.tries {
      written.version += 1
      let isWritten: Bool
      let present: RolloutRecord?
      do throws(Failure) {
        isWritten = try await parts.ledger.write(written, lease: hold.lease())
        present = isWritten ? nil : try await parts.ledger.rollout(record.key)
      } catch { throw .failed(error) }
      if isWritten {
        record = written
        return
      }
      guard let present, !present.status.isOver else { throw .lost }
      // A person's word came in between: the rest is this round's.
      written = record
      written.version = present.version
      written.takeWords(of: present)
      change(&written, parts.clock.now)
    }
    throw .failed(.alwaysSecond(record.key))
  }

  // MARK: The second stage

  /// After a rollback: whether the flag alone was the cure. If not, the code has to go back: see `SecondStage`.
  mutating func watchCure() async throws(RoundStop) -> RolloutResult {
    let now = parts.clock.now
    guard let cure = record.end?.cure, cure.state == .awaited, cure.until <= now,
      let name = record.end?.evidence?.metric
    else { return result(.over) }
    let measures: [RolloutMeasure]
    do throws(Failure) { measures = try parts.measures(record) } catch { throw .failed(error) }
    guard let measure = measures.first(where: { $0.target.name == name }) else { return result(.over) }
    let reading: MetricReading
    do throws(CancellationError) { reading = try await measure.source.read(at: now) } catch {
      throw .failed(Failure(.cancelled, "stopped while \(name) was read"))
    }
    // Nobody has the feature: there is nobody to compare, and nothing of the step to count.
    var test: RolloutTest?
    let judged = measure.judged(
      reading, at: now, isFilled: false, in: .init(began: now, share: .everybody), &test)
    let kept = judged.kept
    let state: RolloutCure.State
    switch judged.outcome {
    case .pass, .hold: state = .cured
    case .breach: state = .failed
    // Where the metric is only of those who have the feature, nobody is left.
    case .noData where measure.target.variant != nil: state = .cured
    case .noData, .error:
      guard now - cure.until > (target.cureWithin ?? .zero) else { return result(.over) }
      state = .unknown
    }
    record.end?.cure?.state = state
    record.end?.cure?.evidence = measure.evidence(kept)
    record.metrics[name, default: RolloutMetric()].add(kept)
    record.note("with the flag off \(name) is \(state == .cured ? "good again" : state.rawValue)", at: now)
    try await save()
    guard state != .cured else { return result(.cured) }
    notes.append(
      "the flag is off and \(name) is "
        + (state == .failed ? "still bad: the code has to go back too" : "not known: look yourself")
        + ", shipit rollback \(record.environment) --reason \"rollout \(record.key)\"")
    return result(.notCured)
  }
}

extension RolloutRecord {
  /// The flag is off, and that is read back.
  mutating func ended(_ end: RolloutEnd, flag: FlagState, at: Timestamp) {
    status = .rolledBack
    self.end = end
    self.flag = flag
    intent = nil
    pause = nil
    orders = []
    note("off: \(end.summary)", by: end.by, at: at)
  }
}
