import Concurrency
import Engine
import Model

/// Copies, migrations and indexes, as truthful as the performers of databases have to be.
extension Simulation {
  /// A step about the database goes on.
  func database(_ call: SimulationCall) throws(Violation) {
    guard var schema = world.schema else { return try end(call, .done(StepResult())) }
    switch call.step.action {
    case .backup:
      if fault(2) { return try end(call, .failed(Make.failure(), moved: false)) }
      schema.copies.append(schema.applied)
      world.schema = schema
      try end(call, .done(StepResult()))
    case .scripts:
      // A build that fails or is lost leaves an invalid index; the next one begins by dropping it.
      if fault(2) {
        world.schema?.index = .invalid
        return try end(
          call,
          random.chance(500)
            ? .failed(Make.failure(), moved: false) : .ambiguous(Make.failure(.unknown, "connection lost")))
      }
      world.schema?.index = .valid
      try end(call, .done(StepResult()))
    default: try migrate(call, schema)
    }
  }

  private func migrate(_ call: SimulationCall, _ schema: SimulationSchema) throws(Violation) {
    if call.stage == .triggering {
      // The lock is waited for, whoever has it.
      guard schema.holder == nil || schema.holder == current.number else {
        guard clock < call.deadline else {
          return try end(
            call, .failed(Make.failure(.leaseHeld, "somebody else changes this schema"), moved: false))
        }
        return later(.milliseconds(250), .call(call.number))
      }
      world.schema?.holder = current.number
      return try next(call)
    }
    // The begin of this file is durable.
    let file = schema.applied
    if fault(2) {
      let moved = schema.applied > 0
      switch random.number(0...2) {
      case 0: break
      case 1: applyMigration(file)
      default: return try leave(call, .failed(Make.failure(.failed, "a statement failed"), moved: moved))
      }
      return try leave(call, .ambiguous(Make.failure(.unknown, "connection lost")))
    }
    applyMigration(file)
    try next(call)
  }

  /// Begins the next file, or ends.
  private func next(_ call: SimulationCall) throws(Violation) {
    guard let schema = world.schema, !schema.isComplete else {
      return try leave(call, .done(migrationResult()))
    }
    if fault(4) {
      return try leave(call, .failed(Make.failure(.failed, "a long transaction"), moved: schema.applied > 0))
    }
    var waiting = call
    waiting.stage = .identifying
    waiting.externalID = SimulationSchema.name(schema.applied)
    calls[call.step.id] = waiting
    try deliver(.identified(call.step.id, externalID: SimulationSchema.name(schema.applied)))
  }

  private func leave(_ call: SimulationCall, _ outcome: Outcome) throws(Violation) {
    world.schema?.holder = nil
    try end(call, outcome)
  }

  func applyMigration(_ file: Int) {
    guard let broken = world.schema?.apply(file) else { return }
    world.breakPromise(broken.promise, broken.words)
  }

  private func migrationResult() -> StepResult {
    let count = world.schema?.applied ?? 0
    return StepResult(facts: [
      StepFact.applied: (0..<count).map(SimulationSchema.name).joined(separator: "\n")
    ])
  }

  // MARK: Probing and giving up

  /// Somebody else has the lock that a look has to wait for.
  func isSchemaLocked(_ step: Step) -> Bool {
    guard case .migrate = step.action, let holder = world.schema?.holder else { return false }
    return holder != current.number
  }

  func findDatabase(_ step: Step) -> Finding {
    guard let schema = world.schema else { return .absent }
    switch step.action {
    case .backup: return schema.copies.isEmpty ? .absent : .done(StepResult())
    case .scripts: return schema.index == .valid ? .done(StepResult()) : .absent
    default:
      if isSchemaLocked(step) {
        return .unknown(Make.failure(.leaseHeld, "somebody else changes this schema"))
      }
      if schema.isComplete { return .done(migrationResult()) }
      return schema.applied == 0
        ? .absent : .underWay(externalID: SimulationSchema.name(schema.applied))
    }
  }

  /// The server is asked to stop; what it has just made stays.
  func abandonDatabase(_ step: Step, _ call: SimulationCall?) {
    guard case .migrate = step.action, world.schema?.holder == current.number else { return }
    if call?.stage == .watching, fault(), let file = world.schema?.applied,
      file < world.schema?.wanted.files ?? 0
    {
      applyMigration(file)
    }
    world.schema?.holder = nil
  }

  func becameOfDatabase(_ step: Step) -> Abandonment {
    guard let schema = world.schema else { return .cancelled }
    switch step.action {
    case .backup: return .cancelled
    case .scripts: return schema.index == .valid ? .tookEffect(StepResult()) : .cancelled
    default:
      if isSchemaLocked(step) { return .inFlight("the server still works at it") }
      if schema.applied == 0 { return .cancelled }
      if schema.isComplete { return .tookEffect(migrationResult()) }
      return current.migrated
        ? .inFlight("\(schema.applied) applied, they stay") : .tookEffectInPart(migrationResult())
    }
  }

  /// The process is gone: what it had sent may still come to its end, and holds the lock until then.
  func orphanSession(of process: SimulationProcess) {
    guard world.schema?.holder == process.number else { return }
    let isSent = process.calls[Make.migrations]?.stage == .watching
    guard isSent else {
      world.schema?.holder = nil
      return
    }
    laterInWorld(milliseconds(10...20_000), .sessionEnds(takesEffect: strikes(500)))
  }

  func endSession(takesEffect: Bool) {
    guard let schema = world.schema, schema.holder != nil else { return }
    if takesEffect, !schema.isComplete { applyMigration(schema.applied) }
    world.schema?.holder = nil
  }
}
