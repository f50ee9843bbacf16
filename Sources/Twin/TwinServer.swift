package import Concurrency
import HTTPServer
package import JSON

/// How a twin is started.
package struct TwinOptions: Sendable {
  /// Railway's port, with the control surface; 0 lets the system choose. Other platforms take the `port` of
  /// their section of the seed, by default one that the system chooses.
  package var port: UInt16 = 0
  /// What it starts with: Railway's world (see `World.plant`), and a section for each other platform, such
  /// as `vercel`, without which that platform is not started.
  package var seed: JSON = World.defaultSeed
  /// What image references and commits stand for, beside the seed's own `sources`.
  package var sources: JSON?
  /// How much faster than the platforms their own steps are.
  package var speed: Double = 1
  /// Where every exchange with an API is written, values included: for dummy secrets only.
  package var record: String?
  package var clock: any TimeSource = SystemClock()

  package init() {}
}

/// The offline twin on loopback: APIs, control surface, and what the platforms would run.
package final class TwinServer: Sendable {
  /// Railway.
  package let core: TwinCore
  /// Railway's address, such as `http://127.0.0.1:41234`.
  package let url: String
  /// The platforms beside Railway, in the order in which they were started.
  package let others: [any Emulation]
  /// What to set so that shipit talks to this twin.
  package let endpointVariables: [(String, String)]

  private let servers: [HTTPServer]
  private let pump: Task<Void, Never>
  private let shutdown: AsyncStream<Void>
  private let requestShutdown: @Sendable () -> Void
  private let ended = Locked(false)

  /// - Throws: `Refusal`, `HTTPServerError`, `GraphQLError` with what is wrong.
  package init(options: TwinOptions) async throws {
    let (kicks, kick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let runtime = try ProcessRuntime { kick.yield() }
    var others: [any Emulation] = []
    var servers: [HTTPServer] = []
    do {
      let recording = try options.record.map { try Recording(path: $0) }
      let core = try TwinCore(
        clock: options.clock, runtime: runtime, seed: options.seed, speed: options.speed, recording: recording
      )
      if let sources = options.sources { await core.change { $0.read(sources: sources) } }
      var variables: [(String, String)] = []
      for kind in EmulationKind.all {
        guard let section = options.seed[kind.name] else { continue }
        let setup = EmulationSetup(
          seed: section, clock: options.clock, speed: options.speed, recording: recording
        ) { kick.yield() }
        let platform = try await kind.start(setup)
        others.append(platform)
        let port = UInt16(clamping: section["port"]?.int ?? 0)
        let server = try HTTPServer(port: port, bodyLimit: 1 << 30) { request in
          await platform.answer(request, patience: nil)
        }
        servers.append(server)
        variables.append((platform.endpointVariable, "http://127.0.0.1:\(server.port)"))
      }
      let surface = ControlSurface(railway: core, others: others)
      let server = try HTTPServer(port: options.port, bodyLimit: 1 << 30) { request in
        await surface.answer(request)
      }
      servers.append(server)
      self.core = core
      url = "http://127.0.0.1:\(server.port)"
      endpointVariables = [(core.endpointVariable, url)] + variables
    } catch {
      for server in servers { await server.shutDown() }
      for platform in others { await platform.stop() }
      await runtime.stop()
      throw error
    }
    self.others = others
    self.servers = servers
    let (shutdown, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.shutdown = shutdown
    requestShutdown = { signal.yield() }
    pump = Task { [platforms = [core] + others, clock = options.clock] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          for await _ in kicks {
            for platform in platforms { await platform.settle() }
          }
        }
        group.addTask {
          while (try? await clock.sleep(for: .milliseconds(20))) != nil {
            for platform in platforms { await platform.settle() }
          }
        }
      }
    }
    await core.onShutdown(requestShutdown)
  }

  /// Serves until the control surface asks for the end or the task is cancelled; then stops.
  package func run() async {
    for await _ in shutdown { break }
    await stop()
  }

  /// Ends every child process and removes what was written. Further calls do nothing.
  package func stop() async {
    let first = ended.withLock { ended in
      defer { ended = true }
      return !ended
    }
    guard first else { return }
    requestShutdown()
    pump.cancel()
    for server in servers { await server.shutDown() }
    await pump.value
    for platform in others { await platform.stop() }
    await core.stop()
  }
}
