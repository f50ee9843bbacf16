import Analysis
import Concurrency
import JSON
import Model

extension RolloutSitting {
  /// The round, in the order of contract rollout-analysis §7.
  mutating func tick() async throws(RoundStop) -> RolloutResult {
    // An abort counts also where a rollout is complete, or somebody else's by now.
    if record.status.isOver, record.abortOrder == nil || record.status == .rolledBack {
      return try await watchCure()
    }
    let now = parts.clock.now
    if let last = record.lastTickAt, last - now > .seconds(60) {
      notes.append(
        "the clock of this machine is \((last - now).wholeMilliseconds / 1000) s behind: nothing is decided")
      return result(.skippedClock)
    }
    if record.intent?.kind == .off || record.abortOrder != nil { return try await obeyAbort() }
    if let settled = try await settle() { return settled }
    guard let share = record.share, let began = record.stepStartedAt else { return try await begin() }
    return try await judge(share, since: began, at: now)
  }

  /// Takes the readings that are due, and does what follows.
  private mutating func judge(
    _ share: FlagShare, since began: Timestamp, at now: Timestamp
  ) async throws(RoundStop) -> RolloutResult {
    var progress = try decoded()
    let (flag, trouble) = await look()
    let rules = target.rules(at: share, isApproved: isNextApproved)
    // Who changed the flag in between may have had it off: nobody knows what the numbers were about.
    let isAsLeft = flag != nil && flag?.version == record.flag?.version
    let harvest = try await read(since: began, at: now, filling: isAsLeft)

    // What is past, in its order. It raises nothing: that is for this moment.
    for moment in timeline(harvest) {
      let at = max(moment.at, record.lastTickAt ?? began)
      let tick = Tick(
        at: at - began, readings: moment.readings.mapValues(\.outcome), order: moment.order?.tickOrder,
        window: .closed)
      let action = progress.tick(tick, rules)
      keep(moment.readings)
      record.lastTickAt = max(at, record.lastTickAt ?? at)
      if case .rollback(let why) = action { return try await rollBack(why, progress, at: at) }
      if moment.order?.kind == .resume, record.pause?.why == TickAction.Pause.drift.rawValue, let flag,
        adopts(flag, share)
      {
        record.orders = []
        return try await adopt(flag, by: moment.order?.by)
      }
      follow(progress, by: moment.order, at: at)
    }
    record.orders = []

    var tick = Tick(
      at: now - began, readings: harvest.present.mapValues(\.outcome), flag: flag.map { seen($0) },
      window: parts.calendar.window(at: now))
    // Told of before, and a person has it in hand: the triggers stay armed.
    if let flag, progress.paused == .person, record.foreign?.found == change(flag, at: now).found {
      tick.flag = nil
    }
    // Without a look at the flag, or where nobody knows what time it is, nothing is raised.
    if flag == nil || harvest.isSkewed { tick.window = .closed }
    var present = harvest.present
    if !target.comparedOnce(&present, tick, progress, rules, kept: record.metrics) { tick.window = .closed }
    tick.readings = present.mapValues(\.outcome)
    var ended = progress
    let action = ended.tick(tick, rules)
    record.lastTickAt = max(now, record.lastTickAt ?? now)
    record.lastAction = action.written
    if action != .haltExternal, action != .pause(.drift) { keep(present) }
    switch action {
    case .advance:
      tick.window = .closed
      _ = progress.tick(tick, rules)
      try encode(progress)
      follow(progress, at: now)
      guard let flag else { throw .failed(Failure(.internalError, "a share was to be raised unseen")) }
      return try await raise(to: target.step(after: share)?.share, from: flag)
    case .rollback(let why): return try await rollBack(why, ended, at: now)
    case .haltExternal: return try await halt(flag, at: now)
    case .pause(let why):
      try encode(ended)
      if why == .drift, let flag { record.foreign = change(flag, at: now) }
      follow(ended, at: now)
      if let flag, isOurs(flag) { record.flag = flag }
      try await save()
      await mark(.paused, reason: record.pause?.reason)
      return result(.paused(why), trouble)
    case .wait(let why):
      try encode(ended)
      follow(ended, at: now)
      if let flag, isOurs(flag) { record.flag = flag }
      try await save()
      if why == .resumed { await mark(.resumed) }
      return result(trouble == nil ? .waits(why) : .troubled, trouble)
    case .noop, .skipClock: return result(action == .noop ? .over : .skippedClock, trouble)
    }
  }

  // MARK: The rules' state

  private func decoded() throws(RoundStop) -> StepProgress {
    guard let stored = record.progress else { return StepProgress() }
    do { return try stored.decoded(as: StepProgress.self) } catch {
      throw .failed(
        Failure(
          .failed, "the record of rollout \(record.key) cannot be read", cause: "\(error)",
          hint: "use the shipit that wrote it; nothing was changed"))
    }
  }

  mutating func encode(_ progress: StepProgress) throws(RoundStop) {
    do { record.progress = try JSON(encoding: progress) } catch {
      throw .failed(Failure(.internalError, "the state of a rollout cannot be written", cause: "\(error)"))
    }
    record.credit = progress.credit
    record.bake = record.share.flatMap { target.step(at: $0)?.bake } ?? .zero
    record.steps = target.steps.map(\.share)
    record.digest = parts.digest
    for (name, tally) in progress.tallies {
      record.metrics[name, default: RolloutMetric()].state = tally.state.rawValue
    }
  }

  /// Takes over whether the rules stand still, with why.
  private mutating func follow(_ progress: StepProgress, by order: RolloutOrder? = nil, at: Timestamp) {
    guard let paused = progress.paused else {
      guard record.pause != nil else { return }
      record.pause = nil
      record.foreign = nil
      return record.note("goes on", by: order?.by, at: at)
    }
    guard record.pause?.why != paused.rawValue else { return }
    let reason = order?.reason ?? words(of: paused)
    record.pause = RolloutPause(why: paused.rawValue, since: at, by: order?.by, reason: reason)
    record.note("paused: \(reason ?? paused.rawValue)", by: order?.by, at: at)
  }

  private func words(of paused: TickAction.Pause) -> String? {
    switch paused {
    case .drift: record.foreign.map { "the flag \($0.found)\($0.who)" }
    case .blind: streak("error", "could not be read")
    case .noData: streak("nodata", "had no data")
    case .inconclusive: streak("hold", "lay between good and bad too often")
    case .deadline: "the step took longer than it may"
    case .person: nil
    }
  }

  private func streak(_ outcome: String, _ what: String) -> String? {
    let names = record.metrics.filter { $0.value.readings.last?.outcome == outcome }.keys.sorted()
    guard let first = names.first else { return nil }
    let why = record.metrics[first]?.readings.last?.reason.map { " (\($0))" } ?? ""
    return "\(names.joined(separator: ", ")) \(what)\(why)"
  }

  private mutating func keep(_ readings: [String: Harvest.Reading]) {
    for (name, reading) in readings {
      record.metrics[name, default: RolloutMetric()].add(reading.kept)
      record.metrics[name]?.test = reading.test
    }
  }

  var isNextApproved: Bool {
    guard let next = record.share.map({ target.step(after: $0) }) ?? target.steps.first else { return true }
    return record.isApproved(next.share, digest: parts.digest)
  }

  // MARK: The past

  /// One thing that happened since the last round.
  private struct Moment {
    var at: Timestamp
    var order: RolloutOrder?
    var readings: [String: Harvest.Reading] = [:]
  }

  private func timeline(_ harvest: Harvest) -> [Moment] {
    var moments = record.orders.map { Moment(at: min($0.at, harvest.at), order: $0) }
    for (at, readings) in harvest.past {
      moments.append(Moment(at: at, readings: readings))
    }
    return moments.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
      .map(\.element)
  }
}

extension RolloutOrder {
  var tickOrder: Tick.Order {
    switch kind {
    case .pause: .pause
    case .resume: .resume
    case .abort: .abort
    }
  }
}

extension RolloutForeignChange {
  /// ` by ann`, as far as the store tells.
  var who: String { author?.name.map { ", changed by \($0)" } ?? "" }
}
