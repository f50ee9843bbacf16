import Concurrency
import JSON

/// Environment variables, contract §6 and point 9 of §13.
extension VercelTwin.World {
  static let reserved: Set<String> = [
    "AWS_SECRET_KEY", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "NOW_REGION", "TZ", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
  ]

  /// Creates or overwrites one variable.
  /// - Throws: what the API puts into `failed`.
  mutating func write(
    _ entry: JSON, to project: String, upsert: Bool
  ) throws(VercelTwin.Problem) -> VercelTwin.Variable {
    guard let key = entry["key"]?.string, let value = entry["value"]?.string else {
      throw .badRequest("a variable needs `key` and `value`")
    }
    guard let name = entry["type"]?.string, var kind = VercelTwin.Variable.Kind(rawValue: name),
      kind != .secret
    else { throw .badRequest("`type` must be one of system, encrypted, plain, sensitive") }
    let targets = entry["target"]?.array?.compactMap(\.string) ?? entry["target"]?.string.map { [$0] } ?? []
    let environments = entry["customEnvironmentIds"]?.array?.compactMap(\.string) ?? []
    guard targets.allSatisfy({ ["production", "preview", "development"].contains($0) }) else {
      throw .badRequest("`target` must be production, preview or development")
    }
    guard !targets.isEmpty || !environments.isEmpty else {
      throw .badRequest("`target` or `customEnvironmentIds` is required")
    }
    let branch = entry["gitBranch"]?.string
    guard branch == nil || targets == ["preview"] else {
      throw .badRequest("`gitBranch` goes with the target preview only")
    }
    guard Self.isName(key) else {
      throw problem("ENV_KEY_INVALID_CHARACTERS", "The name contains invalid characters", key)
    }
    guard !Self.reserved.contains(key) else { throw problem("ENV_RESERVED", "The name is reserved", key) }
    guard value.utf8.count <= 65_536 else {
      throw problem("ENV_VALUE_TOO_LONG", "The value is too long", key)
    }
    let team = teams[projects[project]?.owner ?? ""]
    if team?.forcesSensitive == true, !targets.contains("development"), kind != .system { kind = .sensitive }
    if kind == .sensitive {
      guard !targets.contains("development") else {
        throw problem("ENV_SENSITIVE_DEVELOPMENT", "Sensitive variables cannot target development", key)
      }
      guard !key.hasPrefix("NEXT_PUBLIC_") else {
        throw problem("ENV_PUBLIC_SENSITIVE", "Public variables cannot be sensitive", key)
      }
    }
    let fresh = VercelTwin.Variable(
      id: mint("env"), key: key, value: value, kind: kind, targets: targets, environments: environments,
      gitBranch: branch, comment: entry["comment"]?.string, createdAt: now, updatedAt: now)
    let stored = projects[project]?.variables ?? []
    if let index = stored.firstIndex(where: { $0.identity == fresh.identity }) {
      guard upsert else { throw conflict(fresh, stored[index]) }
      var changed = stored[index]
      changed.value = value
      changed.kind = kind
      changed.comment = fresh.comment ?? changed.comment
      changed.updatedAt = now
      projects[project]?.variables[index] = changed
      return changed
    }
    let rival = stored.first {
      $0.key == key && $0.gitBranch == branch
        && (!Set($0.targets).isDisjoint(with: targets)
          || !Set($0.environments).isDisjoint(with: environments))
    }
    if let rival { throw conflict(fresh, rival) }
    try checkLimits(adding: fresh, to: stored)
    projects[project]?.variables.append(fresh)
    return fresh
  }

  private func checkLimits(
    adding fresh: VercelTwin.Variable, to stored: [VercelTwin.Variable]
  ) throws(VercelTwin.Problem) {
    for target in fresh.targets {
      let others = stored.filter { $0.targets.contains(target) }
      guard others.count < 1000 else {
        throw problem("ENV_LIMIT", "At most 1000 variables per environment", fresh.key)
      }
      let size = (others + [fresh]).reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
      guard size <= 65_536 else {
        throw problem("ENV_SIZE", "Names and values exceed 64 KB together", fresh.key)
      }
    }
  }

  private func conflict(_ fresh: VercelTwin.Variable, _ rival: VercelTwin.Variable) -> VercelTwin.Problem {
    VercelTwin.Problem(
      400, "ENV_CONFLICT", "A variable named \(fresh.key) already exists for this target",
      extras: [
        "key": .string(fresh.key), "envVarId": .string(rival.id), "envVarKey": .string(rival.key),
        "target": .texts(rival.targets),
      ])
  }

  private func problem(_ code: String, _ message: String, _ key: String) -> VercelTwin.Problem {
    VercelTwin.Problem(400, code, message, extras: ["key": .string(key)])
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 256
      && text.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
      }
  }

  /// What a new deployment would receive now: the more specific variable wins.
  func snapshot(
    _ project: VercelTwin.Project, target: String?, environment: String?, branch: String?
  ) -> [String: String] {
    var result: [String: String] = [:]
    let wanted = target == "production" ? "production" : "preview"
    for variable in project.variables where variable.gitBranch == nil {
      let applies =
        environment.map { variable.environments.contains($0) } ?? variable.targets.contains(wanted)
      if applies { result[variable.key] = variable.value }
    }
    for variable in project.variables where variable.gitBranch != nil && wanted == "preview" {
      if variable.gitBranch == branch { result[variable.key] = variable.value }
    }
    return result
  }

  /// A variable as the API tells it.
  /// - Parameter decrypted: whether a value that can be read is told in clear.
  func document(_ variable: VercelTwin.Variable, decrypted: Bool) -> JSON {
    let value: JSON
    switch variable.kind {
    case .sensitive: value = ""
    case .plain, .system: value = .string(variable.value)
    case .encrypted, .secret:
      value = decrypted ? .string(variable.value) : .string("ZW5jcnlwdGVkLXR3aW4=")
    }
    return .members([
      "id": .string(variable.id), "key": .string(variable.key), "value": value,
      "type": .string(variable.kind.rawValue), "target": .texts(variable.targets),
      "gitBranch": variable.gitBranch.map(JSON.string), "comment": variable.comment.map(JSON.string),
      "customEnvironmentIds": .texts(variable.environments), "configurationId": .null,
      "createdAt": .number(variable.createdAt), "updatedAt": .number(variable.updatedAt),
      "createdBy": .string(user.id), "updatedBy": .string(user.id),
      "decrypted": .bool(decrypted && variable.kind != .sensitive),
    ])
  }
}
