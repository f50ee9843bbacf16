import Model
import Railway

/// One platform that shipit knows: where its API is, and how its adapter is made.
struct PlatformRegistration: Sendable {
  var name: PlatformName
  /// The process variable that points the adapter elsewhere.
  var variable: String
  /// The address of the platform's API.
  var standard: String
  /// Nil when the environment declares no account there.
  var make: @Sendable (AdapterParts, Endpoint) -> (any Platform)?

  init(
    _ name: PlatformName, variable: String, standard: String,
    make: @escaping @Sendable (AdapterParts, Endpoint) -> (any Platform)?
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
      appearance: endpoint.isLoopback ? .seconds(2) : .seconds(60), random: parts.random)
  },
  // Their keys are read and their order is planned; without an adapter a plan says that they cannot be used.
  .init(.vercel, variable: "SHIPIT_VERCEL_URL", standard: "https://api.vercel.com") { _, _ in nil },
  .init(.encore, variable: "SHIPIT_ENCORE_URL", standard: "https://api.encore.dev") { _, _ in nil },
]

/// Builds container images here, for a platform to pull; nil while there is no adapter that does.
let imageBuilder: (@Sendable (AdapterParts) -> any StepPerformer)? = nil
