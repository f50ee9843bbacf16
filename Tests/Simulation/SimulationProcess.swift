import Concurrency
import Engine
import Model

/// One process that holds, or believes to hold, the lease: the engine, its calls, and what is on its way to disk.
final class SimulationProcess {
  let number: Int
  /// Which of the machines it runs on.
  let place: Int
  let startedAt: Timestamp
  /// How far its clock is off, and what it gains.
  private let offset: Duration
  private let drift: Int64
  var machine: SimulationMachine
  var judge: SimulationJudge
  var held: HeldLease
  var calls: [StepID: SimulationCall] = [:]
  /// Written, not yet on disk.
  var unwritten: [JournalEntry] = []
  var isFlushing = false
  /// An append was refused: nothing may follow it.
  var isJournalBroken = false
  var interruptedAt: Timestamp?
  var finished: RunResult?
  /// Nothing of it runs before.
  var sleepsUntil: Timestamp?
  /// It cannot reach the ledger before.
  var isCutOffUntil: Timestamp?
  /// For how long it slept in all.
  var slept = Duration.zero
  /// It has performed the migrations.
  var migrated = false
  /// How often a look at the schema found it locked.
  var lockedLooks = 0
  /// How far the ledger's journal reached when this process read it.
  let history: Int

  init(
    number: Int, place: Int, at now: Timestamp, case theCase: SimulationCase, machine: SimulationMachine,
    judge: SimulationJudge, held: HeldLease, history: Int
  ) {
    self.number = number
    self.place = place
    startedAt = now
    offset = .seconds(theCase.offsets[place % theCase.offsets.count])
    drift = Int64(theCase.drifts[place % theCase.drifts.count])
    self.machine = machine
    self.judge = judge
    self.held = held
    self.history = history
  }

  /// What a machine's clock says.
  static func clock(_ now: Timestamp, offset: Duration, drift: Int64) -> Timestamp {
    let since = (now - Make.startedAt).wholeMilliseconds
    return now + offset + .milliseconds(since * drift / 1_000_000)
  }

  func clock(_ now: Timestamp) -> Timestamp { Self.clock(now, offset: offset, drift: drift) }

  /// When its clock will say so, or shortly after.
  func moment(_ said: Timestamp) -> Timestamp {
    let since = (said - offset - Make.startedAt).wholeMilliseconds
    var moment = said - offset - .milliseconds(since * drift / 1_000_000)
    while clock(moment) < said { moment = moment + .milliseconds(1) }
    return moment
  }

  func isCutOff(at now: Timestamp) -> Bool { isCutOffUntil.map { now < $0 } ?? false }
}
