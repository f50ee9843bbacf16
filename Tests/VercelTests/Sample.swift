import Concurrency
import JSON
import Model
import TestSupport

@testable import Vercel

/// Values that tests share.
enum Sample {
  static let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
  static let target = ServiceTarget(
    service: "web", platform: .vercel, name: "web", ids: ["project": "prj_web", "team": "team_acme"])
  static let place = Place(project: "prj_web", team: "team_acme", name: "web")
  static let facts = RunFacts(
    id: RunID(7), release: 3, app: "shop", environment: "prod", commit: commit,
    startedAt: Timestamp(milliseconds: 0))
  static let marker = "shipit/shop/prod/7/web.deploy"

  static func environment(
    _ source: ServiceSource = .directory(path: ".", root: nil, include: []), team: String? = "acme",
    domains: [String] = []
  ) -> Environment {
    Environment(
      name: "prod", app: "shop",
      platforms: Platforms(vercel: VercelTarget(team: team, tokenSecret: "VERCEL_TOKEN")),
      services: [Service(key: "web", platform: .vercel, source: source, domains: domains)])
  }

  static func step(_ action: StepAction, id: StepID = "web.deploy", limit: Duration = .seconds(600)) -> Step {
    Step(id: id, title: "\(id)", service: "web", action: action, limit: limit)
  }

  static func call(
    _ clock: ManualClock, limit: Duration = .seconds(600), externalID: String? = nil,
    results: [StepID: StepResult] = [:], record: Record = Record()
  ) -> StepCall {
    StepCall(
      run: facts, attempt: 1, beganAt: clock.now, externalID: externalID, results: results,
      deadline: clock.now + limit, identify: { record.ids.append($0) }, report: { record.reports.append($0) })
  }

  static let directory = PlannedSource.directory(path: ".", root: nil, include: [])

  static func request(_ source: PlannedSource = directory, variables: [String: PlannedValue]? = nil)
    -> Deployment.Request
  {
    Deployment.Request(
      target: target, source: source, commit: commit, previous: "dpl_old", cutOver: .staged,
      variables: variables)
  }

  static func promotion(expected: String? = "dpl_old") -> Step {
    step(
      .promote(
        Promotion(target: target, deploymentStep: "web.deploy", expected: expected, commit: commit)),
      id: "web.promote")
  }

  static func restore(_ id: String = "dpl_old", _ mode: Restore.Mode = .codeAndVariables) -> Step {
    step(
      .restore(Restore(target: target, deployment: id, commit: commit, mode: mode, limit: .seconds(300))),
      id: "undo.web.deploy")
  }

  /// What the promotion's call knows of the deployment.
  static let deployed: [StepID: StepResult] = ["web.deploy": StepResult(externalID: "dpl_new")]

  /// A deployment with everything that Vercel's description asks of it.
  static func deployment(
    _ id: String, _ state: String = "READY", substate: String? = nil, assigned: Bool = true,
    created: Int64 = 1_766_000_000_000, marker: String? = nil, more: [String: JSON] = [:]
  ) -> JSON {
    var fields: [String: JSON] = [
      "id": .string(id), "readyState": .string(state), "status": .string(state),
      "aliasAssigned": .bool(assigned), "url": .string("\(id).vercel.app"), "target": "production",
      "createdAt": .int(created), "creator": ["uid": "u1", "username": "ann"],
      "meta": ["commit": .string(commit)], "build": ["env": []], "env": [], "inspectorUrl": .null,
      "isInConcurrentBuildsQueue": false, "isInSystemBuildsQueue": false, "projectSettings": [:],
      "bootedAt": 0, "buildingAt": 0, "buildSkipped": false, "public": false, "name": "web",
      "type": "LAMBDAS", "regions": ["iad1"], "version": 2, "projectId": "prj_web", "plan": "pro",
      "createdIn": "iad1", "ownerId": "team_acme", "routes": [],
    ]
    if let substate { fields["readySubstate"] = .string(substate) }
    if let marker { fields["meta"] = ["commit": .string(commit), "shipit": .string(marker)] }
    return .object(fields.merging(more) { _, own in own })
  }

  /// The same as an item of a list.
  static func item(_ deployment: JSON) -> JSON {
    let kept: Set<String> = [
      "readyState", "aliasAssigned", "url", "target", "createdAt", "creator", "meta", "readySubstate", "name",
      "projectId", "type", "inspectorUrl", "softDeletedByRetention", "isRollbackCandidate",
    ]
    var fields = (deployment.object ?? [:]).filter { kept.contains($0.key) }
    fields["uid"] = deployment["id"]
    fields["state"] = fields["readyState"]
    fields["created"] = fields["createdAt"]
    return .object(fields)
  }

  static func list(_ deployments: [JSON], next: Int64? = nil) -> JSON {
    [
      "deployments": .array(deployments.map(item)),
      "pagination": [
        "count": .int(Int64(deployments.count)), "next": next.map { .int($0) } ?? .null, "prev": .null,
      ],
    ]
  }

  /// A deployment as a project's production target.
  static func served(_ id: String, aliases: [String] = ["web.example.com"], more: [String: JSON] = [:])
    -> JSON
  {
    let fields: [String: JSON] = [
      "id": .string(id), "alias": .array(aliases.map { .string($0) }), "aliasAssigned": 1,
      "createdAt": 1_766_000_000_000, "createdIn": "iad1", "deploymentHostname": .string(id), "name": "web",
      "plan": "pro", "private": false, "type": "LAMBDAS", "readyState": "READY", "readySubstate": "PROMOTED",
      "target": "production", "url": .string("\(id).vercel.app"), "meta": ["commit": .string(commit)],
      "creator": ["uid": "u1", "username": "bo", "email": "bo@example.com"],
    ]
    return .object(fields.merging(more) { _, own in own })
  }

  /// A team as the description demands it whole.
  static let team: JSON = [
    "id": "team_acme", "slug": "acme", "name": "Acme", "avatar": .null, "billing": ["plan": "pro"],
    "creatorId": "u1", "updatedAt": 1, "createdAt": 1, "description": .null, "stagingPrefix": "s",
  ]

  static func project(
    live: String? = "dpl_old", job: JSON? = nil, pinned: Bool = false, more: [String: JSON] = [:]
  ) -> JSON {
    var fields: [String: JSON] = [
      "id": "prj_web", "name": "web", "accountId": "team_acme", "alias": [],
      "deploymentExpiration": [:], "directoryListing": false, "nodeVersion": "22.x",
      "resourceConfig": ["functionDefaultRegions": ["iad1"]],
      "defaultResourceConfig": ["functionDefaultRegions": ["iad1"]],
      "autoAssignCustomDomains": .bool(!pinned),
    ]
    if let live { fields["targets"] = ["production": served(live)] }
    if let job { fields["lastAliasRequest"] = job }
    return .object(fields.merging(more) { _, own in own })
  }

  static func job(
    _ status: String, to: String = "dpl_new", _ kind: String = "promote", at clock: ManualClock,
    age: Duration = .zero
  ) -> JSON {
    [
      "fromDeploymentId": "dpl_old", "toDeploymentId": .string(to), "jobStatus": .string(status),
      "requestedAt": .int((clock.now - age).milliseconds), "type": .string(kind),
    ]
  }

  static func domains(_ names: [String], more: [String: JSON] = [:]) -> JSON {
    [
      "domains": .array(
        names.map { name in
          .object(
            [
              "name": .string(name), "apexName": "example.com", "projectId": "prj_web", "verified": true,
            ].merging(more) { _, own in own })
        }),
      "pagination": ["count": .int(Int64(names.count)), "next": .null, "prev": .null],
    ]
  }

  static func alias(_ id: String?) -> Reply {
    .json([
      "alias": "web.example.com", "created": "2026-01-01T00:00:00.000Z", "uid": "a1", "projectId": "prj_web",
      "deploymentId": id.map { .string($0) } ?? .null,
    ])
  }

  static func variable(
    _ key: String, _ value: String = "", type: String = "encrypted", id: String? = nil,
    target: [JSON] = ["production"], updated: Int64 = 5, more: [String: JSON] = [:]
  ) -> JSON {
    .object(
      [
        "id": .string(id ?? "env_\(key)"), "key": .string(key), "value": .string(value),
        "type": .string(type),
        "target": .array(target), "updatedAt": .int(updated), "decrypted": .bool(type == "encrypted"),
      ].merging(more) { _, own in own })
  }

  static func variables(_ list: [JSON]) -> Reply {
    .json([
      "envs": .array(list), "pagination": ["count": .int(Int64(list.count)), "next": .null, "prev": .null],
    ])
  }
}
