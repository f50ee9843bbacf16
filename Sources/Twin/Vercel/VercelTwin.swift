package import Concurrency
import HTTPServer
package import JSON

/// The emulated Vercel: its REST API, and the edge that serves deployments by host.
///
/// One deviation: every host of the twin's own is `….vercel.localhost:PORT`, with the port of the edge, where
/// Vercel says `….vercel.app`, so that whoever reads it can ask it. Hosts are found with and without port.
///
/// No timer runs inside: see ``Emulation``.
package actor VercelTwin: Emulation {
  nonisolated package let name = "vercel"
  nonisolated package let endpointVariable = "SHIPIT_VERCEL_URL"
  /// The edge's port for twins without sockets.
  package static let scriptedEdgePort: UInt16 = 4

  nonisolated let builder: any VercelBuilder
  let recording: Recording?
  var world: World
  var time: TwinTime
  var faults = FaultTable()
  var log = RequestLog()
  var rates = RateLimit()
  var edgeLog = EdgeLog()
  private var edge: HTTPServer?

  /// With builds that `builder` makes up, and an edge that is asked through ``answer(_:at:patience:)``.
  /// - Throws: what the seed refuses.
  package init(_ setup: EmulationSetup, builder: any VercelBuilder = VercelScriptedBuilder()) throws {
    try self.init(setup, builder: builder, edgePort: VercelTwin.scriptedEdgePort)
  }

  init(_ setup: EmulationSetup, builder: any VercelBuilder, edgePort: UInt16) throws {
    self.builder = builder
    recording = setup.recording
    time = TwinTime(setup.clock)
    var world = World(now: time.now, edgePort: edgePort)
    world.durations = Durations().scaled(by: setup.speed)
    world.switches.propagation = .milliseconds(
      Int64(world.switches.propagation.inSeconds * 1000 / setup.speed))
    try world.plant(setup.seed.object?.isEmpty == false ? setup.seed : World.defaultSeed)
    self.world = world
  }

  /// With real builds, and the edge on a loopback port: `edgePort` of the seed, or one the system chooses.
  static func start(_ setup: EmulationSetup) async throws -> VercelTwin {
    let twin = Locked<VercelTwin?>(nil)
    let port = UInt16(clamping: setup.seed["edgePort"]?.int ?? 0)
    let edge = try HTTPServer(port: port) { request in
      guard let twin = twin.withLock({ $0 }) else { return .page(503) }
      return await twin.answerEdge(request)
    }
    do {
      let builder = try VercelProcessBuilder(onEvent: setup.kick)
      do {
        let started = try VercelTwin(setup, builder: builder, edgePort: edge.port)
        await started.keep(edge)
        twin.withLock { $0 = started }
        return started
      } catch {
        await builder.stop()
        throw error
      }
    } catch {
      await edge.shutDown()
      throw error
    }
  }

  package func settle() {
    let now = time.now
    perform()
    while true {
      let due = world.nextDue
      if let event = builder.nextEvent, event <= now, due.map({ event <= $0 || $0 > now }) ?? true,
        let taken = builder.takeEvent(until: now)
      {
        world.handle(taken.event, of: taken.deployment, at: taken.time)
      } else if !world.step(until: now) {
        break
      }
      perform()
    }
  }

  /// Changes the state from a test or the control surface, then settles.
  package func change<Result: Sendable>(_ body: @Sendable (inout World) throws -> Result) rethrows -> Result {
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

  package var nextDue: Timestamp? { [world.nextDue, builder.nextEvent].compactMap { $0 }.min() }

  /// Adds a fault of requests, or a behaviour of deployments, promotions and rollbacks.
  /// - Throws: `Refusal` saying which word is unknown.
  package func add(_ script: JSON) throws(Refusal) {
    if let rule = try FaultRule(script, subject: "project") {
      faults.rules.append(rule)
    } else if let rule = try BehaviourRule(script) {
      world.behaviours.append(rule)
    } else if let rule = try JobRule(script) {
      world.jobBehaviours.append(rule)
    } else {
      throw Refusal("a fault needs the key \"fault\", \"deployment\" or \"job\"")
    }
  }

  package func clearFaults() {
    faults.rules = []
    world.behaviours = []
    world.jobBehaviours = []
  }

  /// The port under which the edge is reached.
  package var edgePort: UInt16 { world.edgePort }

  /// Replaces the API's own rate limit.
  package func limitRate(to limit: Int, per window: Duration) {
    rates = RateLimit()
    rates.limit = limit
    rates.window = window
  }

  /// The requests to the API so far, oldest first.
  package var requests: [RequestRecord] { log.records }

  /// How often an operation was asked for, of a project or at all.
  package func count(of operation: String, project: String? = nil) -> Int {
    guard let project else { return log.counts[operation] ?? 0 }
    return log.countsByService[operation]?[project] ?? 0
  }

  package func stop() async {
    let open = edge
    edge = nil
    await open?.shutDown()
    await builder.stop()
  }

  private func keep(_ server: HTTPServer) { edge = server }

  private func perform() {
    while !world.effects.isEmpty {
      let effects = world.effects
      world.effects = []
      for effect in effects { builder.perform(effect, at: world.now) }
    }
  }
}
