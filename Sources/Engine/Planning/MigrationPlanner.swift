import Model

/// Plans what is done to schemas: one step per database with pending migrations, after everything that can fail
/// without it, and before the services that use the database.
struct MigrationPlanner {
  let input: PlanInput
  /// Nil: every database.
  var only: String?

  /// What the plan says about schemas.
  struct Result {
    var steps: [Step] = []
    var changes: [SchemaChange] = []
    /// Databases that are copied beforehand.
    var copied: [DatabaseTarget] = []
    /// The steps of scripts.
    var scripts: [Step] = []
    var isEmpty: Bool { changes.isEmpty && scripts.isEmpty }
    var warnings: [String] = []
  }

  /// - Throws: `Failure` of kind policy for what `protect.migrations` does not allow.
  func plan() throws(Failure) -> Result {
    var result = Result()
    for database in input.environment.databases where only == nil || only == database.key {
      guard let observed = input.databases[database.key] else { continue }
      result.warnings += observed.notes
      defer { if let scripts = scripts(database, observed) { result.scripts.append(scripts) } }
      guard let migrations = database.migrations, !observed.pending.isEmpty else {
        if let backup = database.backup, backup.before == .deploy {
          result.steps.append(DatabaseSteps.backup(of: database, backup, input.environment))
          result.copied.append(database)
          if let warning = DatabaseSteps.warning(about: backup, of: database) {
            result.warnings.append(warning)
          }
        }
        continue
      }
      let pending = observed.pending.map { pending in
        let review = MigrationReview(pending.text)
        // Of a statement that is judged here already, another's words would say the same again.
        let judged = Set(review.findings.filter { $0.effect != .expand || $0.blocks }.map(\.line))
        let remarks = pending.remarks.filter { !judged.contains($0.line) }
        return PlannedMigration(
          id: pending.file.id, name: pending.file.name, path: pending.path, checksum: pending.checksum,
          effect: review.effect, isTagged: review.isTagged,
          findings: (review.findings + remarks).sorted { $0.line < $1.line })
      }
      var change = SchemaChange(
        database: database, migrations: migrations, place: observed.place, commit: input.commit,
        isDirty: input.isDirty, from: observed.newest, pending: pending)
      change.appliedBy = try appliedBy(database, migrations)
      try protect(change)
      result.changes.append(change)
      var step = step(change)
      if let backup = database.backup {
        var copy = DatabaseSteps.backup(of: database, backup, input.environment)
        // What has to come before the migrations comes before their copy too: it is of the state they change.
        copy.needs = change.appliedBy == nil ? step.needs : migrations.needs.map { StepID($0) }
        step.needs.append(copy.id)
        result.steps.append(copy)
        result.copied.append(database)
        if let warning = DatabaseSteps.warning(about: backup, of: database) {
          result.warnings.append(warning)
        }
      }
      result.steps.append(step)
    }
    result.steps += result.scripts
    result.warnings += elsewhere()
    for declared in undeclared() where !result.warnings.contains(declared) {
      result.warnings.append(declared)
    }
    return result
  }

  private func scripts(_ database: DatabaseTarget, _ observed: ObservedDatabase) -> Step? {
    guard !observed.scripts.isEmpty else { return nil }
    let limits = database.migrations
    let run = ScriptRun(
      database: database, scripts: observed.scripts, place: observed.place, commit: input.commit,
      isDirty: input.isDirty, lockTimeout: limits?.lockTimeout ?? .seconds(5),
      // An index of a large table takes its time.
      statementTimeout: max(limits?.statementTimeout ?? .seconds(600), .seconds(3600)))
    let names = observed.scripts.flatMap(\.indexes)
    let what =
      names.isEmpty
      ? "run scripts in \(database.key)" : "build \(names.joined(separator: ", ")) in \(database.key)"
    return Step(
      id: database.scriptStep, title: what,
      needs: observed.scripts.contains(where: \.script.afterMigrations) ? [database.step] : [],
      action: .scripts(run), limit: input.environment.protect.deadline, isRepeatable: true,
      expected: .seconds(10))
  }

  /// The services whose deploy runs the migrations; nil: shipit runs them.
  /// - Throws: `configuration` when nobody would.
  private func appliedBy(_ database: DatabaseTarget, _ migrations: Migrations) throws(Failure)
    -> [ServiceName]?
  {
    guard migrations.runs != .here else { return nil }
    let users = users(of: database).named.sorted()
    let place = "databases.\(database.key).migrations.where"
    guard !users.isEmpty else {
      throw Failure(
        .configuration, "nobody would run the migrations of \(database.key)", place: place,
        cause: "it says \(migrations.runs.rawValue), and no service gets the database's address",
        hint: "give the service the secret of `url` among its variables, or write where: here")
    }
    guard migrations.runs == .preDeploy else { return users }
    let able = users.filter { key in
      let declared = input.environment.services.first { $0.key == key }?.settings.preDeploy
      return (declared ?? input.observed[key]?.settings.preDeploy)?.isEmpty == false
    }
    guard !able.isEmpty else {
      throw Failure(
        .configuration, "nobody would run the migrations of \(database.key)", place: place,
        cause:
          "it says pre-deploy, and \(users.map(\.rawValue).joined(separator: ", ")) has no pre-deploy command",
        hint: "write it: services.\(users[0]).settings.pre-deploy; or where: here")
    }
    return able
  }

  private func step(_ change: SchemaChange) -> Step {
    if let services = change.appliedBy {
      // The platform has run them when the new code answers: what the table says then is what is so.
      return Step(
        id: change.database.step, title: "look at the schema of \(change.database.key)",
        needs: services.map { StepID("\($0).prove") }, action: .migrate(change), limit: .seconds(120),
        isRepeatable: true, expected: .seconds(1))
    }
    let count = change.pending.count
    // A file may take as long as a statement may, several times over; the lock is waited for besides.
    let limit = change.migrations.statementTimeout * (count + 1) + .seconds(300)
    return Step(
      id: change.database.step, title: "migrate \(change.database.key)",
      needs: change.migrations.needs.map { StepID($0) }, action: .migrate(change),
      limit: min(limit, input.environment.protect.deadline), expected: .seconds(5))
  }

  private func protect(_ change: SchemaChange) throws(Failure) {
    guard let allowed = input.environment.protect.migrations,
      let worst = change.pending.first(where: { $0.effect > allowed })
    else { return }
    let finding = worst.findings.first { $0.effect == worst.effect }
    throw Failure(
      .policy,
      "\(worst.name) is \(worst.effect.article), and only \(allowed.rawValue) migrations may go to "
        + input.environment.name, place: finding.map { "\(worst.path):\($0.line)" } ?? worst.path,
      cause: finding.map { "it \($0.reason)" },
      hint: (finding?.safer.map { "safer: \($0); " } ?? "")
        + "or say what it is by a comment in the file, -- shipit: \(allowed.rawValue); or loosen protect.migrations"
    )
  }

  // MARK: Order

  /// Adds the needs that schemas mean: services after the migrations of their databases, and these after
  /// everything that is built and proven where nobody sees it. A need that would close a circle is left out.
  func arranged(_ steps: [Step], _ result: Result) -> [Step] {
    let changes = result.changes
    guard !changes.isEmpty || !result.copied.isEmpty else { return steps }
    var order = StepOrder(lookedAt(steps, changes))
    for change in changes where change.appliedBy == nil {
      let users = users(of: change.database)
      for service in input.environment.services {
        let key = service.key
        let isStaged = input.observed[key]?.cutOver == .staged
        if users.named.contains(key) {
          // New code that runs anywhere, even dark, finds its schema.
          for name in ["settings", "variables", "deploy"] {
            order.put(StepID("\(key).\(name)"), after: change.database.step)
          }
        } else if users.isEverybody {
          for name in isStaged ? ["promote"] : ["settings", "variables", "deploy"] {
            order.put(StepID("\(key).\(name)"), after: change.database.step)
          }
        }
      }
      // Nothing takes a migration back: what can fail before does.
      for service in input.environment.services {
        order.put(change.database.step, after: StepID("\(service.key).image"))
        order.put(change.database.step, after: StepID("\(service.key).verify"))
      }
    }
    for database in result.copied {
      // It is the last thing that may fail before anything changes for good.
      for service in input.environment.services {
        for name in ["settings", "variables", "deploy", "promote"] where !isDark(service, name) {
          order.put(StepID("\(service.key).\(name)"), after: database.backupStep)
        }
        order.put(database.backupStep, after: StepID("\(service.key).image"))
        order.put(database.backupStep, after: StepID("\(service.key).verify"))
      }
    }
    return order.steps
  }

  /// What a deploy applies is looked at behind the services that are deployed; without any there is nothing to see.
  private func lookedAt(_ steps: [Step], _ changes: [SchemaChange]) -> [Step] {
    let known = Set(steps.map(\.id))
    return steps.compactMap { step in
      guard changes.contains(where: { $0.appliedBy != nil && $0.database.step == step.id }) else {
        return step
      }
      var step = step
      step.needs.removeAll { !known.contains($0) }
      return step.needs.isEmpty ? nil : step
    }
  }

  /// Users of a staged service notice nothing before it is promoted.
  private func isDark(_ service: Service, _ step: String) -> Bool {
    input.observed[service.key]?.cutOver == .staged && step != "promote"
  }

  /// Who uses a database: services that get its address, that declare it in their source, or that name its
  /// migrations in `needs`; when nobody is found, everybody might.
  func users(of database: DatabaseTarget) -> (named: Set<ServiceName>, isEverybody: Bool) {
    var named: Set<ServiceName> = []
    for service in input.environment.services {
      let isGiven = service.variables.values.contains { value in
        switch (value, database.url) {
        case (.secret(let one), .secret(let other)): one == other
        case (.text(let template), .text(let text)): template == Template(text: text)
        default: false
        }
      }
      let isDeclared = (input.declared[service.key] ?? []).contains { $0.key == database.key }
      let isNamed = (service.needs + service.buildNeeds).contains(database.step.rawValue)
      if isGiven || isDeclared || isNamed { named.insert(service.key) }
    }
    return (named, named.isEmpty)
  }

  // MARK: One place

  /// Commands that migrate, as services start or deploy with them.
  private static let migrating = [
    "alembic upgrade", "manage.py migrate", "prisma migrate deploy", "drizzle-kit migrate", "db:migrate",
    "rails db:prepare", "knex migrate:latest", "dbmate up", "dbmate migrate", "sqitch deploy",
    "flyway migrate",
    "atlas migrate apply", "supabase db push", "yoyo apply", "goose up", "migrate -path",
    "typeorm migration:run",
  ]

  /// Migrations that run here and again inside a service: each instance that starts would run them, and a rollback of
  /// code too, where most tools stop (contract migrations §1.1, §4).
  private func elsewhere() -> [String] {
    let managed = input.environment.databases.filter { $0.migrations != nil }
    guard let database = managed.first?.key, let place = managed.first?.migrations?.runs else { return [] }
    let other = place == .here ? "runs migrations here" : "says where: \(place.rawValue)"
    return input.environment.services.flatMap { service -> [String] in
      let settings = input.observed[service.key]?.settings
      let places = [
        ("its start command", service.settings.start ?? settings?.start),
        (
          "its pre-deploy command",
          (service.settings.preDeploy ?? settings?.preDeploy)?.joined(separator: " && ")
        ),
      ]
      return places.compactMap { name, command in
        let isMeant =
          place == .preDeploy && name.contains("pre-deploy")
          || place == .insideDeploy && !name.contains("pre-deploy")
        guard !isMeant, let command,
          let found = MigrationPlanner.migrating.first(where: { command.contains($0) })
        else {
          return nil
        }
        return
          "\(service.key): \(name) runs `\(found)`, and databases.\(database).migrations \(other): "
          + "one place only, or each instance that starts, and each rollback of code, runs them again"
      }
    }
  }

  // MARK: Self-hosted Encore

  /// Databases of self-hosted Encore applications that nobody migrates, with the lines that change that.
  private func undeclared() -> [String] {
    input.environment.services.flatMap { service -> [String] in
      (input.declared[service.key] ?? []).compactMap { declared in
        guard let directory = declared.directory, declared.migrations > 0 else { return nil }
        if let tool = declared.foreignTool {
          return
            "\(service.key): the database \(declared.name) has migrations of \(tool) in \(directory), which shipit does "
            + "not apply, and images of Encore applications apply none: run them in a `run:` step that \(service.key) needs"
        }
        guard let database = input.environment.databases.first(where: { $0.key == declared.key }) else {
          return
            "\(service.key): nobody applies the \(declared.migrations == 1 ? "migration" : "\(declared.migrations) migrations") of the "
            + "database \(declared.name): images of Encore applications have no code for it. Add\n"
            + lines(declared, directory)
        }
        guard let migrations = database.migrations else {
          return
            "\(service.key): nobody applies the migrations of the database \(declared.name). Add to databases.\(database.key)\n"
            + "    migrations: {tool: encore, directory: \(directory)}"
        }
        let named = migrations.directory.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        guard named != directory else { return nil }
        return
          "\(service.key): the database \(declared.name) is declared with the migrations of \(directory), and "
          + "databases.\(database.key).migrations.directory says \(migrations.directory)"
      }
    }
  }

  private func lines(_ declared: DeclaredDatabase, _ directory: String) -> String {
    let secret =
      String(declared.name.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" }) + "_DATABASE_URL"
    let head = input.environment.databases.isEmpty ? "databases:\n" : ""
    return head + "  \(declared.key):\n    engine: postgres\n    url: {secret: \(secret)}\n"
      + "    migrations: {tool: encore, directory: \(directory)}"
  }
}

/// Steps that get further needs, as long as no circle comes of it.
struct StepOrder {
  private(set) var steps: [Step]
  private var places: [StepID: Int] = [:]

  init(_ steps: [Step]) {
    self.steps = steps
    for (index, step) in steps.enumerated() { places[step.id] = index }
  }

  mutating func put(_ later: StepID, after earlier: StepID) {
    guard let place = places[later], places[earlier] != nil, !steps[place].needs.contains(earlier),
      !reaches(earlier, later)
    else { return }
    steps[place].needs.append(earlier)
  }

  private func reaches(_ from: StepID, _ wanted: StepID) -> Bool {
    var seen: Set<StepID> = []
    var open = [from]
    while let id = open.popLast() {
      if id == wanted { return true }
      guard seen.insert(id).inserted, let place = places[id] else { continue }
      open += steps[place].needs
    }
    return false
  }
}

extension MigrationEffect {
  /// With its article: "a contract migration".
  package var article: String {
    switch self {
    case .expand: "an expand migration"
    case .data: "a migration of data"
    case .unknown: "a migration of unknown effect"
    case .contract: "a contract migration"
    }
  }
}
