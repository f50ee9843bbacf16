import Model

/// Compares a service's declared variables with the stored ones, and makes the write and its undo.
struct VariablePlanner {
  let service: Service
  let observed: ObservedService
  let input: PlanInput

  struct Wanted {
    var values: [String: PlannedValue] = [:]
    var record: [String: ReleasedService.RecordedVariable] = [:]
  }

  func wanted() throws(Failure) -> Wanted {
    var wanted = Wanted()
    for (name, value) in service.variables.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let template):
        let text = try rendered(template, name: name, release: input.release)
        wanted.values[name] = .text(text)
        wanted.record[name] = .text(text)
      case .secret(let secret):
        guard let value = input.secrets[secret] else {
          if input.environment.demands.isKept(secret) {
            wanted.record[name] = try keptRecord(secret, as: name)
            continue
          }
          throw Failure(
            .configuration, "secret \(secret), wanted by \(service.key).\(name), has no value",
            hint: "set \(secret) in one of secrets.sources")
        }
        let fingerprint = input.secrets.fingerprint(of: value)
        wanted.values[name] = .secret(name: secret, fingerprint: fingerprint)
        wanted.record[name] = .secret(name: secret, fingerprint: fingerprint)
      }
    }
    return wanted
  }

  /// A value that only the platform has: it stays as it was written.
  private func keptRecord(
    _ secret: String, as name: String
  ) throws(Failure) -> ReleasedService.RecordedVariable {
    guard observed.variables[name] != nil else {
      throw Failure(
        .configuration, "\(service.key) has no \(name), which \(service.platform.title) is to keep",
        place: "secrets.rules.\(secret).keep",
        cause: "no source has \(secret), and it was not generated, or somebody removed it",
        hint: "shipit secrets generate \(input.environment.name) \(secret)")
    }
    let recorded = input.lastRecord(of: service.key)?.variables[name]
    if let recorded, case .secret(secret, _) = recorded { return recorded }
    // Whatever it is, it was there before shipit was.
    return .secret(name: secret, fingerprint: "")
  }

  /// What differs, shipit's own variables left out.
  func changes() throws(Failure) -> [VariableChange] {
    var changes: [VariableChange] = []
    let recorded = input.lastRecord(of: service.key)?.variables ?? [:]
    for (name, value) in service.variables.sorted(by: { $0.key < $1.key })
    where !OwnVariable.all.contains(name) {
      let stored = observed.variables[name]
      switch value {
      case .text(let template):
        let text = try rendered(template, name: name, release: input.release)
        guard let stored else {
          changes.append(VariableChange(name: name, kind: .add, isSecret: false, to: text))
          continue
        }
        if try isSame(stored, template, name: name, text: text) { continue }
        // It cannot be read, but it is what we wrote, and nobody wrote since.
        if stored == nil, recorded[name] == .text(text), isOurs(name) { continue }
        changes.append(
          VariableChange(
            name: name, kind: .change, isSecret: false, from: showable(stored, recorded: recorded[name]),
            to: text))
      case .secret(let secret):
        guard let stored else {
          changes.append(VariableChange(name: name, kind: .add, isSecret: true))
          continue
        }
        guard let wanted = input.secrets[secret] else { continue }
        if let stored {
          if stored == wanted { continue }
        } else if recorded[name] == .secret(name: secret, fingerprint: input.secrets.fingerprint(of: wanted)),
          isOurs(name)
        {
          // Sealed: it cannot be read, but it is what we wrote.
          continue
        }
        changes.append(VariableChange(name: name, kind: .change, isSecret: true))
      }
    }
    for name in removed() {
      let isSecret = if case .text = recorded[name] { false } else { true }
      changes.append(VariableChange(name: name, kind: .remove, isSecret: isSecret))
    }
    return marked(changes)
  }

  /// Those that somebody has changed by hand, with the value that stands there when it may be shown.
  private func marked(_ changes: [VariableChange]) -> [VariableChange] {
    guard let record = input.lastRecord(of: service.key) else { return changes }
    let byHand = VariableDrift(service: service, observed: observed, record: record, input: input).changes()
    return changes.map { change in
      guard let drift = byHand.first(where: { $0.name == change.name }) else { return change }
      var marked = change
      marked.byHand = true
      if !change.isSecret, !drift.isFingerprint {
        (marked.from, marked.recorded) = (drift.observed, drift.recorded)
      }
      return marked
    }
  }

  /// The platform's last write of an unreadable variable is the one we recorded, as far as it tells.
  func isOurs(_ name: String) -> Bool {
    guard let now = observed.variableTimes[name],
      let then = input.lastRecord(of: service.key)?.variableTimes[name]
    else { return true }
    return now == then
  }

  /// Names that shipit wrote for an earlier release, that are no longer declared and still stored.
  private func removed() -> [String] {
    (input.lastRecord(of: service.key)?.variables.keys.sorted() ?? []).filter {
      service.variables[$0] == nil && !OwnVariable.all.contains($0) && observed.variables[$0] != nil
    }
  }

  /// A text that names the release is the same when it names the release it was written for.
  private func isSame(_ stored: Sensitive?, _ template: Template, name: String, text: String) throws(Failure)
    -> Bool
  {
    guard let stored else { return false }
    if stored == Sensitive(text) { return true }
    guard template.references.contains(.release) else { return false }
    for release in input.releases.prefix(20) {
      if try rendered(template, name: name, release: release.number) == stored.reveal() { return true }
    }
    return false
  }

  private func rendered(_ template: Template, name: String, release: Int) throws(Failure) -> String {
    try template.rendered { reference throws(Failure) in
      if case .release = reference { return String(release) }
      return try input.value(of: reference, for: "services.\(service.key).variables.\(name)")
    }
  }

  /// A stored value is shown only when shipit itself recorded that text as no secret.
  private func showable(_ stored: Sensitive?, recorded: ReleasedService.RecordedVariable?) -> String? {
    if case .text(let text) = recorded, stored == Sensitive(text) { text } else { nil }
  }

  /// One write for all, with the release's identity along where the deployment does not carry it (DESIGN §5);
  /// nil when nothing has to be written.
  func write(_ wanted: Wanted, _ changes: [VariableChange]) -> VariablesWrite? {
    var set: [String: PlannedValue] = [:]
    for change in changes where change.kind != .remove { set[change.name] = wanted.values[change.name] }
    for (name, value) in wanted.values where set[name] == nil {
      // Unchanged, but naming the commit or release: written along.
      if case .text(let template)? = service.variables[name],
        template.references.contains(.release) || template.references.contains(.commit)
      {
        set[name] = value
      }
    }
    if !service.platform.deploymentsNameTheirRelease {
      set[OwnVariable.commit] = .text(input.commit)
      set[OwnVariable.release] = .text(String(input.release))
    }
    guard !set.isEmpty || changes.contains(where: { $0.kind == .remove }) else { return nil }
    return VariablesWrite(
      target: observed.target, set: set, remove: changes.filter { $0.kind == .remove }.map(\.name))
  }

  /// The write that puts the stored variables back, and the names whose values are lost.
  func undo(_ write: VariablesWrite?) -> (write: VariablesWrite?, lost: [String]) {
    guard let write else { return (nil, []) }
    let recorded = input.lastRecord(of: service.key)?.variables ?? [:]
    let restorable = input.restorable[service.key] ?? []
    var set: [String: PlannedValue] = [:]
    var remove: [String] = []
    var lost: [String] = []
    for name in (Array(write.set.keys) + write.remove).sorted() {
      guard let stored = observed.variables[name] else {
        remove.append(name)
        continue
      }
      if let text = showable(stored, recorded: recorded[name]) {
        set[name] = .text(text)
      } else if let stored, OwnVariable.all.contains(name) || isReference(stored) {
        set[name] = .text(stored.reveal())
      } else if stored == nil, case .text(let text) = recorded[name], isOurs(name) {
        // It cannot be read, but it is what we wrote.
        set[name] = .text(text)
      } else if let live = observed.live?.id, restorable.contains(name) {
        set[name] = .deployment(id: live)
      } else {
        lost.append(name)
      }
    }
    return (VariablesWrite(target: write.target, set: set, remove: remove), lost)
  }

  /// Only a reference to another variable, which is no secret in itself.
  private func isReference(_ value: Sensitive) -> Bool {
    let text = value.reveal()
    guard text.hasPrefix("${{"), text.hasSuffix("}}") else { return false }
    return !text.dropFirst(3).contains("{")
  }
}
