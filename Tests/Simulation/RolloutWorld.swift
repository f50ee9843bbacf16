import Analysis
import Concurrency
import JSON
import Ledgers
import Model
import Rollouts

/// The world of a simulated rollout: one flag, one metric whose truth over time is known, one ledger, and several machines
/// that come along to do a round.
final class RolloutWorld: Sendable {
  struct Flag {
    var isOn = false
    var share = 0
    var salt = "s1"
    var version = 1
    /// Who wrote last; nil: shipit.
    var by: String?
  }

  struct State {
    var now = Timestamp(milliseconds: 1_800_000_000_000)
    var random: SeededRandom
    var flag = Flag()
    /// What the metric says from a moment on, until the next.
    var truth: [(from: Timestamp, outcome: Analysis.Outcome)] = []
    /// No more faults: what is left must come to its end.
    var isQuiet = false
    var judge = RolloutJudge()
  }

  let state: Locked<State>
  let ledger: MemoryLedger
  /// The step to 25 % wants a person's approval.
  let approval = Locked(false)
  /// The store can say what it would have said.
  let history: Locked<Bool>
  let mutation: RolloutMutation?
  let trace: Trace

  init(seed: UInt64, mutation: RolloutMutation?, isTracing: Bool) {
    // Neighbouring seeds of the generator give the same numbers, one later.
    let state = Locked(State(random: SeededRandom(seed: (seed &+ 1) &* 0xD1B5_4A32_D192_ED03)))
    self.state = state
    self.mutation = mutation
    history = Locked(seed % 3 != 0)
    trace = Trace(isOn: isTracing)
    ledger = MemoryLedger(environment: "prod", time: WorldClock(state: state))
  }

  var now: Timestamp { state.withLock { $0.now } }

  func advance(_ duration: Duration) { state.withLock { $0.now = $0.now + duration } }
  func chance(_ perMille: Int) -> Bool { state.withLock { $0.random.chance(perMille) } }
  func number(_ range: ClosedRange<Int>) -> Int { state.withLock { $0.random.number(range) } }

  /// What the metric's store would say of a moment.
  func truth(at moment: Timestamp) -> Analysis.Outcome { state.withLock { $0.truth(at: moment) } }

  func tell(_ line: @autoclosure () -> String) {
    guard trace.isOn else { return }
    let text = line()
    let now = now
    trace.lines.withLock { $0.append("\(now.iso8601) \(text)") }
  }

  final class Trace: Sendable {
    let isOn: Bool
    let lines = Locked<[String]>([])

    init(isOn: Bool) { self.isOn = isOn }
  }
}

extension RolloutWorld.State {
  func truth(at moment: Timestamp) -> Analysis.Outcome {
    truth.last { $0.from <= moment }?.outcome ?? .noData
  }
}

/// True time.
struct WorldClock: TimeSource {
  let state: Locked<RolloutWorld.State>

  var now: Timestamp { state.withLock { $0.now } }
  func sleep(until moment: Timestamp) async throws { state.withLock { $0.now = max($0.now, moment) } }
}

/// What is broken on purpose, to see that it is noticed.
package enum RolloutMutation: String, CaseIterable, Sendable {
  /// The intent is not written down before the flag is changed.
  case noIntent
  /// Whoever writes last wins.
  case lastWriterWins
  /// What somebody else made of the flag is written over.
  case writesOver
  /// What was earned in a step counts in the next.
  case keepsCredit
  /// No data counts as good.
  case countsNoData
  /// A step is left out.
  case skipsStep
  /// The flag is said to be off without having been switched.
  case neverOff
  /// A flag that was changed meanwhile does not keep missed readings from being filled in and a round from going on.
  case seesNoChange
}

/// One process that does a round, on a machine whose clock is off; it may be killed before or after any effect.
final class RolloutProcess: TimeSource {
  struct Life {
    var isDead = false
    var effects = 0
    var killAt: Int?
    var diesAfter = false
  }

  let world: RolloutWorld
  let name: String
  let skew: Duration
  let life: Locked<Life>
  let isInner: Bool

  init(_ world: RolloutWorld, _ name: String, skew: Duration, killAt: Int?, isInner: Bool) {
    self.world = world
    self.name = name
    self.skew = skew
    self.isInner = isInner
    life = Locked(Life(killAt: killAt))
  }

  var now: Timestamp { world.now + skew }
  func sleep(until moment: Timestamp) async throws { world.advance(max(moment - now, .zero)) }

  static let killed = Failure(.internalError, "killed")

  /// Before an effect: time passes, others come along, and the process may be gone.
  func enter(_ what: String) async throws(Failure) {
    guard !life.withLock({ $0.isDead }) else { throw Self.killed }
    world.advance(.milliseconds(world.number(5...900)))
    if !isInner, !world.state.withLock({ $0.isQuiet }), world.chance(12) {
      // It stands still, and somebody else does a round meanwhile.
      world.advance(.seconds(world.number(1...40)))
      world.tell("\(name) stands still before: \(what)")
      await RolloutPlay.round(world, by: "\(name)'", isInner: true)
    }
    // Nobody waits with a change of the flag, or with a word, until a round is over.
    if !isInner, !world.state.withLock({ $0.isQuiet }), world.chance(10) { await RolloutPlay.person(world) }
    let isBefore = world.chance(500)
    let dies = life.withLock { life in
      life.effects += 1
      guard life.effects == life.killAt else { return false }
      if isBefore { life.isDead = true } else { life.diesAfter = true }
      return isBefore
    }
    if dies {
      world.tell("\(name) is killed before: \(what)")
      throw Self.killed
    }
  }

  /// After an effect.
  func leave(_ what: String) throws(Failure) {
    let dies = life.withLock { life in
      guard life.diesAfter else { return false }
      life.isDead = true
      return true
    }
    guard dies else { return }
    world.tell("\(name) is killed after: \(what)")
    throw Self.killed
  }
}
