package import Model
package import YAML

/// Writes what was changed by hand into the text of an environment file, and keeps its comments and layout.
package struct DriftWriter {
  /// The file's text by now.
  package var text: String { edit.text }
  private var edit: Edit
  private let environment: Environment

  /// - Parameters:
  ///   - text: of `environments/NAME.yaml`; what it extends is never written.
  ///   - environment: as the file says it.
  package init(_ text: String, _ environment: Environment) {
    edit = Edit(text)
    self.environment = environment
  }

  /// Writes one change.
  /// - Returns: what stands in the file now, `settings.replicas: 4`.
  /// - Throws: why it cannot be written; the text is as before.
  package mutating func write(
    _ change: DriftChange, of service: Service, _ observed: ObservedService
  ) throws(EditTrouble) -> String {
    let before = edit
    do throws(EditTrouble) {
      switch change.kind {
      case .setting where change.isFingerprint:
        throw EditTrouble(
          reason:
            "something in it may be a secret, and those stand in no file: read it from a variable instead")
      case .setting: return try write(setting: change.name, of: service, observed.settings)
      case .variable: return try write(variable: change, of: service, observed)
      case .domain: return try write(domain: change, of: service)
      case .automaticDeploys:
        throw EditTrouble(reason: "the file cannot say it: each deploy turns it off, for two deployers race")
      case .deployment:
        throw EditTrouble(
          reason: "a file holds no deployment: shipit deploy \(environment.name), or "
            + "shipit rollback \(environment.name)")
      }
    } catch {
      edit = before
      throw error
    }
  }

  private mutating func write(
    setting name: String, of service: Service, _ settings: ServiceSettings
  ) throws(EditTrouble) -> String {
    let path: [String] =
      switch name {
      case "health path": ["health", "path"]
      case "health timeout": ["health", "within"]
      default: ["settings", name]
      }
    if name == "backups" {
      let value = DriftWriter.list((settings.backups ?? []).map(\.rawValue))
      try edit.set(["services", service.key.rawValue, "volume", "backups"], to: value)
      return "volume.backups: \(value)"
    }
    guard let value = DriftWriter.value(of: name, settings) else {
      try edit.remove(["services", service.key.rawValue] + path)
      return "\(path.joined(separator: ".")) is out"
    }
    try edit.set(["services", service.key.rawValue] + path, to: value)
    return "\(path.joined(separator: ".")): \(value)"
  }

  private mutating func write(
    variable change: DriftChange, of service: Service, _ observed: ObservedService
  ) throws(EditTrouble) -> String {
    let path = ["services", service.key.rawValue, "variables", change.name]
    guard let stored = observed.variables[change.name] else {
      try edit.remove(path)
      return "variables.\(change.name) is out"
    }
    if case .secret? = service.variables[change.name] {
      throw EditTrouble(
        reason: "it is a secret: put the value where the secrets come from, and it is no drift any more")
    }
    guard let text = stored?.reveal(), !change.isFingerprint,
      !SecretLooks.mayBe(text, of: change.name), LiteralSecret.kind(within: text) == nil
    else {
      throw EditTrouble(
        reason:
          "it may be a secret, and those stand in no file: put the value where the secrets come from and "
          + "write \(change.name): {secret: \(change.name)}")
    }
    if case .text(let template)? = service.variables[change.name],
      template.references.contains(.commit) || template.references.contains(.release)
    {
      throw EditTrouble(reason: "it is made anew for each release")
    }
    let value = try DriftWriter.template(text)
    try edit.set(path, to: value)
    return "variables.\(change.name): \(value)"
  }

  /// A stored text as the file writes it: the platform's references in our words, and none made by accident.
  private static func template(_ text: String) throws(EditTrouble) -> String {
    if let match = text.wholeMatch(of: /\$\{\{\s*([A-Za-z0-9_-]+)\.([A-Za-z0-9_]+)\s*\}\}/) {
      return Edit.scalar("${railway.\(match.1).\(match.2)}")
    }
    guard !text.contains("${{") else {
      throw EditTrouble(reason: "it mixes text with references of the platform: write it by hand")
    }
    return Edit.scalar(text.replacing("${", with: "$${"))
  }

  private mutating func write(domain change: DriftChange, of service: Service) throws(EditTrouble) -> String {
    let path = ["services", service.key.rawValue, "domains"]
    var wanted = service.domains
    if change.observed == nil {
      guard wanted.contains(change.name) else {
        throw EditTrouble(reason: "the file did not name it")
      }
      wanted.removeAll { $0 == change.name }
      if try !edit.remove(change.name, from: path) { try edit.set(path, to: DriftWriter.list(wanted)) }
      return "domains without \(change.name)"
    }
    wanted.append(change.name)
    if try !edit.append(Edit.scalar(change.name), to: path) {
      try edit.set(path, to: DriftWriter.list(wanted))
    }
    return "domains with \(change.name)"
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map { Edit.scalar($0) }.joined(separator: ", ") + "]"
  }

  /// A setting as the file writes it; nil when it has no value.
  private static func value(of name: String, _ settings: ServiceSettings) -> String? {
    switch name {
    case "pre-deploy": settings.preDeploy.flatMap { $0.isEmpty ? nil : list($0) }
    case "cpu": settings.cpu.map { $0 == $0.rounded() ? String(Int($0)) : String($0) }
    case "overlap": settings.overlap.map(Quantity.text)
    case "drain": settings.drain.map(Quantity.text)
    case "health timeout": settings.healthTimeout.map(Quantity.text)
    case "replicas", "restart-limit", "sleep", "memory", "restart": settings.textsByName[name]
    default: settings.textsByName[name].map { Edit.scalar($0) }
    }
  }
}
