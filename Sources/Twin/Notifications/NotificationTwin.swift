package import Concurrency
package import HTTPServer
package import JSON

/// The emulated receivers of messages: Slack (webhooks and API), Discord, signed webhooks. Each refuses what the
/// real one would (contract notifications §2, §3, §5).
package actor NotificationTwin: Emulation {
  nonisolated package let name = "notifications"
  nonisolated package let endpointVariable = "SHIPIT_SLACK_URL"
  var world: NotificationWorld
  var time: TwinTime
  private var faults = FaultTable()
  private var log = RequestLog()
  /// Every byte of every body that came, to be searched for what must not be in it.
  private(set) var bodies: [String] = []

  /// - Throws: what the seed refuses.
  package init(_ setup: EmulationSetup) async throws {
    time = TwinTime(setup.clock)
    world = try NotificationWorld(setup.seed)
  }

  package func settle() {}
  package var nextDue: Timestamp? { nil }
  package func stop() async {}

  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? { nil }

  /// The messages as readers see them.
  package var messages: [NotificationWorld.Message] { world.messages }

  /// Everything that was sent, each body as text.
  package var received: [String] { bodies }

  /// Adds a fault of requests; operations are `chat.postMessage`, `chat.update`, `hook`, `discord`,
  /// `discord-edit`, `webhook`.
  /// - Throws: `Refusal` saying which word is unknown.
  package func add(_ script: JSON) throws(Refusal) {
    guard let rule = try FaultRule(script, subject: "place") else {
      throw Refusal("a fault needs the key \"fault\"")
    }
    faults.rules.append(rule)
  }

  /// A person deletes a message.
  package func delete(_ id: String) { world.messages.removeAll { $0.id == id } }

  /// Somebody takes a webhook of Slack or Discord away.
  package func remove(hook: String) {
    world.hooks.remove(hook)
    world.discord[hook] = nil
  }

  // MARK: Requests

  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    if request.path == "/_twin" || request.path.hasPrefix("/_twin/") {
      var inner = request
      inner.path = String(request.path.dropFirst("/_twin".count))
      return await control(inner)
    }
    bodies.append(String(decoding: request.body, as: UTF8.self))
    guard let call = NotificationCall(request) else { return .json(404, ["error": "not found"]) }
    let fault = faults.take(operations: [call.operation], services: [])
    let response = await FaultGate(clock: time.source, words: call.words).respond(fault, patience: patience) {
      effect(of: call)
    }
    // Tokens stand in the paths of webhooks.
    log.add(
      RequestRecord(
        number: 0, time: time.now, method: request.method, path: call.operation, operation: call.operation,
        rootFields: [], service: nil, variables: .null,
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: nil, status: response.status, fault: fault?.name))
    return response
  }

  /// How often an operation was asked for.
  package func count(of operation: String) -> Int { log.counts[operation] ?? 0 }

  private func effect(of call: NotificationCall) -> ServerResponse {
    switch call.kind {
    case .slack(let method): slack(method, call)
    case .hook(let path): hook(path, call)
    case .discord(let id, let token, let message): discord(id, token, message, call)
    case .webhook(let name): webhook(name, call)
    }
  }

  // MARK: The control surface

  package func control(_ request: ServerRequest) async -> ServerResponse {
    if let refusal = ControlSurface.refusal(of: request) { return refusal }
    let name = request.path.split(separator: "/").joined(separator: "/")
    do {
      switch (request.method, name) {
      case ("GET", "state"): return .json(200, overview)
      case ("GET", "requests"): return .json(200, .array(log.records.map(\.json)))
      case ("GET", "counts"): return .json(200, .object(log.counts.mapValues { .int(Int64($0)) }))
      case ("GET", "bodies"): return .json(200, .array(bodies.map(JSON.string)))
      case ("DELETE", "faults"): faults.rules = []
      case ("POST", "faults"):
        let body = try JSON(parsing: request.body)
        for script in body.array ?? [body] { try add(script) }
      case ("POST", "delete"): delete(try JSON(parsing: request.body)["id"]?.string ?? "")
      case ("POST", "remove"): remove(hook: try JSON(parsing: request.body)["hook"]?.string ?? "")
      default: return .json(404, ["error": "unknown control path"])
      }
      return .json(200, ["ok": true])
    } catch let refusal as Refusal {
      return .json(400, ["error": .string(refusal.message)])
    } catch {
      return .json(400, ["error": .string(String(describing: error))])
    }
  }

  package var overview: JSON {
    let messages = world.messages.suffix(100).reversed().map { message -> JSON in
      [
        "service": .string(message.service), "place": .string(shown(message)), "id": .string(message.id),
        "text": .string(message.text), "edits": .int(Int64(message.edits)),
        "deliveries": .int(Int64(message.deliveries)),
      ]
    }
    return [
      "messages": .array(Array(messages)), "requests": .array(log.records.suffix(50).reversed().map(\.json)),
    ]
  }

  /// A hook's path is its secret.
  private func shown(_ message: NotificationWorld.Message) -> String {
    message.service == "hook" ? "webhook" : message.place
  }
}
