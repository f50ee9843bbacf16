extension Joiner {
  /// Migrations: whose they are, where they run today, and whether that is in two places.
  mutating func joinSchemas() {
    for schema in sources() {
      var joined = DraftSchema(
        tool: schema.tool, config: schema.config, folder: schema.folder,
        engine: schema.engine.flatMap { Joiner.kind($0.value) },
        certainty: facts.guessed.contains(schema.config) ? .guess : .sure)
      joined.places = occurrences(of: schema)
      joined.service = joined.places.lazy.compactMap(\.service).first ?? owner(of: schema)
      joined.address = address(schema, joined.service)
      joined.position = position(joined)
      if joined.places.isEmpty { joined.certainty = min(joined.certainty, .likely) }
      draft.schemas.append(joined)
      twice(joined)
    }
    draft.schemas.sort { Joiner.rank($0) > Joiner.rank($1) }
  }

  private static func rank(_ schema: DraftSchema) -> Int {
    (schema.position == nil ? 0 : 2) + (schema.certainty == .sure ? 1 : 0)
  }

  /// The tools' own files, and packages that bring a tool along whose file is not there.
  private func sources() -> [SchemaSource] {
    var found: [SchemaSource] = []
    for schema in facts.schemas
    where !found.contains(where: { $0.tool == schema.tool && $0.folder == schema.folder }) {
      found.append(schema)
    }
    // What is released by a Procfile names its tool where no file of that tool is.
    for unit in facts.units where unit.host == .heroku {
      guard let command = unit.settings[.preDeploy], let tool = Shell.migration(command.value), !tool.isEmpty,
        !found.contains(where: { $0.tool == tool })
      else { continue }
      found.append(SchemaSource(tool: tool, config: unit.file, folder: unit.home))
    }
    for package in facts.packages {
      guard let line = package.dependencies["drizzle-kit"],
        !found.contains(where: { $0.tool == "drizzle-kit" && Path.isInside($0.folder, package.folder) })
      else { continue }
      var schema = SchemaSource(tool: "drizzle-kit", config: package.file, folder: package.folder)
      if package.depends(on: "pg", "postgres", "@neondatabase/serverless") != nil {
        schema.engine = Sourced("postgresql", Evidence(package.file, line))
      }
      found.append(schema)
    }
    return found
  }

  private func owner(of schema: SchemaSource) -> String? {
    let users = draft.stores.first { $0.kind == "postgres" || $0.kind == "mysql" }?.users ?? []
    let near = draft.services.filter { !$0.home.isEmpty && Path.isInside(schema.folder, $0.home) }
    return near.first?.key ?? (users.count == 1 ? users.first : nil)
  }

  /// Every command that runs it, in what is deployed and in workflows.
  private func occurrences(of schema: SchemaSource) -> [DraftSchema.Occurrence] {
    let isOnly = Set(facts.schemas.map(\.tool)).count <= 1
    var found: [DraftSchema.Occurrence] = []
    func look(_ command: Sourced<String>, _ place: DraftSchema.Place, _ service: String?, _ folder: String) {
      for step in facts.behind(command, in: folder) {
        guard let tool = Shell.migration(step.value), tool == schema.tool || (tool.isEmpty && isOnly) else {
          continue
        }
        let occurrence = DraftSchema.Occurrence(
          place: place, command: step.value, evidence: step.evidence, service: service)
        if !found.contains(where: { $0.evidence == step.evidence }) { found.append(occurrence) }
        break
      }
    }
    for service in draft.services {
      if case .off = service.standing { continue }
      let places: [(SettingKey, DraftSchema.Place)] = [
        (.preDeploy, .preDeploy), (.start, .start), (.build, .build),
      ]
      for (key, place) in places {
        guard let command = service.settings[key] else { continue }
        look(command, place, service.key, service.home.isEmpty ? service.context : service.home)
      }
      // An image has a command of its own, where nothing else says what starts.
      if service.settings[.start] == nil, let command = ownCommand(service) {
        look(command, .start, service.key, service.home.isEmpty ? service.context : service.home)
      }
    }
    for workflow in facts.workflows {
      for command in workflow.migrations { look(command, .workflow, nil, "") }
    }
    return found
  }

  private func ownCommand(_ service: DraftService) -> Sourced<String>? {
    let file = service.settings[.dockerfile]?.value ?? "Dockerfile"
    guard (service.settings[.builder]?.value ?? "dockerfile") == "dockerfile" else { return nil }
    return facts.images[Path.join(service.context, file)]?.command
  }

  /// Deploys that make the schema like the code, without migrations.
  mutating func joinPushes() {
    for service in draft.services {
      if case .off = service.standing { continue }
      let folder = service.home.isEmpty ? service.context : service.home
      for key in [SettingKey.preDeploy, .start, .build] {
        guard let command = service.settings[key] else { continue }
        for step in facts.behind(command, in: folder) where Shell.pushesSchema(step.value) {
          draft.dangers.append(
            Danger(
              .schemaPush, step.evidence,
              "each deploy of \(service.key) pushes a schema without migrations that somebody could read: columns may be dropped, and nothing leads back"
            ))
        }
      }
    }
  }

  /// The secret with the address that reaches the database directly.
  private func address(_ schema: SchemaSource, _ service: String?) -> Sourced<String>? {
    let direct = ["DIRECT_URL", "DIRECT_DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_PUBLIC_URL"]
    let variables = draft.services.first { $0.key == service }?.variables ?? []
    for name in direct {
      if let found = schema.addresses.first(where: { $0.value == name }) { return found }
      if let found = variables.first(where: { $0.name == name }) { return Sourced(name, found.evidence) }
    }
    if let last = schema.addresses.last { return last }
    for name in ["DATABASE_URL", "POSTGRES_URL", "DB_URL"] {
      if let found = variables.first(where: { $0.name == name }) { return Sourced(name, found.evidence) }
    }
    return facts.examples.lazy.flatMap { list in
      list.names.filter { $0.name == "DATABASE_URL" }.map { Sourced($0.name, Evidence(list.file, $0.line)) }
    }.first
  }

  private func position(_ schema: DraftSchema) -> String? {
    if let said = answers["migrations"] { return said == "leave out" ? nil : said }
    let places = Set(schema.places.map(\.place))
    if places.contains(.preDeploy) { return "pre-deploy" }
    if places.contains(.start) || places.contains(.build) { return "inside-deploy" }
    return places.contains(.workflow) ? "here" : nil
  }

  private mutating func twice(_ schema: DraftSchema) {
    guard schema.places.count > 1, let first = schema.places.first else { return }
    let others = schema.places.dropFirst()
    let words = schema.places.map { place in
      switch place.place {
      case .preDeploy: "the pre-deploy command"
      case .start: "the start command"
      case .build: "the build"
      case .workflow: "a workflow"
      }
    }
    var seen: [String] = []
    for word in words where !seen.contains(word) { seen.append(word) }
    draft.dangers.append(
      Danger(
        .migrationsTwice, first.evidence,
        "migrations run in \(schema.places.count) places: \(seen.joined(separator: " and "))",
        others: others.map(\.evidence)))
  }
}
