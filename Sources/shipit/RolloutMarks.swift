import Concurrency
import GitHub
import HTTP
import Metrics
import Model

/// Where the steps of an environment's rollouts are marked.
struct RolloutMarks: Sendable {
  private let group: MarkerGroup
  /// What keeps a place from being marked at all.
  private let missing: [Failure]

  /// - Parameter secrets: those that are at hand.
  init(
    _ environment: Model.Environment, secrets: [String: Sensitive], http: HTTPClient, clock: any TimeSource,
    variables: [String: String]
  ) {
    var markers: [any RolloutMarker] = []
    var missing: [Failure] = []
    for target in environment.marks ?? [] {
      guard let token = secrets[target.secret.name] else {
        missing.append(
          Failure(
            .configuration, "\(target.secret.name) is not set", place: "marks: \(target.secret.key)",
            hint: "set it where shipit runs; the rollout is not concerned"))
        continue
      }
      switch target {
      case .grafana(let url, _, let dashboard):
        markers.append(
          GrafanaMarker(url: url, token: token, dashboard: dashboard, http: http, version: shipitVersion))
      case .sentry(let url, let organization, let projects, _, let repository):
        let named = variables[Endpoints.sentryVariable].flatMap { $0.isEmpty ? nil : $0 }
        if let named, !Endpoints.isAllowed(named) {
          missing.append(
            Failure(
              .configuration, "\(Endpoints.sentryVariable) must be https, or http on a loopback address",
              place: Endpoints.sentryVariable, hint: "unset it; the rollout is not concerned"))
          continue
        }
        let address = named ?? url ?? "https://sentry.io"
        markers.append(
          SentryMarker(
            url: address, organization: organization, projects: projects, token: token,
            repository: repository, http: http, shipit: shipitVersion))
      }
    }
    // In a job of GitHub Actions, on the deployment that it shows.
    if let target = ActionsContext(variables)?.target {
      markers.append(DeploymentMarker(target, http: http, version: shipitVersion))
    }
    group = MarkerGroup(markers, clock: clock)
    self.missing = missing
  }

  /// - Returns: what could not be marked.
  func leave(_ mark: RolloutMark) async -> [Failure] { missing + (await group.leave(mark)) }
}
