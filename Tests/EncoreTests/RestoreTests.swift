import Concurrency
import Foundation
import HTTP
import JSON
import Model
import Source
import TestSupport
import Testing

@testable import Encore

/// A project with a remote beside it, as Encore would be linked to.
private final class LinkedProject: Sendable {
  let project: GitProject
  let remote: String

  init() async throws {
    project = try await GitProject(environment: "shipit: 1\n")
    remote = project.scratch.path + "/remote.git"
    try await project.git("init", "-q", "--bare", remote)
    try await project.git("remote", "add", "origin", remote)
    try project.write(
      "export const db = new SQLDatabase(\"orders\", {\n  migrations: \"./migrations\",\n});\n",
      to: "orders/db.ts")
    try project.write("create table orders();\n", to: "orders/migrations/1_orders.up.sql")
  }

  func commit(_ subject: String, _ files: [String: String] = [:], push: Bool = true) async throws -> String {
    for (name, text) in files { try project.write(text, to: name) }
    let id = try await project.commit(subject)
    if push { try await project.git("push", "-q", "origin", "HEAD:refs/heads/main") }
    return id
  }

  func repository() async throws -> ProjectRepository {
    ProjectRepository(
      source: try await GitSource.find(root: project.path, process: project.variables),
      temporaryDirectory: project.scratch.path)
  }

  /// Everything a person would notice to have changed.
  func state() async throws -> String {
    let refs = try await project.git("for-each-ref", "refs/heads", "refs/tags", "refs/remotes/origin/main")
    let status = try await project.git("status", "--porcelain")
    return refs + status + (try await project.git("rev-parse", "HEAD"))
  }
}

@Suite struct RestoreTests {
  private func facts(_ commit: String) -> RunFacts {
    var facts = Sample.facts
    facts.commit = commit
    return facts
  }

  @Test("going back is a rollout of the old commit, without its tests")
  func plain() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old")
    let new = try await linked.commit("new", ["orders/api.ts": "export {}\n"])
    let encore = FakeEncore([
      Sample.health: [Sample.serves(new, "new")],
      Sample.trigger: [.ok(Sample.rollout("pending", id: "roll_back"))],
      Sample.read("roll_back"): [.ok(Sample.succeeded)],
    ])
    let outcome = try await encore.platform(repository: try await linked.repository()).perform(
      Sample.restore(to: old), Sample.call(encore.clock, facts: facts(new)))
    #expect(outcome.word == "done" && outcome.result?.facts[StepFact.standIn] == nil)
    #expect(encore.calls(Sample.trigger).map(\.body) == [["sha": .string(old), "skip_tests": true]])
  }

  @Test(
    "an old commit without an applied migration goes out as one that keeps the file, on a branch of its own")
  func keepsMigrations() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old", ["orders/api.ts": "export const version = 1\n"])
    let new = try await linked.commit(
      "new",
      [
        "orders/api.ts": "export const version = 2\n",
        "orders/migrations/2_add.up.sql": "alter table orders;\n",
        "orders/migrations/2_add.down.sql": "-- never run\n",
      ])
    try linked.project.write("not committed\n", to: "orders/draft.ts")
    let before = try await linked.state()
    let encore = FakeEncore([
      Sample.health: [Sample.serves(new, "new")],
      Sample.trigger: [.ok(Sample.rollout("pending", id: "roll_back"))],
      Sample.read("roll_back"): [.ok(Sample.succeeded)],
    ])
    let record = Record()
    let platform = try encore.platform(repository: try await linked.repository())
    let outcome = await platform.perform(
      Sample.restore(to: old), Sample.call(encore.clock, record: record, facts: facts(new)))
    let revert = try #require(outcome.result?.facts[StepFact.standIn])
    #expect(encore.calls(Sample.trigger).map(\.body) == [["sha": .string(revert), "skip_tests": true]])
    let branch = "refs/heads/shipit/revert-prod-3-jobs"
    #expect(try await linked.project.git("ls-remote", "origin", branch) == "\(revert)\t\(branch)")
    #expect(try await linked.project.git("rev-parse", "\(revert)^") == new, "its parent is what it replaces")
    #expect(
      try await linked.project.git("diff", "--name-status", old, revert)
        == "A\torders/migrations/2_add.down.sql\nA\torders/migrations/2_add.up.sql",
      "the old tree and these files")
    #expect(try await linked.state() == before, "work tree, index and branches stay as they are")
    #expect(record.logs.first?.contains("lacks 2_add.down.sql, 2_add.up.sql") == true)

    let again = await platform.perform(Sample.restore(to: old), Sample.call(encore.clock, facts: facts(new)))
    #expect(again.result?.facts[StepFact.standIn] == revert, "repeated, it is the same commit")
    let resumed = await platform.perform(
      Sample.restore(to: old), Sample.call(encore.clock, externalID: "roll_back", facts: facts(new)))
    #expect(resumed.result?.facts[StepFact.standIn] == revert, "continued, it still says what was rolled out")
  }

  @Test("a served commit that nobody has does not hide the migrations of the commit this run deployed")
  func unknownServed() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old")
    let new = try await linked.commit("new", ["orders/migrations/2_add.up.sql": "alter table orders;\n"])
    let encore = FakeEncore([
      Sample.health: [Sample.serves(String(repeating: "0", count: 40) + "-modified", "new")],
      Sample.trigger: [.ok(Sample.rollout("pending", id: "roll_back"))],
      Sample.read("roll_back"): [.ok(Sample.succeeded)],
    ])
    let outcome = try await encore.platform(repository: try await linked.repository()).perform(
      Sample.restore(to: old), Sample.call(encore.clock, facts: facts(new)))
    #expect(outcome.result?.facts[StepFact.standIn] != nil)
  }

  @Test("without a repository the old commit is rolled out, and the doubt is said")
  func noRepository() async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.commit, "new")],
      Sample.trigger: [.ok(Sample.rollout("pending", id: "roll_back"))],
      Sample.read("roll_back"): [.ok(Sample.succeeded)],
    ])
    let record = Record()
    let outcome = try await encore.platform().perform(
      Sample.restore(), Sample.call(encore.clock, record: record))
    #expect(outcome.word == "done")
    #expect(record.logs.first?.contains("cannot be told") == true)
  }

  @Test("a rollout of this run that still runs is waited for before going back")
  func waitsForOpen() async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.old, "old")],
      Sample.trigger: [
        .ok(Sample.rollout("pending")), .ok(Sample.rollout("pending", id: "roll_back")),
      ],
      Sample.read(): [
        .fails(HTTPError(code: .cancelled, message: "", nothingSent: false)), .ok(Sample.rollout("running")),
        .ok(Sample.succeeded),
      ],
      Sample.read("roll_back"): [.ok(Sample.succeeded)],
    ])
    let platform = try encore.platform()
    #expect(await platform.perform(Sample.deploy(), Sample.call(encore.clock)).word == "cancelled")
    #expect(await platform.perform(Sample.restore(), Sample.call(encore.clock)).word == "done")
    let order = encore.calls.map(\.route).filter { $0.contains("rollouts") }
    #expect(
      order == [
        Sample.trigger, Sample.read(), Sample.read(), Sample.read(), Sample.trigger, Sample.read("roll_back"),
      ])
  }
}

@Suite struct ForesightTests {
  private func foresee(
    _ linked: LinkedProject, from: String?, to: String, isDirty: Bool = false, isRollback: Bool = false
  ) async throws -> Foresight {
    let encore = FakeEncore()
    return try await encore.platform(repository: try await linked.repository()).foresee(
      CodeChange(target: Sample.service, from: from, to: to, isDirty: isDirty, isRollback: isRollback))
  }

  @Test("a commit that is not pushed is refused with git push, and no reference moves")
  func unpushed() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old")
    let new = try await linked.commit("new", push: false)
    let before = try await linked.state()
    let failure = await #expect(throws: Failure.self) { try await foresee(linked, from: old, to: new) }
    #expect(failure?.kind == .configuration && failure?.hint == "git push")
    #expect(try await foresee(linked, from: nil, to: old) == Foresight())
    #expect(try await linked.state() == before)
  }

  @Test("a changed tree is refused")
  func dirty() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old")
    let failure = await #expect(throws: Failure.self) {
      try await foresee(linked, from: nil, to: old, isDirty: true)
    }
    #expect(failure?.kind == .configuration)
  }

  @Test("a plan says beforehand what a rollback would keep")
  func note() async throws {
    let linked = try await LinkedProject()
    let old = try await linked.commit("old")
    let new = try await linked.commit("new", ["orders/migrations/2_add.up.sql": "alter table orders;\n"])
    let deploy = try await foresee(linked, from: old, to: new)
    #expect(
      deploy.restoreNote?.contains("2_add.up.sql stays applied, and \(old.prefix(7)) lacks it") == true)
    let back = try await foresee(linked, from: new, to: old, isRollback: true)
    #expect(back.restoreNote?.contains("2_add.up.sql stays applied") == true)
    let same = try await linked.commit("code only", ["orders/api.ts": "export {}\n"])
    #expect(try await foresee(linked, from: new, to: same).restoreNote == nil)
  }

  @Test("new code without an applied migration is refused with the commands that bring it back")
  func lacking() async throws {
    let linked = try await LinkedProject()
    _ = try await linked.commit("old")
    let new = try await linked.commit("new", ["orders/migrations/2_add.up.sql": "alter table orders;\n"])
    try await linked.project.git("rm", "-q", "orders/migrations/2_add.up.sql")
    let removed = try await linked.commit("removed")
    let failure = await #expect(throws: Failure.self) { try await foresee(linked, from: new, to: removed) }
    #expect(failure?.message.contains("2_add.up.sql") == true)
    #expect(
      failure?.hint
        == "git checkout \(new.prefix(12)) -- orders/migrations/2_add.up.sql && git commit && git push")
  }
}

@Suite struct MigrationTests {
  @Test("declarations in both languages are found, wherever their directory lies")
  func declarations() {
    let typescript = """
      import { SQLDatabase } from "encore.dev/storage/sqldb";
      const a = new SQLDatabase("plain", { migrations: "./migrations" });
      const b = new SQLDatabase('prisma', {
        // the path of Prisma's own
        migrations: { path: "../prisma/migrations", source: "prisma" },
      });
      export const c = SQLDatabase.named("elsewhere");
      const d = new SQLDatabase(`v1`, { migrations: { source: "drizzle/v1", path: "drizzle" } });
      """
    let found = DatabaseDeclaration.all(in: typescript)
    #expect(
      found == [
        DatabaseDeclaration(name: "plain", directory: "./migrations", source: .plain),
        DatabaseDeclaration(name: "prisma", directory: "../prisma/migrations", source: .prisma),
        DatabaseDeclaration(name: "v1", directory: "drizzle", source: .drizzleV1),
      ])
    let go = """
      var db = sqldb.NewDatabase("orders", sqldb.DatabaseConfig{
      \tMigrations: "./migrations",
      })
      """
    #expect(
      DatabaseDeclaration.all(in: go) == [
        DatabaseDeclaration(name: "orders", directory: "./migrations", source: .plain)
      ])
  }

  @Test("a declared directory, one by convention, and tools that look at no version")
  func sets() {
    let sets = MigrationSet.all(
      paths: [
        "a/db.ts", "a/migrations/1_x.up.sql", "a/migrations/1_x.down.sql", "a/migrations/0002_y.up.sql",
        "a/migrations/readme.md", "a/migrations/3_only.down.sql", "b/migrations/7.up.sql",
        "prisma/migrations/20260101_init/migration.sql", "prisma/migrations/migration_lock.toml",
      ],
      sources: [
        ("a/db.ts", "new SQLDatabase(\"a\", {migrations: \"./migrations\"})"),
        (
          "c/db.ts",
          "new SQLDatabase(\"c\", {migrations: {path: \"../prisma/migrations\", source: \"prisma\"}})"
        ),
      ])
    #expect(sets.map(\.database) == ["a", "c", "b/migrations"])
    #expect(sets[0].files == [1: ["1_x.down.sql", "1_x.up.sql"], 2: ["0002_y.up.sql"]])
    #expect(sets[1].order == .independent && sets[1].files.keys.sorted() == [20_260_101])
    #expect(sets[2].files == [7: ["7.up.sql"]])
  }

  @Test("only what a sequential migrator would miss counts, by the database's name")
  func missing() {
    func set(
      _ database: String, _ directory: String, _ versions: [UInt64], _ order: MigrationSet.Order = .sequential
    )
      -> MigrationSet
    {
      MigrationSet(
        database: database, directory: directory, order: order,
        files: Dictionary(versions.map { ($0, ["\($0)_x.up.sql"]) }) { first, _ in first })
    }
    let lacking = MigrationComparison.missing(
      from: [set("moved", "old/migrations", [1]), set("tool", "p", [], .independent)],
      of: [
        set("moved", "new/migrations", [1, 2]), set("added", "added/migrations", [1]),
        set("tool", "p", [1], .independent),
      ], commit: "c", directory: "backend")
    #expect(lacking.map(\.from) == ["backend/new/migrations/2_x.up.sql"])
    #expect(lacking.map(\.to) == ["backend/old/migrations/2_x.up.sql"])
  }
}
