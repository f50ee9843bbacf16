import Concurrency
import JSON

/// Deployments, projects and aliases as the API tells them.
extension VercelTwin.World {
  func document(_ deployment: VercelTwin.Deployment) -> JSON {
    let project = projects[deployment.project]
    let created = deployment.createdAt
    return .members([
      "id": .string(deployment.id), "name": .string(deployment.name), "url": .string(deployment.url),
      "projectId": .string(deployment.project), "ownerId": .string(deployment.owner),
      "project": .members([
        "id": .string(deployment.project), "name": .string(project?.name ?? ""),
        "framework": .text(deployment.settings.framework),
      ]),
      "team": teams[deployment.owner].map { team in
        ["id": .string(team.id), "name": .string(team.name), "slug": .string(team.slug)]
      },
      "plan": .string(plan(of: deployment.owner).rawValue), "type": "LAMBDAS", "version": 2,
      "createdIn": "iad1", "regions": ["iad1"], "routes": .null, "public": false, "buildSkipped": false,
      "createdAt": .number(created), "bootedAt": .number(deployment.bootedAt ?? created),
      "buildingAt": .number(deployment.buildingAt ?? created), "ready": deployment.readyAt.map(JSON.number),
      "canceledAt": deployment.canceledAt.map(JSON.number),
      "aliasAssignedAt": deployment.aliasAssignedAt.map(JSON.number),
      "buildErrorAt": deployment.failure.map { _ in .number(deployment.events.last?.date ?? created) },
      "target": .text(deployment.target), "source": .string(sourceName(deployment)),
      "status": .string(deployment.readyState.rawValue),
      "readyState": .string(deployment.readyState.rawValue),
      "readySubstate": deployment.readyState == .ready
        ? deployment.substate.map { .string($0.rawValue) } : nil,
      "readyStateReason": deployment.stateReason.map(JSON.string),
      "aliasAssigned": .bool(deployment.aliasAssigned), "aliasError": deployment.aliasError ?? .null,
      "aliasWarning": .null, "alias": .texts(deployment.aliases),
      "automaticAliases": .texts(deployment.automaticAliases), "userAliases": .texts(deployment.userAliases),
      "autoAssignCustomDomains": .bool(deployment.assignsDomains),
      "errorCode": deployment.failure.map { .string($0.code) },
      "errorMessage": deployment.failure.map { .string($0.message) },
      "errorStep": deployment.failure?.step.map(JSON.string),
      "errorLink": deployment.failure?.link.map(JSON.string),
      "creator": ["uid": .string(user.id), "username": .string(user.username), "type": "user"],
      "meta": .object(deployment.meta.mapValues(JSON.string)), "gitSource": gitSource(deployment),
      "build": ["env": .texts(deployment.buildVariableNames)], "env": .texts(deployment.variableNames),
      "inspectorUrl": .string(inspector(deployment)),
      "isInConcurrentBuildsQueue": .bool(deployment.readyState == .queued),
      "isInSystemBuildsQueue": false, "prebuilt": .bool(deployment.isPrebuilt),
      "isInstantStatic": .bool(deployment.isInstant), "projectSettings": .object(settings(of: deployment)),
      "checks": deployment.aliasCheck.map { check in
        .members([
          "deployment-alias": .members([
            "state": .string(check.state), "startedAt": .number(check.startedAt),
            "completedAt": check.completedAt.map(JSON.number),
          ])
        ])
      },
      "customEnvironment": deployment.environmentID.map { ["id": .string($0)] },
    ])
  }

  private func settings(of deployment: VercelTwin.Deployment) -> [String: JSON] {
    deployment.settings.members.filter { $0.key != "rootDirectory" }
  }

  private func sourceName(_ deployment: VercelTwin.Deployment) -> String {
    deployment.source
  }

  /// Only the forms that have every part they need are told.
  private func gitSource(_ deployment: VercelTwin.Deployment) -> JSON? {
    guard let source = deployment.gitSource, source["type"]?.string != nil, source["sha"]?.string != nil
    else {
      return nil
    }
    return source
  }

  private func inspector(_ deployment: VercelTwin.Deployment) -> String {
    let short = deployment.id.split(separator: "_").last ?? ""
    return "https://vercel.com/\(slug(of: deployment.owner))/\(deployment.name)/\(short)"
  }

  /// As lists tell it.
  func item(_ deployment: VercelTwin.Deployment, candidates: Bool) -> JSON {
    let state: JSON = deployment.deletedAt == nil ? .string(deployment.readyState.rawValue) : "DELETED"
    return .members([
      "uid": .string(deployment.id), "name": .string(deployment.name), "url": .string(deployment.url),
      "projectId": .string(deployment.project), "created": .number(deployment.createdAt),
      "createdAt": .number(deployment.createdAt), "readyState": state, "state": state, "type": "LAMBDAS",
      "creator": ["uid": .string(user.id), "username": .string(user.username), "email": .string(user.email)],
      "inspectorUrl": .string(inspector(deployment)), "target": .text(deployment.target),
      "meta": .object(deployment.meta.mapValues(JSON.string)),
      "aliasAssigned": deployment.aliasAssigned
        ? .number(deployment.aliasAssignedAt ?? deployment.createdAt) : .bool(false),
      "aliasError": deployment.aliasError ?? .null, "ready": deployment.readyAt.map(JSON.number),
      "buildingAt": deployment.buildingAt.map(JSON.number), "source": .string(sourceName(deployment)),
      "readySubstate": deployment.readyState == .ready
        ? deployment.substate.map { .string($0.rawValue) } : nil,
      "errorCode": deployment.failure.map { .string($0.code) },
      "errorMessage": deployment.failure.map { .string($0.message) },
      "prebuilt": .bool(deployment.isPrebuilt),
      "softDeletedByRetention": deployment.isSoftDeleted ? JSON.bool(true) : JSON?.none,
      "deleted": deployment.deletedAt.map(JSON.number),
      "isRollbackCandidate": candidates ? .bool(isCandidate(deployment)) : nil,
    ])
  }

  /// A rollback may lead to it (contract §4.3).
  func isCandidate(_ deployment: VercelTwin.Deployment) -> Bool {
    guard deployment.wasLive, deployment.deletedAt == nil, !deployment.isSoftDeleted,
      let project = projects[deployment.project], project.production != deployment.id
    else { return false }
    return plan(of: project.owner) != .hobby || previous(of: project) == deployment.id
  }

  /// As projects tell their deployments.
  private func summary(_ deployment: VercelTwin.Deployment) -> JSON {
    .members([
      "id": .string(deployment.id), "name": .string(deployment.name), "url": .string(deployment.url),
      "alias": .texts(deployment.aliases), "aliasAssigned": .bool(deployment.aliasAssigned),
      "automaticAliases": .texts(deployment.automaticAliases), "createdAt": .number(deployment.createdAt),
      "createdIn": "iad1", "deploymentHostname": .string(deployment.url),
      "meta": .object(deployment.meta.mapValues(JSON.string)),
      "creator": ["uid": .string(user.id), "username": .string(user.username), "email": .string(user.email)],
      "plan": .string(plan(of: deployment.owner).rawValue), "private": false,
      "readyState": .string(deployment.readyState.rawValue), "readyAt": deployment.readyAt.map(JSON.number),
      "readySubstate": deployment.readyState == .ready
        ? deployment.substate.map { .string($0.rawValue) } : nil,
      "target": .text(deployment.target), "type": "LAMBDAS", "userId": .string(user.id),
    ])
  }

  /// - Parameter rollbackInfo: whether the last promotion or rollback is told (contract §4.4).
  func document(_ project: VercelTwin.Project, rollbackInfo: Bool = false) -> JSON {
    let production = project.production.flatMap { deployments[$0] }
    let latest = deploymentOrder.reversed().lazy.compactMap { deployments[$0] }
      .filter { $0.project == project.id && $0.deletedAt == nil }.prefix(5)
    let request = project.aliasRequest
    var members = project.settings.members.merging(project.others) { own, _ in own }
    let told: [String: JSON?] = [
      "id": .string(project.id), "name": .string(project.name), "accountId": .string(project.owner),
      "createdAt": .number(project.createdAt), "updatedAt": .number(project.updatedAt),
      "alias": .array(production.map { aliasEntries(of: project, $0) } ?? []),
      "deploymentExpiration": [:], "directoryListing": false,
      "resourceConfig": ["functionDefaultRegions": ["iad1"]],
      "defaultResourceConfig": ["functionDefaultRegions": ["iad1"]],
      "autoAssignCustomDomains": .bool(project.autoAssignCustomDomains), "autoExposeSystemEnvs": true,
      "live": .bool(production != nil), "paused": .bool(project.isPaused), "link": project.link,
      "ssoProtection": project.protection.map { ["deploymentType": .string($0)] } ?? .null,
      "passwordProtection": .null, "protectionBypass": .object(project.bypass.mapValues(bypass)),
      "customEnvironments": .array(project.environments.map(document)),
      "env": .array(project.variables.map { document($0, decrypted: false) }),
      "targets": .object(production.map { ["production": summary($0)] } ?? [:]),
      "latestDeployments": .array(latest.map(summary)),
      "rollbackDescription": project.rollbackDescription,
      "lastRollbackTarget": request.flatMap { request in
        request.kind == .rollback && request.isRunning ? ["id": .string(request.to)] : nil
      } ?? .null,
      "rollingRelease": project.rollingConfig.map(document) ?? .null,
      "lastAliasRequest": rollbackInfo ? request.map(document) ?? .null : nil,
      "hasDeployments": .bool(project.created > 0),
    ]
    for (name, value) in told { if let value, members[name] == nil { members[name] = value } }
    return .object(members)
  }

  private func aliasEntries(of project: VercelTwin.Project, _ production: VercelTwin.Deployment) -> [JSON] {
    project.domains.filter(\.isProduction).map { domain in
      [
        "domain": .string(domain.name), "environment": "production", "target": "PRODUCTION",
        "createdAt": .number(domain.createdAt), "deployment": summary(production),
      ]
    }
  }

  func bypass(_ bypass: VercelTwin.Bypass) -> JSON {
    .members([
      "createdAt": .number(bypass.createdAt), "createdBy": .string(user.id), "scope": "automation-bypass",
      "isEnvVar": .bool(bypass.isVariable), "note": bypass.note.map(JSON.string),
    ])
  }

  func document(_ environment: VercelTwin.CustomEnvironment) -> JSON {
    .members([
      "id": .string(environment.id), "slug": .string(environment.slug), "type": "preview",
      "description": environment.description.map(JSON.string), "createdAt": .number(environment.createdAt),
      "updatedAt": .number(environment.createdAt),
    ])
  }

  func document(_ config: VercelTwin.RollingConfig) -> JSON {
    [
      "target": "production",
      "stages": .array(
        config.stages.map { stage in
          .members([
            "targetPercentage": .int(Int64(stage.percentage)), "requireApproval": .bool(!config.isAutomatic),
            "duration": stage.duration.map(JSON.double),
          ])
        }),
    ]
  }

  private func document(_ request: VercelTwin.AliasRequest) -> JSON {
    .members([
      "fromDeploymentId": .text(request.from), "toDeploymentId": .string(request.to),
      "jobStatus": .string(request.status.rawValue), "requestedAt": .number(request.requestedAt),
      "type": .string(request.kind.rawValue),
      "fromRollingReleaseId": request.rollingRelease.map(JSON.string),
    ])
  }

  func document(_ alias: VercelTwin.Alias) -> JSON {
    let deployment = deployments[alias.deployment]
    return .members([
      "uid": .string(alias.uid), "alias": .string(alias.host), "created": .string(alias.createdAt.iso8601),
      "createdAt": .number(alias.createdAt), "updatedAt": .number(alias.updatedAt),
      "creator": ["uid": .string(user.id), "username": .string(user.username), "email": .string(user.email)],
      "deploymentId": .string(alias.deployment), "projectId": .string(alias.project), "redirect": .null,
      "deployment": deployment.map { ["id": .string($0.id), "url": .string($0.url)] },
    ])
  }
}
