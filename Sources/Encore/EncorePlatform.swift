package import Concurrency
package import HTTP
package import Model

/// Encore Cloud: one service stands for a whole application in one of its environments.
///
/// Encore builds the pushed commit itself. Its public API knows three things: a token, a trigger, and a read of
/// one rollout (contract §4). What serves is known from the application's own health answer (§9).
package struct EncorePlatform: Platform {
  package var name: PlatformName { .encore }

  let client: EncoreClient
  let http: any HTTPTransport
  let target: EncoreTarget
  let secrets: SecretValues
  let repository: any CommitRepository
  /// How long a rollout may take to show in the health answer whose trigger got no answer.
  let appearance: Duration
  let memory = RolloutMemory()
  /// Looks for the command line tool, for `doctor`; nil: not installed.
  let programPath: @Sendable (String) -> String?
  /// The project's root, whose workflows `doctor` reads; nil: none.
  let root: String?
  let feed: LogFeed
  var clock: any TimeSource { client.clock }

  /// - Parameters:
  ///   - secrets: values by name, for the account and for variables; also what no error may contain.
  ///   - appearance: how long a rollout may take from its trigger to its health answer.
  ///   - version: shipit's own, told to Encore.
  ///   - programPath: where a program is, by its name.
  ///   - root: the project's, whose workflows `doctor` reads.
  ///   - hide: told of each token that Encore gives, with a name for it, before it is used.
  ///   - random: in 0..<1, for the jitter of waits.
  /// - Throws: `Failure` of kind configuration when a credential has no value.
  package init(
    baseURL: String = "https://api.encore.dev", http: any HTTPTransport, clock: any TimeSource,
    target: EncoreTarget, secrets: SecretValues, repository: any CommitRepository, version: String = "0",
    appearance: Duration = .seconds(900), programPath: @escaping @Sendable (String) -> String? = { _ in nil },
    root: String? = nil, feed: LogFeed = .webSocket,
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in },
    random: @escaping @Sendable () -> Double
  ) throws(Failure) {
    func value(_ name: String, _ place: String) throws(Failure) -> Sensitive {
      if let value = secrets[name], !value.isEmpty { return value }
      throw Failure(
        .configuration, "the secret \(name), wanted by \(place), has no value", place: place,
        hint: "set \(name) in one of secrets.sources")
    }
    client = EncoreClient(
      baseURL: baseURL, http: http, clock: clock,
      clientID: try value(target.clientIDSecret, "platforms.encore.client.id"),
      clientSecret: try value(target.clientSecretSecret, "platforms.encore.client.secret"),
      key: try target.keySecret.map { name throws(Failure) in try value(name, "platforms.encore.key") },
      hidden: secrets.all.map(\.value), userAgent: "shipit/\(version)", hide: hide,
      random: random)
    self.http = http
    self.target = target
    self.secrets = secrets
    self.repository = repository
    self.appearance = appearance
    self.programPath = programPath
    self.root = root
    self.feed = feed
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    switch step.action {
    case .variables(let write): await perform(write)
    case .deploy(let request): await deploy(request, step, call)
    case .restore(let restore): await perform(restore, step, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    switch step.action {
    // Values cannot be read back; to write the same ones again changes nothing.
    case .variables: .absent
    case .deploy(let request):
      await probe(EncorePlace(request.target), commit: request.commit, previous: request.previous, call)
    case .restore(let restore): await probe(restore, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  func foreign(_ step: Step) -> Failure {
    Failure(.internalError, "the step \(step.id) is none of Encore's", place: step.id.rawValue)
  }
}

/// A service's place on Encore, as its target carries it.
struct EncorePlace: Sendable, Hashable {
  var app: String
  var environment: String
  /// The base of the health answer.
  var address: String
  /// Where `encore.app` is, relative to the project.
  var directory: String

  init(app: String, environment: String, address: String, directory: String) {
    self.app = app
    self.environment = environment
    self.address = address
    self.directory = directory
  }

  init(_ target: ServiceTarget) {
    app = target.ids["app"] ?? ""
    environment = target.ids["environment"] ?? ""
    address = target.ids["address"] ?? ""
    directory = target.ids["directory"] ?? "."
  }

  func target(_ service: ServiceName) -> ServiceTarget {
    ServiceTarget(
      service: service, platform: .encore, name: name,
      ids: ["app": app, "environment": environment, "address": address, "directory": directory])
  }

  var name: String { "\(app)/\(environment)" }

  /// The platform's own address of an environment (contract §9).
  static func standardAddress(app: String, environment: String) -> String {
    "https://\(environment)-\(app).encr.app"
  }

  /// Where a person sees a rollout (contract §5).
  func page(of rollout: String) -> String {
    "https://app.encore.dev/\(app)/deploys/\(environment)/\(RolloutID.bare(rollout))"
  }
}

/// What this process knows of rollouts it made, which no listing of Encore's would tell.
final class RolloutMemory: Sendable {
  private struct State {
    /// Not seen at their end, by environment.
    var open: [String: String] = [:]
    /// Given up while they waited for a person.
    var unapproved: Set<String> = []
  }

  private let state = Locked(State())

  func began(_ id: String, in place: EncorePlace) { state.withLock { $0.open[place.name] = id } }
  func ended(_ id: String, in place: EncorePlace) {
    state.withLock { if $0.open[place.name] == id { $0.open[place.name] = nil } }
  }
  func open(in place: EncorePlace) -> String? { state.withLock { $0.open[place.name] } }
  func gaveUp(_ id: String) { state.withLock { _ = $0.unapproved.insert(id) } }
  func wasGivenUp(_ id: String) -> Bool { state.withLock { $0.unapproved.contains(id) } }
}
