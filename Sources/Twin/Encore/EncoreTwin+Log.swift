import HTTP
import HTTPServer

/// The environment's log: a WebSocket of text frames with lines, without end (contract §3).
extension EncoreTwin {
  func log(_ request: ServerRequest, of app: String, _ name: String) -> ServerResponse {
    let own = world.environments.values.filter { $0.key.app == app }
    let primary =
      own.filter { $0.type == "production" }.min { $0.key < $1.key } ?? own.min { $0.key < $1.key }
    guard let environment = name == "@primary" ? primary : own.first(where: { $0.key.name == name }) else {
      return EncoreReply.failure(
        404, code: "env_not_found", message: "environment not found", style: .enveloped)
    }
    guard request.header("Upgrade")?.lowercased() == "websocket",
      let key = request.header("Sec-WebSocket-Key")
    else {
      return EncoreReply.failure(400, code: "invalid_argument", message: "not a WebSocket", style: .enveloped)
    }
    return ServerResponse(
      status: 101,
      headers: [
        ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", WebSocketHandshake.accept(for: key)),
      ], body: .upgraded(frames(of: environment.key)))
  }

  /// What the environment's rollouts have printed so far, then what they print.
  private func frames(of key: EncoreEnvironmentKey) -> AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      let task = Task {
        var seen: [String: Int] = [:]
        while !Task.isCancelled {
          let fresh = newLines(of: key, after: &seen)
          if !fresh.isEmpty {
            let text = fresh.joined(separator: "\n") + "\n"
            continuation.yield(WebSocketFrame(.text, Array(text.utf8)).encoded(mask: nil))
          }
          do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  private func newLines(of key: EncoreEnvironmentKey, after seen: inout [String: Int]) -> [String] {
    settle()
    var fresh: [String] = []
    for id in world.rolloutOrder {
      guard let rollout = world.rollouts[id], rollout.key == key else { continue }
      let lines = rollout.lines
      // Old lines are dropped at some length: then those that are left count as new once more.
      fresh += lines.dropFirst(min(seen[id] ?? 0, lines.count))
      seen[id] = lines.count
    }
    return fresh
  }
}
