import HTTPServer
import JSON

/// A request to one of the receivers.
struct NotificationCall: Sendable {
  enum Kind: Sendable {
    case slack(method: String)
    case hook(path: String)
    /// With the message that is to be changed.
    case discord(id: String, token: String, message: String?)
    case webhook(name: String)
  }

  var request: ServerRequest
  var kind: Kind
  var body: JSON

  /// Nil for a path that none of them has.
  init?(_ request: ServerRequest) {
    self.request = request
    body = (try? JSON(parsing: request.body)) ?? .null
    let parts = request.path.split(separator: "/").map(String.init)
    switch (request.method, parts.first) {
    case ("POST", "api") where parts.count == 2: kind = .slack(method: parts[1])
    case ("POST", "services"): kind = .hook(path: request.path)
    case ("POST", "hooks") where parts.count == 2: kind = .webhook(name: parts[1])
    case ("POST", "api") where parts.count == 5 && parts[2] == "webhooks":
      kind = .discord(id: parts[3], token: parts[4], message: nil)
    case ("PATCH", "api") where parts.count == 7 && parts[2] == "webhooks" && parts[5] == "messages":
      kind = .discord(id: parts[3], token: parts[4], message: parts[6])
    default: return nil
    }
  }

  /// The name that faults and counters know it by.
  var operation: String {
    switch kind {
    case .slack(let method): method
    case .hook: "hook"
    case .discord(_, _, nil): "discord"
    case .discord: "discord-edit"
    case .webhook: "webhook"
    }
  }

  /// How its service says that it fails.
  var words: FaultGate.Words {
    switch kind {
    case .slack:
      FaultGate.Words(
        rateLimited: { NotificationReply.slackRateLimit($0) },
        error: { message, code in .json(200, ["ok": false, "error": .string(code ?? message)]) })
    case .hook:
      FaultGate.Words(
        rateLimited: { NotificationReply.slackRateLimit($0) },
        error: { message, code in NotificationReply.text(400, code ?? message) })
    case .discord:
      FaultGate.Words(
        rateLimited: { NotificationReply.discordRateLimit(Double($0 ?? 1)) },
        error: { message, code in
          .json(400, ["message": .string(message), "code": .int(Int64(code ?? "") ?? 50035)])
        })
    case .webhook:
      FaultGate.Words(
        rateLimited: { wait in
          var response = NotificationReply.text(429, "slow down")
          if let wait { response.headers.append(("Retry-After", String(wait))) }
          return response
        },
        error: { message, _ in NotificationReply.text(400, message) })
    }
  }
}

/// Answers in the shapes of the receivers.
enum NotificationReply {
  static func text(_ status: Int, _ text: String) -> ServerResponse {
    ServerResponse(
      status: status, headers: [("Content-Type", "text/plain")], body: .bytes(Array(text.utf8)))
  }

  static func slackRateLimit(_ seconds: Int?) -> ServerResponse {
    var response = ServerResponse.json(429, ["ok": false, "error": "ratelimited"])
    if let seconds { response.headers.append(("Retry-After", String(seconds))) }
    return response
  }

  static func discordRateLimit(_ seconds: Double) -> ServerResponse {
    var response = ServerResponse.json(
      429,
      ["message": "You are being rate limited.", "retry_after": .double(seconds), "global": false])
    response.headers += [
      ("Retry-After", String(Int(seconds.rounded(.up)))), ("X-RateLimit-Remaining", "0"),
      ("X-RateLimit-Scope", "user"),
    ]
    return response
  }
}
