import JSON
import Model
import Testing
import Twin

/// Faults of single requests: the line, the quota, the gateway, the API's own words.
extension FaultRow {
  static func fault(
    _ name: String, _ operation: String? = nil, service: String? = nil, nth: Int = 1, always: Bool = false,
    count: Int = 1, with more: [String: JSON] = [:]
  ) -> JSON {
    var script: [String: JSON] = [
      "fault": .string(name), "nth": .int(Int64(nth)), "count": always ? "always" : .int(Int64(count)),
    ]
    script["operation"] = operation.map(JSON.string)
    script["service"] = service.map(JSON.string)
    return .object(script.merging(more) { _, new in new })
  }

  /// The gate of `web` never passes, so that `api` has to be put back.
  static let turnsBack: JSON = ["deployment": "gate-never-passes", "service": "web"]

  static let connections: [FaultRow] = {
    let group = "connection"
    let reads = "ShipitEnvironment"
    return [
      deploy(
        group, "every connection is refused", [fault("refuse", always: true)], .failedClean, nil,
        says: ["cannot be reached"]),
      deploy(
        group, "two reads are refused while waiting", [fault("refuse", reads, nth: 3, count: 2)], .done,
        .released, .after),
      deploy(
        group, "the upload is refused once", [fault("refuse", "upload")], .done, .released, .after,
        also: { #expect($0.count("upload") == 2) }),
      deploy(
        group, "every upload is refused", [fault("refuse", "upload", always: true)], .failedClean, .unchanged,
        says: ["cannot be reached", "uploading the source of api"], most: 0),
      deploy(
        group, "every deploy of web is refused", [fault("refuse", "ShipitDeploy", always: true)],
        .failedClean, .rolledBack, says: ["deploying web", "cannot be reached"]),
      deploy(
        group, "reads hang from the start", [fault("hang", reads, always: true)], .failedClean, nil,
        says: ["timed out"]),
      deploy(
        group, "reads hang for good while waiting for api",
        [fault("hang", reads, nth: 3, always: true), fault("hang", "ShipitDeployment", always: true)],
        .failedMixed, .inFlight, Live(api: "B", web: "A"), says: ["could not be read", "shipit status"]
      ).then(.done, .after),
      deploy(
        group, "a write of variables hangs once", [fault("hang", "ShipitVariablesUpsert")], .done, .released,
        .after),
      deploy(
        group, "the deploy of web hangs once", [fault("hang", "ShipitDeploy")], .done, .released, .after,
        also: { #expect($0.count("ShipitDeploy") == 2) }),
      deploy(
        group, "the upload hangs once", [fault("hang", "upload")], .done, .released, .after,
        also: { #expect($0.count("upload") == 2) }),
      deploy(
        group, "every upload hangs", [fault("hang", "upload", always: true)], .deadline, .rolledBack,
        says: ["deadline"], most: 0),
    ]
  }()

  static let limits: [FaultRow] = {
    let group = "limits"
    let reads = "ShipitEnvironment"
    return [
      deploy(
        group, "429 with Retry-After on a read", [fault("rate-limited", reads, with: ["retryAfter": 20])],
        .done,
        .released, .after, also: { #expect($0.duration > .seconds(20)) }),
      deploy(
        group, "429 without Retry-After on a read", [fault("rate-limited", reads)], .done, .released, .after),
      deploy(
        group, "429 of the edge (1015) on a read", [fault("edge-rate-limited", reads)], .done, .released,
        .after, also: { #expect($0.duration > .seconds(30)) }),
      deploy(
        group, "429 with Retry-After on the upload",
        [fault("rate-limited", "upload", with: ["retryAfter": 5])],
        .done, .released, .after, also: { #expect($0.count("upload") == 2) }),
      deploy(
        group, "429 on everything", [fault("rate-limited", always: true)], .failedClean, nil,
        says: ["rate limit"]),
      deploy(
        group, "429 of the edge on everything", [fault("edge-rate-limited", always: true)], .failedClean, nil,
        says: ["1015"]),
      deploy(
        group, "the quota runs out in the middle and comes back after 90 s", [], .done, .released, .after
      ).given {
        $0.later = (.seconds(5), { await $0.limitRate(to: 3, per: .seconds(90)) })
      },
      deploy(
        group, "the quota runs out in the middle for an hour", [], .failedMixed, .inFlight,
        Live(api: "B", web: "A"), says: ["could not be asked to stop"]
      ).given { $0.later = (.seconds(5), { await $0.limitRate(to: 3, per: .seconds(3600)) }) }
        .then(.done, .after),
    ]
  }()

  static let gateway: [FaultRow] = {
    let group = "gateway"
    let reads = "ShipitEnvironment"
    return [
      deploy(
        group, "one read answers 503", [fault("status", reads, with: ["status": 503])], .done, .released,
        .after),
      deploy(
        group, "every read answers 503", [fault("status", reads, always: true, with: ["status": 503])],
        .failedClean, nil, says: ["503", "has trouble"]),
      deploy(
        group, "the deploy of web answers 502 once", [fault("status", "ShipitDeploy")], .done, .released,
        .after, also: { #expect($0.count("ShipitDeploy") == 2) }),
      deploy(
        group, "the deploy of web always answers 502", [fault("status", "ShipitDeploy", always: true)],
        .failedClean, .rolledBack, says: ["deploying web", "502"]),
      deploy(
        group, "one read answers 200 with no JSON", [fault("not-json", reads)], .done, .released, .after),
      deploy(
        group, "every read answers 200 with no JSON", [fault("not-json", reads, always: true)], .failedClean,
        nil, says: ["has trouble"]),
      deploy(
        group, "the deploy of web answers 200 with no JSON", [fault("not-json", "ShipitDeploy")], .done,
        .released, .after, also: { #expect($0.count("ShipitDeploy") == 2) }),
      deploy(
        group, "answers carry fields of tomorrow", [fault("extra-field", always: true)], .done, .released,
        .after),
    ]
  }()

  static let words: [FaultRow] = {
    let group = "errors in words"
    let problem = "Problem processing request"
    return [
      deploy(
        group, "200 with “Not Authorized” on a write",
        [fault("error", "ShipitVariablesUpsert", with: ["message": "Not Authorized"])], .authentication,
        .unchanged,
        says: ["Not Authorized", "doctor"], most: 0),
      deploy(
        group, "200 with an unknown error on the deploy of web, once",
        [fault("error", "ShipitDeploy", with: ["message": "The moon is in the wrong house"])], .done,
        .released,
        .after),
      deploy(
        group, "200 with an unknown error on the deploy of web, always",
        [fault("error", "ShipitDeploy", always: true, with: ["message": "The moon is in the wrong house"])],
        .failedClean, .rolledBack, says: ["moon"]),
      deploy(
        group, "an error repeats the secret",
        [
          fault(
            "error", "ShipitVariablesUpsert", always: true,
            with: ["message": .string("already exists: \(FaultWorld.secret)")])
        ], .failedClean, .unchanged, says: ["already exists"], most: 0),
      deploy(
        group, "“\(problem)” before the upload's effect", [fault("problem-before", "upload")], .done,
        .released, .after),
      deploy(
        group, "“\(problem)” after the upload's effect", [fault("problem-after", "upload")], .done,
        .released, .after, also: { #expect($0.count("upload") == 1) }),
      deploy(
        group, "“\(problem)” before the deploy's effect", [fault("problem-before", "ShipitDeploy")], .done,
        .released, .after),
      deploy(
        group, "“\(problem)” after the deploy's effect", [fault("problem-after", "ShipitDeploy")], .done,
        .released, .after, also: { #expect($0.count("ShipitDeploy") == 1) }),
      deploy(
        group, "“\(problem)” before the rollback's effect",
        [turnsBack, fault("problem-before", "ShipitRollback")], .failedClean, .rolledBack,
        says: ["health check"]),
      deploy(
        group, "“\(problem)” after the rollback's effect",
        [turnsBack, fault("problem-after", "ShipitRollback")], .failedClean, .rolledBack,
        says: ["health check"], also: { #expect($0.count("ShipitRollback") == 1) }),
    ]
  }()

  static let lostAnswers: [FaultRow] = {
    let group = "answer lost after the effect"
    return [
      deploy(
        group, "of the upload", [fault("cut", "upload")], .done, .released, .after,
        also: { #expect($0.count("upload") == 1) }),
      deploy(
        group, "of the upload, by more than its patience",
        [fault("delay-answer", "upload", with: ["seconds": 700])], .done, .released, .after,
        also: { #expect($0.count("upload") == 1) }),
      deploy(
        group, "of the deploy", [fault("cut", "ShipitDeploy")], .done, .released, .after,
        also: { #expect($0.count("ShipitDeploy") == 1) }),
      deploy(
        group, "of the write of variables", [fault("cut", "ShipitVariablesUpsert")], .done, .released, .after,
        also: { #expect($0.count("ShipitVariablesUpsert", "api") == 1) }),
      deploy(
        group, "of the removal of a variable", [fault("cut", "ShipitVariableDelete")], .done, .released,
        .after, also: { #expect($0.count("ShipitVariableDelete") == 1) }),
      deploy(
        group, "of the rollback", [turnsBack, fault("cut", "ShipitRollback")], .failedClean, .rolledBack,
        says: ["health check"], also: { #expect($0.count("ShipitRollback") == 1) }),
    ]
  }()
}
