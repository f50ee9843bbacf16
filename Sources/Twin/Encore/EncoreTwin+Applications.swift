import Concurrency
package import HTTPServer
import JSON

/// What the applications answer at their addresses: health in front, everything else from the process.
extension EncoreTwin {
  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? {
    guard let key = environment(at: host) else { return nil }
    return await application(of: key, request)
  }

  func application(of key: EncoreEnvironmentKey, _ request: ServerRequest) async -> ServerResponse {
    settle()
    switch world.answerer(in: key) {
    case .nobody: return EncoreTwin.nobody
    case .ending(let id):
      guard let health = health(of: id, in: key) else { return EncoreTwin.nobody }
      if health.language == .go || request.path == EncoreHealthAnswer.path {
        var ending = health
        ending.isShuttingDown = true
        return ending.response
      }
      return await forward(request, to: id, in: key)
    case .rollout(let id):
      guard request.path == EncoreHealthAnswer.path, let health = health(of: id, in: key) else {
        return await forward(request, to: id, in: key)
      }
      return health.response
    }
  }

  private func health(of id: String, in key: EncoreEnvironmentKey) -> EncoreHealthAnswer? {
    guard let app = world.apps[key.app], let rollout = world.rollouts[id] else { return nil }
    let traffic = world.environments[key]?.traffic
    return EncoreHealthAnswer(
      language: app.language, app: app.slug, environment: key.name, revision: rollout.revision, rollout: id,
      checks: app.checks, failing: traffic?.live == id ? traffic?.failingCheck : nil)
  }

  private func forward(
    _ request: ServerRequest, to id: String, in key: EncoreEnvironmentKey
  ) async -> ServerResponse {
    if let answer = await runtime.forward(request, to: id) {
      // It was ended while it was asked: a load balancer asks the one that lives.
      if answer.status == 502, request.method == "GET", let live = world.environments[key]?.traffic.live,
        live != id, let other = await runtime.forward(request, to: live)
      {
        return other
      }
      return answer
    }
    // Nothing runs there: the application is a scripted one.
    return .json(200, ["status": "ok", "version": .string(world.rollouts[id]?.revision ?? "")])
  }

  /// What the load balancer says.
  private static let nobody = ServerResponse(
    status: 503, headers: [("Content-Type", "text/plain")], body: .bytes(Array("no healthy upstream".utf8)))
}
