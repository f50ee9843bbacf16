import Concurrency
import Model

/// What became of a service's stored variables since shipit wrote them.
struct VariableDrift {
  /// As the file declares it now.
  let service: Service
  let observed: ObservedService
  let record: ReleasedService
  let input: PlanInput

  func changes() -> [DriftChange] { written() + others() }

  /// Those that shipit wrote.
  private func written() -> [DriftChange] {
    record.variables.sorted { $0.key < $1.key }.compactMap { name, recorded in
      guard !OwnVariable.isSetByItself(name) else { return nil }
      let outlook: DriftChange.Outlook = service.variables[name] == nil ? .stays : .putBack
      guard let stored = observed.variables[name] else {
        // The file no longer wants it, and it is no longer there.
        if service.variables[name] == nil { return nil }
        return DriftChange(
          .variable, name, recorded: shown(recorded), observed: nil, isFingerprint: isSecret(recorded),
          outlook: outlook)
      }
      guard isChanged(name, recorded, stored), !isDeclared(name, stored) else { return nil }
      var change = DriftChange(
        .variable, name, recorded: shown(recorded), observed: nil, outlook: outlook,
        at: observed.variableTimes[name])
      change.isFingerprint = isSecret(recorded) || stored.map { hides(name, $0) } ?? true
      if change.isFingerprint {
        change.recorded = fingerprint(recorded)
        change.observed = stored.map { input.secrets.fingerprint(of: $0) } ?? ""
      } else {
        change.observed = stored?.reveal()
      }
      return change
    }
  }

  /// Those that stood beside them, or came since. What they hold is not known to be no secret.
  private func others() -> [DriftChange] {
    guard let baseline = record.baseline else { return [] }
    let now = observed.variables.filter {
      record.variables[$0.key] == nil && !OwnVariable.isSetByItself($0.key)
    }
    let names = Set(now.keys).union(baseline.variables.keys).filter { record.variables[$0] == nil }
    return names.sorted().compactMap { name in
      let then = baseline.variables[name]
      let current: String? = now[name].map { value in value.map { input.secrets.fingerprint(of: $0) } ?? "" }
      guard then != current, then?.isEmpty != true || current == nil, current?.isEmpty != true || then == nil
      else { return nil }
      if let stored = now[name], isDeclared(name, stored) { return nil }
      if current == nil, service.variables[name] == nil, then == nil { return nil }
      return DriftChange(
        .variable, name, recorded: then, observed: current, isFingerprint: true,
        outlook: service.variables[name] == nil ? .stays : .putBack, at: observed.variableTimes[name])
    }
  }

  private func isChanged(
    _ name: String, _ recorded: ReleasedService.RecordedVariable, _ stored: Sensitive?
  ) -> Bool {
    guard let stored else {
      // It cannot be read: all that tells is when it was written last.
      guard let now = observed.variableTimes[name], let then = record.variableTimes[name] else {
        return false
      }
      return now != then
    }
    switch recorded {
    case .text(let text): return stored != Sensitive(text) && !namesARelease(name, stored)
    case .secret(_, let fingerprint):
      return !fingerprint.isEmpty && input.secrets.fingerprint(of: stored) != fingerprint
    }
  }

  /// A text that names the release is the same when it names the release that it was written for.
  private func namesARelease(_ name: String, _ stored: Sensitive) -> Bool {
    guard case .text(let template)? = service.variables[name], template.references.contains(.release) else {
      return false
    }
    return input.releases.contains { release in rendered(template, name, release.number) == stored.reveal() }
  }

  /// The file and the platform agree, be it on its absence.
  func isAsDeclared(_ name: String) -> Bool {
    guard let stored = observed.variables[name] else { return service.variables[name] == nil }
    return isDeclared(name, stored)
  }

  /// The file, or the source of its secret, says by now what stands there.
  private func isDeclared(_ name: String, _ stored: Sensitive?) -> Bool {
    guard let stored, let declared = service.variables[name] else { return false }
    switch declared {
    case .secret(let secret): return input.secrets[secret] == stored
    case .text(let template): return rendered(template, name, input.release) == stored.reveal()
    }
  }

  private func rendered(_ template: Template, _ name: String, _ release: Int) -> String? {
    try? template.rendered { reference throws(Failure) in
      if case .release = reference { return String(release) }
      return try input.value(of: reference, for: "services.\(service.key).variables.\(name)")
    }
  }

  private func isSecret(_ recorded: ReleasedService.RecordedVariable) -> Bool {
    if case .secret = recorded { true } else { false }
  }

  private func hides(_ name: String, _ value: Sensitive) -> Bool {
    SecretLooks.mayBe(value.reveal(), of: name)
  }

  private func shown(_ recorded: ReleasedService.RecordedVariable) -> String {
    switch recorded {
    case .text(let text): text
    case .secret(_, let fingerprint): fingerprint
    }
  }

  private func fingerprint(_ recorded: ReleasedService.RecordedVariable) -> String {
    switch recorded {
    case .text(let text): input.secrets.fingerprint(of: Sensitive(text))
    case .secret(_, let fingerprint): fingerprint
    }
  }
}

extension OwnVariable {
  /// Written by shipit or by the platform itself, by nobody's hand.
  static func isSetByItself(_ name: String) -> Bool {
    all.contains(name) || name.hasPrefix("RAILWAY_") || name.hasPrefix("VERCEL_")
  }
}
