import JSON
import Model

extension RailwayPlatform {
  /// Writes the managed settings in one call and the limits in another; nothing when all is so already.
  func perform(_ write: SettingsWrite) async -> Outcome {
    let doing = "writing the settings of \(write.target.name)"
    let current: ServiceDetails
    do { current = try await client.details(of: write.target) } catch {
      return await reading(error, doing)
    }
    if let enabled = write.autoDeploys, let trouble = await setAutoDeploys(enabled, of: write.target) {
      return trouble
    }
    let changes = write.settings.differences(from: current.settings)
    if changes.isEmpty && write.clear.isEmpty {
      return .done(
        StepResult(summary: write.autoDeploys == nil ? "settings were so already" : "automatic deploys"))
    }
    var input = RailwaySettings.input(write.settings)
    for name in write.clear { if let key = RailwaySettings.keys[name] { input[key] = .null } }
    if let trouble = await update(
      write.target, input, replicas: current.settings.replicas, doing,
      isApplied: {
        var wanted = write.settings
        (wanted.memory, wanted.cpu) = (nil, nil)
        return wanted.differences(from: $0.settings).isEmpty
      })
    {
      return trouble
    }
    var limits = RailwaySettings.limits(write.settings)
    if changes.contains(where: { $0.name == "memory" || $0.name == "cpu" }) {
      limits["environmentId"] = .string(write.target.place.environment)
      limits["serviceId"] = .string(write.target.serviceID)
      let trouble = await settle(doing) { () async throws(APIError) in
        try await client.mutate(Documents.limitsUpdate, ["input": .object(limits)])
      } isApplied: { () async throws(APIError) in
        let changes = write.settings.differences(from: try await client.details(of: write.target).settings)
        return !changes.contains { $0.name == "memory" || $0.name == "cpu" }
      }
      if let trouble { return trouble }
    }
    let words = changes.map { "\($0.name) \($0.to)" } + write.clear.map { "\($0) emptied" }
    return .done(StepResult(summary: words.joined(separator: ", ")))
  }

  /// Whether Railway deploys each push by itself.
  private func setAutoDeploys(_ enabled: Bool, of target: ServiceTarget) async -> Outcome? {
    await settle("switching automatic deploys of \(target.name) \(enabled ? "on" : "off")") {
      () async throws(APIError) in
      try await client.mutate(
        Documents.autoDeployUpdate,
        [
          "input": .object([
            "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
            "serviceId": .string(target.serviceID), "enabled": .bool(enabled),
          ])
        ])
    } isApplied: { () async throws(APIError) in
      try await client.details(of: [(target.serviceID, true)], in: target.place)[target.serviceID]?
        .autoDeploys == enabled
    }
  }

  /// Nobody can tell who wrote settings, and it does not matter: they are so, or are written again.
  func probe(_ write: SettingsWrite) async -> Finding {
    guard write.clear.isEmpty, write.autoDeploys == nil,
      let current = try? await client.details(of: write.target),
      write.settings.differences(from: current.settings).isEmpty
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
