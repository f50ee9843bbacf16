import Concurrency
import Engine
import Model

/// Small builders of plans and steps, shared by the tests of the machine and by the simulation.
enum Make {
  static let old = "0000000000000000000000000000000000000000"
  static let new = "1111111111111111111111111111111111111111"
  static let startedAt = Timestamp(milliseconds: 1_000_000_000_000)
  static let farAway = Timestamp(milliseconds: 9_000_000_000_000)

  static let facts = RunFacts(
    id: RunID(7), release: 7, app: "shop", environment: "prod", commit: new, startedAt: startedAt)

  static func target(_ service: ServiceName) -> ServiceTarget {
    ServiceTarget(service: service, platform: .railway, name: service.rawValue, ids: [:])
  }

  static func oldDeployment(_ service: ServiceName) -> String { "old-\(service)" }

  static func prove(
    _ id: StepID, _ service: ServiceName, _ commit: String?, after step: StepID?, needs: [StepID] = []
  ) -> Step {
    Step(
      id: id, title: id.rawValue, service: service, needs: needs,
      action: .prove(
        ProofRequest(
          target: target(service), address: nil, health: Health(), commit: commit, deploymentStep: step)),
      limit: .seconds(330), isRepeatable: true, expected: .seconds(5))
  }

  static func restore(
    _ id: StepID, _ service: ServiceName, needs: [StepID] = [], mode: Restore.Mode = .codeAndVariables
  ) -> Step {
    Step(
      id: id, title: id.rawValue, service: service, needs: needs,
      action: .restore(
        Restore(
          target: target(service), deployment: oldDeployment(service), commit: old, mode: mode,
          limit: .seconds(1500))),
      limit: .seconds(1500), isCutOver: true, lane: .railway, expected: .seconds(60))
  }

  static func variables(
    _ id: StepID, _ service: ServiceName, to text: String, needs: [StepID] = [], undo: [Step] = []
  ) -> Step {
    Step(
      id: id, title: id.rawValue, service: service, needs: needs,
      action: .variables(VariablesWrite(target: target(service), set: ["LEVEL": .text(text)])),
      limit: .seconds(180), isRepeatable: true, lane: .railway, undo: undo)
  }

  static func deploy(
    _ service: ServiceName, needs: [StepID] = [], isFirst: Bool = false, expected: Duration = .seconds(90),
    cutOver: CutOver = .gated
  ) -> Step {
    let undone = StepID("undo.\(service).deploy")
    return Step(
      id: StepID("\(service).deploy"), title: "deploy \(service)", service: service, needs: needs,
      action: .deploy(
        Deployment.Request(
          target: target(service), source: .image("shop/\(service):\(new)"), commit: new,
          previous: isFirst ? nil : oldDeployment(service), cutOver: cutOver)),
      limit: .seconds(1500), isCutOver: true, lane: .railway,
      undo: isFirst
        ? []
        : [restore(undone, service), prove(StepID("undo.\(service).prove"), service, old, after: undone)],
      affirm: isFirst ? [] : [prove(StepID("affirm.\(service)"), service, old, after: nil)],
      expected: expected)
  }

  /// What the planner makes of one service: variables, deploy, proof.
  static func service(
    _ service: ServiceName, needs: [StepID] = [], isFirst: Bool = false, writesVariables: Bool = true,
    isRedeployed: Bool = false, cutOver: CutOver = .gated
  ) -> [Step] {
    let write = StepID("\(service).variables")
    let deploy = StepID("\(service).deploy")
    var steps: [Step] = []
    if writesVariables {
      steps.append(
        variables(
          write, service, to: "new", needs: needs,
          undo: [variables(StepID("undo.\(service).variables"), service, to: "old")]))
    }
    var deploying = Make.deploy(service, needs: needs + steps.map(\.id), isFirst: isFirst, cutOver: cutOver)
    if isRedeployed, !isFirst {
      // What is rolled out again takes the stored variables: they are put back before.
      deploying.undo =
        steps.flatMap(\.undo) + [
          restore(StepID("undo.\(service).deploy"), service, mode: .redeploy)
        ] + deploying.undo.dropFirst()
    }
    steps.append(deploying)
    steps.append(prove(StepID("\(service).prove"), service, new, after: deploy, needs: [deploy]))
    return steps
  }

  static func soak(_ service: ServiceName) -> Step {
    Step(
      id: StepID("\(service).soak"), title: "watch \(service)", service: service,
      needs: [StepID("\(service).prove")],
      action: .soak(
        ProofRequest(
          target: target(service), address: nil, health: Health(), commit: new,
          deploymentStep: StepID("\(service).deploy"))),
      limit: .seconds(90), isRepeatable: true, expected: .seconds(30))
  }

  static func command(_ name: String, needs: [StepID] = [], repeatable: Bool = false) -> Step {
    Step(
      id: StepID("run.\(name)"), title: "run \(name)", needs: needs,
      action: .command(CommandStep(name: name, command: [name], repeatable: repeatable)),
      limit: .seconds(600), isRepeatable: repeatable, lane: .commands, expected: .seconds(30))
  }

  static func check(_ name: String, needs: [StepID]) -> Step {
    Step(
      id: StepID("check.\(name)"), title: "check \(name)", needs: needs,
      action: .check(Check(name: name, kind: .command([name])), addresses: [:]), limit: .seconds(60),
      isRepeatable: true, expected: .seconds(2))
  }

  static func plan(
    _ steps: [Step], kind: Plan.Kind = .deploy, deadline: Duration = .seconds(1800), hasPrevious: Bool = true
  ) -> Plan {
    Plan(
      kind: kind, app: "shop", environment: "prod", commit: new, steps: steps, deadline: deadline,
      digest: "digest", restores: kind == .rollback ? 1 : nil, hasPrevious: hasPrevious)
  }

  /// An explicit rollback as the planner makes it: last service first, each after the one before it.
  static func rollback(
    _ services: [ServiceName], writesVariables: Bool = true, redeployed: Set<ServiceName> = []
  ) -> [Step] {
    var steps: [Step] = []
    for service in services {
      let restored = StepID("\(service).restore")
      let proved = StepID("\(service).prove")
      let isRedeployed = redeployed.contains(service)
      func needs() -> [StepID] { steps.last.map { [$0.id] } ?? [] }
      if writesVariables, isRedeployed {
        steps.append(variables(StepID("\(service).variables"), service, to: "old", needs: needs()))
      }
      steps.append(
        restore(restored, service, needs: needs(), mode: isRedeployed ? .redeploy : .codeAndVariables))
      steps.append(prove(proved, service, old, after: restored, needs: [restored]))
      if writesVariables, !isRedeployed {
        steps.append(variables(StepID("\(service).variables"), service, to: "old", needs: [proved]))
      }
    }
    return steps
  }

  static func failure(_ kind: Failure.Kind = .failed, _ message: String = "no") -> Failure {
    Failure(kind, message)
  }
}
