import Concurrency
import Engine
import Model

@testable import Simulation

/// Environments, observations and releases for the planners.
enum Planned {
  static let address = "https://api.example.com"

  static func key(_ value: Sensitive) -> String {
    "fp-\(value.reveal().utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF })"
  }

  static func secrets(_ values: [String: String]) -> SecretValues {
    SecretValues(values: values.mapValues { Sensitive($0) }, fingerprint: key)
  }

  static func service(
    _ key: ServiceName, needs: [String] = [], variables: [String: VariableValue] = [:],
    settings: ServiceSettings = ServiceSettings(), source: ServiceSource = .repository("shop/api"),
    health: Health = Health(soak: .zero)
  ) -> Service {
    Service(
      key: key, source: source, needs: needs, variables: variables, settings: settings, health: health)
  }

  static func environment(_ services: [Service], run: [CommandStep] = [], checks: [Check] = []) -> Environment
  {
    Environment(name: "prod", app: "shop", services: services, run: run, checks: checks)
  }

  static func observed(
    _ service: ServiceName, commit: String? = Make.old, variables: [String: Sensitive?] = [:],
    settings: ServiceSettings = ServiceSettings(), image: String? = nil, isLive: Bool = true,
    autoDeploys: Bool = false, cutOver: CutOver = .gated, restoreMode: Restore.Mode? = .codeAndVariables
  ) -> ObservedService {
    ObservedService(
      target: Make.target(service), address: "https://\(service).example.com", settings: settings,
      variables: variables,
      live: isLive
        ? Deployment(
          id: Make.oldDeployment(service), status: .live, word: "SUCCESS", createdAt: Make.startedAt,
          commit: commit, image: image) : nil,
      cutOver: cutOver, autoDeploys: autoDeploys, restoreMode: isLive ? restoreMode : nil)
  }

  static func input(
    _ environment: Environment, _ observed: [ObservedService], commit: String = Make.new,
    releases: [Release] = [], secrets: SecretValues = SecretValues(),
    restorable: [ServiceName: Set<String>] = [:], release: Int = 5
  ) -> PlanInput {
    PlanInput(
      environment: environment, commit: commit,
      observed: Dictionary(observed.map { ($0.target.service, $0) }) { first, _ in first },
      releases: releases, secrets: secrets, restorable: restorable, release: release)
  }

  static func record(
    _ service: ServiceName, commit: String = Make.old, deployment: String? = nil,
    variables: [String: ReleasedService.RecordedVariable] = [:], settings: ServiceSettings = ServiceSettings()
  ) -> ReleasedService {
    ReleasedService(
      target: Make.target(service), source: .repository(name: "shop/api", commit: commit), commit: commit,
      deployment: deployment ?? Make.oldDeployment(service), address: "https://\(service).example.com",
      settings: settings, variables: variables, health: Health(), cutOver: .gated, proof: .served,
      previous: nil)
  }

  static func release(
    _ number: Int, _ state: RunResult.State = .released, kind: Plan.Kind = .deploy, restores: Int? = nil,
    commit: String = Make.old, services: [ServiceName: ReleasedService] = [:], order: [ServiceName] = []
  ) -> Release {
    Release(
      number: number, run: RunID(number), kind: kind, app: "shop", environment: "prod", commit: commit,
      subject: "", isDirty: false, by: "ann@laptop", startedAt: Make.startedAt, endedAt: Make.startedAt,
      result: RunResult(state: state, exit: .done), restores: restores, configurationDigest: "",
      services: services, order: order)
  }
}

extension Plan {
  var ids: [String] { steps.map(\.id.rawValue) }

  /// The write that puts variables of a service back, if there is one.
  func variablesBack(_ service: String) -> VariablesWrite? {
    for back in step(StepID("\(service).variables"))?.undo ?? [] {
      if case .variables(let write) = back.action { return write }
    }
    return nil
  }

  func variables(_ service: String) -> VariablesWrite? {
    if case .variables(let write)? = step(StepID("\(service).variables"))?.action { write } else { nil }
  }
}
