/// How far a step has come: the part of a rollout's record that `StepRules` decide by. A round changes it and says what
/// to do; the same round twice changes nothing more (contract rollout-analysis §7, §11).
package struct StepProgress: Sendable, Hashable, Codable {
  /// Bake time earned.
  package private(set) var credit = Duration.zero
  package private(set) var tallies: [String: MetricTally] = [:]
  package private(set) var paused: TickAction.Pause?
  package private(set) var isApproved = false
  /// The step led to the next one, to a rollback or to a halt.
  package private(set) var isOver = false

  private var lastTick: Duration?
  private var lastReadings: Duration?
  private var resumedAt: Duration?
  private var pausedAt: Duration?
  /// Since when `maxStep` counts: the step's begin, later by each pause, anew after a pause for the deadline.
  private var deadlineFrom = Duration.zero

  package init() {}

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    credit = try Self.time(container, .credit) ?? .zero
    tallies = try container.decode([String: MetricTally].self, forKey: .tallies)
    paused = try container.decodeIfPresent(TickAction.Pause.self, forKey: .paused)
    isApproved = try container.decode(Bool.self, forKey: .isApproved)
    isOver = try container.decode(Bool.self, forKey: .isOver)
    lastTick = try Self.time(container, .lastTick)
    lastReadings = try Self.time(container, .lastReadings)
    resumedAt = try Self.time(container, .resumedAt)
    pausedAt = try Self.time(container, .pausedAt)
    deadlineFrom = try Self.time(container, .deadlineFrom) ?? .zero
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Self.milliseconds(credit), forKey: .credit)
    try container.encode(tallies, forKey: .tallies)
    try container.encodeIfPresent(paused, forKey: .paused)
    try container.encode(isApproved, forKey: .isApproved)
    try container.encode(isOver, forKey: .isOver)
    try container.encodeIfPresent(lastTick.map(Self.milliseconds), forKey: .lastTick)
    try container.encodeIfPresent(lastReadings.map(Self.milliseconds), forKey: .lastReadings)
    try container.encodeIfPresent(resumedAt.map(Self.milliseconds), forKey: .resumedAt)
    try container.encodeIfPresent(pausedAt.map(Self.milliseconds), forKey: .pausedAt)
    try container.encode(Self.milliseconds(deadlineFrom), forKey: .deadlineFrom)
  }

  package mutating func tick(_ tick: Tick, _ rules: StepRules) -> TickAction {
    if isOver { return .noop }
    if let lastTick, lastTick - tick.at > .seconds(60) { return .skipClock }
    // A clock that went back a little stands still.
    let now = max(tick.at, lastTick ?? tick.at)
    lastTick = now

    if tick.order == .abort { return end(.rollback(.operator)) }
    if let change = look(at: tick.flag, rules, now) { return change }
    obey(tick.order, now)

    let readings = take(tick.readings, rules, now)
    if let decision = judge(rules, now) { return decision }
    if let paused {
      guard paused.endsByItself, rules.gates.allSatisfy({ tallies[$0]?.latest?.isUsable == true }) else {
        return .wait(.paused)
      }
      resume(now)
      return .wait(.resumed)
    }
    if now < rules.initialDelay { return .wait(.initialDelay) }
    earn(readings, rules, now)
    guard isDone(rules) else {
      if now - deadlineFrom > rules.maxStep { return pause(.deadline, now) }
      return .wait(.bake)
    }
    if rules.needsApproval && !isApproved { return .wait(.approval) }
    guard tick.window == .open else { return .wait(.window) }
    return end(.advance)
  }

  // MARK: - The round's parts

  /// What a person did to the flag is a person's word.
  private mutating func look(at flag: Tick.Flag?, _ rules: StepRules, _ now: Duration) -> TickAction? {
    guard let flag else { return nil }
    if !flag.isOn || flag.share < rules.share { return end(.haltExternal) }
    // Paused for it already: the triggers below stay armed.
    guard flag.share > rules.share || flag.isChanged, paused != .drift else { return nil }
    return pause(.drift, now)
  }

  private mutating func obey(_ order: Tick.Order?, _ now: Duration) {
    switch order {
    case .approve: isApproved = true
    case .pause: if paused == nil { _ = pause(.person, now) } else { paused = .person }
    case .resume: if paused != nil { resume(now) }
    case .abort, nil: break
    }
  }

  /// Counts what was read; before the initial delay only what is critical.
  /// - Returns: whether anything was.
  private mutating func take(_ readings: [String: Outcome], _ rules: StepRules, _ now: Duration) -> Bool {
    var wasTaken = false
    for (name, outcome) in readings.sorted(by: { $0.key < $1.key }) {
      guard let metric = rules.metrics[name], metric.isCritical || now >= rules.initialDelay else { continue }
      tallies[name, default: MetricTally()].count(outcome, metric.limits)
      wasTaken = true
    }
    return wasTaken
  }

  private mutating func judge(_ rules: StepRules, _ now: Duration) -> TickAction? {
    let states = rules.gates.map { tallies[$0]?.state ?? .pending }
    switch Verdict(states) {
    case .failed: return end(.rollback(.metric))
    case .errored: return rules.onError == .rollback ? end(.rollback(.blind)) : pause(.blind, now)
    case .inconclusive: return pause(states.contains(.inconclusive) ? .inconclusive : .noData, now)
    case .passed, .running, .pending: return nil
    }
  }

  private mutating func earn(_ wasRead: Bool, _ rules: StepRules, _ now: Duration) {
    // A rollout without gates bakes by the clock alone.
    guard wasRead || rules.gates.isEmpty else { return }
    let since = max(lastReadings ?? .zero, resumedAt ?? .zero, rules.initialDelay)
    let gap = max(now - since, .zero)
    lastReadings = now
    guard rules.gates.allSatisfy({ tallies[$0]?.latest == .pass }) else { return }
    credit += min(gap, rules.maxCredit)
  }

  private func isDone(_ rules: StepRules) -> Bool {
    credit >= rules.bake
      && rules.gates.allSatisfy { name in
        let tally = tallies[name] ?? MetricTally()
        return tally.usable >= rules.minReadings && tally.passesInARow >= rules.settle
      }
  }

  private mutating func pause(_ why: TickAction.Pause, _ now: Duration) -> TickAction {
    for name in tallies.keys { tallies[name]?.clearStreak() }
    // Who was stopped by a person stays so.
    if paused == nil { pausedAt = now }
    if paused != .person { paused = why }
    return .pause(why)
  }

  private mutating func resume(_ now: Duration) {
    deadlineFrom = paused == .deadline ? now : deadlineFrom + (now - (pausedAt ?? now))
    paused = nil
    pausedAt = nil
    resumedAt = now
  }

  private mutating func end(_ action: TickAction) -> TickAction {
    isOver = true
    return action
  }
}
