import HTTPServer

/// The paths that Encore has: the CLI's routes (contract §3) and the public API (§4).
enum EncoreRoute: Sendable, Equatable {
  case login, refresh, token, graphQL
  case listApps, createApp
  case app(String)
  case environments(app: String)
  case deploy(app: String, environment: String)
  case localSecrets(app: String)
  case setSecret(app: String, key: String)
  case metadata(app: String, environment: String)
  case clusters(app: String, environment: String)
  case log(app: String, environment: String)
  case trigger(app: String, environment: String)
  case rollout(app: String, id: String)

  /// How success and failure look.
  enum Style: Sendable {
    /// `{"ok", "data"}`.
    case enveloped
    /// The object itself.
    case bare
  }

  init?(_ request: ServerRequest) {
    let parts = request.path.split(separator: "/").map(String.init)
    switch (request.method, parts.count, parts.first) {
    case ("POST", 2, "login") where parts[1] == "auth-key": self = .login
    case ("POST", 2, "login") where parts[1] == "oauth:refresh-token": self = .refresh
    case ("POST", 1, "graphql"): self = .graphQL
    case ("GET", 2, "user") where parts[1] == "apps": self = .listApps
    case ("POST", 1, "apps"): self = .createApp
    case ("GET", 2, "apps"): self = .app(parts[1])
    case ("GET", 3, "apps") where parts[2] == "envs": self = .environments(app: parts[1])
    case ("GET", 3, "apps") where parts[2] == "secrets:values": self = .localSecrets(app: parts[1])
    case ("POST", 5, "apps") where parts[2] == "secrets" && parts[4] == "versions":
      self = .setSecret(app: parts[1], key: parts[3])
    case (_, 5, "apps") where parts[2] == "envs":
      switch (request.method, parts[4]) {
      case ("POST", "rollouts"): self = .deploy(app: parts[1], environment: parts[3])
      case ("GET", "meta"): self = .metadata(app: parts[1], environment: parts[3])
      case ("GET", "log"): self = .log(app: parts[1], environment: parts[3])
      case ("GET", "k8s-clusters"): self = .clusters(app: parts[1], environment: parts[3])
      default: return nil
      }
    case ("POST", 3, "api") where parts[1] == "oauth" && parts[2] == "token": self = .token
    case ("POST", 6, "api") where parts[1] == "apps" && parts[3] == "envs" && parts[5] == "rollouts":
      self = .trigger(app: parts[2], environment: parts[4])
    case ("GET", 5, "api") where parts[1] == "apps" && parts[3] == "rollouts":
      self = .rollout(app: parts[2], id: parts[4])
    default: return nil
    }
  }

  /// Its name in fault scripts and counters.
  var operation: String {
    switch self {
    case .login: "login"
    case .refresh: "refresh"
    case .token: "token"
    case .graphQL: "graphql"
    case .listApps: "apps"
    case .createApp: "create-app"
    case .app: "app"
    case .environments: "environments"
    case .deploy: "deploy"
    case .localSecrets: "local-secrets"
    case .setSecret: "set-secret"
    case .metadata: "metadata"
    case .clusters: "clusters"
    case .log: "log"
    case .trigger: "trigger"
    case .rollout: "rollout"
    }
  }

  var style: Style {
    switch self {
    case .token, .refresh, .trigger, .rollout, .graphQL: .bare
    default: .enveloped
    }
  }

  /// Whose tokens it takes; nil when it gives tokens out.
  var tokenKind: EncoreAccess.Token.Kind? {
    switch self {
    case .login, .refresh, .token: nil
    case .trigger, .rollout: .client
    default: .cli
    }
  }

  /// The application it is about.
  var app: String? {
    switch self {
    case .login, .refresh, .token, .graphQL, .listApps, .createApp: nil
    case .app(let app), .environments(let app), .deploy(let app, _), .localSecrets(let app),
      .setSecret(let app, _), .metadata(let app, _), .clusters(let app, _), .log(let app, _),
      .trigger(let app, _), .rollout(let app, _):
      app
    }
  }

  /// The environment it is about.
  var environment: String? {
    switch self {
    case .deploy(_, let name), .metadata(_, let name), .clusters(_, let name), .log(_, let name),
      .trigger(_, let name):
      name
    default: nil
    }
  }
}
