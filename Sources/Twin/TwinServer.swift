package import Concurrency
import HTTPServer
package import JSON

/// How a twin is started.
package struct TwinOptions: Sendable {
  /// 0 lets the system choose.
  package var port: UInt16 = 0
  /// What it starts with, see `World.plant`.
  package var seed: JSON = World.defaultSeed
  /// What image references and commits stand for, beside the seed's own `sources`.
  package var sources: JSON?
  /// How much faster than Railway the platform's own steps are.
  package var speed: Double = 1
  /// Where every GraphQL exchange is written, values included: for dummy secrets only.
  package var record: String?
  package var clock: any TimeSource = SystemClock()

  package init() {}
}

/// The offline twin on loopback: API, control surface, and one real process per live deployment.
package final class TwinServer: Sendable {
  package let core: TwinCore
  /// Such as `http://127.0.0.1:41234`.
  package let url: String

  private let runtime: ProcessRuntime
  private let server: HTTPServer
  private let pump: Task<Void, Never>
  private let shutdown: AsyncStream<Void>
  private let requestShutdown: @Sendable () -> Void
  private let ended = Locked(false)

  /// - Throws: `Refusal`, `HTTPServerError`, `GraphQLError` with what is wrong.
  package init(options: TwinOptions) async throws {
    let (kicks, kick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let runtime = try ProcessRuntime { kick.yield() }
    do {
      let recording = try options.record.map { try Recording(path: $0) }
      core = try TwinCore(
        clock: options.clock, runtime: runtime, seed: options.seed, speed: options.speed, recording: recording
      )
      let core = core
      if let sources = options.sources { await core.change { $0.read(sources: sources) } }
      server = try HTTPServer(port: options.port, bodyLimit: 1 << 30) { request in await core.answer(request)
      }
    } catch {
      await runtime.stop()
      throw error
    }
    self.runtime = runtime
    url = "http://127.0.0.1:\(server.port)"
    let (shutdown, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.shutdown = shutdown
    requestShutdown = { signal.yield() }
    pump = Task { [core, clock = options.clock] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { for await _ in kicks { await core.settle() } }
        group.addTask {
          while (try? await clock.sleep(for: .milliseconds(20))) != nil { await core.settle() }
        }
      }
    }
    await core.onShutdown(requestShutdown)
  }

  /// What to set so that shipit talks to this twin.
  package var endpointVariables: [(String, String)] { [("SHIPIT_RAILWAY_URL", url)] }

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
    await server.shutDown()
    await pump.value
    await runtime.stop()
  }
}
