import Concurrency
import Crypto
import Dispatch
package import HTTPServer
import JSON

/// The API's paths: faults, tokens, scope and limits around what Vercel would do.
extension VercelTwin {
  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    settle()
    if request.path == "/_twin" || request.path.hasPrefix("/_twin/") {
      var inner = request
      inner.path = String(request.path.dropFirst("/_twin".count))
      return await control(inner)
    }
    // A host without a port is asked for at the API's own: the edge answers there too.
    let host = World.bare(request.header("Host") ?? "")
    if host.hasSuffix(".localhost") { return await answerEdge(request) }
    guard let (operation, call) = read(request) else {
      return dated(Problem(404, "not_found", "The requested API endpoint was not found.").response)
    }
    let names = [operation.name, operation.alias].compactMap { $0 }
    let subjects = subjects(of: call)
    let fault = faults.take(operations: names, services: subjects)
    let response: ServerResponse
    if fault == .cut, case .events = operation.handler, call.query("follow") == "1" {
      response = await perform(operation, call, request, cutting: true)
    } else {
      response = await FaultGate(clock: time.source, words: Problem.words).respond(fault, patience: patience)
      {
        await perform(operation, call, request, cutting: false)
      }
    }
    record(operation, call, request, response, fault, subjects)
    return dated(response)
  }

  private func read(_ request: ServerRequest) -> (Operation, Call)? {
    var parts = request.path.split(separator: "/").map(String.init)
    var version = 0
    if let first = parts.first, first.first == "v", let number = Int(first.dropFirst()) {
      version = number
      parts.removeFirst()
    }
    // The platform's own command line still says so in places (contract §3.1).
    if parts.first == "now" { parts.removeFirst() }
    for operation in Operation.all {
      guard let places = operation.places(request.method, version, parts) else { continue }
      var call = Call(
        method: request.method, path: request.path, fields: request.query, operation: operation.name,
        places: places, body: .object([:]), hasBody: !request.body.isEmpty)
      if case .world = operation.handler, !request.body.isEmpty {
        call.body = (try? JSON(parsing: request.body)) ?? .null
      }
      if let text = request.header("Authorization"), text.lowercased().hasPrefix("bearer ") {
        call.bearer = String(text.dropFirst(7))
        call.known = world.tokens[call.bearer ?? ""].flatMap { $0.isRevoked ? nil : $0 }
      }
      return (operation, call)
    }
    return nil
  }

  private func perform(
    _ operation: Operation, _ call: Call, _ request: ServerRequest, cutting: Bool
  ) async -> ServerResponse {
    settle()
    let budget = rates.count(call.bearer ?? "", at: time.now)
    var response: ServerResponse
    if let wait = budget.wait {
      response = rateLimit(wait)
    } else {
      do throws(Problem) {
        response = try await answer(operation, call, request, cutting: cutting)
      } catch {
        response = error.response
      }
      settle()
    }
    response.headers = budget.headers.filter { $0.name != "Retry-After" } + response.headers
    return response
  }

  private func rateLimit(_ wait: Int) -> ServerResponse {
    let reset = time.now + .seconds(wait)
    var response = Problem(
      429, "rate_limited", "Rate limited",
      extras: [
        "limit": [
          "remaining": 0, "reset": .int(reset.milliseconds / 1000), "resetMs": .number(reset),
          "total": .int(Int64(rates.limit)),
        ]
      ]
    ).response
    response.headers.append(("Retry-After", String(wait)))
    return response
  }

  private func answer(
    _ operation: Operation, _ call: Call, _ request: ServerRequest, cutting: Bool
  ) async throws(Problem) -> ServerResponse {
    guard call.bearer != nil else {
      throw Problem(401, "forbidden", "Missing authentication token", extras: ["missingToken": true])
    }
    guard call.known != nil else {
      throw Problem(403, "forbidden", "Not authorized", extras: ["invalidToken": true])
    }
    var call = call
    guard !call.body.isNull else { throw .badRequest("Invalid JSON") }
    if operation.needsScope { call.owner = try world.owner(of: call) }
    switch operation.handler {
    case .world(let body): return try body(&world, call).response
    case .uploadFile: return try await upload(call, request)
    case .events: return try events(call, cutting: cutting)
    case .runtimeLogs: return try runtimeLogs(call)
    }
  }

  /// `POST /v2/files`, contract §2.1.
  private func upload(_ call: Call, _ request: ServerRequest) async throws(Problem) -> ServerResponse {
    let bytes = request.body
    guard let digest = request.header("x-vercel-digest") ?? request.header("x-now-digest") else {
      throw .badRequest("The header `x-vercel-digest` is missing")
    }
    guard bytes.count <= world.switches.uploadLimit else {
      throw Problem(413, "size_limit_exceeded", "The file is larger than \(world.switches.uploadLimit) bytes")
    }
    let size = request.header("x-now-size") ?? request.header("Content-Length")
    guard size.flatMap({ Int($0) }).map({ $0 == bytes.count }) ?? true else {
      throw Problem(400, "invalid_size", "The size does not match the content")
    }
    let builder = builder
    let keep: @Sendable () -> Problem? = {
      guard SHA1.hex(of: bytes) == digest else {
        return Problem(400, "invalid_digest", "The digest does not match the content")
      }
      do { try builder.keep(bytes, as: digest) } catch {
        return Problem(500, "internal_server_error", String(describing: error))
      }
      return nil
    }
    let problem: Problem?
    if builder is VercelScriptedBuilder {
      // Under a clock of a test, which must see that something is still being done.
      problem = keep()
    } else {
      // Digest and disk would hold up everybody else.
      problem = await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: keep()) }
      }
    }
    if let problem { throw problem }
    world.blobs[call.owner, default: [:]][digest] = bytes.count
    return .json(200, ["urls": []])
  }

  /// The project a request is about, by id and by name.
  private func subjects(of call: Call) -> [String] {
    var wanted: String?
    if call.path.contains("/projects/") { wanted = call.places.first }
    if call.path.contains("/deployments"), let id = World.deploymentID(call.place(0), in: world) {
      wanted = world.deployments[id]?.project
    }
    wanted = wanted ?? call.query("projectId") ?? call.body["project"]?.string ?? call.body["name"]?.string
    guard let wanted else { return [] }
    let project = world.projects.values.first { $0.id == wanted || $0.name == wanted }
    return [project?.name, project?.id].compactMap { $0 }
  }

  private func record(
    _ operation: Operation, _ call: Call, _ request: ServerRequest, _ response: ServerResponse,
    _ fault: RequestFault?, _ subjects: [String]
  ) {
    let fields = Dictionary(request.query.map { ($0.name, JSON.string($0.value)) }, uniquingKeysWith: { $1 })
    log.add(
      RequestRecord(
        number: 0, time: world.now, method: request.method, path: request.path, operation: operation.name,
        rootFields: [operation.alias].compactMap { $0 }, service: subjects.first,
        variables: ["query": .object(fields), "body": Self.redacted(call.body)],
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: call.known?.kind.rawValue,
        status: response.status, fault: fault?.name))
    guard case .world = operation.handler else {
      return note(request, .null, response)
    }
    note(request, call.hasBody ? call.body : .null, response)
  }

  private func note(_ request: ServerRequest, _ body: JSON, _ response: ServerResponse) {
    guard case .bytes(let bytes) = response.body, response.status > 0 else { return }
    // What is no JSON came from a fault, and is nothing of Vercel's to be judged.
    let answer = (try? JSON(parsing: bytes)) ?? .null
    recording?.add(
      platform: name, method: request.method, path: request.path, query: request.query, request: body,
      status: response.status, response: answer)
  }

  private static let secretMembers: Set<String> = ["value", "env", "secret", "data"]

  /// The body without secrets and file contents: what may be one is a fingerprint.
  private static func redacted(_ body: JSON) -> JSON {
    switch body {
    case .object(let members):
      .object(
        Dictionary(
          uniqueKeysWithValues: members.map { name, value in
            (name, secretMembers.contains(name) ? RequestLog.fingerprint(value) : redacted(value))
          }))
    case .array(let elements): .array(elements.prefix(50).map(redacted))
    default: body
    }
  }

  /// With the server's clock, which is the twin's.
  private func dated(_ response: ServerResponse) -> ServerResponse {
    var response = response
    response.headers.append(("Date", time.now.httpDate))
    return response
  }
}

extension Timestamp {
  /// As HTTP writes moments: `Fri, 21 Aug 2026 10:00:00 GMT`.
  var httpDate: String {
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let text = iso8601
    let day = Int((milliseconds / 86_400_000) % 7)
    let fields = text.prefix { $0 != "T" }.split(separator: "-")
    let time = text.drop { $0 != "T" }.dropFirst().prefix(8)
    guard fields.count == 3, let month = Int(fields[1]), months.indices.contains(month - 1),
      days.indices.contains(day)
    else { return text }
    return "\(days[day]), \(fields[2]) \(months[month - 1]) \(fields[0]) \(time) GMT"
  }
}
