package import Concurrency
import GraphQL
import HTTPServer
package import JSON

/// The emulated Encore Cloud: its platform API, the applications of its environments, and a registry for
/// images that its CLI builds.
///
/// No timer runs inside: see ``Emulation``.
package actor EncoreTwin: Emulation {
  nonisolated package let name = "encore"
  nonisolated package let endpointVariable = "SHIPIT_ENCORE_URL"
  nonisolated let runtime: any ServiceRuntime
  let schema: Schema
  let recording: Recording?
  var world: EncoreWorld
  var time: TwinTime
  var faults = FaultTable()
  var log = RequestLog()
  var registry = ImageRegistry()
  /// What goes wrong in the next runs of the CLI's stand-in.
  var commandFaults = CommandFaults()
  /// One per environment, when addresses are sockets.
  private var servers: [EncoreEnvironmentKey: HTTPServer] = [:]

  /// With scripted applications, or with those of `runtime`.
  /// - Throws: what the seed refuses; `HTTPServerError` when a port of the seed is taken.
  package init(_ setup: EmulationSetup, runtime: any ServiceRuntime = ScriptedRuntime()) async throws {
    self.runtime = runtime
    recording = setup.recording
    schema = try EncoreDeclaration.schema.get()
    time = TwinTime(setup.clock)
    world = EncoreWorld(now: time.now)
    world.durations = EncoreDurations().scaled(by: setup.speed)
    registry.account = ImageRegistry.Account(setup.seed["registry"] ?? .null)
    try await plant(setup.seed)
  }

  /// With real processes on loopback.
  static func start(_ setup: EmulationSetup) async throws -> EncoreTwin {
    let runtime = try ProcessRuntime(onEvent: setup.kick)
    do {
      return try await EncoreTwin(setup, runtime: runtime)
    } catch {
      await runtime.stop()
      throw error
    }
  }

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
  }

  /// Changes the state from a test or the control surface, then settles.
  package func change<Result: Sendable>(
    _ body: @Sendable (inout EncoreWorld) throws -> Result
  ) rethrows -> Result {
    settle()
    let result = try body(&world)
    settle()
    return result
  }

  /// The state after all that is due has happened.
  package var state: EncoreWorld {
    settle()
    return world
  }

  package var nextDue: Timestamp? {
    [world.nextDue, runtime.nextEvent].compactMap { $0 }.min()
  }

  /// Adds what the seed describes, opens addresses and deploys what the seed wants deployed.
  package func plant(_ seed: JSON) async throws {
    try world.plant(seed)
    try openAddresses()
    for (key, revision) in EncoreWorld.deploys(in: seed) {
      let commit = try await pushed(revision, in: key.app)
      _ = world.create(commit, in: key, trigger: .seed)
    }
    settle()
  }

  /// Adds a fault of requests, a behaviour of rollouts, or a fault of the CLI's stand-in.
  /// - Throws: `Refusal` saying which word is unknown.
  package func add(_ script: JSON) throws(Refusal) {
    if let rule = try EncoreBehaviourRule(script) {
      world.behaviours.append(rule)
    } else if script["cli"] != nil {
      try commandFaults.add(script)
    } else if let rule = try FaultRule(script, subject: "environment") {
      faults.rules.append(rule)
    } else {
      throw Refusal("a fault needs the key \"fault\", \"rollout\" or \"cli\"")
    }
  }

  func clearFaults() {
    faults.rules = []
    world.behaviours = []
    commandFaults = CommandFaults()
  }

  /// How often an operation was asked for, in an environment or at all.
  package func count(of operation: String, environment: String? = nil) -> Int {
    guard let environment else { return log.counts[operation] ?? 0 }
    return log.countsByService[operation]?[environment] ?? 0
  }

  package func stop() async {
    let open = servers.values
    servers = [:]
    for server in open { await server.shutDown() }
    await runtime.stop()
  }

  /// The environment that answers under an address.
  func environment(at address: String) -> EncoreEnvironmentKey? {
    world.environments.values.first { $0.address == address }?.key
  }

  private func openAddresses() throws {
    for environment in world.environments.values.sorted(by: { $0.id < $1.id })
    where environment.address.isEmpty {
      var port = environment.port
      if runtime.usesSockets {
        let key = environment.key
        let server = try HTTPServer(port: port) { [weak self] request in
          await self?.application(of: key, request) ?? ServerResponse(status: 0, body: .cut)
        }
        servers[key] = server
        port = server.port
      } else if port == 0 {
        port = UInt16(clamping: 30_000 + world.environments.values.filter { !$0.address.isEmpty }.count)
      }
      world.environments[environment.key]?.address = "127.0.0.1:\(port)"
    }
  }

  private func perform() {
    while !world.effects.isEmpty {
      let effects = world.effects
      world.effects = []
      for effect in effects { runtime.perform(effect, at: world.now) }
    }
  }
}
