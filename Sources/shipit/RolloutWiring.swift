import Commands
import Concurrency
import Crypto
import Flags
import HTTP
import JSON
import Metrics
import Model
import Railway
import Rollouts
import Runner
import Secrets

/// Makes what the rollouts of an environment are carried out with: flags, stores, calendars, and only their secrets.
struct RolloutWiring: Sendable {
  let project: Project
  let environment: Model.Environment
  let ledger: any Ledger
  let http: HTTPClient
  let clock: any TimeSource
  let variables: [String: String]
  private let secrets: [String: Sensitive]
  private let marks: RolloutMarks
  private let redact: @Sendable (String) -> String
  /// Why shares are raised within a freeze.
  var freezeOverride: String?

  /// - Throws: `configuration`, naming every secret of a flag or store that is not at hand.
  static func open(
    _ project: Project, _ environment: Model.Environment, _ ledger: any Ledger, _ console: Console,
    http: HTTPClient = HTTPClient()
  ) async throws(Failure) -> RolloutWiring {
    let variables = processEnvironment()
    let ofMarks = Set((environment.marks ?? []).map(\.secret.name))
    var names = Set((environment.rollouts ?? []).flatMap(\.secretNames))
    if let railway = environment.platforms.railway,
      environment.rollouts?.contains(where: \.asksRailway) == true
    {
      names.insert(railway.tokenSecret)
    }
    let pool = await SecretPool.open(
      environment.secrets, wanting: names.union(ofMarks), SecretAccess(root: project.root, process: variables)
    )
    var secrets: [String: Sensitive] = [:]
    for name in names.union(ofMarks).sorted() {
      guard let value = pool[name], !value.isEmpty else { continue }
      secrets[name] = value
    }
    console.hide(secrets.map { ($0.key, $0.value) })
    let missing = names.subtracting(secrets.keys).sorted()
    guard missing.isEmpty else {
      if let failure = pool.failure { throw failure }
      throw Failure(
        .configuration,
        "the rollouts of \(environment.name) need \(missing.joined(separator: ", ")), not set",
        place: "environments/\(environment.name).yaml: rollouts",
        hint: "set it in the environment of shipit, or in a source under `secrets`")
    }
    return RolloutWiring(
      project: project, environment: environment, ledger: ledger, http: http, clock: Session.clock,
      variables: variables, secrets: secrets, redact: console.redactor)
  }

  private init(
    project: Project, environment: Model.Environment, ledger: any Ledger, http: HTTPClient,
    clock: any TimeSource, variables: [String: String], secrets: [String: Sensitive],
    redact: @escaping @Sendable (String) -> String
  ) {
    self.redact = redact
    self.project = project
    self.environment = environment
    self.ledger = ledger
    self.http = http
    self.clock = clock
    self.variables = variables
    self.secrets = secrets
    marks = RolloutMarks(environment, secrets: secrets, http: http, clock: clock, variables: variables)
  }

  /// Plans that look at the flags of the environment's rollouts, as far as their secrets are at hand.
  static func planning(_ session: Session, _ console: Console) async -> Planning {
    var planning = session.planning
    guard session.environment.rollouts?.isEmpty == false else { return planning }
    do throws(Failure) {
      let wiring = try await open(
        session.project, session.environment, session.ledger, console, http: session.http)
      planning.flags = { target throws(Failure) in try await wiring.flag(of: target).read() }
    } catch {
      console.warning("the flags of rollouts were not looked at: \(error.message)")
    }
    return planning
  }

  var by: String { Session.user(variables) }

  func digest(of target: RolloutTarget) -> String {
    (try? JSON(encoding: target)).map { SHA256.digest(of: $0.serialized()).hex } ?? ""
  }

  /// - Parameter calendar: when it may be raised.
  func parts(_ target: RolloutTarget, _ console: Console) throws(Failure) -> RolloutParts {
    let flag = try flag(of: target)
    let wiring = self
    return RolloutParts(
      target, flag: flag,
      measures: { record throws(Failure) in try wiring.measures(target, record) },
      calendar: try RolloutTelling(
        environment: environment, console: console, clock: clock, variables: variables
      ).calendar(of: target), ledger: ledger, clock: clock, by: by, digest: digest(of: target),
      freezeOverride: freezeOverride, mark: marks.leave)
  }

  /// Switches rollouts off under a lease; what goes wrong is in the result of each.
  func switchOff(
    _ targets: [RolloutTarget], reason: String, under hold: RolloutHold, _ console: Console
  ) async -> [(RolloutTarget, RolloutResult)] {
    var results: [(RolloutTarget, RolloutResult)] = []
    for target in targets {
      do throws(Failure) {
        results.append(
          (target, try await RolloutRound(try parts(target, console), under: hold).switchOff(reason)))
      } catch {
        let record = try? await ledger.rollout(target.key)
        results.append((target, RolloutResult(target.key, .troubled, record, failure: error)))
      }
    }
    return results
  }

  // MARK: The flag

  func flag(of target: RolloutTarget) throws(Failure) -> any FlagProvider {
    let serve = target.flag.served
    switch target.flag.store {
    case .launchDarkly(let project, let environment, let url):
      guard let name = target.flag.tokenSecret, let token = secrets[name] else {
        throw Failure(
          .configuration, "the flag \(target.key) names no token", place: "rollouts.\(target.key).flag",
          hint: "flag: {token: {secret: LAUNCHDARKLY_TOKEN}}")
      }
      let address = variables[Endpoints.launchDarklyVariable].flatMap { $0.isEmpty ? nil : $0 } ?? url
      if let address, !Endpoints.isAllowed(address) {
        throw Failure(
          .configuration, "\(Endpoints.launchDarklyVariable) must be https, or http on a loopback address",
          place: Endpoints.launchDarklyVariable, hint: "unset it, or start the twin: shipit twin")
      }
      var place = LaunchDarklyTarget(
        project: project, environment: environment, flag: target.key, token: token,
        contextKind: target.flag.context)
      if let address { place.url = address }
      return LaunchDarklyFlag(place, serve: serve, http: http, clock: clock, version: shipitVersion)
    case .flagd(let file):
      let path = file.hasPrefix("/") ? file : "\(self.project.root)/\(file)"
      return FlagdFile(path: path, key: target.key, serve: serve, clock: clock)
    case .variable(let service, let name):
      throw Failure(
        .configuration, "a rollout by the variable \(name) of \(service) is not carried out yet",
        place: "rollouts.\(target.key).flag",
        cause:
          "raising it means another deployment of \(service), and so does switching it off: minutes, where a store of flags takes a second",
        hint:
          "keep the flag in LaunchDarkly or in a file of flagd; or set `variables: {\(name): \"\(target.flag.serve)\"}` of \(service), deploy, and take it back with shipit rollback"
      )
    }
  }

  // MARK: The metrics

  private func measures(
    _ target: RolloutTarget, _ record: RolloutRecord
  ) throws(Failure) -> [RolloutMeasure] {
    var measures: [RolloutMeasure] = []
    for metric in target.metrics {
      switch metric.question {
      case .template, .written: measures.append(try stored(metric, target, record))
      case .command(let words):
        measures.append(RolloutMeasure(metric, from: try command(words, metric, record)))
      case .probe(let url, let measure, let samples):
        measures.append(
          RolloutMeasure(
            metric,
            from: try ProbedMetric(
              url: url, measure: measure == "p95" ? .p95 : .success, samples: samples, limit: metric.timeout,
              http: http, clock: clock)))
      case .railway(let service, let measure, let window):
        measures.append(
          RolloutMeasure(
            metric,
            from: TrafficMetric(
              "Railway's edge of \(service)", measure: .init(rawValue: measure) ?? .success, window: window,
              traffic: try traffic(of: service))))
      }
    }
    return measures
  }

  /// A question to the metric store, twice where both arms are compared.
  private func stored(
    _ metric: MetricTarget, _ target: RolloutTarget, _ record: RolloutRecord
  ) throws(Failure) -> RolloutMeasure {
    guard let store = target.store else {
      throw Failure(
        .configuration, "rollout \(target.key) has metrics and no store", place: "rollouts.\(target.key)",
        hint: "store: {url: https://prometheus.example.com}")
    }
    let access: PrometheusTarget.Access =
      if let name = store.tokenSecret, let token = secrets[name] {
        .bearer(token)
      } else if let user = store.user, let name = store.passwordSecret, let password = secrets[name] {
        .basic(user: user, password: password)
      } else {
        .none
      }
    let place = try PrometheusTarget(url: store.url, access: access, timeout: metric.timeout)
    let prometheus = PrometheusStore(place, http: http, clock: clock, version: shipitVersion)
    let references = QueryReferences(
      release: record.release, environment: environment.name, commit: record.commit)
    func asked(_ variant: String?, isBaseline: Bool) throws(Failure) -> MetricQuestion {
      let references = references.about(variant)
      var question = try metric.asked(ofBaseline: isBaseline)
      question.query = try references.filled(question.query)
      question.sampleQuery = try question.sampleQuery.map { text throws(Failure) in
        try references.filled(text)
      }
      return question
    }
    let question = try asked(metric.variant?.value, isBaseline: false)
    let canary = StoredMetric(question, from: prometheus)
    guard let versus = metric.versus else {
      return RolloutMeasure(metric, from: canary, query: question.query)
    }
    let others = StoredMetric(try asked(versus.baseline, isBaseline: true), from: prometheus)
    return RolloutMeasure(metric, from: ComparedMetric(canary, baseline: others), query: question.query)
  }

  /// A program sees what commands of the file see, and whom it is asked about.
  private func command(
    _ words: [String], _ metric: MetricTarget, _ record: RolloutRecord
  ) throws(Failure) -> CommandMetric {
    var seen = CommandEnvironment(process: variables).variables(
      environment: environment.name, release: record.release, commit: record.commit)
    seen["SHIPIT_METRIC_VARIANT"] = metric.variant?.value
    return try CommandMetric(
      words, environment: seen, directory: project.root, timeout: metric.timeout, redact: redact)
  }

  /// Who counts the requests to a service of Railway.
  private func traffic(of service: ServiceName) throws(Failure) -> any ServiceTrafficSource {
    guard let place = environment.platforms.railway, let token = secrets[place.tokenSecret],
      let target = environment.services.first(where: { $0.key == service })
    else {
      throw Failure(
        .configuration, "Railway cannot be asked about \(service)", place: "rollouts.metrics",
        hint: "declare `platforms.railway` with its token, and the service")
    }
    let registration = platformTable.first { $0.name == .railway }
    let url = registration.flatMap { try? Endpoints(variables).endpoint(of: $0).url }
    return RailwayTraffic(
      baseURL: url ?? "https://backboard.railway.com", place, service: target.name, http: http, clock: clock,
      token: token, version: shipitVersion)
  }
}

extension FlagTarget {
  /// The variation's value: `true` and numbers are what they look like.
  fileprivate var served: JSON {
    if let value = try? JSON(parsing: Array(serve.utf8)), value.object == nil, value.array == nil {
      return value
    }
    return .string(serve)
  }
}

extension MetricTarget {
  /// The questions as the store is asked, references still in them.
  /// - Parameter ofBaseline: about those who do not have the feature.
  fileprivate func asked(ofBaseline: Bool) throws(Failure) -> MetricQuestion {
    switch question {
    case .command, .probe, .railway:
      throw Failure(.internalError, "\(name) is no question to a store", place: "metrics.\(name)")
    case .written(let query, let samples): return MetricQuestion(query: query, sampleQuery: samples)
    case .template(let name, let labels, let window):
      guard let template = MetricTemplate(rawValue: name) else {
        throw Failure(.configuration, "there is no template \(name)", place: "metrics.\(self.name)")
      }
      var selection = MetricSelection()
      selection.labels = labels.map { .init($0.name, $0.value) }
      selection.variant = variant.map {
        guard ofBaseline else { return .init($0.name, $0.value) }
        return versus?.baseline.map { [name = $0.name] other in .init(name, other) }
          ?? .init($0.name, $0.value, isOther: true)
      }
      selection.window = window
      return try template.filled(selection).question
    }
  }
}
