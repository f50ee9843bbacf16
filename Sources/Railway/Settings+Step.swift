import JSON
import Model

extension RailwayPlatform {
  /// Writes the managed settings in one call and the limits in another; nothing when all is so already.
  func perform(_ write: SettingsWrite) async -> Outcome {
    let doing = "writing the settings of \(write.target.name)"
    let current: ServiceDetails
    do {
      current = try await details(for: write)
    } catch {
      return await reading(error, doing)
    }
    let missing = write.missing(in: current)
    if missing.isEmpty { return .done(StepResult(summary: "settings were so already")) }
    let isLimit: @Sendable (String) -> Bool = { name in name == "memory" || name == "cpu" }
    if missing.contains(where: { !isLimit($0) && !SettingsWrite.apart.contains($0) }) {
      let input = RailwaySettings.input(write.settings).merging(RailwaySettings.nulls(write.clear)) {
        own, _ in own
      }
      let trouble = await update(write.target, input, replicas: current.settings.replicas, doing) { details in
        write.missing(in: details).allSatisfy { isLimit($0) || SettingsWrite.apart.contains($0) }
      }
      if let trouble { return trouble }
    }
    if missing.contains(where: isLimit), let trouble = await updateLimits(write, doing) { return trouble }
    if missing.contains("backups"),
      let trouble = await setSchedules(write.settings.backups ?? [], of: write.target)
    {
      return trouble
    }
    if let wanted = write.autoDeploys, missing.contains(SettingsWrite.autoDeploysName),
      let trouble = await setAutoDeploys(wanted, of: write.target)
    {
      return trouble
    }
    return .done(StepResult(summary: missing.joined(separator: ", ") + " written"))
  }

  /// What is there of what the write is about.
  private func details(for write: SettingsWrite) async throws(APIError) -> ServiceDetails {
    var details = try await client.details(of: write.target, withAutoDeploys: write.autoDeploys != nil)
    if write.settings.backups != nil {
      details.settings.backups = try await client.schedules(of: write.target)
    }
    return details
  }

  private func updateLimits(_ write: SettingsWrite, _ doing: String) async -> Outcome? {
    var limits = RailwaySettings.limits(write.settings)
    if write.clear.contains("memory") { limits["memoryGB"] = .null }
    if write.clear.contains("cpu") { limits["vCPUs"] = .null }
    limits["environmentId"] = .string(write.target.place.environment)
    limits["serviceId"] = .string(write.target.serviceID)
    return await settle(doing) { () async throws(APIError) in
      try await client.mutate(Documents.limitsUpdate, ["input": .object(limits)])
    } isApplied: { () async throws(APIError) in
      let missing = write.missing(in: try await client.details(of: write.target))
      return !missing.contains("memory") && !missing.contains("cpu")
    }
  }

  /// A platform that deploys pushes by itself is a second deployer.
  private func setAutoDeploys(_ wanted: Bool, of target: ServiceTarget) async -> Outcome? {
    let doing = "turning the automatic deploys of \(target.name) \(wanted ? "on" : "off")"
    return await settle(doing) { () async throws(APIError) in
      try await client.mutate(
        Documents.autoDeployUpdate,
        [
          "input": [
            "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
            "serviceId": .string(target.serviceID), "enabled": .bool(wanted),
          ]
        ])
    } isApplied: { () async throws(APIError) in
      try await client.details(of: target, withAutoDeploys: true).autoDeploys == wanted
    }
  }

  /// Nobody can tell who wrote settings, and it does not matter: they are so, or are written again.
  func probe(_ write: SettingsWrite) async -> Finding {
    guard let current = try? await details(for: write), write.missing(in: current).isEmpty
    else { return .absent }
    return .done(StepResult(summary: "settings are written"))
  }

  /// One `serviceInstanceUpdate`. The number of replicas always goes along: left out, it is reset to one.
  func update(
    _ target: ServiceTarget, _ input: [String: JSON], replicas: Int?, _ doing: String,
    isApplied: @Sendable (ServiceDetails) -> Bool
  ) async -> Outcome? {
    var input = input
    if input.isEmpty { return nil }
    if input["numReplicas"] == nil, let replicas { input["numReplicas"] = .int(Int64(replicas)) }
    return await settle(doing) { () async throws(APIError) in
      try await client.mutate(
        Documents.serviceInstanceUpdate,
        [
          "serviceId": .string(target.serviceID), "environmentId": .string(target.place.environment),
          "input": .object(input),
        ])
    } isApplied: { () async throws(APIError) in
      isApplied(try await client.details(of: target))
    }
  }

  /// Sends a mutation whose effect is the same when repeated. An unclear answer is followed by reading back,
  /// and by at most one more try.
  /// - Returns: nil when it is applied.
  func settle(
    _ doing: String, _ send: () async throws(APIError) -> JSON, isApplied: () async throws(APIError) -> Bool
  ) async -> Outcome? {
    var isLast = false
    while true {
      do throws(APIError) {
        _ = try await send()
        return nil
      } catch {
        let outcome = error.outcome(doing, token: await tokenWords())
        guard case .ambiguous(let failure) = outcome else { return outcome }
        if let applied = try? await isApplied(), applied { return nil }
        if isLast { return .retry(failure, after: nil) }
        isLast = true
      }
    }
  }

  /// What a failed read before any effect means for the step.
  func reading(_ error: APIError, _ doing: String) async -> Outcome {
    let failure = error.failure(doing, token: await tokenWords())
    if error.kind == .cancelled { return .cancelled(moved: false) }
    if case .rateLimited(let after) = error.kind { return .retry(failure, after: after) }
    return error.kind.isPassing ? .retry(failure, after: nil) : .failed(failure, moved: false)
  }
}

extension SettingsWrite {
  static let autoDeploysName = "automatic deploys"
  /// What calls of their own write.
  static let apart: Set<String> = [autoDeploysName, "backups"]

  /// What the write asks for and is not so yet, by name.
  func missing(in details: ServiceDetails) -> [String] {
    var names = settings.differences(from: details.settings).map(\.name)
    names += RailwaySettings.left(of: clear, in: details.settings).filter { !names.contains($0) }
    if let autoDeploys, autoDeploys != details.autoDeploys { names.append(SettingsWrite.autoDeploysName) }
    return names
  }
}
