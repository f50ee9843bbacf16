import Model
import YAML

/// From merged nodes to the environment: shapes first, then what the parts say of each other, then the values.
struct EnvironmentDecoder {
  var reading: Reading
  var diagnostics: [Diagnostic] { reading.diagnostics }

  init(sources: [String: SourceFile]) { reading = Reading(sources: sources) }

  /// - Parameters:
  ///   - name: what `environment:` must say; nil for anything.
  ///   - path: the outermost file.
  /// - Returns: the environment as far as it could be read; it counts only when no error was reported.
  mutating func decode(_ node: Node, name: String?, path: String) -> Environment? {
    guard let mapping = node.mapping else { return nil }
    let fields = reading.fields(mapping, Grammar.environment, node.mark, "")
    if let name, let written = fields["environment"], written.text != name {
      reading.error(
        .wrongEnvironment, "the file is called \(name), but says `environment: \(written.text ?? "")`",
        at: written.mark, path: "environment", help: "write `environment: \(name)`, or rename the file")
    }
    var rules = Rules(fields: fields)
    rules.check(&reading)
    return environment(fields)
  }

  private func environment(_ fields: Fields) -> Environment? {
    guard let name = fields["environment"]?.text, let app = fields["app"]?.text,
      let state = state(fields["state"])
    else { return nil }
    let standard = Protection()
    let protect = fields["protect"]?.fields
    return Environment(
      name: name, app: app, state: state,
      platforms: Platforms(railway: railway(fields["platforms"]?.fields?["railway"]?.fields)),
      provision: fields["provision"]?.text.flatMap(Provision.init(rawValue:)) ?? .adopt,
      protect: Protection(
        branch: protect?["branch"]?.text, deadline: protect?["deadline"]?.duration ?? standard.deadline),
      secrets: SecretSettings(),
      services: fields["services"]?.map.compactMap { entry in
        entry.value.fields.flatMap { service($0, key: entry.key) }
      } ?? [],
      run: fields["run"]?.list.compactMap { $0.fields.flatMap(commandStep) } ?? [],
      checks: fields["checks"]?.list.compactMap { $0.fields.flatMap(check) } ?? [])
  }

  private func state(_ placed: Placed?) -> StateStore? {
    switch placed?.value {
    case .word("local"): .local
    case .word("git"): .git
    case .object(let fields): fields["postgres"]?.fields?["url"]?.secret.map { .postgres(urlSecret: $0) }
    default: nil
    }
  }

  private func railway(_ fields: Fields?) -> RailwayTarget? {
    guard let fields, let project = fields["project"]?.text, let token = fields["token"]?.secret else {
      return nil
    }
    return RailwayTarget(
      workspace: fields["workspace"]?.text, project: project,
      environment: fields["environment"]?.text ?? "production", tokenSecret: token)
  }

  private func service(_ fields: Fields, key: String) -> Service? {
    guard let platform = fields["platform"]?.text.flatMap(PlatformName.init(rawValue:)),
      let source = source(fields["source"]?.fields)
    else { return nil }
    var variables: [String: VariableValue] = [:]
    for entry in fields["variables"]?.map ?? [] {
      if let template = entry.value.template { variables[entry.key] = .text(template) }
      if let secret = entry.value.secret { variables[entry.key] = .secret(secret) }
    }
    let health = health(fields["health"]?.fields)
    var settings = settings(fields["settings"]?.fields)
    if let path = health.path {
      settings.healthPath = path
      settings.healthTimeout = health.within
    }
    return Service(
      key: ServiceName(rawValue: key), platform: platform, name: fields["name"]?.text, source: source,
      needs: needs(fields["needs"]), variables: variables, settings: settings,
      domains: fields["domains"]?.list.compactMap(\.text) ?? [], health: health)
  }

  private func source(_ fields: Fields?) -> ServiceSource? {
    guard let fields else { return nil }
    if let directory = fields["directory"]?.text {
      return .directory(
        path: directory, root: fields["root"]?.text, include: fields["include"]?.list.compactMap(\.text) ?? []
      )
    }
    if let image = fields["image"]?.template { return .image(image) }
    return fields["repository"]?.text.map { .repository($0) }
  }

  private func settings(_ fields: Fields?) -> ServiceSettings {
    var settings = ServiceSettings()
    guard let fields else { return settings }
    settings.build = fields["build"]?.text
    settings.start = fields["start"]?.text
    settings.preDeploy = fields["pre-deploy"]?.list.compactMap(\.text)
    settings.dockerfile = fields["dockerfile"]?.text
    settings.builder = fields["builder"]?.text
    settings.root = fields["root"]?.text
    settings.replicas = fields["replicas"]?.int
    settings.region = fields["region"]?.text
    settings.memory = fields["memory"]?.size
    settings.cpu = fields["cpu"]?.number
    settings.overlap = fields["overlap"]?.duration
    settings.drain = fields["drain"]?.duration
    settings.restart = fields["restart"]?.text.flatMap(ServiceSettings.Restart.init(rawValue:))
    settings.restartLimit = fields["restart-limit"]?.int
    settings.cron = fields["cron"]?.text
    settings.sleep = fields["sleep"]?.bool
    return settings
  }

  private func health(_ fields: Fields?) -> Health {
    guard let fields else { return Health() }
    let standard = Health()
    return Health(
      path: fields["path"]?.text, url: fields["url"]?.text,
      probes: fields["probes"]?.list.compactMap(\.text) ?? [], identity: identity(fields["identity"]),
      within: fields["within"]?.duration ?? standard.within, steady: fields["steady"]?.int ?? standard.steady,
      grace: fields["grace"]?.duration ?? standard.grace, soak: fields["soak"]?.duration ?? standard.soak)
  }

  private func identity(_ placed: Placed?) -> Identity? {
    switch placed?.value {
    case .word("none"): return Identity.none
    // The words of other platforms are noted as not supported; the nearest meaning keeps the value whole.
    case .word: return .platform
    case .object(let fields):
      if let path = fields["json"]?.text { return .json(path) }
      if let name = fields["header"]?.text { return .header(name) }
      return fields["text"]?.text.map { .text($0) }
    default: return nil
    }
  }

  private func needs(_ placed: Placed?) -> [String] {
    placed?.list.flatMap { need in need.text.map { [$0] } ?? need.map.map(\.key) } ?? []
  }

  private func commandStep(_ fields: Fields) -> CommandStep? {
    guard let name = fields["name"]?.text, let command = fields["run"]?.list.compactMap(\.text) else {
      return nil
    }
    var step = CommandStep(name: name, command: command, needs: needs(fields["needs"]))
    if let timeout = fields["timeout"]?.duration { step.timeout = timeout }
    if let repeatable = fields["repeatable"]?.bool { step.repeatable = repeatable }
    return step
  }

  private func check(_ fields: Fields) -> Check? {
    guard let name = fields["name"]?.text else { return nil }
    var check: Check
    if let url = fields["http"]?.template {
      check = Check(name: name, kind: .http(url: url, expect: expectation(fields["expect"]?.fields)))
    } else if let command = fields["run"]?.list.compactMap(\.text) {
      check = Check(name: name, kind: .command(command))
    } else {
      return nil
    }
    if let timeout = fields["timeout"]?.duration { check.timeout = timeout }
    return check
  }

  private func expectation(_ fields: Fields?) -> HTTPExpectation {
    func texts(_ placed: Placed?) -> [String: String] {
      Dictionary(
        (placed?.map ?? []).compactMap { entry in entry.value.text.map { (entry.key, $0) } },
        uniquingKeysWith: { _, last in last })
    }
    return HTTPExpectation(
      status: fields?["status"]?.int, within: fields?["within"]?.duration, json: texts(fields?["json"]),
      headers: texts(fields?["headers"]))
  }
}
