package import Concurrency
import HTTP
package import HTTPServer

/// Railway as one of the platforms of a twin.
extension TwinCore: Emulation {
  nonisolated package var name: String { "railway" }
  nonisolated package var endpointVariable: String { "SHIPIT_RAILWAY_URL" }

  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? {
    settle()
    guard let services = runtime as? ScriptedRuntime,
      let answer = services.answer(address: host, path: request.path)
    else { return nil }
    return ServerResponse(status: answer.status, headers: answer.headers, body: .bytes(answer.body))
  }

  package func control(_ request: ServerRequest) -> ServerResponse {
    var request = request
    request.path = "/_twin" + request.path
    return answerControl(request)
  }

  package var nextDue: Timestamp? {
    [world.nextDue, runtime.nextEvent].compactMap { $0 }.min()
  }

  package func stop() async {
    await runtime.stop()
  }
}
