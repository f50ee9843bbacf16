import Concurrency
import JSON
import Model

extension VercelPlatform {
  /// Writes all variables in one call for production, then deletes what is to go in another; others are kept.
  func perform(_ write: VariablesWrite) async -> Outcome {
    let place = write.target.place
    let doing = "writing the variables of \(place.name)"
    let values: [String: PlannedVariable]
    let stored: [StoredVariable]
    do throws(Failure) { values = try plannedValues(write) } catch { return .failed(error, moved: false) }
    do { stored = try await client.variables(place, decrypt: false) } catch {
      return error.readingOutcome(doing, scope: scope(place))
    }
    do throws(Failure) { try check(values, besides: stored, removing: write.remove, place) } catch {
      return .failed(error, moved: false)
    }
    var facts: [String: String] = [:]
    do throws(APIError) {
      // One that previews share is left to them as it is; production gets its own.
      for variable in stored where values[variable.key] != nil && variable.isShared {
        guard let id = variable.id else { continue }
        _ = try await client.send(Endpoint.narrowVariable(place, id, targets: variable.otherTargets))
      }
      if !values.isEmpty {
        let body = JSON.array(
          values.sorted { $0.key < $1.key }.map { key, value in
            [
              "key": .string(key), "value": .string(value.value.reveal()), "type": .string(value.type),
              "target": ["production"], "comment": "managed by shipit",
            ]
          })
        let answer = try await client.send(
          Endpoint.upsertVariables(place, body), hiding: values.values.map(\.value)
        ).body
        facts = written(answer)
        if let failure = await refused(answer, values, place, facts.count) {
          return .failed(failure, moved: !facts.isEmpty)
        }
      }
    } catch {
      return error.outcome(doing, scope: scope(place))
    }
    if let trouble = await remove(write.remove, of: stored, place) { return trouble }
    return .done(
      StepResult(summary: "\(values.count) written, \(write.remove.count) removed", facts: facts))
  }

  /// When Vercel wrote each variable, by its own clock.
  private func written(_ answer: JSON) -> [String: String] {
    let created = answer["created"]?.array ?? [answer["created"]].compactMap(\.self)
    var facts: [String: String] = [:]
    for variable in created {
      guard let key = variable["key"]?.string else { continue }
      if let at = variable["updatedAt"]?.int ?? variable["createdAt"]?.int {
        facts[StepFact.written(key)] = "\(at)"
      }
    }
    return facts
  }

  /// An answer of 201 can hold refusals all the same (contract §0.9).
  private func refused(
    _ answer: JSON, _ values: [String: PlannedVariable], _ place: Place, _ written: Int
  ) async -> Failure? {
    let failed = answer["failed"]?.array ?? []
    guard !failed.isEmpty else { return nil }
    var causes: [String] = []
    for entry in failed {
      let error = entry["error"] ?? .null
      let key = error["key"]?.string ?? error["envVarKey"]?.string ?? "a variable"
      let words = [error["code"]?.string, error["message"]?.string].compactMap(\.self).joined(separator: ": ")
      causes.append(await client.scrub("\(key): \(words)", values.values.map(\.value)))
    }
    return Failure(
      .failed, "Vercel refused \(failed.count) of the \(values.count) variables of \(place.name)",
      place: "Vercel createProjectEnv of \(place.name)", cause: causes.joined(separator: "; "),
      hint:
        "look at the variables of \(place.name) on vercel.com, remove the one in the way, then run it again")
  }

  /// Deletes production's own variables in one call; one that previews share stays theirs.
  private func remove(_ names: [String], of stored: [StoredVariable], _ place: Place) async -> Outcome? {
    let going = stored.filter { names.contains($0.key) && $0.isForProduction }
    let doing = "removing variables of \(place.name)"
    do throws(APIError) {
      for variable in going where variable.isShared {
        guard let id = variable.id else { continue }
        _ = try await client.send(Endpoint.narrowVariable(place, id, targets: variable.otherTargets))
      }
      let ids = going.filter { !$0.isShared }.compactMap(\.id)
      guard !ids.isEmpty else { return nil }
      do throws(APIError) { _ = try await client.send(Endpoint.removeVariables(place, ids)) } catch {
        // Gone already is what was wanted.
        let left = try await client.variables(place, decrypt: false)
        if left.contains(where: { $0.id.map(ids.contains) ?? false }) { throw error }
      }
      return nil
    } catch { return error.outcome(doing, scope: scope(place), moved: true) }
  }

  func probe(_ write: VariablesWrite) async -> Finding {
    // A sensitive value cannot be compared, and the write is the same when repeated.
    guard let stored = try? await client.variables(write.target.place, decrypt: true),
      let values = try? plannedValues(write)
    else { return .absent }
    let now = stored.filter(\.isForProduction)
    guard
      values.allSatisfy({ key, wanted in now.contains { $0.key == key && $0.value == wanted.value } }),
      write.remove.allSatisfy({ name in !now.contains { $0.key == name } })
    else { return .absent }
    var facts: [String: String] = [:]
    for variable in now where values[variable.key] != nil {
      facts[StepFact.written(variable.key)] = variable.updatedAt.map { "\($0.milliseconds)" }
    }
    return .done(StepResult(summary: "variables are written", facts: facts))
  }

  /// A value to write and how Vercel keeps it.
  struct PlannedVariable: Sendable, Hashable {
    var value: Sensitive
    var type: String
  }

  /// The values a plan names, in memory only.
  func plannedValues(_ write: VariablesWrite) throws(Failure) -> [String: PlannedVariable] {
    try plannedValues(write.set, of: write.target.name)
  }

  func plannedValues(_ set: [String: PlannedValue], of name: String) throws(Failure)
    -> [String: PlannedVariable]
  {
    var values: [String: PlannedVariable] = [:]
    func refused(_ kind: Failure.Kind, _ message: String, cause: String? = nil, hint: String) -> Failure {
      Failure(kind, message, place: "variables of \(name)", cause: cause, hint: hint)
    }
    for (key, planned) in set.sorted(by: { $0.key < $1.key }) {
      switch planned {
      case .text(let text):
        values[key] = PlannedVariable(
          value: Sensitive(text), type: VariableRules.type(of: key, isSecret: false))
      case .secret(let secret, let fingerprint):
        guard let value = secrets[secret] else {
          throw refused(
            .configuration, "the secret \(secret) has no value",
            hint: "set \(secret) where the secrets come from")
        }
        guard secrets.fingerprint(of: value) == fingerprint else {
          throw refused(
            .stale, "the secret \(secret) has another value than the one that was planned",
            hint: "plan again, so that the change is seen")
        }
        values[key] = PlannedVariable(value: value, type: VariableRules.type(of: key, isSecret: true))
      case .deployment(let id):
        throw refused(
          .failed, "the old value of \(key) cannot be restored",
          cause: "Vercel never tells the values that the deployment \(id) was built with",
          hint: "a rollback brings the build with its old values; set the stored \(key) by hand on vercel.com"
        )
      }
    }
    return values
  }

  /// What Vercel would refuse, or silently break a deployment with, is refused before anything is written.
  private func check(
    _ values: [String: PlannedVariable], besides stored: [StoredVariable], removing: [String], _ place: Place
  ) throws(Failure) {
    func refuse(_ cause: String, _ hint: String) -> Failure {
      Failure(
        .configuration, "the variables of \(place.name) cannot be written",
        place: "variables of \(place.name)",
        cause: cause, hint: hint)
    }
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      if let cause = VariableRules.refusal(key, value.value) {
        throw refuse(cause, "correct `variables` of the service in the environment file")
      }
    }
    let kept = stored.filter {
      $0.isForProduction && values[$0.key] == nil && !removing.contains($0.key)
    }
    if values.count + kept.count > VariableRules.most {
      throw refuse(
        "production would have \(values.count + kept.count) variables; \(VariableRules.most) are the most",
        "remove some on vercel.com")
    }
    let bytes =
      values.reduce(0) { $0 + $1.key.utf8.count + $1.value.value.reveal().utf8.count }
      + kept.reduce(0) { $0 + $1.key.utf8.count + ($1.value?.reveal().utf8.count ?? 0) }
    if bytes > VariableRules.total {
      throw refuse(
        "names and values together have \(bytes) bytes; a deployment takes \(VariableRules.total)",
        "keep long values elsewhere, or remove some")
    }
  }
}

extension StoredVariable {
  /// Production is one of several targets.
  var isShared: Bool { isForProduction && !otherTargets.isEmpty }
  var otherTargets: [String] { targets.filter { $0 != "production" } }
}
