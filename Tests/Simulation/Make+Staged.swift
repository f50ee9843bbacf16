import Concurrency
import Model

extension Make {
  /// What the planner makes of a staged service: variables, a dark deployment, its proof, promotion, proof.
  static func staged(
    _ service: ServiceName, needs: [StepID] = [], buildNeeds: [StepID] = [], isFirst: Bool = false,
    writesVariables: Bool = true
  ) -> [Step] {
    var steps: [Step] = []
    if writesVariables {
      steps.append(
        variables(
          StepID("\(service).variables"), service, to: "new", needs: buildNeeds,
          undo: [variables(StepID("undo.\(service).variables"), service, to: "old")]))
    }
    let live = deploy(service, isFirst: isFirst)
    let staging = StepID("\(service).deploy")
    let verify = StepID("\(service).verify")
    let promote = StepID("\(service).promote")
    steps.append(
      Step(
        id: staging, title: "stage \(service)", service: service, needs: buildNeeds + steps.map(\.id),
        action: .deploy(
          Deployment.Request(
            target: target(service), source: .image("shop/\(service):\(new)"), commit: new,
            previous: isFirst ? nil : oldDeployment(service), cutOver: .staged)),
        limit: .seconds(1500), lane: .vercel, expected: .seconds(90)))
    var dark = prove(verify, service, new, after: staging, needs: [staging])
    if case .prove(var request) = dark.action {
      request.isDark = true
      dark.action = .prove(request)
    }
    steps.append(dark)
    steps.append(
      Step(
        id: promote, title: "promote \(service)", service: service, needs: [verify] + needs,
        action: .promote(
          Promotion(
            target: target(service), deploymentStep: staging,
            expected: isFirst ? nil : oldDeployment(service), commit: new)),
        limit: .seconds(300), isCutOver: true, lane: .vercel, undo: live.undo, affirm: live.affirm,
        expected: .seconds(5)))
    steps.append(prove(StepID("\(service).prove"), service, new, after: promote, needs: [promote]))
    return steps
  }

  /// Steps so that each comes after those it needs, as a plan has them.
  static func ordered(_ steps: [Step]) -> [Step] {
    var placed: Set<StepID> = []
    var rest = steps
    var ordered: [Step] = []
    while let index = rest.firstIndex(where: { $0.needs.allSatisfy(placed.contains) }) {
      let step = rest.remove(at: index)
      placed.insert(step.id)
      ordered.append(step)
    }
    return ordered + rest
  }
}
