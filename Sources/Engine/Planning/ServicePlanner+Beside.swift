import Model

/// A deployment that stands beside production and is never given to its users: a preview on Vercel.
extension ServicePlanner {
  /// It is one.
  var isBeside: Bool { input.environment.previewOf != nil && service.platform == .vercel }

  /// Nothing that production has too is written: the variables go with the deployment, and nothing is promoted. One that
  /// fails leaves the earlier one of the preview where it is.
  func stepsBeside(
    _ observed: ObservedService, _ source: PlannedSource, _ wanted: VariablePlanner.Wanted
  ) -> [Step] {
    let key = service.key
    let needs = service.buildNeeds.map { StepID($0) }
    let deploy = Step(
      id: StepID("\(key).deploy"), title: "deploy a preview of \(key)", service: key, needs: needs,
      action: .deploy(
        Deployment.Request(
          target: observed.target, source: source, commit: input.commit, previous: observed.live?.id,
          cutOver: .beside, variables: wanted.values)),
      limit: service.health.within + .seconds(1200), lane: service.platform.lane, expected: .seconds(60))
    let proof = ProofRequest(
      target: observed.target, address: nil, health: service.health, commit: input.commit,
      deploymentStep: deploy.id, isDark: true)
    return [
      deploy,
      Step(
        id: StepID("\(key).prove"), title: "prove \(key)", service: key, needs: [deploy.id],
        action: .prove(proof), limit: service.health.within + service.health.grace + .seconds(30),
        isRepeatable: true, expected: .seconds(5)),
    ]
  }
}
