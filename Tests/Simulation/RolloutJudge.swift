import Analysis
import Concurrency
import Model

/// Watches a simulated rollout with the knowledge of a god: what the flag is, who changed it, and what the metric would
/// have said at every moment.
struct RolloutJudge {
  static let steps = [10_000, 25_000, 100_000]
  static let bake = Duration.seconds(1800)
  static let interval = Duration.seconds(300)
  static let initialDelay = Duration.seconds(300)
  /// How far the machines' clocks may be off, both ways.
  static let mostSkew = Duration.seconds(200)

  private(set) var violations: [String] = []
  /// As shipit left it last.
  private var ours = (isOn: false, share: 0, salt: "s1")
  private var hasForeign = false
  private var isResumed = false
  private var stepBegan: Timestamp?
  private var isAborted = false
  /// An abort has ended and said that the flag is off.
  private var isAbortDone = false

  mutating func accuse(_ words: String) { violations.append(words) }

  // MARK: What people do

  mutating func foreignChange() {
    hasForeign = true
    isResumed = false
  }

  mutating func resumed(_ state: RolloutWorld.State) {
    isResumed = true
    guard (state.flag.isOn, state.flag.share, state.flag.salt) != ours else { return }
    // What somebody else made of it is another step.
    ours = (state.flag.isOn, state.flag.share, state.flag.salt)
    stepBegan = state.now
  }

  mutating func abortAsked() { isAborted = true }

  mutating func abortDone(_ state: RolloutWorld.State) {
    isAbortDone = true
    if state.flag.isOn, state.flag.by == nil { accuse("an abort has ended, and the flag is on") }
  }

  // MARK: What shipit does

  mutating func set(_ share: Int, isComplete: Bool, _ state: RolloutWorld.State) {
    let flag = state.flag
    let before = flag.isOn ? flag.share : 0
    // One that was on its way when the abort came is waited for and taken back before the abort ends.
    if isAbortDone { accuse("raised to \(share) after an abort had ended") }
    // Whatever was done to a flag that is off before the first step concerns nobody.
    if flag.by != nil, flag.isOn || stepBegan != nil, (flag.isOn, flag.share, flag.salt) != ours, !isResumed {
      accuse("what somebody else made of the flag was written over with \(share)")
    }
    if isComplete {
      if before != 100_000 { accuse("complete at \(before)") }
    } else if share == before {
      return
    } else {
      if share < before { accuse("lowered from \(before) to \(share)") }
      let next = Self.steps.first { $0 > before }
      if next != share { accuse("from \(before) to \(share), and \(next ?? 0) would have been next") }
    }
    if before > 0 { earned(state) }
    let near = stride(from: 0, through: 480, by: 15).map { state.truth(at: state.now - .seconds($0)) }
    if before > 0, !near.contains(.pass) { accuse("raised from \(before) while nothing was good") }
    ours = (true, share, flag.salt)
    stepBegan = state.now
  }

  /// Enough time has passed, and enough of it was good: an independent, generous count.
  private mutating func earned(_ state: RolloutWorld.State) {
    guard let began = stepBegan else { return accuse("raised from a step that never began") }
    let slack = Self.mostSkew * 2 + .seconds(120)
    let elapsed = state.now - began
    if elapsed < Self.initialDelay + Self.bake - slack { accuse("raised after only \(elapsed)") }
    var good = Duration.zero
    var bad = 0
    for (index, part) in state.truth.enumerated() {
      let end = index + 1 < state.truth.count ? state.truth[index + 1].from : state.now
      let (from, to) = (max(part.from, began), min(end, state.now))
      guard from < to else { continue }
      if part.outcome == .pass { good += to - from } else { bad += 1 }
    }
    if good < Self.bake - slack - Self.interval * 2 * bad { accuse("raised with only \(good) of good time") }
  }

  mutating func off(_ state: RolloutWorld.State) {
    let since = (stepBegan ?? state.now) - .seconds(900)
    let hasReason = state.truth.contains {
      $0.outcome == .breach && $0.from <= state.now && $0.from >= since - .seconds(7200)
    }
    if !isAborted, !hasReason { accuse("switched off without a reason") }
    ours = (false, 0, state.flag.salt)
  }

  mutating func recorded(_ record: RolloutRecord, after before: RolloutRecord?) {
    if !hasForeign, record.pause?.why == "drift" || record.status == .halted {
      accuse("somebody else is blamed for what shipit did itself")
    }
    guard let before else { return }
    if let last = before.events.last, !record.events.contains(last) {
      accuse("what somebody else wrote was written over: \(last.text)")
    }
    if before.abortOrder != nil, record.abortOrder == nil, record.status != .rolledBack {
      accuse("an abort was lost")
    }
    guard before.attempt == record.attempt, before.share == record.share,
      before.stepStartedAt == record.stepStartedAt,
      let last = before.metrics["success"]?.lastReadAt ?? before.stepStartedAt, let now = record.lastTickAt
    else {
      if record.credit > .zero { accuse("a step begins with credit") }
      return
    }
    if record.credit - before.credit > max(now - last, .zero) {
      accuse("credit grew by \(record.credit - before.credit) within \(now - last)")
    }
  }

  mutating func ended(_ record: RolloutRecord?, _ state: RolloutWorld.State) {
    let flag = state.flag
    guard let record else { return accuse("there is no record at the end") }
    if isAborted, record.status != .rolledBack { accuse("an abort ended as \(record.status.rawValue)") }
    switch record.status {
    case .completed:
      // What people do with it afterwards is theirs.
      if flag.by == nil, !flag.isOn || flag.share != 100_000 { accuse("complete, and the flag is otherwise") }
    case .rolledBack: if flag.isOn, flag.by == nil { accuse("rolled back, and the flag is on") }
    case .halted: if flag.by == nil { accuse("halted by nobody") }
    case .ready, .running: accuse("it never ends: \(record.status.rawValue), \(record.lastAction ?? "")")
    }
    if record.intent != nil { accuse("an intent is left at the end") }
  }
}
