import Model
import YAML
import Zones

/// From merged nodes to the environment: shapes first, then what the parts say of each other, then the values.
struct EnvironmentDecoder {
  var reading: Reading
  var diagnostics: [Diagnostic] { reading.diagnostics }

  private let environments: () -> [String]
  private let zones: ZoneDatabase
  private let example: (String) throws -> [UInt8]

  /// - Parameters:
  ///   - environments: the names of the project's environments; asked only when one is referred to.
  ///   - zones: knows time zones by name.
  ///   - example: reads a file of the project; asked only for one that lists the required secrets.
  init(
    sources: [String: SourceFile], environments: @escaping () -> [String], zones: ZoneDatabase,
    example: @escaping (String) throws -> [UInt8]
  ) {
    reading = Reading(sources: sources)
    self.example = example
    self.environments = environments
    self.zones = zones
  }

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
    var rules = Rules(fields: fields, environments: environments, zones: zones, example: example)
    rules.check(&reading)
    return environment(fields)
  }

  private func environment(_ fields: Fields) -> Environment? {
    guard let name = fields["environment"]?.text, let app = fields["app"]?.text,
      let state = state(fields["state"])
    else { return nil }
    var environment = Environment(
      name: name, app: app, state: state,
      platforms: Platforms(
        railway: railway(fields["platforms"]?.fields?["railway"]?.fields),
        vercel: vercel(fields["platforms"]?.fields?["vercel"]?.fields),
        encore: encore(fields["platforms"]?.fields?["encore"]?.fields)),
      provision: fields["provision"]?.text.flatMap(Provision.init(rawValue:)) ?? .adopt,
      protect: protection(fields["protect"]?.fields),
      secrets: secrets(fields["secrets"]?.fields),
      demands: SecretDemands(
        fields: fields["secrets"]?.fields, declared: declared(fields["services"]?.map ?? []),
        example: { path in (try? example(path)).map(ExampleFile.names) }),
      services: fields["services"]?.map.compactMap { entry in
        entry.value.fields.flatMap { service($0, key: entry.key) }
      } ?? [],
      databases: fields["databases"]?.map.compactMap { entry in
        entry.value.fields.flatMap { database($0, key: entry.key) }
      } ?? [],
      run: fields["run"]?.list.compactMap { $0.fields.flatMap(commandStep) } ?? [],
      checks: fields["checks"]?.list.compactMap { $0.fields.flatMap(Check.init(fields:)) } ?? [],
      notify: fields["notify"]?.list.compactMap { $0.fields.flatMap(NotificationTarget.init(fields:)) } ?? [],
      rollouts: fields["rollouts"]?.map.compactMap { entry in
        entry.value.fields.flatMap { RolloutTarget(fields: $0, key: entry.key) }
      },
      marks: fields["marks"]?.list.compactMap { $0.fields.flatMap(MarkTarget.init(fields:)) })
    environment.preview = fields["preview"]?.fields.map(PreviewSettings.init(fields:))
    return environment
  }

  /// The variables that some service has as plain text.
  private func declared(_ services: [(key: String, mark: Mark, value: Placed)]) -> Set<String> {
    Set(
      services.flatMap { service in
        (service.value.fields?["variables"]?.map ?? []).filter { $0.value.template != nil }.map(\.key)
      })
  }

  private func secrets(_ fields: Fields?) -> SecretSettings {
    let actions = fields?["github"]?.fields.flatMap { ActionsSecretsTarget(fields: $0) }
    guard let sources = fields?["sources"]?.list else { return SecretSettings(actions: actions) }
    return SecretSettings(
      sources: sources.compactMap { source in
        guard let fields = source.fields else { return .environment }
        return SecretSettings.Source(fields: fields)
      }, actions: actions)
  }

  private func protection(_ fields: Fields?) -> Protection {
    var protection = Protection(branch: fields?["branch"]?.text, after: fields?["after"]?.text)
    if let deadline = fields?["deadline"]?.duration { protection.deadline = deadline }
    protection.migrations = fields?["migrations"]?.text.flatMap(MigrationEffect.init(rawValue:))
    if let approval = fields?["approval"]?.fields {
      var rule = ApprovalRule(by: approval["by"]?.list.compactMap(\.text) ?? [])
      if let count = approval["count"]?.int { rule.count = count }
      if let own = approval["own"]?.bool { rule.own = own }
      if let expires = approval["expires"]?.duration { rule.expires = expires }
      protection.approval = rule
    }
    protection.freezes = (fields?["freeze"]?.list ?? []).compactMap {
      $0.fields.flatMap(Freeze.init(fields:))
    }
    return protection
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

  private func vercel(_ fields: Fields?) -> VercelTarget? {
    guard let fields, let token = fields["token"]?.secret else { return nil }
    return VercelTarget(team: fields["team"]?.text, tokenSecret: token)
  }

  private func encore(_ fields: Fields?) -> EncoreTarget? {
    guard let fields, let app = fields["app"]?.text, let environment = fields["environment"]?.text,
      let client = fields["client"]?.fields, let id = client["id"]?.secret,
      let secret = client["secret"]?.secret
    else { return nil }
    var target = EncoreTarget(
      app: app, environment: environment, clientIDSecret: id, clientSecretSecret: secret,
      keySecret: fields["key"]?.secret)
    if let approval = fields["approval"]?.duration { target.approval = approval }
    return target
  }

  private func service(_ fields: Fields, key: String) -> Service? {
    guard let platform = fields["platform"]?.text.flatMap(PlatformName.init(rawValue:)),
      let source = source(fields["source"]?.fields)
    else { return nil }
    let variables = EnvironmentDecoder.variables(fields["variables"]?.map ?? [])
    let health = health(fields["health"]?.fields, on: platform, source)
    var settings = settings(fields["settings"]?.fields)
    if let path = health.path, platform.hasHealthGate {
      settings.healthPath = path
      settings.healthTimeout = health.within
    }
    if let schedules = fields["volume"]?.fields?["backups"]?.list {
      let words = schedules.compactMap(\.text)
      settings.backups = ServiceSettings.BackupSchedule.allCases.filter { words.contains($0.rawValue) }
    }
    return Service(
      key: ServiceName(rawValue: key), platform: platform, name: fields["name"]?.text, source: source,
      needs: needs(fields["needs"]) + implied(variables, platform, besides: needs(fields["needs"])),
      buildNeeds: buildNeeds(fields["needs"], variables, platform), variables: variables, settings: settings,
      domains: fields["domains"]?.list.compactMap(\.text) ?? [], health: health,
      volume: fields["volume"]?.text ?? fields["volume"]?.fields?["mount"]?.text,
      proxy: fields["tcp-proxy"]?.int, privateName: fields["private-name"]?.text)
  }

  static func variables(_ entries: [(key: String, mark: Mark, value: Placed)]) -> [String: VariableValue] {
    var variables: [String: VariableValue] = [:]
    for entry in entries {
      if let template = entry.value.template { variables[entry.key] = .text(template) }
      if let secret = entry.value.secret { variables[entry.key] = .secret(secret) }
    }
    return variables
  }

  private func source(_ fields: Fields?) -> ServiceSource? {
    guard let fields else { return nil }
    if let directory = fields["directory"]?.text {
      let include = fields["include"]?.list.compactMap(\.text) ?? []
      let root = fields["root"]?.text
      return fields["build"]?.text == "cli"
        ? .commandLineBuild(path: directory, root: root, include: include)
        : .directory(path: directory, root: root, include: include)
    }
    if let path = fields["prebuilt"]?.text { return .prebuilt(path: path) }
    if let encore = fields["encore"]?.fields, let path = encore["directory"]?.text,
      let image = encore["image"]?.template
    {
      return .encoreImage(path: path, image: image, configuration: encore["config"]?.text)
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
    settings.framework = fields["framework"]?.text
    settings.install = fields["install"]?.text
    settings.output = fields["output"]?.text
    settings.node = fields["node"]?.text
    return settings
  }

  private func health(_ fields: Fields?, on platform: PlatformName, _ source: ServiceSource) -> Health {
    let own: Identity? =
      switch platform {
      case .railway: if case .encoreImage = source { .encore } else { nil }
      case .vercel: .vercel
      case .encore: .encore
      }
    guard let fields else { return Health(identity: own) }
    let standard = Health()
    return Health(
      path: fields["path"]?.text, url: fields["url"]?.text,
      probes: fields["probes"]?.list.compactMap(\.text) ?? [], identity: identity(fields["identity"]) ?? own,
      within: fields["within"]?.duration ?? standard.within, steady: fields["steady"]?.int ?? standard.steady,
      grace: fields["grace"]?.duration ?? standard.grace, soak: fields["soak"]?.duration ?? standard.soak)
  }

  private func identity(_ placed: Placed?) -> Identity? {
    switch placed?.value {
    case .word("none"): return Identity.none
    case .word("vercel"): return .vercel
    case .word("encore"): return .encore
    case .word: return .platform
    case .object(let fields):
      if let path = fields["json"]?.text { return .json(path) }
      if let name = fields["header"]?.text { return .header(name) }
      return fields["text"]?.text.map { .text($0) }
    default: return nil
    }
  }

  private func database(_ fields: Fields, key: String) -> DatabaseTarget? {
    guard let engine = fields["engine"]?.text.flatMap(DatabaseTarget.Engine.init(rawValue:)) else {
      return nil
    }
    let url = fields["url"]
    let address: DatabaseTarget.Address =
      url?.secret.map { .secret($0) }
      ?? url?.template.flatMap { template in
        template.references.isEmpty ? .text(template.rendered { $0.description }) : nil
      } ?? .unreached
    return DatabaseTarget(
      key: key, engine: engine, url: address, migrations: migrations(fields["migrations"]?.fields),
      backup: backup(fields["backup"]?.fields),
      scripts: fields["scripts"]?.list.compactMap { $0.fields.flatMap(script) } ?? [],
      create: fields["create"]?.fields?["railway"]?.fields.flatMap { way in
        guard let code = way["template"]?.text, let service = way["service"]?.text else { return nil }
        return DatabaseTarget.Template(code: code, service: service)
      })
  }

  private func script(_ fields: Fields) -> DatabaseScript? {
    fields["sql"]?.text.map {
      DatabaseScript(
        path: $0, concurrently: fields["indexes"]?.text == "concurrently",
        afterMigrations: needs(fields["needs"]).contains("migrations"))
    }
  }

  private func migrations(_ fields: Fields?) -> Migrations? {
    guard let fields, let tool = fields["tool"]?.text.flatMap(MigrationToolName.init(rawValue:)) else {
      return nil
    }
    var migrations = Migrations(tool: tool, needs: needs(fields["needs"]))
    if let directory = fields["directory"]?.text { migrations.directory = directory }
    migrations.program = fields["program"]?.list.compactMap(\.text)
    if let place = fields["where"]?.text.flatMap(Migrations.Place.init(rawValue:)) { migrations.runs = place }
    let timeouts = fields["timeouts"]?.fields
    if let lock = timeouts?["lock"]?.duration { migrations.lockTimeout = lock }
    if let statement = timeouts?["statement"]?.duration { migrations.statementTimeout = statement }
    return migrations
  }

  private func needs(_ placed: Placed?) -> [String] {
    placed?.list.flatMap { need in need.text.map { [$0] } ?? need.map.map(\.key) } ?? []
  }

  /// Services whose address a variable holds that is read at build time (DESIGN §3).
  private func referred(_ variables: [String: VariableValue], _ platform: PlatformName) -> [String] {
    guard platform.buildReadsVariables else { return [] }
    var names: [String] = []
    for (_, value) in variables.sorted(by: { $0.key < $1.key }) {
      guard case .text(let template) = value else { continue }
      for reference in template.references {
        switch reference {
        case .serviceURL(let service), .serviceHost(let service):
          if !names.contains(service.rawValue) { names.append(service.rawValue) }
        default: break
        }
      }
    }
    return names
  }

  private func implied(
    _ variables: [String: VariableValue], _ platform: PlatformName, besides needs: [String]
  ) -> [String] {
    referred(variables, platform).filter { !needs.contains($0) }
  }

  private func buildNeeds(
    _ placed: Placed?, _ variables: [String: VariableValue], _ platform: PlatformName
  ) -> [String] {
    let named = placed?.list.flatMap { $0.text == nil ? $0.map.map(\.key) : [] } ?? []
    return named + referred(variables, platform).filter { !named.contains($0) }
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
}
