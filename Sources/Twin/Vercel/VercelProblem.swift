import HTTPServer
import JSON

extension VercelTwin {
  /// Why a request was refused, in the API's own form (contract §9).
  struct Problem: Error, Sendable {
    var status: Int
    var code: String
    var message: String
    var extras: [String: JSON] = [:]

    init(_ status: Int, _ code: String, _ message: String, extras: [String: JSON] = [:]) {
      self.status = status
      self.code = code
      self.message = message
      self.extras = extras
    }

    static func badRequest(_ message: String) -> Problem { Problem(400, "bad_request", message) }
    static func notFound(_ what: String) -> Problem { Problem(404, "not_found", "\(what) not found") }
    static let notAuthorized = Problem(403, "forbidden", "Not authorized")

    var response: ServerResponse {
      var error = extras
      error["code"] = .string(code)
      error["message"] = .string(message)
      return .json(status, ["error": .object(error)])
    }

    /// The status that goes with a scripted code.
    static func status(of code: String?) -> Int {
      switch code {
      case "forbidden", "team_unauthorized": 403
      case "not_found": 404
      case "conflict", "existing_key_and_target": 409
      case "unprocessable_entity": 422
      case "internal_server_error": 500
      case "rate_limited": 429
      case let code? where code.hasPrefix("api-deployments") || code == "payment_required": 402
      default: 400
      }
    }

    /// What the API says when a fault strikes.
    static let words = FaultGate.Words(
      rateLimited: { wait in
        var response = Problem(
          429, "rate_limited", "The rate limit is exceeded",
          extras: ["limit": ["remaining": 0, "reset": 0, "resetMs": 0, "total": 0]]
        ).response
        if let wait { response.headers.append(("Retry-After", String(wait))) }
        return response
      },
      error: { message, code in
        Problem(status(of: code), code ?? "bad_request", message).response
      })
  }

  /// What a request is answered with.
  struct Answer: Sendable {
    var status: Int
    /// Nil sends no body.
    var body: JSON?

    init(_ body: JSON?, status: Int = 200) {
      self.status = status
      self.body = body
    }

    var response: ServerResponse {
      if let body { return .json(status, body) }
      return ServerResponse(status: status)
    }
  }
}
