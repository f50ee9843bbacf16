import JSON
import Model
import Testing
import Twin

/// Services that Railway builds from a repository, and services with a volume.
extension FaultRow {
  static let repositories: [FaultRow] = {
    let group = "repository"
    let other = "cccccccccccccccccccccccccccccccccccccccc"
    let deploys = ["api deploy", "web deploy"]
    return [
      deploy(
        group, "all is well", [], .done, .released, .after,
        also: {
          #expect($0.deployments == deploys && $0.builtCommits == [FaultWorld.commits[1]])
          #expect($0.cutOver["api"] == .gated)
        }),
      deploy(
        group, "Railway deploys pushes by itself: that is said and turned off", [], .done, .released, .after,
        also: {
          #expect($0.deployments == deploys && !$0.autoDeploys)
          #expect($0.warnings.contains { $0.contains("on each push") })
        }
      ).given {
        $0.prepare = { world in
          for key in world.instances.keys where world.services[key.service]?.name == "api" {
            world.instances[key]?.autoDeploy.enabled = true
          }
        }
      },
      deploy(
        group, "commit B was not pushed", [], .failedClean, .unchanged, says: ["push the commit"], most: 0
      ).given { $0.isUnpushed = true },
      deploy(
        group, "the build of api fails", [astray("build-fails")], .failedClean, .unchanged,
        says: ["build failed", "previous deployment keeps serving"],
        also: { #expect($0.deployments == ["api deploy"]) }),
      deploy(
        group, "the answer to the deploy of api is lost after its effect",
        [fault("cut", "ShipitDeploy", service: "api")], .done, .released, .after,
        also: { #expect($0.count("ShipitDeploy", "api") == 1 && $0.deployments == deploys) }),
      deploy(
        group, "the deploy of api is lost before its effect",
        [fault("problem-before", "ShipitDeploy", service: "api")], .done, .released, .after,
        also: { #expect($0.count("ShipitDeploy", "api") == 2 && $0.deployments == deploys) }),
      deploy(
        group, "Railway builds another commit", [astray("other-commit", with: ["revision": .string(other)])],
        .failedClean, .rolledBack, says: ["runs the commit \(other)", "was asked for"],
        also: { #expect($0.deployments == ["api deploy", "api rollback"]) }),
      deploy(
        group, "api serves the wrong revision",
        [astray("wrong-revision", with: ["revision": .string(other)])], .failedClean, .rolledBack,
        says: ["serves ccccccc… but bbbbbbb… was deployed"],
        also: { #expect(($0.exposure["api"] ?? 0) > 0) }),
      deploy(
        group, "a push by somebody else is deployed meanwhile", [astray("superseded", with: ["after": 3])],
        .stale, .unchanged, variables: .unchecked, says: ["superseded"],
        also: { #expect($0.foreign == ["api"], "the other's deployment was touched") }),
      rollback(
        group, "it goes back to the image of commit A", [], .done, .restored,
        also: {
          #expect($0.deployments == ["web rollback", "api rollback"])
          #expect($0.builtCommits == [FaultWorld.commits[0]])
        }),
    ].map { $0.given { $0.isFromRepository = true } }
  }()

  static let volumes: [FaultRow] = {
    let group = "volume"
    let downs: @Sendable (FaultOutcome) -> Void = {
      #expect($0.cutOver == ["api": .stopFirst, "web": .gated], "the plan does not say how it goes over")
      #expect($0.outage > .zero, "nobody noticed the stop")
    }
    let stays: @Sendable (FaultOutcome) -> Void = {
      #expect($0.outage == .zero, "users met an outage of \($0.outage)")
    }
    return [
      deploy(
        group, "all is well: down while it restarts", [], .done, .released, .after,
        also: {
          downs($0)
          #expect($0.outage < .seconds(10))
        }),
      deploy(
        group, "the build of api fails: the old one was not stopped yet", [astray("build-fails")],
        .failedClean, .rolledBack, says: ["build failed", "previous deployment keeps serving"],
        also: {
          stays($0)
          // It serves still, so that nothing has to be restored.
          #expect($0.deployments == ["api upload"])
        }),
      deploy(
        group, "api never passes its gate: the old one is put back", [astray("gate-never-passes")],
        .failedClean, .rolledBack, says: ["health check", "stopped first"],
        also: {
          downs($0)
          #expect($0.deployments == ["api upload", "api rollback"] && $0.outage > .seconds(60))
        }),
      deploy(
        group, "api never passes its gate, and its rollback fails",
        [astray("gate-never-passes"), astray("fails", trigger: "rollback")], .failedMixed, .mixed,
        Live(api: "nothing", web: "A"), says: ["nothing serves now"], also: downs),
      deploy(
        group, "web never passes its gate: api is put back", [turnsBack], .failedClean, .rolledBack,
        says: ["web", "health check"], also: downs),
      deploy(
        group, "the answer to the upload is lost after its effect", [fault("cut", "upload")], .done,
        .released,
        .after,
        also: {
          downs($0)
          #expect($0.count("upload") == 1)
        }),
      deploy(
        group, "api crashes right after the switch", [astray("crashes", with: ["after": 0.2])],
        .failedClean, .rolledBack, also: downs),
      rollback(
        group, "it goes back to commit A: down while it restarts", [], .done, .restored,
        also: { #expect($0.cutOver["api"] == .stopFirst && $0.outage > .zero) }),
    ].map { $0.given { $0.hasVolume = true } }
  }()
}
