import Encore
import Model
import Railway
import Vercel

/// One platform that shipit knows: where its API is, and how its adapter is made.
struct PlatformRegistration: Sendable {
  var name: PlatformName
  /// The process variable that points the adapter elsewhere.
  var variable: String
  /// The address of the platform's API.
  var standard: String
  /// Nil when the environment declares no account there.
  var make: @Sendable (AdapterParts, Endpoint) throws(Failure) -> (any Platform)?

  init(
    _ name: PlatformName, variable: String, standard: String,
    make: @escaping @Sendable (AdapterParts, Endpoint) throws(Failure) -> (any Platform)?
  ) {
    self.name = name
    self.variable = variable
    self.standard = standard
    self.make = make
  }
}

/// Every platform: to add one is a line here.
let platformTable: [PlatformRegistration] = [
  .init(.railway, variable: "SHIPIT_RAILWAY_URL", standard: "https://backboard.railway.com") {
    parts, endpoint in
    guard let target = parts.environment.platforms.railway, let token = parts.secrets[target.tokenSecret]
    else { return nil }
    return RailwayPlatform(
      baseURL: endpoint.url, http: parts.http, clock: parts.clock, token: token, secrets: parts.secrets,
      packer: parts.packer, version: parts.version,
      appearance: endpoint.isLoopback ? .seconds(2) : .seconds(60), hide: parts.hide, random: parts.random)
  },
  .init(.vercel, variable: "SHIPIT_VERCEL_URL", standard: "https://api.vercel.com") { parts, endpoint in
    guard let target = parts.environment.platforms.vercel, let token = parts.secrets[target.tokenSecret]
    else { return nil }
    return VercelPlatform(
      baseURL: endpoint.url, http: parts.http, clock: parts.clock, token: token, secrets: parts.secrets,
      packer: parts.packer, root: parts.root, variables: parts.process,
      temporaryDirectory: parts.temporaryDirectory, version: parts.version,
      appearance: endpoint.isLoopback ? .seconds(2) : .seconds(20), launcher: parts.launcher,
      hide: parts.hide, random: parts.random)
  },
  .init(.encore, variable: "SHIPIT_ENCORE_URL", standard: "https://api.encore.dev") {
    parts, endpoint throws(Failure) in
    guard let target = parts.environment.platforms.encore else { return nil }
    return try EncorePlatform(
      baseURL: endpoint.url, http: parts.http, clock: parts.clock, target: target, secrets: parts.secrets,
      repository: parts.repository, version: parts.version,
      appearance: endpoint.isLoopback ? .seconds(60) : .seconds(900),
      programPath: { parts.path(of: $0) }, root: parts.root, hide: parts.hide, random: parts.random)
  },
]

/// Builds container images here, for a platform to pull.
let imageBuilder: @Sendable (AdapterParts, @escaping @Sendable (String) -> String) -> any StepPerformer = {
  parts, redact in
  EncoreImageBuilder(
    repository: parts.repository, http: parts.http, clock: parts.clock, launcher: parts.launcher,
    process: parts.process, redact: redact, temporaryDirectory: parts.temporaryDirectory,
    hide: parts.hide)
}
