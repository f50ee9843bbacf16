package import Concurrency
package import HTTP
package import Model

/// Writes the secrets that jobs of GitHub Actions get, as a step of `secrets sync`.
package struct ActionsSecretsPerformer: ActionsSecretStore {
  private let place: ActionsSecretsPlace
  private let secrets: ActionsSecrets
  private let values: SecretValues

  package init(
    _ target: GitHubTarget, _ place: ActionsSecretsPlace, values: SecretValues, http: any HTTPTransport,
    version: String
  ) {
    self.place = place
    self.values = values
    secrets = ActionsSecrets(target, environment: place.environment, http: http, version: version)
  }

  package func stored() async throws(Failure) -> [String: Timestamp] {
    Dictionary(try await secrets.list().map { ($0.name, $0.updatedAt) }, uniquingKeysWith: { $1 })
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    guard case .actionsSecrets(let write) = step.action, write.place == place else {
      return .failed(Failure(.internalError, "this is no step for secrets of GitHub Actions"), moved: false)
    }
    let written = Locked<[String]>([])
    do throws(Failure) {
      try await secrets.write(try planned(write)) { name in
        written.withLock { $0.append(name) }
        call.report(.progress("\(name) is written"))
      }
      let times = try await stored()
      var result = StepResult(summary: "\(write.set.count) written")
      for name in write.set.keys {
        // One that somebody removed meanwhile has no time.
        result.facts[StepFact.written(name)] = times[name].map { String($0.milliseconds) }
      }
      return .done(result)
    } catch {
      let done = written.withLock { $0 }
      if error.kind == .cancelled { return .cancelled(moved: !done.isEmpty) }
      var failure = error
      if !done.isEmpty {
        let names = "written before that: \(done.joined(separator: ", "))"
        failure.cause = [failure.cause, names].compactMap(\.self).joined(separator: "; ")
      }
      return .failed(failure, moved: !done.isEmpty)
    }
  }

  /// - Throws: `configuration` for a value that is not at hand, `stale` for one that is not the planned one.
  private func planned(_ write: ActionsSecretsWrite) throws(Failure) -> [String: Sensitive] {
    var planned: [String: Sensitive] = [:]
    for (name, value) in write.set.sorted(by: { $0.key < $1.key }) {
      guard let found = values[value.secret] else {
        throw Failure(
          .configuration, "the secret \(value.secret) has no value",
          hint: "set \(value.secret) where the secrets come from")
      }
      guard values.fingerprint(of: found) == value.fingerprint else {
        throw Failure(
          .stale, "the secret \(value.secret) has another value than the one that was planned",
          hint: "plan again, so that the change is seen")
      }
      planned[name] = found
    }
    return planned
  }

  /// No value can be read: whether one arrived is not found out, and writing it once more changes nothing.
  package func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    .inFlight("secrets of GitHub Actions may be written or not; shipit secrets sync writes them again")
  }
}
