package import Concurrency
import GraphQL
package import JSON

/// The twin without sockets: requests in, answers out, over one state that follows its clock.
///
/// No timer runs inside. Whatever is due is made to happen when somebody asks, in the order of its
/// moments, so that a virtual clock gives the same story each time. With real processes an outer loop
/// calls ``settle()`` as well.
package actor TwinCore {
  nonisolated package let runtime: any ServiceRuntime
  let schema: Schema
  var world: World
  var time: TwinTime
  var faults = FaultTable()
  var log = RequestLog()
  var rates = RateLimit()
  let recording: Recording?
  /// Older states, for stale reads; kept only while staleness is switched on.
  private var history: [(time: Timestamp, world: World)] = []
  /// Called when the control surface asks the twin to end.
  var shutdown: (@Sendable () -> Void)?

  /// - Throws: `GraphQLError` when the declaration is unsound; what the seed refuses.
  package init(
    clock: any TimeSource, runtime: any ServiceRuntime, seed: JSON = World.defaultSeed, speed: Double = 1,
    recording: Recording? = nil
  ) throws {
    self.runtime = runtime
    self.recording = recording
    schema = try RailwayDeclaration.schema.get()
    time = TwinTime(clock)
    var world = World(now: time.now)
    world.durations = StepDurations().scaled(by: speed)
    try world.plant(seed) { try runtime.address(of: $0) }
    self.world = world
  }

  /// Lets everything happen that is due by now.
  package func settle() {
    let now = time.now
    perform()
    while true {
      let due = world.nextDue
      if let event = runtime.nextEvent, event <= now, due.map({ event <= $0 || $0 > now }) ?? true,
        let taken = runtime.takeEvent(until: now)
      {
        world.handle(taken.event, of: taken.deployment, at: taken.time)
      } else if !world.step(until: now) {
        break
      }
      perform()
    }
    remember()
  }

  /// Changes the state from a test or the control surface, then settles.
  package func change<Result: Sendable>(
    _ body: @Sendable (inout World) throws -> Result
  ) rethrows -> Result {
    settle()
    let result = try body(&world)
    settle()
    return result
  }

  /// The state after all that is due has happened.
  package var state: World {
    settle()
    return world
  }

  /// Adds rules for requests and deployments.
  package func add(_ script: FaultScript) {
    switch script {
    case .request(let rule): faults.rules.append(rule)
    case .deployment(let rule): world.behaviours.append(rule)
    }
  }

  package func clearFaults() {
    faults.rules = []
    world.behaviours = []
  }

  /// Replaces the API's own rate limit.
  /// - Parameter perSecond: how many requests any second may hold; nil: as many as come.
  package func limitRate(to limit: Int, per window: Duration, perSecond: Int? = nil) {
    rates = RateLimit()
    rates.limit = limit
    rates.window = window
    rates.perSecond = perSecond
  }

  /// How many requests were refused because of it.
  package var refusedByRate: Int { rates.refused }

  /// The requests to public paths so far, oldest first.
  package var requests: [RequestRecord] { log.records }

  /// How often an operation, a root field or `upload` was asked for, of a service or at all.
  package func count(of operation: String, service: String? = nil) -> Int {
    guard let service else { return log.counts[operation] ?? 0 }
    return log.countsByService[operation]?[service] ?? 0
  }

  func onShutdown(_ action: @escaping @Sendable () -> Void) {
    shutdown = action
  }

  /// The state that reads see: a little old when staleness is switched on.
  var readable: World {
    let lag = world.switches.staleness
    guard lag > .zero else { return world }
    let moment = time.now - lag
    var old = history.last { $0.time <= moment }?.world ?? history.first?.world ?? world
    old.now = max(old.now, moment)
    return old
  }

  private func perform() {
    while !world.effects.isEmpty {
      let effects = world.effects
      world.effects = []
      for effect in effects { runtime.perform(effect, at: world.now) }
    }
  }

  private func remember() {
    let lag = world.switches.staleness
    guard lag > .zero else {
      history = []
      return
    }
    history.append((world.now, world))
    let horizon = world.now - lag - lag
    while history.count > 2, history[1].time < horizon { history.removeFirst() }
  }
}
