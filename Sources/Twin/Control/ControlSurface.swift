import HTTPServer
import JSON

/// The control surface of a twin with several platforms, on Railway's port: `/_twin/…` is Railway's own,
/// `/_twin/NAME/…` another platform's, and the page shows all.
struct ControlSurface: Sendable {
  let railway: TwinCore
  let others: [any Emulation]

  /// Answers a request to Railway's port.
  func answer(_ request: ServerRequest) async -> ServerResponse {
    let parts = request.path.split(separator: "/").map(String.init)
    guard parts.first == "_twin", parts.count > 1 else { return await railway.answer(request) }
    if parts == ["_twin", "state"], request.method == "GET" {
      let answer = await railway.answer(request)
      guard answer.status == 200 else { return answer }
      var platforms: [String: JSON] = [:]
      for platform in others { platforms[platform.name] = await platform.overview }
      return answer.rewritten {
        .object(($0.object ?? [:]).merging(["platforms": .object(platforms)]) { $1 })
      }
    }
    guard let platform = others.first(where: { $0.name == parts[1] }) else {
      return await railway.answer(request)
    }
    if let refusal = ControlSurface.refusal(of: request) { return refusal }
    var inner = request
    inner.path = "/" + parts.dropFirst(2).joined(separator: "/")
    return await platform.control(inner)
  }

  /// What every small platform offers: its state, what was asked of it, and faults.
  /// - Parameter request: to a path below the platform's own.
  static func answer(
    _ request: ServerRequest, overview: JSON, log: RequestLog, faults: inout FaultTable
  ) -> ServerResponse {
    if let refusal = refusal(of: request) { return refusal }
    let name = request.path.split(separator: "/").joined(separator: "/")
    do {
      switch (request.method, name) {
      case ("GET", "state"): return .json(200, overview)
      case ("GET", "requests"): return .json(200, .array(log.records.map(\.json)))
      case ("GET", "counts"): return .json(200, .object(log.counts.mapValues { .int(Int64($0)) }))
      case ("DELETE", "faults"): faults.rules = []
      case ("POST", "faults"):
        let body = try JSON(parsing: request.body)
        for script in body.array ?? [body] {
          guard let rule = try FaultRule(script) else { throw Refusal("a fault needs the key \"fault\"") }
          faults.rules.append(rule)
        }
      default: return .json(404, ["error": "unknown control path"])
      }
      return .json(200, ["ok": true])
    } catch let refusal as Refusal {
      return .json(400, ["error": .string(refusal.message)])
    } catch {
      return .json(400, ["error": .string(String(describing: error))])
    }
  }

  /// Refuses requests that a web page of another origin could send.
  static func refusal(of request: ServerRequest) -> ServerResponse? {
    let host = (request.header("Host") ?? "127.0.0.1").split(separator: ":").first.map(String.init) ?? ""
    guard ["127.0.0.1", "localhost"].contains(host), request.header("Origin") == nil else {
      return .json(403, ["error": "the control surface answers on loopback only"])
    }
    return nil
  }
}
