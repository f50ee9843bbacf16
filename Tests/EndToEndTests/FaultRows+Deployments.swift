import JSON
import Model
import Testing
import Twin

/// Faults of deployments: how they go astray on the platform.
extension FaultRow {
  static func astray(
    _ name: String, _ service: String = "api", trigger: String? = nil, with more: [String: JSON] = [:]
  ) -> JSON {
    var script: [String: JSON] = ["deployment": .string(name), "service": .string(service)]
    script["trigger"] = trigger.map(JSON.string)
    return .object(script.merging(more) { _, new in new })
  }

  static let beforeTheSwitch: [FaultRow] = {
    let group = "before the switch"
    return [
      deploy(
        group, "api is SKIPPED", [astray("skipped")], .failedClean, .unchanged, says: ["skipped", "watch"]),
      deploy(
        group, "somebody else deploys api meanwhile (REMOVED)", [astray("superseded", with: ["after": 3])],
        .stale,
        .unchanged, variables: .unchecked, says: ["superseded"],
        also: { #expect($0.foreign == ["api"], "the other's deployment was touched") }),
      deploy(
        group, "api waits in NEEDS_APPROVAL", [astray("needs-approval")], .waiting, .unchanged,
        says: ["approval"]),
      deploy(
        group, "the build of api fails", [astray("build-fails")], .failedClean, .unchanged,
        says: ["build failed"]),
      deploy(
        group, "the pre-deploy command of api fails", [astray("pre-deploy-fails")], .failedClean, .unchanged,
        says: ["pre-deploy command failed"]),
      deploy(
        group, "api never passes its gate", [astray("gate-never-passes")], .failedClean, .unchanged,
        says: ["health check", "previous deployment keeps serving"]),
      deploy(
        group, "web never passes its gate", [turnsBack], .failedClean, .rolledBack,
        says: ["web", "health check"],
        also: { #expect($0.deployments == ["api upload", "web deploy", "api rollback"]) }),
      deploy(
        group, "api stays in BUILDING until the deadline", [astray("stuck", with: ["status": "BUILDING"])],
        .deadline, .unchanged, says: ["deadline"]
      ).given { $0.environment = { $0.protect.deadline = .seconds(600) } },
      deploy(
        group, "web stays in QUEUED until the deadline", [astray("stuck", "web", with: ["status": "QUEUED"])],
        .deadline, .rolledBack, says: ["deadline"]
      ).given { $0.environment = { $0.protect.deadline = .seconds(600) } },
      deploy(
        group, "api stays in BUILDING until its own limit", [astray("stuck", with: ["status": "BUILDING"])],
        .failedClean, .unchanged, says: ["not live in time"]),
      deploy(
        group, "the deployment of api vanishes", [astray("vanishes", with: ["after": 4])], .failedMixed,
        .inFlight,
        variables: .unchecked, says: ["vanished"]
      ).then(.done, .after),
      deploy(
        group, "an unknown status word for a while",
        [
          [
            "fault": "unknown-status", "operation": "ShipitEnvironment", "status": "PONDERING", "nth": 4,
            "count": 6,
          ]
        ], .done, .released, .after),
      deploy(
        group, "an unknown status word for good",
        [
          [
            "fault": "unknown-status", "operation": "ShipitEnvironment", "status": "PONDERING", "nth": 3,
            "count": "always",
          ]
        ], .deadline, .rolledBack, says: ["deadline"],
        // Nothing tells that the old one is back either: each rollback waits until its share of the time is over.
        also: { #expect($0.duration > .seconds(1800) && $0.duration < .seconds(2400)) }),
    ]
  }()

  static let afterTheSwitch: [FaultRow] = {
    let group = "after the switch"
    return [
      deploy(
        group, "api serves the wrong revision",
        [astray("wrong-revision", with: ["revision": "cccccccccccccccccccccccccccccccccccccccc"])],
        .failedClean,
        .rolledBack, says: ["serves ccccccc… but bbbbbbb… was deployed"],
        also: { #expect(($0.exposure["api"] ?? 0) > 0) }),
      deploy(
        group, "web serves the wrong revision", [astray("wrong-revision", "web")], .failedClean, .rolledBack,
        says: ["web serves"],
        also: { #expect(($0.exposure["web"] ?? 0) > 0 && ($0.exposure["api"] ?? 0) > 0) }),
      deploy(
        group, "api crashes right after the switch", [astray("crashes", with: ["after": 0.2])], .failedClean,
        .rolledBack, also: { #expect(($0.exposure["api"] ?? 0) > 0) }),
      deploy(
        group, "api crashes for good while it is being watched", [astray("crashes", with: ["after": 8])],
        .failedClean, .rolledBack, says: ["stopped answering after the switch"],
        also: { #expect(($0.exposure["api"] ?? 0) > 0) }
      ).given { $0.prepare = { $0.setRestarts(of: "api", to: .never) } },
      deploy(
        group, "api crashes again and again while it is being watched",
        [astray("crashes", with: ["after": 8])], .failedClean, .rolledBack, says: ["api"],
        also: { #expect(($0.exposure["api"] ?? 0) > 0) }
      ).given { $0.prepare = { $0.durations.restart = .seconds(6) } },
      deploy(
        group, "somebody else deploys api while it is being watched",
        [astray("superseded", with: ["after": 15])], .stale, .mixed, Live(api: "B", web: "A"),
        says: ["replaced while it was being watched"],
        also: { #expect($0.foreign == ["api"], "the other's deployment was touched") }),
    ]
  }()

  static let rollbacks: [FaultRow] = {
    let group = "rollback of the run"
    return [
      deploy(
        group, "the rollback of api fails itself", [turnsBack, astray("fails", trigger: "rollback")],
        .failedMixed, .mixed, Live(api: "B", web: "A"), says: ["api"],
        also: { #expect($0.failure?.message.contains("web") == true, "the first cause is lost") }),
      deploy(
        group, "the rollback of api never appears",
        [turnsBack, astray("never-appears", trigger: "rollback")],
        .failedMixed, .inFlight, Live(api: "B", web: "A"), says: ["not found"]
      ).then(.failedClean, .before),
      deploy(
        group, "the rollback of api stays in QUEUED",
        [turnsBack, astray("stuck", trigger: "rollback", with: ["status": "QUEUED"])],
        .failedMixed, .mixed, Live(api: "B", web: "A"), says: ["not live in time"]),
      deploy(
        group, "the old image of api has expired: it is built again", [turnsBack], .failedClean, .rolledBack,
        says: ["health check"],
        also: {
          #expect($0.deployments == ["api upload", "web deploy", "api redeploy"])
          #expect($0.warnings.isEmpty)
        }
      ).given {
        $0.prepare = { world in for id in world.deploymentOrder { world.deployments[id]?.imageExpired = true }
        }
      },
      deploy(
        group, "the first release fails: nothing to go back to",
        [astray("gate-never-passes")], .failedMixed, .mixed, Live(api: "nothing", web: "nothing"),
        variables: .unchecked, says: ["health check", "nothing served before"]
      ).given { $0.hasFirstRelease = false },
    ]
  }()

  static let explicit: [FaultRow] = {
    let group = "explicit rollback"
    return [
      rollback(
        group, "everything is well", [], .done, .restored, variables: .unchecked,
        also: {
          #expect($0.after["api.GREETING"] == "hello 0" && $0.after["api.OLD"] == "old")
          #expect($0.after["api.NEW"] == nil && $0.after["api.KEPT"] == "by hand")
          #expect($0.after["web.TITLE"] == "shop 0")
        }),
      rollback(
        group, "its deployment of web fails", [astray("fails", "web", trigger: "rollback")], .rollbackFailed,
        .mixed, Live(api: "A", web: "B"), says: ["web"]),
      rollback(
        group, "its deployment never appears", [astray("never-appears", "web", trigger: "rollback")],
        .rollbackFailed, .inFlight, Live(api: "A", web: "B"), says: ["not found"]
      ).then(.done, .before),
      rollback(
        group, "its deployment of web stays in QUEUED",
        [astray("stuck", "web", trigger: "rollback", with: ["status": "QUEUED"])], .rollbackFailed,
        .mixed, Live(api: "A", web: "B"), says: ["not live in time"]),
      rollback(
        group, "an unknown status word for good",
        [
          [
            "fault": "unknown-status", "operation": "ShipitEnvironment", "status": "PONDERING", "nth": 2,
            "count": "always",
          ]
        ], .done, .restored, .before,
        also: { #expect($0.duration > .seconds(120) && $0.duration < .seconds(600)) }),
      rollback(
        group, "only the code goes back", codeOnly: true, [], .done, .restored,
        also: {
          #expect($0.after["api.GREETING"] == "hello 1" && $0.after["api.NEW"] == "new")
          #expect($0.after["web.TITLE"] == "shop 1" && $0.deployments == ["web redeploy", "api redeploy"])
          #expect($0.after["api.SHIPIT_COMMIT"] == FaultWorld.commits[0])
        }),
      rollback(
        group, "the answer to it is lost", [["fault": "cut", "operation": "ShipitRollback"]], .done,
        .restored, also: { #expect($0.count("ShipitRollback") == 2) }),
    ]
  }()
}

extension Twin.World {
  fileprivate mutating func setRestarts(of service: String, to policy: InstanceSettings.RestartPolicy) {
    for key in instances.keys where services[key.service]?.name == service {
      instances[key]?.settings.restartPolicy = policy
    }
  }
}
