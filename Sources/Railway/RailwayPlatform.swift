package import Concurrency
package import HTTP
package import Model

/// Railway: reads what runs there and carries out steps by its API.
package struct RailwayPlatform: Platform {
  package var name: PlatformName { .railway }

  let client: RailwayClient
  let secrets: SecretValues
  let packer: any SourcePacker
  let pollers: Pollers
  let places = Places()
  /// How long a deployment may take to appear whose request got no answer.
  let appearance: Duration
  /// Told of secrets that are learned from Railway.
  let hide: @Sendable (String, Sensitive) -> Void
  var clock: any TimeSource { client.clock }

  /// - Parameters:
  ///   - secrets: values by name, for variables; also what no error may contain.
  ///   - appearance: how long a deployment may take to appear whose request got no answer (contract §12).
  ///   - version: shipit's own, told to Railway.
  ///   - hide: told of each secret that is learned from Railway, with a name for it, before it is used.
  ///   - spawn: starts what several steps share, such as the polling of an environment.
  ///   - random: in 0..<1, for the jitter of waits.
  package init(
    baseURL: String = "https://backboard.railway.com", http: any HTTPTransport, clock: any TimeSource,
    token: Sensitive, secrets: SecretValues, packer: any SourcePacker, version: String = "0",
    appearance: Duration = .seconds(60),
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in },
    spawn: Spawner = .tasks, random: @escaping @Sendable () -> Double
  ) {
    let client = RailwayClient(
      baseURL: baseURL, http: http, clock: clock, token: token, hidden: secrets.all.map(\.value),
      userAgent: "shipit/\(version)",
      spawn: spawn, random: random)
    self.client = client
    self.secrets = secrets
    self.packer = packer
    self.appearance = appearance
    self.hide = hide
    pollers = Pollers(client: client)
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    switch step.action {
    case .settings(let write): await perform(write)
    case .variables(let write): await perform(write)
    case .deploy(let request): await deploy(request, step, call)
    case .restore(let restore): await perform(restore, step, call)
    case .create(let creation): await perform(creation, step, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    switch step.action {
    case .settings(let write): await probe(write)
    case .variables(let write): await probe(write)
    case .deploy(let request): await probe(request, step, call)
    case .restore(let restore): await probe(restore, step, call)
    case .create(let creation): await probe(creation, step, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  func foreign(_ step: Step) -> Failure {
    Failure(.internalError, "the step \(step.id) is none of Railway's", place: step.id.rawValue)
  }

  /// The kind of the token, for sentences, when it is known by now.
  func tokenWords() async -> String? { (try? await client.identity(.read))?.description }

  /// Project and environment as ids, found once for each target.
  func resolve(_ environment: Environment) async throws(Failure) -> ResolvedPlace {
    guard let target = environment.platforms.railway else {
      throw Failure(
        .configuration, "a service is on Railway, but `platforms.railway` is missing",
        place: "platforms.railway",
        hint: "add project, environment and token under `platforms.railway`")
    }
    if let known = places.places.withLock({ $0[target] }) { return known }
    let found = try await Resolution(client: client).place(of: target)
    places.places.withLock { $0[target] = found }
    return found
  }
}

/// What names were found to mean.
final class Places: Sendable {
  let places = Locked<[RailwayTarget: ResolvedPlace]>([:])
  /// Ids of what shipit made, as the ledger has them and as was found out since.
  let made = Locked<Set<String>>([])
}
