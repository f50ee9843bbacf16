import HTTPServer
import JSON

/// `/__encore/healthz` as the runtimes of both languages answer it, contract §9.
struct EncoreHealth: Sendable {
  static let path = "/__encore/healthz"

  var language: EncoreLanguage
  var app: String
  var environment: String
  var revision: String
  /// With its prefix `roll_`.
  var rollout: String
  /// Names of the checks of a Go application.
  var checks: [String] = []
  var failing: (name: String, error: String)?
  var isShuttingDown = false

  var response: ServerResponse {
    switch language {
    case .go: go
    case .typescript: typescript
    }
  }

  private var go: ServerResponse {
    if isShuttingDown { return EncoreHealth.unavailable }
    var results = checks.filter { $0 != failing?.name }.map { name -> JSON in
      ["name": .string(name), "passed": true]
    }
    if let failing {
      results.append(["name": .string(failing.name), "passed": false, "error": .string(failing.error)])
    }
    // A nil slice of Go is null.
    let told: JSON = results.isEmpty ? nil : .array(results)
    return answer(
      failing == nil ? 200 : 500, code: failing == nil ? "ok" : "unhealthy", message: EncoreHealth.greeting,
      deploy: rollout, checks: told)
  }

  private var typescript: ServerResponse {
    let deploy = rollout.hasPrefix("roll_") ? String(rollout.dropFirst(5)) : rollout
    return answer(
      isShuttingDown ? 503 : 200, code: isShuttingDown ? "shutting_down" : "ok",
      message: isShuttingDown ? "Service is shutting down" : EncoreHealth.greeting, deploy: deploy, checks: []
    )
  }

  private func answer(
    _ status: Int, code: String, message: String, deploy: String, checks: JSON
  ) -> ServerResponse {
    .json(
      status,
      [
        "code": .string(code), "message": .string(message),
        "details": [
          "app_slug": .string(app), "env_name": .string(environment), "app_revision": .string(revision),
          "encore_compiler": "", "deploy_id": .string(deploy), "checks": checks, "enabled_experiments": [],
        ],
      ])
  }

  /// What a Go application answers to any request in its last moments.
  static var unavailable: ServerResponse {
    var response = ServerResponse.json(
      503, ["code": "unavailable", "message": "server is shutting down", "details": nil])
    response.headers.append(("Retry-After", "2"))
    return response
  }

  private static let greeting = "Your Encore app is up and running!"
}
