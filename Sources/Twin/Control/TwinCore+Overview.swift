import Concurrency
package import JSON

/// What the control surface and its page show. No value of a variable is among it.
extension TwinCore {
  package var overview: JSON {
    settle()
    let keys = world.instances.keys.filter { world.services[$0.service]?.deletedAt == nil }.sorted {
      name(of: $0) < name(of: $1)
    }
    return [
      "time": .string(world.now.iso8601), "stable": .bool(world.platform.isStable),
      "projects": .array(world.projects.values.map(\.name).sorted().map(JSON.string)),
      "environments": .array(world.environments.values.map(\.name).sorted().map(JSON.string)),
      "services": .array(keys.map(service)),
      "volumes": .array(
        world.volumes.values.map { volume in
          "\(world.services[volume.key.service]?.name ?? "-") \(volume.mountPath)"
        }.sorted().map(JSON.string)),
      "deployments": .array(shown.map(deployment)),
      "faults": faultsAsJSON,
      "requests": .array(log.records.suffix(50).reversed().map(\.json)), "counts": countsAsJSON,
    ]
  }

  /// The newest deployments, and whatever serves, however old.
  private var shown: [Deployment] {
    world.deploymentOrder.reversed().compactMap { world.deployments[$0] }.enumerated()
      .filter { $0.offset < 200 || $0.element.isServing }.map(\.element)
  }

  var countsAsJSON: JSON {
    [
      "operations": .object(log.counts.mapValues { .int(Int64($0)) }),
      "services": .object(log.countsByService.mapValues { .object($0.mapValues { .int(Int64($0)) }) }),
    ]
  }

  var faultsAsJSON: JSON {
    func left(_ count: Int?) -> JSON { count.map { .int(Int64($0)) } ?? "always" }
    let requests = faults.rules.map { rule -> JSON in
      [
        "fault": .string(rule.fault.name), "operation": rule.operation.map(JSON.string) ?? .null,
        "service": rule.service.map(JSON.string) ?? .null, "skip": .int(Int64(rule.skip)),
        "left": left(rule.count),
      ]
    }
    let deployments = world.behaviours.map { rule -> JSON in
      [
        "deployment": .string(String(describing: rule.behaviour)),
        "service": rule.service.map(JSON.string) ?? .null, "skip": .int(Int64(rule.skip)),
        "left": left(rule.count),
      ]
    }
    return .array(requests + deployments)
  }

  private func name(of key: InstanceKey) -> String {
    "\(world.services[key.service]?.name ?? "") \(world.environments[key.environment]?.name ?? "")"
  }

  private func service(_ key: InstanceKey) -> JSON {
    let instance = world.instances[key]
    let variables = instance?.variables.mapValues { RequestLog.fingerprint(.string($0.value)) } ?? [:]
    return [
      "service": .string(world.services[key.service]?.name ?? ""), "serviceId": .string(key.service),
      "environment": .string(world.environments[key.environment]?.name ?? ""),
      "environmentId": .string(key.environment),
      "address": instance?.address.map { .string("http://\($0)") } ?? .null,
      "latest": world.latest(of: key).map { .string($0.id) } ?? .null,
      "status": world.latest(of: key).map { .string($0.status.rawValue) } ?? .null,
      "domains": .array((instance?.customDomains ?? []).map { .string($0.name) }),
      "proxies": .array((instance?.proxies ?? []).map { .int(Int64($0.port)) }),
      "active": .array(world.active(of: key).map { .string($0.id) }), "variables": .object(variables),
    ]
  }

  private func deployment(_ deployment: Deployment) -> JSON {
    [
      "id": .string(deployment.id), "service": .string(world.services[deployment.key.service]?.name ?? ""),
      "environment": .string(world.environments[deployment.key.environment]?.name ?? ""),
      "status": .string(deployment.status.rawValue), "trigger": .string(deployment.trigger.rawValue),
      "createdAt": .string(deployment.createdAt.iso8601), "restarts": .int(Int64(deployment.restarts)),
      "instance": deployment.instanceStatus.map { .string($0.rawValue) } ?? .null,
      "message": deployment.meta["cliMessage"] ?? .null,
    ]
  }
}
