package import JSON

/// How a scripted deployment goes astray.
package enum DeploymentBehaviour: Sendable, Equatable {
  case buildFails
  case preDeployFails
  case gateNeverPasses
  /// Its process ends with a failure this many seconds after it became live, after each restart again.
  case crashes(after: Double)
  /// It stays in this status.
  case stuck(DeploymentStatus)
  case skipped
  case needsApproval
  /// A deployment of someone else appears this many seconds after it.
  case superseded(after: Double)
  /// The process is told another revision than the one deployed.
  case wrongRevision(String)
  /// It builds and reports another commit of its repository than the one that was asked for.
  case otherCommit(String)
  /// It is forgotten by the platform this many seconds after its creation.
  case vanishes(after: Double)
  /// It fails before anything is built.
  case fails(String)
  /// It never appears: `deploymentRollback` answers true all the same.
  case neverAppears
}

/// A behaviour with the deployments it is meant for.
package struct BehaviourRule: Sendable {
  /// Name or id; nil is any.
  package var service: String?
  package var trigger: Deployment.Trigger?
  /// Deployments that match but come before; counted down.
  package var skip: Int
  /// How many it applies to; nil is all.
  package var count: Int?
  package var behaviour: DeploymentBehaviour

  package init(
    _ behaviour: DeploymentBehaviour, service: String? = nil, trigger: Deployment.Trigger? = nil,
    nth: Int = 1,
    count: Int? = 1
  ) {
    self.behaviour = behaviour
    self.service = service
    self.trigger = trigger
    skip = nth - 1
    self.count = count
  }
}

extension DeploymentBehaviour {
  /// Its name in scripts, with what it takes.
  package init?(name: String, script: JSON) {
    let after = script["after"]?.double ?? 0
    switch name {
    case "build-fails": self = .buildFails
    case "pre-deploy-fails": self = .preDeployFails
    case "gate-never-passes": self = .gateNeverPasses
    case "crashes": self = .crashes(after: after)
    case "stuck":
      guard let status = script["status"]?.string.flatMap(DeploymentStatus.init(rawValue:)) else {
        return nil
      }
      self = .stuck(status)
    case "skipped": self = .skipped
    case "needs-approval": self = .needsApproval
    case "superseded": self = .superseded(after: after)
    case "wrong-revision":
      self = .wrongRevision(script["revision"]?.string ?? "0000000000000000000000000000000000000000")
    case "other-commit":
      self = .otherCommit(script["revision"]?.string ?? "0000000000000000000000000000000000000000")
    case "vanishes": self = .vanishes(after: after)
    case "fails": self = .fails(script["message"]?.string ?? "scripted failure")
    case "never-appears": self = .neverAppears
    default: return nil
    }
  }

  package static let names = [
    "build-fails", "pre-deploy-fails", "gate-never-passes", "crashes", "stuck", "skipped", "needs-approval",
    "superseded", "wrong-revision", "other-commit", "vanishes", "fails", "never-appears",
  ]
}
