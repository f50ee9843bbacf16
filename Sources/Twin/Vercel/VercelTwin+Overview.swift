import Concurrency
package import JSON

/// What the control surface and its page show. No value of a variable is among it.
extension VercelTwin {
  package var overview: JSON {
    settle()
    let projects = world.projects.values.sorted { $0.name < $1.name }
    return [
      "time": .string(world.now.iso8601), "projects": .array(projects.map(project)),
      "deployments": .array(
        world.deploymentOrder.reversed().prefix(200).compactMap { world.deployments[$0] }.map(deployment)),
      "aliases": .array(world.aliases.values.sorted { $0.host < $1.host }.map(alias)),
      "faults": faultsAsJSON, "requests": .array(log.records.suffix(50).reversed().map(\.json)),
      "edge": .array(edgeLog.records.suffix(50).reversed().map(\.json)),
      "counts": .object(log.counts.mapValues { .int(Int64($0)) }),
    ]
  }

  var faultsAsJSON: JSON {
    func left(_ count: Int?) -> JSON { count.map { .int(Int64($0)) } ?? "always" }
    let requests = faults.rules.map { rule -> JSON in
      [
        "fault": .string(rule.fault.name), "operation": .text(rule.operation), "project": .text(rule.service),
        "skip": .int(Int64(rule.skip)), "left": left(rule.count),
      ]
    }
    let deployments = world.behaviours.map { rule -> JSON in
      [
        "fault": .string(String(describing: rule.behaviour)), "operation": "deployment",
        "project": .text(rule.project), "skip": .int(Int64(rule.skip)), "left": left(rule.count),
      ]
    }
    let jobs = world.jobBehaviours.map { rule -> JSON in
      [
        "fault": .string(String(describing: rule.behaviour)),
        "operation": .text(rule.kind?.rawValue ?? "job"),
        "project": .text(rule.project), "skip": .int(Int64(rule.skip)), "left": left(rule.count),
      ]
    }
    return .array(requests + deployments + jobs)
  }

  private func project(_ project: Project) -> JSON {
    let variables = project.variables.map { variable in
      (variable.key, RequestLog.fingerprint(.string(variable.value)))
    }
    return [
      "name": .string(project.name), "id": .string(project.id),
      "owner": .string(world.slug(of: project.owner)),
      "production": .text(project.production), "pinned": .bool(!project.autoAssignCustomDomains),
      "rolling": .text(project.rollingRelease.map { "\($0.state.rawValue) \($0.percentage) %" }),
      "job": .text(project.aliasRequest.map { "\($0.kind.rawValue) \($0.status.rawValue)" }),
      "domains": .string(project.domains.map(\.name).joined(separator: " ")),
      "variables": .object(Dictionary(variables, uniquingKeysWith: { $1 })),
    ]
  }

  private func deployment(_ deployment: Deployment) -> JSON {
    [
      "id": .string(deployment.id), "project": .string(deployment.name),
      "target": .string(deployment.target ?? "preview"),
      "state": .string(deployment.deletedAt == nil ? deployment.readyState.rawValue : "DELETED"),
      "substate": .text(deployment.substate?.rawValue), "aliased": .bool(deployment.aliasAssigned),
      "source": .string(deployment.source), "url": .string(deployment.url),
      "error": .text(deployment.failure?.message ?? deployment.stateReason),
      "createdAt": .string(deployment.createdAt.iso8601),
    ]
  }

  private func alias(_ alias: Alias) -> JSON {
    [
      "host": .string(alias.host), "deployment": .string(alias.deployment),
      "served": .text(alias.served(at: time.now)),
    ]
  }
}
