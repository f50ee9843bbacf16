import Concurrency
package import JSON

/// What the control surface and its page show. No value of a secret is among it.
extension EncoreTwin {
  package var overview: JSON {
    settle()
    let environments = world.environments.values.sorted { $0.id < $1.id }
    let rollouts = world.rolloutOrder.reversed().prefix(100).compactMap { world.rollouts[$0] }
    let groups = world.secretGroups.values.sorted { ($0.app, $0.key, $0.id) < ($1.app, $1.key, $1.id) }
    return [
      "environments": .array(environments.map(environment)), "rollouts": .array(rollouts.map(rollout)),
      "secrets": .array(groups.map(secret)), "images": registry.overview, "faults": faultsAsJSON,
      "requests": .array(log.records.suffix(50).reversed().map(\.json)),
    ]
  }

  var faultsAsJSON: JSON {
    func left(_ count: Int?) -> JSON { count.map { .int(Int64($0)) } ?? "always" }
    let requests = faults.rules.map { rule -> JSON in
      [
        "fault": .string(rule.fault.name), "operation": rule.operation.map(JSON.string) ?? .null,
        "environment": rule.service.map(JSON.string) ?? .null, "left": left(rule.count),
      ]
    }
    let rollouts = world.behaviours.map { rule -> JSON in
      [
        "fault": .string(String(describing: rule.behaviour)), "operation": "rollout",
        "environment": rule.environment.map(JSON.string) ?? .null, "left": left(rule.count),
      ]
    }
    return .array(requests + rollouts + commandFaults.overview)
  }

  private func environment(_ environment: EncoreWorld.Environment) -> JSON {
    let traffic = environment.traffic
    func revision(_ id: String?) -> JSON {
      id.flatMap { world.rollouts[$0]?.revision }.map(JSON.string) ?? .null
    }
    let applied = environment.applied.sorted { $0.key < $1.key }.map { name, versions in
      "\(name): \(versions.map(String.init).joined(separator: ", "))"
    }
    return [
      "app": .string(environment.key.app), "environment": .string(environment.key.name),
      "type": .string(environment.type), "address": .string(environment.address),
      "live": traffic.live.map(JSON.string) ?? .null, "revision": revision(traffic.live),
      "leaving": revision(traffic.old), "applied": .string(applied.joined(separator: "; ")),
    ]
  }

  private func rollout(_ rollout: EncoreRollout) -> JSON {
    func text(_ phase: EncoreRollout.Phase?) -> JSON {
      phase.map { .string([$0.status, $0.conclusion?.rawValue].compactMap { $0 }.joined(separator: " ")) }
        ?? .null
    }
    return [
      "rollout": .string(rollout.id), "app": .string(rollout.key.app),
      "environment": .string(rollout.key.name), "commit": .string(rollout.commit.sha),
      "status": .string(rollout.status),
      "conclusion": rollout.conclusion.map { .string($0.rawValue) } ?? .null,
      "build": text(rollout.build), "infra": text(rollout.infra), "deploy": text(rollout.deploy),
      "reason": rollout.reason.map(JSON.string) ?? .null, "trigger": .string(rollout.trigger.rawValue),
      "created": .string(rollout.createdAt.iso8601), "lines": .array(rollout.lines.map(JSON.string)),
    ]
  }

  private func secret(_ group: EncoreWorld.SecretGroup) -> JSON {
    [
      "group": .string(group.id), "app": .string(group.app), "key": .string(group.key),
      "selectors": .string(group.selectors.map(\.text).sorted().joined(separator: ", ")),
      "versions": .int(Int64(group.versions.count)), "archived": .bool(!group.isActive),
      "value": RequestLog.fingerprint(.string(group.value)),
    ]
  }
}
