import Concurrency
import GraphQL
import JSON

/// Snapshots of volumes (contract railway §10.2).
extension World {
  /// Everything about backups wants the id of the volume's instance; its own id is refused like a foreign one.
  private func volume(instance id: String, for token: Token) throws(Refusal) -> Volume {
    guard let found = volumes.values.first(where: { $0.instanceID == id }),
      mayAccess(token, environment: found.key.environment)
    else { throw World.notAuthorized }
    return found
  }

  /// Begins one. It is listed under an id that is not told before.
  /// - Returns: the id of its workflow.
  mutating func createBackup(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let found = try volume(instance: arguments["volumeInstanceId"]?.string ?? "", for: token)
    guard found.usedMB * 2 <= found.sizeMB else {
      throw Refusal("Manual backups are limited to volumes that use at most 50% of their size")
    }
    let workflow = mint()
    let backup = Volume.Backup(
      id: mint(), name: arguments["name"]?.string, workflow: workflow, createdAt: now,
      readyAt: now + durations.backup)
    volumes[found.id]?.backups.append(backup)
    return workflow
  }

  /// Fills a new volume from a backup, and stages the swap; backups that are newer are gone (contract §10.2).
  mutating func restoreBackup(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let found = try volume(instance: arguments["volumeInstanceId"]?.string ?? "", for: token)
    let wanted = arguments["volumeInstanceBackupId"]?.string
    guard let index = found.backups.firstIndex(where: { $0.id == wanted && $0.readyAt <= now }) else {
      throw Refusal("Backup does not exist")
    }
    let workflow = mint()
    workflows[workflow] = Workflow(
      id: workflow, environment: found.key.environment, visibleFrom: now, readyAt: now + durations.backup)
    volumes[found.id]?.backups.removeSubrange((index + 1)...)
    let id = mint()
    volumes[id] = Volume(
      id: id, instanceID: mint(), name: "\(found.name)-\(now.iso8601.prefix(10))",
      key: InstanceKey(service: "", environment: found.key.environment), project: found.project,
      mountPath: found.mountPath, sizeMB: found.sizeMB, usedMB: found.usedMB, createdAt: now)
    let swap: JSON = [
      "services": .object([
        found.key.service: ["volumeMounts": .object([id: ["mountPath": .string(found.mountPath)]])]
      ])
    ]
    let staged = StagedPatch(id: mint(), patch: swap, createdAt: now)
    environments[found.key.environment]?.staged = staged
    environments[found.key.environment]?.unmergedChanges = 1
    return workflow
  }

  func backups(of instance: String, for token: Token) throws(Refusal) -> [GraphQLNode] {
    let found = try volume(instance: instance, for: token)
    return found.backups.filter { $0.readyAt <= now }.reversed().map { backup in
      .object([
        "id": .text(backup.id), "name": .json(backup.name.map { .string($0) } ?? .null),
        "createdAt": .time(backup.createdAt), "expiresAt": .json(.null), "scheduleId": .json(.null),
        "externalId": .text("snapshot-\(backup.id)"), "creatorId": .json(.null),
        "usedMB": .number(found.usedMB), "referencedMB": .number(found.usedMB),
        "volumeInstanceSizeMB": .number(found.sizeMB),
      ])
    }
  }

  /// Replaces the set of schedules.
  mutating func setSchedules(_ arguments: [String: JSON], for token: Token) throws(Refusal) {
    let found = try volume(instance: arguments["volumeInstanceId"]?.string ?? "", for: token)
    volumes[found.id]?.schedules = (arguments["kinds"]?.array ?? []).compactMap(\.string).sorted()
  }

  func schedules(of instance: String, for token: Token) throws(Refusal) -> [GraphQLNode] {
    let found = try volume(instance: instance, for: token)
    let kept = ["DAILY": 6, "WEEKLY": 30, "MONTHLY": 90]
    let crons = ["DAILY": "0 0 * * *", "WEEKLY": "0 0 * * 0", "MONTHLY": "0 0 1 * *"]
    return found.schedules.map { kind in
      .object([
        "id": .text("\(found.id)-\(kind.lowercased())"), "kind": .text(kind),
        "name": .text(kind.lowercased()),
        "cron": .text(crons[kind]), "retentionSeconds": .number(kept[kind].map { $0 * 86_400 }),
        "createdAt": .time(found.createdAt),
      ])
    }
  }

  /// The state of a workflow; `NotFound` for one that nobody began.
  func workflowStatus(_ id: String, for token: Token) -> GraphQLNode {
    if let workflow = workflows[id], mayAccess(token, environment: workflow.environment) {
      let status = now < workflow.visibleFrom ? "NotFound" : now < workflow.readyAt ? "Running" : "Complete"
      return .object(["status": .text(status), "error": .json(.null)])
    }
    let found = volumes.values.first { $0.backups.contains { $0.workflow == id } }
    let backup = found?.backups.first { $0.workflow == id }
    guard let found, let backup, mayAccess(token, environment: found.key.environment) else {
      return .object(["status": .text("NotFound"), "error": .json(.null)])
    }
    return .object([
      "status": .text(backup.readyAt <= now ? "Complete" : "Running"), "error": .json(.null),
    ])
  }
}
