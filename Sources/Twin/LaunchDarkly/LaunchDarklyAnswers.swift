import JSON

/// The documents of LaunchDarkly's REST API and of its SDK endpoints (contract launchdarkly §3, §7, §9).
extension LaunchDarklyWorld {
  func json(_ flag: Flag, only environment: String?) -> JSON {
    let shown = flag.environments.filter { environment == nil || $0.key == environment }
    return [
      "name": .string(flag.key),
      "kind": flag.variations.allSatisfy { $0["value"]?.bool != nil } ? "boolean" : "multivariate",
      "description": "", "key": .string(flag.key), "_version": .int(flag.version),
      "creationDate": .int(flag.created), "includeInSnippet": false,
      "clientSideAvailability": ["usingMobileKey": false, "usingEnvironmentId": false],
      "variations": .array(flag.variations), "temporary": true, "tags": .array(flag.tags.map(JSON.string)),
      "_links": ["self": link("/api/v2/flags/\(project)/\(flag.key)")], "maintainerId": "", "goalIds": [],
      "experiments": ["baselineIdx": 0, "items": []], "customProperties": [:], "archived": false,
      "deprecated": false,
      "defaults": ["onVariation": 0, "offVariation": .int(Int64(flag.variations.count - 1))],
      "environments": .object(
        Dictionary(
          uniqueKeysWithValues: shown.map { key, config in
            let site: JSON = [
              "href": .string("/\(project)/\(key)/features/\(flag.key)"), "type": "text/html",
            ]
            return (key, .object(config.merging(["_site": site, "_environmentName": .string(key)]) { $1 }))
          })),
    ]
  }

  private func link(_ href: String) -> JSON { ["href": .string(href), "type": "application/json"] }

  func json(_ environment: Environment) -> JSON {
    [
      "_links": ["self": link("/api/v2/projects/\(project)/environments/\(environment.key)")],
      "_id": "5f0000000000000000000001", "key": .string(environment.key), "name": .string(environment.key),
      "apiKey": "sdk-hidden", "mobileKey": "mob-hidden", "color": "417505", "defaultTtl": 0,
      "secureMode": false,
      "defaultTrackEvents": false, "requireComments": .bool(environment.requiresComments),
      "confirmChanges": false,
      "tags": [], "critical": false,
      "approvalSettings": [
        "required": .bool(environment.requiresApproval), "bypassApprovalsForPendingChanges": false,
        "minNumApprovals": 1, "canReviewOwnRequest": false, "canApplyDeclinedChanges": false,
        "autoApplyApprovedChanges": false, "serviceKind": "launchdarkly", "serviceConfig": [:],
        "requiredApprovalTags": [],
      ],
    ]
  }

  func json(_ change: Change) -> JSON {
    var entry: [String: JSON] = [
      "_links": ["self": link("/api/v2/auditlog/\(change.id)")], "_id": .string(change.id),
      "_accountId": "5f0000000000000000000000", "date": .int(change.at), "accesses": [], "kind": "flag",
      "name": .string(change.flag), "description": "", "shortDescription": "",
      "comment": .string(change.comment),
      "titleVerb": .string(change.title),
      "title": .string("\(change.author.member ?? change.author.name) \(change.title)"),
    ]
    if let member = change.author.member {
      entry["member"] = ["_links": [:], "_id": "5f0000000000000000000002", "email": .string(member)]
    } else {
      entry["token"] = [
        "_links": [:], "_id": "5f0000000000000000000003", "name": .string(change.author.name),
      ]
    }
    return .object(entry)
  }

  func json(_ approval: Approval) -> JSON {
    [
      "_id": .string(approval.id), "_version": .int(approval.version), "creationDate": .int(approval.at),
      "serviceKind": "launchdarkly", "description": .string(approval.description),
      "reviewStatus": .string(approval.reviewStatus), "allReviews": .array(approval.reviews),
      "notifyMemberIds": [], "status": .string(approval.status),
      "instructions": .array(approval.instructions),
      "conflicts": [], "_links": ["self": link("/api/v2/approval-requests/\(approval.id)")],
    ]
  }

  func json(_ token: Token) -> JSON {
    [
      "accountId": "5f0000000000000000000000", "authKind": "token", "tokenKind": "auth",
      "tokenName": .string(token.name), "tokenId": "5f0000000000000000000003",
      "serviceToken": .bool(token.member == nil), "scopes": [],
    ]
  }

  /// A flag in the form of the SDKs: one environment, flat.
  func sdkForm(_ flag: Flag, _ environment: String) -> JSON {
    var form = flag.environments[environment] ?? [:]
    for name in ["archived", "sel", "lastModified"] { form[name] = nil }
    form["key"] = .string(flag.key)
    form["deleted"] = false
    form["variations"] = .array(flag.variations.map { $0["value"] ?? .null })
    form["clientSideAvailability"] = ["usingMobileKey": false, "usingEnvironmentId": false]
    form["rules"] = .array(
      (form["rules"]?.array ?? []).map { rule in
        var members = rule.object ?? [:]
        members["id"] = members.removeValue(forKey: "_id")
        return .object(members)
      })
    return .object(form)
  }

  func sdkForm(of environment: String) -> JSON {
    ["flags": .object(flags.mapValues { sdkForm($0, environment) }), "segments": [:]]
  }

  var overview: JSON {
    let rows = flags.values.sorted { $0.key < $1.key }.flatMap { flag in
      flag.environments.sorted { $0.key < $1.key }.map { environment, config -> JSON in
        [
          "flag": .string(flag.key), "environment": .string(environment), "on": config["on"] ?? false,
          "rule": .string((config["fallthrough"] ?? .null).serialized()), "version": config["version"] ?? 0,
        ]
      }
    }
    return [
      "flags": .array(rows),
      "changes": .array(
        changes.map {
          ["flag": .string($0.flag), "by": .string($0.author.name), "comment": .string($0.comment)]
        }),
      "approvals": .array(
        approvals.map {
          ["id": .string($0.id), "review": .string($0.reviewStatus), "status": .string($0.status)]
        }),
    ]
  }
}
