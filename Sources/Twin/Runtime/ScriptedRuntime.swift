package import Concurrency
package import HTTP
package import HTTPServer
import JSON

/// Services that exist in memory only: what a test under a virtual clock runs instead of processes.
///
/// Each service follows a ``ScriptedProgram``; its answers are asked for with ``answer(to:)``.
package final class ScriptedRuntime: ServiceRuntime {
  private struct State {
    var addresses: [InstanceKey: String] = [:]
    var keys: [String: InstanceKey] = [:]
    var routes: [InstanceKey: String] = [:]
    var running: [String: Job] = [:]
    var queue: [TimedEvent] = []
    var archives: [String: [UInt8]] = [:]
    var programs: [String: ScriptedProgram] = [:]
    var stopped: [String] = []
  }

  private let state = Locked(State())
  private let fallback: ScriptedProgram

  /// - Parameter fallback: what services without a program of their own do.
  package init(fallback: ScriptedProgram = ScriptedProgram()) {
    self.fallback = fallback
  }

  /// Lets the service of this name follow a program from its next start on.
  package func script(_ service: String, _ program: ScriptedProgram) {
    state.withLock { $0.programs[service] = program }
  }

  /// The deployments whose process was ended, in order.
  package var endedDeployments: [String] { state.withLock { $0.stopped } }

  /// The deployment that new connections to an address reach.
  package func deployment(at address: String) -> String? {
    state.withLock { state in state.keys[address].flatMap { state.routes[$0] } }
  }

  /// What the service at `address` answers; nil when no such service exists.
  package func answer(address: String, path: String) -> HTTPResponse? {
    state.withLock { state -> (Job, ScriptedProgram)? in
      guard let key = state.keys[address], let id = state.routes[key], let job = state.running[id] else {
        return nil
      }
      return (job, state.programs[job.variables["RAILWAY_SERVICE_NAME"] ?? ""] ?? fallback)
    }.map { job, program in program.answer(path, job.variables) }
      ?? (state.withLock { $0.keys[address] != nil }
        ? HTTPResponse(status: 502, body: Array("Application failed to respond".utf8)) : nil)
  }

  package var usesSockets: Bool { false }

  package func address(of key: InstanceKey) -> String {
    state.withLock { state in
      if let known = state.addresses[key] { return known }
      let address = "127.0.0.1:\(20_000 + state.addresses.count)"
      state.addresses[key] = address
      state.keys[address] = key
      return address
    }
  }

  package func keep(archive: [UInt8], as id: String) async throws {
    guard archive.starts(with: [0x1F, 0x8B]) else { throw ArchiveRefused(message: "The archive is not gzip") }
    state.withLock { $0.archives[id] = archive }
  }

  package func perform(_ effect: Effect, at now: Timestamp) {
    state.withLock { state in
      switch effect {
      case .build(let job):
        let program = program(of: job, in: state)
        add(.built(program.buildFails ? "Build failed" : nil), of: job.deployment, at: now, to: &state)
      case .preDeploy(let job): add(.preDeployed(nil), of: job.deployment, at: now, to: &state)
      case .start(let job):
        state.running[job.deployment] = job
        add(.started, of: job.deployment, at: now, to: &state)
        if let life = program(of: job, in: state).endsAfter {
          add(.exited(life.code), of: job.deployment, at: now + life.time, to: &state)
        }
      case .probe(let deployment, let path):
        guard let job = state.running[deployment] else { return }
        let program = program(of: job, in: state)
        guard let ready = program.healthyAfter, program.answer(path, job.variables).status == 200 else {
          return
        }
        add(.healthy, of: deployment, at: now + ready, to: &state)
      case .awaitAnswer(let deployment):
        guard let job = state.running[deployment], let ready = program(of: job, in: state).healthyAfter else {
          return
        }
        add(.healthy, of: deployment, at: now + ready, to: &state)
      case .stopProbing(let deployment):
        state.queue.removeAll { event in
          if case .healthy = event.event { event.deployment == deployment } else { false }
        }
      case .route(let key, let deployment): state.routes[key] = deployment
      case .terminate(let deployment):
        guard let job = state.running[deployment], program(of: job, in: state).heedsTerminate else { return }
        end(deployment, code: 143, at: now, in: &state)
      case .kill(let deployment): end(deployment, code: 137, at: now, in: &state)
      }
    }
  }

  /// Answers when a program was scripted for the application, by its slug.
  package func forward(_ request: ServerRequest, to deployment: String) async -> ServerResponse? {
    state.withLock { state -> HTTPResponse? in
      guard let job = state.running[deployment] else { return HTTPResponse(status: 502) }
      return state.programs[ScriptedRuntime.service(of: job)]?.answer(request.path, job.variables)
    }.map { ServerResponse(status: $0.status, headers: $0.headers, body: .bytes($0.body)) }
  }

  package var nextEvent: Timestamp? { state.withLock { $0.queue.first?.time } }

  package func takeEvent(until now: Timestamp) -> TimedEvent? {
    state.withLock { state in
      guard let first = state.queue.first, first.time <= now else { return nil }
      state.queue.removeFirst()
      if case .exited = first.event { state.running[first.deployment] = nil }
      return first
    }
  }

  package func stop() async {}

  private func program(of job: Job, in state: State) -> ScriptedProgram {
    state.programs[ScriptedRuntime.service(of: job)] ?? fallback
  }

  /// The name that programs are scripted under.
  private static func service(of job: Job) -> String {
    job.variables["RAILWAY_SERVICE_NAME"] ?? job.variables["ENCORE_APP_SLUG"] ?? ""
  }

  private func end(_ deployment: String, code: Int32, at now: Timestamp, in state: inout State) {
    state.queue.removeAll { event in
      event.deployment == deployment
    }
    guard state.running.removeValue(forKey: deployment) != nil else { return }
    state.stopped.append(deployment)
    add(.exited(code), of: deployment, at: now, to: &state)
  }

  private func add(_ event: RuntimeEvent, of deployment: String, at time: Timestamp, to state: inout State) {
    let index = state.queue.firstIndex { $0.time > time } ?? state.queue.endIndex
    state.queue.insert(TimedEvent(time: time, deployment: deployment, event: event), at: index)
  }
}

/// How a scripted service behaves.
package struct ScriptedProgram: Sendable {
  package struct End: Sendable {
    package var time: Duration
    package var code: Int32

    package init(after time: Duration, code: Int32) {
      self.time = time
      self.code = code
    }
  }

  /// From its start to the first good answer of the health path; nil is never.
  package var healthyAfter: Duration?
  /// When it ends by itself, after each start.
  package var endsAfter: End?
  package var buildFails = false
  /// Ends on SIGTERM; otherwise only SIGKILL helps.
  package var heedsTerminate = true
  /// Its answer to a GET, from the path and its variables.
  package var answer: @Sendable (_ path: String, _ variables: [String: String]) -> HTTPResponse

  package init(
    healthyAfter: Duration? = .zero, endsAfter: End? = nil,
    answer: @escaping @Sendable (String, [String: String]) -> HTTPResponse = ScriptedProgram.revision
  ) {
    self.healthyAfter = healthyAfter
    self.endsAfter = endsAfter
    self.answer = answer
  }

  /// 200 with `{"status": "ok", "version": …}`, the version being what `SHIPIT_COMMIT` says.
  package static let revision: @Sendable (String, [String: String]) -> HTTPResponse = { _, variables in
    let body: JSON = ["status": "ok", "version": .string(variables["SHIPIT_COMMIT"] ?? "")]
    return HTTPResponse(
      status: 200, headers: [("Content-Type", "application/json")], body: Array(body.serialized().utf8))
  }
}
