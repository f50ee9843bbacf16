package import Concurrency
import HTTP
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Services as real processes on loopback ports.
///
/// What happens to them is queued as events without a moment of their own: they count as happening when
/// they are fetched. `onEvent` is called so that somebody fetches soon.
package final class ProcessRuntime: ServiceRuntime {
  struct State {
    var listeners: [InstanceKey: (listener: Int32, port: UInt16)] = [:]
    var routes: [InstanceKey: String] = [:]
    var running: [String: Running] = [:]
    /// Builds, pre-deploy commands and probes under way.
    var work: [String: Task<Void, Never>] = [:]
    var queue: [TimedEvent] = []
    /// By deployment, of those that ever ran; a process that ended is no longer exposed.
    var traffic: [String: Traffic] = [:]
    var isStopping = false

    mutating func note(_ port: UInt16, _ status: Int, _ took: Duration) {
      guard let id = running.first(where: { $0.value.port == port })?.key else { return }
      traffic[id]?.add(status, took: took.inSeconds)
    }
  }

  struct Running {
    var process: RunningProcess?
    var port: UInt16
  }

  let state: Locked<State>
  let directory: WorkDirectory
  let keeper: Keeper
  private let forwarder: Forwarder
  let client = HTTPClient()
  private let onEvent: @Sendable () -> Void

  /// - Throws: `Refusal` when there is no room for its directory, its thread or its keeper.
  package init(onEvent: @escaping @Sendable () -> Void) throws {
    self.onEvent = onEvent
    directory = try WorkDirectory()
    keeper = try Keeper(directory: directory.path)
    let state = Locked(State())
    self.state = state
    forwarder = try Forwarder { port, status, took in state.withLock { $0.note(port, status, took) } }
  }

  package var usesSockets: Bool { true }

  package func address(of key: InstanceKey) throws -> String {
    if let known = state.withLock({ $0.listeners[key] }) { return "127.0.0.1:\(known.port)" }
    let opened = try forwarder.listen()
    state.withLock { $0.listeners[key] = opened }
    return "127.0.0.1:\(opened.port)"
  }

  package func keep(archive: [UInt8], as id: String) async throws {
    try await directory.unpack(archive, as: id)
  }

  package func perform(_ effect: Effect, at now: Timestamp) {
    guard !state.withLock({ $0.isStopping }) else { return }
    switch effect {
    case .build(let job): work(on: job.deployment) { await self.build(job) }
    case .preDeploy(let job): work(on: job.deployment) { await self.preDeploy(job) }
    case .start(let job): start(job)
    case .probe(let deployment, let path): work(on: deployment) { await self.probe(deployment, path) }
    case .awaitAnswer(let deployment): work(on: deployment) { await self.awaitAnswer(of: deployment) }
    case .stopProbing(let deployment): cancelWork(on: deployment)
    case .route(let key, let deployment): route(key, to: deployment)
    case .terminate(let deployment): end(deployment, by: SIGTERM)
    case .kill(let deployment):
      cancelWork(on: deployment)
      end(deployment, by: SIGKILL)
    }
  }

  package var exposition: String {
    let traffic = state.withLock { state in
      state.running.keys.sorted().compactMap { state.traffic[$0] }
    }
    return Traffic.exposition(traffic)
  }

  package var nextEvent: Timestamp? { state.withLock { $0.queue.first?.time } }

  package func takeEvent(until now: Timestamp) -> TimedEvent? {
    state.withLock { $0.queue.isEmpty ? nil : $0.queue.removeFirst() }
  }

  package func stop() async {
    let (running, tasks) = state.withLock { state in
      state.isStopping = true
      defer { state.work = [:] }
      return (state.running.values.compactMap(\.process), Array(state.work.values))
    }
    for task in tasks { task.cancel() }
    for process in running { process.signal(SIGKILL) }
    for task in tasks { await task.value }
    for process in running { _ = await process.wait() }
    forwarder.stop()
    client.close()
    await keeper.end()
  }

  func emit(_ event: RuntimeEvent, of deployment: String) {
    state.withLock {
      $0.queue.append(TimedEvent(time: Timestamp(milliseconds: 0), deployment: deployment, event: event))
    }
    onEvent()
  }

  private func work(on deployment: String, _ body: @escaping @Sendable () async -> Void) {
    cancelWork(on: deployment)
    let task = Task { await body() }
    state.withLock { $0.work[deployment] = task }
  }

  private func cancelWork(on deployment: String) {
    state.withLock { $0.work.removeValue(forKey: deployment) }?.cancel()
  }

  private func start(_ job: Job) {
    let id = job.deployment
    guard let command = job.settings.startCommand, !command.isEmpty else {
      // Nothing to run, such as a database that a test only names: it counts as running.
      state.withLock { $0.running[id] = Running(process: nil, port: 0) }
      return emit(.started, of: id)
    }
    do {
      let port = try Loopback.freePort()
      var variables = environment(of: job)
      variables["PORT"] = String(port)
      if let volume = job.volume { variables["RAILWAY_VOLUME_MOUNT_PATH"] = try directory.volume(volume) }
      let process = try Launcher().start(
        ProcessSpecification(
          "/bin/sh", ["-c", command], environment: variables, directory: directory.workplace(of: job))
      ) { [weak self] line in
        self?.emit(.output(line.text, isError: line.stream == .error), of: id)
      }
      keeper.watch(process.id)
      let stopping = state.withLock { state in
        state.running[id] = Running(process: process, port: port)
        state.traffic[id] = Traffic([
          ("service", job.variables["RAILWAY_SERVICE_NAME"] ?? job.key.service), ("deployment", id),
          ("commit", job.variables["SHIPIT_COMMIT"] ?? ""),
          ("release", job.variables["SHIPIT_RELEASE"] ?? ""),
        ])
        return state.isStopping
      }
      if stopping { process.signal(SIGKILL) }
      emit(.started, of: id)
      // A replica that restarts behind the same route gets a new port.
      for (key, routed) in state.withLock({ $0.routes }) where routed == id { route(key, to: id) }
      Task {
        let exit = await process.wait()
        self.keeper.forget(process.id)
        self.state.withLock { $0.running[id] = nil }
        self.emit(.exited(exit.number), of: id)
      }
    } catch {
      emit(.output("cannot start: \(error)", isError: true), of: id)
      emit(.started, of: id)
      emit(.exited(127), of: id)
    }
  }

  private func end(_ deployment: String, by signal: Int32) {
    guard let running = state.withLock({ $0.running[deployment] }) else { return }
    if let process = running.process { return process.signal(signal) }
    state.withLock { $0.running[deployment] = nil }
    emit(.exited(128 + signal), of: deployment)
  }

  private func route(_ key: InstanceKey, to deployment: String?) {
    let (listener, port) = state.withLock { state in
      state.routes[key] = deployment
      return (state.listeners[key]?.listener, deployment.flatMap { state.running[$0]?.port })
    }
    if let listener { forwarder.route(listener, to: port.flatMap { $0 == 0 ? nil : $0 }) }
  }

  /// Asks until 200, each time over a fresh connection, as the platform's gate does.
  private func probe(_ deployment: String, _ path: String) async {
    let separator = path.hasPrefix("/") ? "" : "/"
    while !Task.isCancelled {
      if let port = state.withLock({ $0.running[deployment]?.port }), port != 0 {
        let answer = try? await client.send(
          HTTPRequest(
            url: "http://127.0.0.1:\(port)\(separator)\(path)",
            headers: [("Host", "healthcheck.railway.app"), ("User-Agent", "RailwayHealthCheck/1.0")],
            timeout: .seconds(5), freshConnection: true))
        if answer?.status == 200, !Task.isCancelled { return emit(.healthy, of: deployment) }
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }
}

extension ProcessExit {
  /// As shells count: the code, or 128 plus the signal.
  var number: Int32 {
    switch self {
    case .code(let code): code
    case .signal(let signal): 128 + signal
    }
  }
}
