import Concurrency
import Interface
import Ledgers
import Model
import Redaction
import Rollouts
import Runner

/// `shipit rollout ACTION ENV [KEY]`.
enum RolloutCommand {
  enum Action: String, CaseIterable {
    case status, tick, watch, start, approve, pause, resume, abort, simulate
  }

  static func run(_ invocation: Invocation) async -> Int32 {
    // On call there may be no checkout: what the newest release recorded does.
    await EnvironmentCommand.runRecorded(invocation, place: 1) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      guard let action = Action(rawValue: invocation.positional(0) ?? "") else {
        throw Failure(
          .configuration, "rollout does not know “\(invocation.positional(0) ?? "")”",
          hint: "there are \(Action.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      let ledger = try await ledger(project, environment, action, console)
      var wiring = try await RolloutWiring.open(project, environment, ledger, console)
      wiring.freezeOverride = try invocation.policyOverrides.freeze
      if wiring.freezeOverride != nil, ![.tick, .watch, .start].contains(action) {
        throw Failure(
          .configuration, "rollout \(action.rawValue) raises nothing, so it overrides no freeze",
          place: "--override-freeze", hint: "it goes with tick, watch and start")
      }
      let targets = try targets(invocation, environment, action)
      let work = RolloutWork(wiring, console)
      switch action {
      case .status: return try await work.status(targets, isOffline: invocation.has("offline"))
      case .tick where invocation.has("wait"), .watch:
        return try await work.watch(
          targets, until: try invocation.duration("within"), endsOnPause: action == .tick)
      case .tick: return try await work.tick(targets)
      case .start: return try await work.start(targets[0], again: invocation.has("again"))
      case .approve: return try await work.approve(targets[0], step: try step(invocation))
      case .pause, .resume:
        return try await work.say(
          action == .pause ? .pause : .resume, targets[0], reason: invocation.value("reason"))
      case .simulate:
        guard let from = try moment("from", invocation) else {
          throw Failure(
            .configuration, "rollout simulate wants --from", place: "--from",
            hint: "shipit rollout simulate \(environment.name) --from 2026-08-21T08:00:00Z")
        }
        return try await work.simulate(targets, from: from, to: try moment("to", invocation))
      case .abort: return try await work.abort(targets[0], reason: invocation.value("reason"))
      }
    }
  }

  /// An abort works with nothing but the flag's store: it goes first, and is recorded later.
  private static func ledger(
    _ project: Project, _ environment: Model.Environment, _ action: Action, _ console: Console
  ) async throws(Failure) -> any Ledger {
    do throws(Failure) { return try await Session.ledger(project, environment, Session.clock) } catch {
      guard action == .abort, error.kind == .failed || error.kind == .timeout else { throw error }
      console.warning("the ledger is not at hand (\(error.message)): the flag goes off first")
      return MemoryLedger(environment: environment.name, time: Session.clock)
    }
  }

  /// All of them, or the one that is named; what changes one wants to know which.
  private static func targets(
    _ invocation: Invocation, _ environment: Model.Environment, _ action: Action
  ) throws(Failure) -> [RolloutTarget] {
    let all = environment.rollouts ?? []
    guard !all.isEmpty else {
      throw Failure(
        .configuration, "\(environment.name) declares no rollouts",
        place: "environments/\(environment.name).yaml", hint: "shipit explain rollouts")
    }
    let known = all.map(\.key).joined(separator: ", ")
    guard let key = invocation.positional(2) else {
      let isAboutAll = action == .status || action == .tick || action == .watch || action == .simulate
      guard isAboutAll || all.count == 1 else {
        throw Failure(
          .configuration, "rollout \(action.rawValue) wants to know which", cause: "there are \(known)",
          hint: "shipit rollout \(action.rawValue) \(environment.name) \(all[0].key)")
      }
      return all
    }
    guard let target = all.first(where: { $0.key == key }) else {
      throw Failure(
        .configuration, "\(environment.name) has no rollout “\(key)”", hint: "there are \(known)")
    }
    return [target]
  }

  private static func moment(_ name: String, _ invocation: Invocation) throws(Failure) -> Timestamp? {
    guard let text = invocation.value(name) else { return nil }
    guard let moment = Timestamp(iso8601: text) else {
      throw Failure(
        .configuration, "--\(name) takes a moment such as 2026-08-21T08:00:00Z, not “\(text)”",
        place: "--\(name)")
    }
    return moment
  }

  private static func step(_ invocation: Invocation) throws(Failure) -> FlagShare? {
    guard let text = invocation.value("step") else { return nil }
    guard let share = Double(text).flatMap(FlagShare.init(percent:)) else {
      throw Failure(.configuration, "--step takes a percentage such as 25, not “\(text)”", place: "--step")
    }
    return share
  }
}
