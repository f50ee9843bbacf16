package import JSON

/// How a scripted rollout goes astray.
package enum EncoreBehaviour: Sendable, Equatable {
  case buildFails
  /// Unless the rollout skips its tests.
  case testsFail
  /// The infrastructure change waits for an admin, whatever the environment says.
  case proposed
  /// The file of this version fails, or the last one; the files before it stay applied.
  case migrationFails(version: Int?)
  /// A secret that the code declares has no value.
  case secretMissing(String)
  /// The new process never answers.
  case startFails
  /// Somebody cancels it in this step.
  case canceled(EncoreRollout.Step)
  /// It stays in this step.
  case neverFinishes(EncoreRollout.Step)
  /// The application reports another revision than the one deployed.
  case wrongRevision(String)
  /// This health check of the new revision fails from its first answer on.
  case unhealthy(check: String)
  /// Old and new revision answer by turns for this many seconds after the cut-over.
  case mixed(Double)
  /// The old revision answers 503 by turns for this many seconds after the cut-over.
  case shuttingDown(Double)
  /// The process ends this many seconds after the cut-over and is restarted.
  case crashes(after: Double)
  /// Somebody else triggers a rollout this many seconds after it: of this commit, or of the one that is live.
  case superseded(after: Double, commit: String?)
}

/// A behaviour with the rollouts it is meant for.
package struct EncoreBehaviourRule: Sendable {
  /// The environment's name; nil is any.
  package var environment: String?
  /// Rollouts that match but come before; counted down.
  package var skip: Int
  /// How many it applies to; nil is all.
  package var count: Int?
  package var behaviour: EncoreBehaviour

  package init(_ behaviour: EncoreBehaviour, environment: String? = nil, nth: Int = 1, count: Int? = 1) {
    self.behaviour = behaviour
    self.environment = environment
    skip = nth - 1
    self.count = count
  }

  /// Reads `{"rollout": NAME, "environment": …, "nth": 1, "count": 1}`; nil when the script has no `rollout`.
  /// - Throws: `Refusal` when the behaviour is unknown.
  package init?(_ script: JSON) throws(Refusal) {
    guard let name = script["rollout"]?.string else { return nil }
    guard let behaviour = EncoreBehaviour(name: name, script: script) else {
      throw Refusal("unknown behaviour \(name); known: \(EncoreBehaviour.names.joined(separator: ", "))")
    }
    self.init(
      behaviour, environment: script["environment"]?.string, nth: Int(script["nth"]?.int ?? 1),
      count: script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1))
  }
}

extension EncoreBehaviour {
  /// Its name in scripts, with what it takes.
  package init?(name: String, script: JSON) {
    let seconds = script["seconds"]?.double ?? 1
    let step = script["step"]?.string.map(EncoreRollout.Step.init(rawValue:))
    switch name {
    case "build-fails": self = .buildFails
    case "tests-fail": self = .testsFail
    case "proposed": self = .proposed
    case "migration-fails": self = .migrationFails(version: script["version"]?.int.map { Int($0) })
    case "secret-missing": self = .secretMissing(script["secret"]?.string ?? "SECRET")
    case "start-fails": self = .startFails
    case "canceled":
      guard let step = step ?? .building else { return nil }
      self = .canceled(step)
    case "never-finishes":
      guard let step = step ?? .provisioning else { return nil }
      self = .neverFinishes(step)
    case "wrong-revision":
      self = .wrongRevision(script["revision"]?.string ?? String(repeating: "0", count: 40))
    case "unhealthy": self = .unhealthy(check: script["check"]?.string ?? "database")
    case "mixed": self = .mixed(seconds)
    case "shutting-down": self = .shuttingDown(seconds)
    case "crashes": self = .crashes(after: seconds)
    case "superseded": self = .superseded(after: seconds, commit: script["sha"]?.string)
    default: return nil
    }
  }

  package static let names = [
    "build-fails", "tests-fail", "proposed", "migration-fails", "secret-missing", "start-fails", "canceled",
    "never-finishes", "wrong-revision", "unhealthy", "mixed", "shutting-down", "crashes",
    "superseded",
  ]
}
