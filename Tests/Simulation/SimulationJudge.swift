import Concurrency
import Engine
import Model

/// Watches every action and the final result, and throws the first promise of DESIGN §10 that is broken.
struct SimulationJudge {
  private let scenario: SimulationScenario
  private let steps: [StepID: Step]
  private let position: [StepID: Int]
  /// For each step of an undo plan, the planned steps that it takes back or affirms.
  private let owners: [StepID: [StepID]]

  // What the disk knows.
  private var began: [StepID: Int] = [:]
  private var ended: Set<StepID> = []
  private var done: Set<StepID> = []
  private var identified: Set<StepID> = []
  /// Ended otherwise than well, perhaps before an earlier process ended and found out more.
  private var broken: Set<StepID> = []
  /// Ended without an effect.
  private var unmoved: Set<StepID> = []
  private var turned: [Step]?
  private var sequence = 0
  // What this process knows.
  /// Begun by an earlier process, without an end, and not yet looked up by this one.
  private var open: Set<StepID> = []
  /// Its answer was lost and nobody has looked since.
  private var uncertain: Set<StepID> = []
  private var isLeaseLost = false
  /// The result of this process is on disk.
  private(set) var isFinishDurable = false

  init(scenario: SimulationScenario) {
    self.scenario = scenario
    let all = scenario.plan.steps
    steps = Dictionary(all.map { ($0.id, $0) }) { first, _ in first }
    position = Dictionary(all.enumerated().map { ($1.id, $0) }) { first, _ in first }
    var owners: [StepID: [StepID]] = [:]
    for step in all { for back in step.undo + step.affirm { owners[back.id, default: []].append(step.id) } }
    self.owners = owners
  }

  /// A new process reads the journal.
  mutating func begin(history: [JournalEntry]) {
    (began, ended, done, identified, open, uncertain) = ([:], [], [], [], [], [])
    broken = []
    unmoved = []
    (turned, isLeaseLost, sequence) = (nil, false, history.last?.sequence ?? 0)
    defer { isFinishDurable = false }
    for entry in history {
      durable(entry)
      switch entry.fact {
      case .began(let id, _, _): open.insert(id)
      case .ended(let id, _, .done), .ended(let id, _, .failed), .ended(let id, _, .retry),
        .ended(let id, _, .cancelled(moved: false)):
        open.remove(id)
      case .turned: open = []
      default: break
      }
    }
  }

  mutating func durable(_ entry: JournalEntry) {
    switch entry.fact {
    case .began(let id, let attempt, _):
      began[id] = attempt
      unmoved.remove(id)
    case .identified(let id, _): identified.insert(id)
    case .ended(let id, _, let outcome):
      switch outcome {
      case .failed(_, moved: false), .cancelled(moved: false): unmoved.insert(id)
      default: break
      }
      switch outcome {
      case .done:
        done.insert(id)
        ended.insert(id)
      case .retry, .cancelled(moved: false): break
      default:
        ended.insert(id)
        broken.insert(id)
      }
    case .turned(_, _, let undo): turned = undo
    case .finished: isFinishDurable = true
    default: break
    }
  }

  mutating func delivered(_ event: EngineEvent) {
    if case .leaseLost = event { isLeaseLost = true }
  }

  mutating func answered(_ id: StepID, _ outcome: Outcome) {
    if case .ambiguous = outcome { uncertain.insert(id) }
  }

  mutating func probed(_ id: StepID, _ finding: Finding) {
    open.remove(id)
    uncertain.remove(id)
  }

  // MARK: Actions

  mutating func allows(
    _ action: EngineAction, at now: Timestamp, actUntil: Timestamp, calls: [StepID: SimulationCall],
    world: SimulationWorld
  ) throws(Violation) {
    if let broken = world.broken { throw broken }
    if isLeaseLost {
      switch action {
      case .announce, .finish: return
      default: throw Violation(.oneHolder, "the lease is lost and still: \(action)")
      }
    }
    switch action {
    case .journal(let entry): try allows(entry, now, actUntil, world)
    case .acknowledge(let id):
      if !identified.contains(id) { throw Violation(.probedFirst, "\(id) went on before its id was durable") }
    case .perform(let step, let attempt, _, let externalID, _):
      try allowsPerforming(step, attempt, externalID, now, actUntil, calls)
    default: break
    }
  }

  private mutating func allows(
    _ entry: JournalEntry, _ now: Timestamp, _ actUntil: Timestamp, _ world: SimulationWorld
  ) throws(Violation) {
    guard entry.sequence == sequence + 1 else {
      throw Violation(.truth, "entry \(entry.sequence) follows \(sequence)")
    }
    sequence = entry.sequence
    switch entry.fact {
    case .began(let id, _, _):
      if now >= actUntil { throw Violation(.oneHolder, "\(id) began without a confirmed lease") }
      if !open.isEmpty { throw Violation(.probedFirst, "\(id) began before \(open.sorted()) was looked up") }
    case .ended(let id, _, .done):
      if let step = steps[id] ?? turned?.first(where: { $0.id == id }), !world.tookPlace(step) {
        throw Violation(.truth, "\(id) is journalled as done and had no effect")
      }
    case .turned(_, _, let undo): try allowsTurning(undo, isStranded: world.schema?.hasContract ?? false)
    default: break
    }
  }

  private func allowsPerforming(
    _ step: Step, _ attempt: Int, _ externalID: String?, _ now: Timestamp, _ actUntil: Timestamp,
    _ calls: [StepID: SimulationCall]
  ) throws(Violation) {
    let id = step.id
    if began[id] != attempt {
      throw Violation(.probedFirst, "\(id) was performed before its begin was durable")
    }
    if done.contains(id) { throw Violation(.finishedOnce, "\(id) was finished and is performed again") }
    if calls[id] != nil { throw Violation(.finishedOnce, "\(id) is performed twice at once") }
    if externalID == nil {
      if now >= actUntil { throw Violation(.oneHolder, "\(id) was performed without a confirmed lease") }
      if !open.isEmpty {
        throw Violation(.probedFirst, "\(id) was performed before \(open.sorted()) was looked up")
      }
      if uncertain.contains(id) {
        throw Violation(.probedFirst, "\(id) was repeated without a look at what it did")
      }
    }
    if let turned {
      guard let index = turned.firstIndex(where: { $0.id == id }) else {
        throw Violation(.announced, "\(id) is no part of the announced rollback")
      }
      for earlier in turned[..<index] where !ended.contains(earlier.id) && !isHopeless(earlier) {
        throw Violation(.announced, "\(id) came before \(earlier.id), against the announced order")
      }
    } else {
      guard steps[id] != nil else { throw Violation(.announced, "\(id) is no part of the plan") }
      for need in step.needs where !done.contains(need) {
        let isOver = ended.contains(need) || steps[need].map(isHopeless) ?? false
        guard scenario.plan.kind == .rollback, isOver else {
          throw Violation(.announced, "\(id) was performed before \(need) had ended")
        }
      }
    }
    if let lane = step.lane, calls.values.count(where: { $0.step.lane == lane }) >= lane.width {
      throw Violation(.bounded, "more than \(lane.width) at once on \(lane)")
    }
  }

  /// A proof of what was not restored is left out.
  private func isHopeless(_ step: Step) -> Bool {
    guard case .prove(let request) = step.action, let restored = request.deploymentStep else { return false }
    return broken.contains(restored)
  }

  /// What is taken back is what was begun, last first, and nothing that is finished is left out.
  /// - Parameter isStranded: the schema is one that old code does not survive: services that have the new stay there.
  private func allowsTurning(_ undo: [Step], isStranded: Bool) throws(Violation) {
    var last = Int.max
    for step in undo {
      let places = (owners[step.id] ?? []).filter { began[$0] != nil }.compactMap { position[$0] }
      guard !places.isEmpty else {
        throw Violation(.announced, "the rollback touches \(step.id), which the run did not begin")
      }
      guard let place = places.filter({ $0 <= last }).max() else {
        throw Violation(.announced, "the rollback is not in reverse order at \(step.id)")
      }
      last = place
    }
    let reached = began.keys.filter { !unmoved.contains($0) && steps[$0]?.isCutOver ?? false }
    let kept = Set(isStranded ? reached.compactMap { steps[$0]?.service } : [])
    for id in done where steps[id]?.service.map({ !kept.contains($0) }) ?? true {
      for back in steps[id]?.undo ?? [] where !undo.contains(where: { $0.id == back.id }) {
        throw Violation(.announced, "the rollback leaves \(id) as it is")
      }
    }
  }

  /// An action in one line.
  static func short(_ action: EngineAction) -> String {
    switch action {
    case .journal(let entry):
      if case .turned(_, _, let undo) = entry.fact {
        "journal \(entry.sequence) turned \(undo.map(\.id.rawValue))"
      } else {
        "journal \(entry.sequence) \(entry.fact)"
      }
    case .perform(let step, let attempt, _, let id, _): "perform \(step.id) attempt \(attempt) \(id ?? "")"
    case .probe(let step, _, let id): "probe \(step.id) \(id ?? "")"
    case .abandon(let step, _, let id): "abandon \(step.id) \(id ?? "")"
    default: "\(action)"
    }
  }

  // MARK: Results

  /// What the result says is so.
  /// - Parameter isHolder: nobody else has taken the lease; another's work is not listed.
  func judge(_ result: RunResult, _ world: SimulationWorld, isHolder: Bool) throws(Violation) {
    if let broken = world.broken { throw broken }
    let isRollback = scenario.plan.kind == .rollback
    func all(_ commit: String, stored: String?) throws(Violation) {
      for (name, site) in world.sites.sorted(by: { $0.key < $1.key }) where !site.isForeign {
        let before =
          scenario.isUnchanged(name) ? Make.new : scenario.isFirst(name) && commit == Make.old ? nil : commit
        if site.commit != before {
          throw Violation(
            .truth,
            "\(result.state.rawValue) \(result.exit.rawValue): \(name) runs \(site.commit ?? "nothing")")
        }
        let isWritten = scenario.plan.steps.contains { $0.id.rawValue == "\(name).variables" }
        if let stored, isWritten, site.stored != stored {
          throw Violation(
            .truth, "\(result.state.rawValue) \(result.exit.rawValue): \(name) has variables \(site.stored)")
        }
        if let stored, isWritten, before != nil, site.runs != stored {
          throw Violation(.truth, "\(result.state.rawValue): \(name) runs with variables \(site.runs)")
        }
      }
      if world.isAnythingBuilding {
        throw Violation(
          .truth, "\(result.state.rawValue) \(result.exit.rawValue): a deployment is still under way")
      }
    }
    switch result.state {
    case .released:
      try all(Make.new, stored: "new")
      if let schema = world.schema, !schema.isComplete || schema.wanted.hasIndex && schema.index != .valid {
        throw Violation(.truth, "released: the schema is not what the release wants")
      }
    case .restored: try all(Make.old, stored: "old")
    case .rolledBack, .unchanged:
      try all(isRollback ? Make.new : Make.old, stored: isRollback ? "new" : "old")
    case .abandoned:
      if world.isAnythingBuilding { throw Violation(.truth, "abandoned: a deployment is still under way") }
    case .inFlight:
      for service in world.underWay where isHolder && !named(result).contains(service) {
        throw Violation(.truth, "in flight: a deployment of \(service) goes on and is not listed")
      }
    case .mixed: break
    }
    switch result.exit {
    case .done:
      if ![.released, .restored, .abandoned].contains(result.state) {
        throw Violation(.truth, "exit 0 for \(result.state.rawValue)")
      }
    case .failedClean, .deadline, .interrupted, .terminated, .hangup, .authentication, .waiting:
      // These codes promise that the previous release is live (DESIGN §9).
      try all(isRollback ? Make.new : Make.old, stored: nil)
    case .stale, .failedMixed, .rollbackFailed: break
    // The schema, or the lease until shortly before, was somebody else's, and nothing was begun.
    case .leaseHeld where result.state == .unchanged: try all(Make.old, stored: nil)
    default: throw Violation(.truth, "a run ended with exit code \(result.exit.rawValue)")
    }
    if [.mixed, .inFlight].contains(result.state), result.exit == .done {
      throw Violation(.truth, "exit 0, mixed")
    }
  }

  /// The services whose steps are listed as going on or not known.
  private func named(_ result: RunResult) -> Set<ServiceName> {
    Set(result.unattended.compactMap { id in (steps[id] ?? turned?.first { $0.id == id })?.service })
  }
}
