import JSON
import Model

extension RailwayPlatform {
  /// Writes all variables in one call with deploys suppressed, then deletes what is to go; others are kept.
  func perform(_ write: VariablesWrite) async -> Outcome {
    let doing = "writing the variables of \(write.target.name)"
    let values: [String: Sensitive]
    switch await plannedValues(write) {
    case .success(let planned): values = planned
    case .failure(let problem): return problem.outcome
    }
    if !values.isEmpty {
      let trouble = await settle(doing) { () async throws(APIError) in
        try await client.mutate(
          Documents.variablesUpsert,
          [
            "input": [
              "projectId": .string(write.target.place.project),
              "environmentId": .string(write.target.place.environment),
              "serviceId": .string(write.target.serviceID),
              "variables": .object(values.mapValues { .string($0.reveal()) }), "replace": false,
              "skipDeploys": true,
            ]
          ], hiding: Array(values.values))
      } isApplied: { () async throws(APIError) in
        let stored = try await client.storedVariables(of: write.target)
        return values.allSatisfy { stored[$0.key] == .some(.some($0.value)) }
      }
      if let trouble { return trouble }
    }
    for name in write.remove.sorted() {
      if let trouble = await delete(name, of: write.target) { return trouble }
    }
    return .done(StepResult(summary: "\(values.count) written, \(write.remove.count) removed"))
  }

  private func delete(_ name: String, of target: ServiceTarget) async -> Outcome? {
    let trouble = await settle("removing the variable \(name) of \(target.name)") {
      () async throws(APIError) in
      do throws(APIError) {
        return try await client.mutate(
          Documents.variableDelete,
          [
            "input": [
              "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
              "serviceId": .string(target.serviceID), "name": .string(name),
            ]
          ])
      } catch {
        // Gone already is what was wanted.
        if error.kind == .notFound || error.message.lowercased().contains("variable not found") {
          return .null
        }
        throw error
      }
    } isApplied: { () async throws(APIError) in
      try await client.storedVariables(of: target)[name] == nil
    }
    return trouble
  }

  func probe(_ write: VariablesWrite) async -> Finding {
    guard let stored = try? await client.storedVariables(of: write.target),
      case .success(let values) = await plannedValues(write), holds(write, values, in: stored)
    else { return .absent }
    return .done(StepResult(summary: "variables are written"))
  }

  /// Everything is stored as planned.
  func holds(_ write: VariablesWrite, _ values: [String: Sensitive], in stored: [String: Sensitive?]) -> Bool
  {
    values.allSatisfy { stored[$0.key] == .some(.some($0.value)) }
      && write.remove.allSatisfy { stored[$0] == nil }
  }

  /// Why the values of a plan are not to be had.
  struct ValueProblem: Error {
    var outcome: Outcome
  }

  /// The values a plan names, in memory only.
  func plannedValues(_ write: VariablesWrite) async -> Result<[String: Sensitive], ValueProblem> {
    var values: [String: Sensitive] = [:]
    var snapshots: [String: [String: Sensitive?]] = [:]
    func refused(_ kind: Failure.Kind, _ message: String, cause: String? = nil, hint: String) -> ValueProblem
    {
      ValueProblem(
        outcome: .failed(
          Failure(kind, message, place: "variables of \(write.target.name)", cause: cause, hint: hint),
          moved: false))
    }
    for (name, planned) in write.set.sorted(by: { $0.key < $1.key }) {
      switch planned {
      case .text(let text): values[name] = Sensitive(text)
      case .secret(let secret, let fingerprint):
        guard let value = secrets[secret] else {
          return .failure(
            refused(
              .configuration, "the secret \(secret) has no value",
              hint: "set \(secret) where the secrets come from"))
        }
        guard secrets.fingerprint(of: value) == fingerprint else {
          return .failure(
            refused(
              .stale, "the secret \(secret) has another value than the one that was planned",
              hint: "plan again, so that the change is seen"))
        }
        guard !value.reveal().contains("${{") else {
          return .failure(
            refused(
              .configuration, "the value of the secret \(secret) contains `${{`, which Railway would replace",
              cause: "Railway knows no way to escape it", hint: "choose another value for \(secret)"))
        }
        values[name] = value
      case .deployment(let id):
        if snapshots[id] == nil {
          do { snapshots[id] = try await client.snapshotVariables(of: id) } catch {
            let doing = "reading the variables that \(write.target.name) had in the deployment \(id)"
            return .failure(ValueProblem(outcome: await reading(error, doing)))
          }
        }
        guard let value = snapshots[id]?[name] ?? nil else {
          return .failure(
            refused(
              .failed, "the old value of \(name) cannot be restored",
              cause: "Railway's copy of \(id) does not show it",
              hint: "set \(name) by hand in Railway's dashboard"))
        }
        hide(name, value)
        values[name] = value
      }
    }
    return .success(values)
  }
}
