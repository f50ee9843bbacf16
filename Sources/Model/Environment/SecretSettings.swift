/// Where secret values come from; the first source that has a name wins (DESIGN §3).
package struct SecretSettings: Sendable, Hashable, Codable {
  package enum Source: Sendable, Hashable, Codable {
    /// The variables of the process that shipit is started in.
    case environment
    /// A file of `NAME=value` lines, read as the dialect says.
    case dotenv(path: String, dialect: String)
    case command(CommandSecrets)
    case sops(SOPSSecrets)
    case vault(VaultSecrets)
    case aws(AWSSecrets)
    case doppler(DopplerSecrets)
  }

  package var sources: [Source]
  /// The secrets of GitHub Actions that are kept as the sources have them; nil: none.
  package var actions: ActionsSecretsTarget?

  package init(sources: [Source] = [.environment], actions: ActionsSecretsTarget? = nil) {
    self.sources = sources
    self.actions = actions
  }

  /// The secrets by which sources are reached.
  package var credentials: [String] { sources.flatMap(\.credentials) }
}

extension SecretSettings.Source {
  /// The secrets by which it is reached; each comes from a source that stands earlier.
  package var credentials: [String] {
    switch self {
    case .environment, .dotenv, .aws: []
    case .command(let command): command.pass
    case .sops(let file): file.keySecret.map { [$0] } ?? []
    case .vault(let vault):
      switch vault.login {
      case .token(let secret): [secret]
      case .appRole(let role, let secret, _): [role, secret]
      case .github: []
      }
    case .doppler(let doppler): [doppler.tokenSecret]
    }
  }
}

/// Where secrets may travel.
package enum SecretAddress {
  /// Over TLS, or within this machine.
  package static func isSafe(_ address: String) -> Bool {
    if address.hasPrefix("https://") { return true }
    guard address.hasPrefix("http://") else { return false }
    let authority = address.dropFirst(7).prefix { !"/?#".contains($0) }
    guard !authority.contains("@") else { return false }
    if authority == "[::1]" || authority.hasPrefix("[::1]:") { return true }
    let host = authority.prefix { $0 != ":" }
    return host == "localhost" || host == "127.0.0.1"
  }
}

/// What is cut from the end of a program's output before it is a value (contract secrets §1.6).
package enum SecretTrim: String, Sendable, Hashable, Codable, CaseIterable {
  /// One line feed, or one carriage return with its line feed.
  case newline
  case none
  /// White space at both ends.
  case all
}

/// A program that prints secrets.
package struct CommandSecrets: Sendable, Hashable, Codable {
  /// The program and its arguments; no shell reads them.
  package var run: [String]
  /// The whole output is the value of this one secret; nil: it is a JSON object.
  package var name: String?
  /// By a secret's name, the key in the object.
  package var names: [String: String]
  package var trim: SecretTrim
  package var timeout: Duration
  /// Variables it is given; their values come from earlier sources.
  package var pass: [String]

  package init(
    run: [String], name: String? = nil, names: [String: String] = [:], trim: SecretTrim = .newline,
    timeout: Duration = .seconds(30), pass: [String] = []
  ) {
    self.run = run
    self.name = name
    self.names = names
    self.trim = trim
    self.timeout = timeout
    self.pass = pass
  }
}

/// A file encrypted with SOPS.
package struct SOPSSecrets: Sendable, Hashable, Codable {
  package var path: String
  /// By a secret's name, the key in the file; dots step into mappings.
  package var names: [String: String]
  /// The secret that holds the age key; nil: sops finds one by itself.
  package var keySecret: String?

  package init(path: String, names: [String: String] = [:], keySecret: String? = nil) {
    self.path = path
    self.names = names
    self.keySecret = keySecret
  }
}

/// A secret of the KV version 2 engine of Vault or OpenBao.
package struct VaultSecrets: Sendable, Hashable, Codable {
  package enum Login: Sendable, Hashable, Codable {
    /// The secret that holds a token.
    case token(secret: String)
    /// The secrets that hold the role's id and the secret id, and where the method is mounted.
    case appRole(role: String, secret: String, mount: String)
    /// The token by which GitHub Actions vouches for its job, exchanged for one of the role.
    case github(role: String, audience: String?, mount: String)
  }

  package var address: String
  package var mount: String
  /// Below the mount.
  package var path: String
  package var namespace: String?
  package var login: Login
  /// A PEM file of the authorities to trust instead of the system's.
  package var authorities: String?
  package var names: [String: String]

  package init(
    address: String, mount: String, path: String, namespace: String? = nil, login: Login,
    authorities: String? = nil, names: [String: String] = [:]
  ) {
    self.address = address
    self.mount = mount
    self.path = path
    self.namespace = namespace
    self.login = login
    self.authorities = authorities
    self.names = names
  }
}

/// A secret of AWS Secrets Manager.
package struct AWSSecrets: Sendable, Hashable, Codable {
  package var region: String
  /// Its name or ARN.
  package var id: String
  /// The whole text is the value of this one secret; nil: it is a JSON object.
  package var name: String?
  /// By a secret's name, the key in the object.
  package var names: [String: String]
  /// The label of the version: `AWSCURRENT`, `AWSPREVIOUS`, `AWSPENDING`.
  package var stage: String
  /// The ARN of the role that a job of GitHub Actions takes on; nil: the credentials of the process.
  package var role: String?

  package init(
    region: String, id: String, name: String? = nil, names: [String: String] = [:],
    stage: String = "AWSCURRENT", role: String? = nil
  ) {
    self.region = region
    self.id = id
    self.name = name
    self.names = names
    self.stage = stage
    self.role = role
  }
}

/// A config of Doppler.
package struct DopplerSecrets: Sendable, Hashable, Codable {
  /// nil: the token's own.
  package var project: String?
  package var config: String?
  /// The secret that holds the token.
  package var tokenSecret: String
  package var names: [String: String]

  package init(
    project: String? = nil, config: String? = nil, tokenSecret: String, names: [String: String] = [:]
  ) {
    self.project = project
    self.config = config
    self.tokenSecret = tokenSecret
    self.names = names
  }
}
