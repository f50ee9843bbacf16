import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// Schemas in plans and runs: what waits for them, what is refused, and which code is not put back across them.
@Suite struct SchemaTests {
  private func target(_ needs: [String] = [], url: String = "MAIN_URL") -> DatabaseTarget {
    DatabaseTarget(
      key: "main", url: .secret(url), migrations: Migrations(tool: .encore, directory: "db", needs: needs))
  }

  private func observed(_ texts: (name: String, sql: String)...) -> ObservedDatabase {
    ObservedDatabase(
      place: "db.example:5432/shop", version: "15.4", newest: "1", applied: 1,
      pending: texts.enumerated().map { index, text in
        PendingMigration(
          file: MigrationFile(id: String(index + 2), name: text.name), path: "db/\(text.name)",
          text: text.sql,
          checksum: text.name)
      })
  }

  private func plan(
    _ services: [Service], _ database: ObservedDatabase, _ target: DatabaseTarget,
    staged: Set<ServiceName> = [],
    protect: MigrationEffect? = nil, declared: [ServiceName: [DeclaredDatabase]] = [:],
    run: [CommandStep] = []
  ) throws -> Plan {
    var environment = Planned.environment(services, run: run)
    environment.databases = [target]
    environment.protect.migrations = protect
    var input = Planned.input(
      environment,
      services.map { Planned.observed($0.key, cutOver: staged.contains($0.key) ? .staged : .gated) })
    input.databases = ["main": database]
    input.secrets = Planned.secrets(["MAIN_URL": "postgres://db.example/shop"])
    input.declared = declared
    return try DeployPlanner(input).plan()
  }

  private let expand = (name: "2_add.up.sql", sql: "ALTER TABLE t ADD COLUMN a int;")
  private let contract = (name: "3_drop.up.sql", sql: "ALTER TABLE t DROP COLUMN b;")

  // MARK: Plans

  @Test func servicesWaitForTheSchemasOfTheirDatabases() throws {
    let plan = try plan(
      [
        Planned.service("api", variables: ["DATABASE_URL": .secret("MAIN_URL")]), Planned.service("mail"),
        Planned.service("web"),
      ], observed(expand), target(["tests"]), staged: ["web"],
      run: [CommandStep(name: "tests", command: ["true"])])
    let step = try #require(plan.step("main.migrations"))
    #expect(step.isPointOfNoReturn && !step.isCutOver && step.undo.isEmpty)
    // What can fail before nothing can be taken back does.
    #expect(Set(step.needs) == ["run.tests", "web.verify"])
    #expect(plan.step("api.deploy")?.needs.contains("main.migrations") == true)
    #expect(plan.step("mail.deploy")?.needs.contains("main.migrations") == false)
    #expect(plan.step("web.promote")?.needs.contains("main.migrations") == false)
    #expect(plan.schemaChanges.first?.pending.map(\.effect) == [.expand])
  }

  @Test func whenNobodyIsKnownToUseItEverybodyWaits() throws {
    let plan = try plan(
      [Planned.service("api"), Planned.service("web")], observed(expand), target(), staged: ["web"])
    #expect(plan.step("api.deploy")?.needs.contains("main.migrations") == true)
    #expect(plan.step("web.promote")?.needs.contains("main.migrations") == true)
    #expect(plan.step("web.deploy")?.needs.contains("main.migrations") == false)
  }

  @Test func aStagedUserIsBuiltAfterItsSchema() throws {
    let plan = try plan(
      [Planned.service("web", variables: ["DATABASE_URL": .secret("MAIN_URL")])], observed(expand), target(),
      staged: ["web"])
    #expect(plan.step("web.deploy")?.needs.contains("main.migrations") == true)
    #expect(plan.step("main.migrations")?.needs == [])
  }

  @Test func aPlanMayChangeSchemasAlone() throws {
    let same = Planned.service("api")
    var environment = Planned.environment([same])
    environment.databases = [target()]
    var input = Planned.input(environment, [Planned.observed("api", commit: Make.new)])
    input.databases = ["main": observed(expand)]
    #expect(try DeployPlanner(input).plan().ids == ["main.migrations"])
    input.databases = ["main": observed()]
    #expect(try DeployPlanner(input).plan().isEmpty)
  }

  @Test func migrationsInTwoPlacesAreSaid() throws {
    var service = Planned.service("api")
    service.settings.start = "sh -c 'alembic upgrade head && ./run'"
    let plan = try plan([service], observed(expand), target())
    #expect(
      plan.warnings.contains {
        $0.hasPrefix("api: its start command runs `alembic upgrade`, and databases.main")
      })
    var input = Planned.input(Planned.environment([service]), [Planned.observed("api")])
    input.databases = [:]
    #expect(try DeployPlanner(input).plan().warnings.isEmpty, "there is one place")
  }

  // MARK: Backups

  @Test func aCopyComesJustBeforeWhatCannotBeTakenBack() throws {
    var target = target(["tests"])
    target.backup = BackupRule(directory: "./backups")
    let plan = try plan(
      [
        Planned.service("api", variables: ["DATABASE_URL": .secret("MAIN_URL")]), Planned.service("web"),
      ], observed(expand), target, staged: ["web"], run: [CommandStep(name: "tests", command: ["true"])])
    #expect(plan.step("main.migrations")?.needs.contains("main.backup") == true)
    #expect(Set(plan.step("main.backup")?.needs ?? []) == ["run.tests", "web.verify"])
    #expect(plan.step("api.deploy")?.needs.contains("main.backup") == true)
    #expect(plan.step("web.promote")?.needs.contains("main.backup") == true)
    #expect(plan.step("web.deploy")?.needs.contains("main.backup") == false)
  }

  @Test func aStagedUserIsBuiltAfterItsSchemaAlsoWithACopy() throws {
    var target = target()
    target.backup = BackupRule(directory: "./backups")
    let plan = try plan(
      [Planned.service("web", variables: ["DATABASE_URL": .secret("MAIN_URL")])], observed(expand), target,
      staged: ["web"])
    #expect(plan.step("web.deploy")?.needs.contains("main.migrations") == true)
    #expect(plan.step("main.backup")?.needs == [])
  }

  @Test func aCopyIsMadeWhenTheFileSaysAndNeverForNothing() throws {
    var target = target()
    target.backup = BackupRule(directory: "./backups")
    let services = [Planned.service("api")]
    #expect(try plan(services, observed(), target).step("main.backup") == nil, "nothing is pending")
    target.backup?.before = .deploy
    #expect(try plan(services, observed(), target).step("api.deploy")?.needs.contains("main.backup") == true)
    var environment = Planned.environment(services)
    environment.databases = [target]
    var input = Planned.input(environment, [Planned.observed("api", commit: Make.new)])
    input.databases = ["main": observed()]
    #expect(try DeployPlanner(input).plan().isEmpty, "nothing changes")
  }

  @Test func protectionRefusesWhatIsWorse() throws {
    let service = Planned.service("api")
    _ = try plan([service], observed(expand), target(), protect: .expand)
    do {
      _ = try plan([service], observed(expand, contract), target(), protect: .expand)
      Issue.record("a contract migration was let through")
    } catch let failure as Failure {
      #expect(failure.kind == .policy)
      #expect(failure.message.contains("3_drop.up.sql is a contract migration"))
      #expect(failure.place == "db/3_drop.up.sql:1")
      #expect(failure.cause?.contains("drops a column") == true)
    }
  }

  @Test func theWayBackIsSaidBeforehand() throws {
    let plan = try plan([Planned.service("api")], observed(expand, contract), target())
    #expect(
      plan.warnings.contains { $0.hasPrefix("no automatic rollback of code once 3_drop.up.sql is applied") })
    #expect(plan.services.first?.cannotRestore?.contains("its code, once 3_drop.up.sql is applied") == true)
    let calm = try self.plan([Planned.service("api")], observed(expand), target())
    #expect(calm.services.first?.cannotRestore == nil)
  }

  @Test func aDatabaseNobodyMigratesIsNamedWithTheLinesToAdd() throws {
    let service = Planned.service("api")
    func warnings(_ declared: DeclaredDatabase, _ target: DatabaseTarget) throws -> [String] {
      try plan([service], observed(), target, declared: ["api": [declared]]).warnings
    }
    let orders = DeclaredDatabase(
      name: "order_lines", directory: "backend/orders/migrations", migrations: 2, isConfigured: true)
    let missing = try warnings(orders, target())
    #expect(
      missing.contains {
        $0.hasSuffix(
          """
          Add
            order-lines:
              engine: postgres
              url: {secret: ORDER_LINES_DATABASE_URL}
              migrations: {tool: encore, directory: backend/orders/migrations}
          """)
      }, "\(missing)")
    let main = DeclaredDatabase(name: "main", directory: "db", migrations: 1, isConfigured: true)
    #expect(try warnings(main, target()).isEmpty)
    let elsewhere = DeclaredDatabase(name: "main", directory: "src/db", migrations: 1, isConfigured: true)
    #expect(try warnings(elsewhere, target()).contains { $0.contains("says db") })
    let foreign = DeclaredDatabase(
      name: "main", directory: "db", migrations: 1, isConfigured: true, foreignTool: "Prisma or Drizzle")
    #expect(try warnings(foreign, target()).contains { $0.contains("Prisma or Drizzle") })
  }

  // MARK: Runs

  private func run(_ files: (name: String, sql: String)...) throws -> Plan {
    let pending = files.enumerated().map { index, file in
      PlannedMigration(
        id: "\(index)", name: file.name, path: "db/\(file.name)", checksum: "",
        effect: MigrationReview(file.sql).effect)
    }
    let change = SchemaChange(
      database: target(), migrations: Migrations(tool: .encore), place: "db", commit: Make.new,
      isDirty: false,
      from: nil, pending: pending)
    let step = Step(
      id: "main.migrations", title: "migrate main", action: .migrate(change), limit: .seconds(60))
    return Make.plan(
      [step] + Make.service("a", needs: ["main.migrations"]) + Make.service("b", needs: ["a.prove"]))
  }

  private func applied(_ names: String...) -> Outcome {
    .done(StepResult(facts: [StepFact.applied: names.joined(separator: "\n"), StepFact.schema: "3"]))
  }

  @Test func codeGoesBackOverAnExpandMigrationAndTheSchemaStays() throws {
    var rehearsal = Rehearsal(try run(expand))
    rehearsal.outcomes["main.migrations"] = [applied("2_add.up.sql")]
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .rolledBack)
    #expect(rehearsal.result?.exit == .failedClean)
    #expect(rehearsal.performed.contains("undo.a.deploy"))
    #expect(rehearsal.performed.filter { $0 == "main.migrations" }.count == 1)
  }

  @Test func codeStaysOverAContractMigrationAndAPersonChooses() throws {
    var rehearsal = Rehearsal(try run(expand, contract))
    rehearsal.outcomes["main.migrations"] = [applied("2_add.up.sql", "3_drop.up.sql")]
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(.failed, "wrong answer"), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .mixed)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.performed.allSatisfy { !$0.rawValue.hasPrefix("undo.") })
    #expect(rehearsal.result?.failure?.cause?.contains("3_drop.up.sql is applied") == true)
    for way in ["fix it forward", "restore the database", "shipit rollback prod"] {
      #expect(rehearsal.result?.failure?.hint?.contains(way) == true)
    }
  }

  @Test func whatDidNotGoLiveIsPutBackAllTheSame() throws {
    var rehearsal = Rehearsal(try run(contract))
    rehearsal.outcomes["main.migrations"] = [applied("3_drop.up.sql")]
    rehearsal.outcomes["b.deploy"] = [.failed(Make.failure(), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.performed.contains("undo.b.variables"))
    #expect(rehearsal.performed.contains("affirm.b"))
    #expect(!rehearsal.performed.contains("undo.a.deploy"))
  }

  @Test func aFailureHalfWayCountsOnlyWhatWasApplied() throws {
    // The second file, the contract one, failed and left nothing.
    var rehearsal = Rehearsal(try run(expand, contract))
    rehearsal.held = ["main.migrations"]
    rehearsal.start()
    rehearsal.send(.identified("main.migrations", externalID: "3_drop.up.sql"))
    rehearsal.end("main.migrations", .failed(Make.failure(), moved: true))
    #expect(rehearsal.result?.state == .unchanged)
    #expect(rehearsal.result?.exit == .failedClean)
    // The first one was it.
    var reversed = Rehearsal(try run(contract, expand))
    reversed.held = ["main.migrations"]
    reversed.start()
    reversed.send(.identified("main.migrations", externalID: "2_add.up.sql"))
    reversed.end("main.migrations", .failed(Make.failure(), moved: true))
    #expect(reversed.result?.exit == .failedMixed)
  }

  @Test func aDatabaseThatCannotBeAskedBlocksOnlyOnce() throws {
    var rehearsal = Rehearsal(try run(expand))
    rehearsal.held = ["main.migrations"]
    rehearsal.start()
    rehearsal.findings["main.migrations"] = .unknown(Make.failure(.unknown, "it does not answer"))
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.result?.exit == .failedMixed)
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.result?.state == .abandoned)
  }

  // MARK: Rollbacks

  @Test func anExplicitRollbackSaysHowFarTheSchemaIsAhead() throws {
    var newer = Planned.release(
      4, commit: Make.new, services: ["api": Planned.record("api", commit: Make.new, deployment: "d4")])
    newer.migrations = [
      ReleasedMigration(database: "main", name: "2_add.up.sql", effect: .expand),
      ReleasedMigration(database: "main", name: "3_drop.up.sql", effect: .contract),
    ]
    let older = Planned.release(3, services: ["api": Planned.record("api", deployment: "d3")], order: ["api"])
    let schemaAlone = Planned.release(5, kind: .migrate, services: newer.services)
    // Migrations alone are nothing to go back from.
    let request = RollbackRequest(reason: "")
    let releases = [schemaAlone, newer, older]
    #expect(try RollbackTarget(of: request, releases: releases).release.number == 3)
    let input = Planned.input(
      Planned.environment([Planned.service("api")]), [Planned.observed("api", commit: Make.new)],
      releases: releases)
    let plan = try RollbackPlanner(input: input, request: request, candidates: [:]).plan(to: older)
    #expect(
      plan.warnings.contains(
        "the schema stays ahead by 2 migrations: 2_add.up.sql, 3_drop.up.sql; old code may not survive "
          + "3_drop.up.sql: look before you go on"))
    #expect(plan.schemaChanges.isEmpty)
  }
}
