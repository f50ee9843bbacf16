import Model

/// Compares the secrets of GitHub Actions with their sources. Their values are never shown: what is known of one is what
/// shipit wrote, and that nobody wrote since, by GitHub's clock (contract secrets §2.10).
struct ActionsSecretPlanner {
  let target: ActionsSecretsTarget
  let input: PlanInput

  private var names: [(name: String, secret: String)] {
    target.names.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private var before: WrittenActionsSecrets {
    input.writtenActions ?? WrittenActionsSecrets(place: target.place)
  }

  func storedSecrets() -> [StoredSecret] {
    names.map { name, secret in
      StoredSecret(
        sink: .actions(target.place), variable: name, secret: secret, state: state(of: secret, as: name))
    }
  }

  private func state(of secret: String, as name: String) -> StoredSecretState {
    guard let listed = input.actions else { return .unknown }
    guard let time = listed[name] else { return .missing }
    guard let wanted = value(of: secret), let written = before.entries[name], written.at == time else {
      return .unknown
    }
    return written.value == wanted ? .unreadable : .differs
  }

  private func value(of secret: String) -> ActionsSecretsWrite.Value? {
    input.secrets[secret].map {
      ActionsSecretsWrite.Value(secret: secret, fingerprint: input.secrets.fingerprint(of: $0))
    }
  }

  /// What the plan's digest binds.
  var bound: [String] {
    names.map { name, secret in
      "github \(target.place.words) \(name) \(secret) \(value(of: secret)?.fingerprint ?? "")"
    }
  }

  /// At most one step, behind those of services: what they had can be put back, what jobs had cannot.
  func plan(after steps: [StepID]) -> (secrets: PlannedActionsSecrets, steps: [Step]) {
    var planned = PlannedActionsSecrets(before: before)
    var write = ActionsSecretsWrite(place: target.place, set: [:])
    for (name, secret) in names {
      let state = state(of: secret, as: name)
      guard state != .unreadable, let value = value(of: secret) else { continue }
      write.set[name] = value
      planned.changes.append(
        VariableChange(name: name, kind: state == .missing ? .add : .change, isSecret: true))
    }
    guard !write.set.isEmpty else { return (planned, []) }
    let step = Step(
      id: PlannedActionsSecrets.step, title: "write secrets of GitHub Actions", needs: steps,
      action: .actionsSecrets(write), limit: .seconds(180), isRepeatable: true, expected: .seconds(3))
    return (planned, [step])
  }
}
