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

  /// Refuses requests that a web page of another origin could send.
  static func refusal(of request: ServerRequest) -> ServerResponse? {
    let host = (request.header("Host") ?? "127.0.0.1").split(separator: ":").first.map(String.init) ?? ""
    guard ["127.0.0.1", "localhost"].contains(host), request.header("Origin") == nil else {
      return .json(403, ["error": "the control surface answers on loopback only"])
    }
    return nil
  }
}
