import Concurrency
import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

@testable import Databases

/// The real Alembic, through the built program, on a real PostgreSQL.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(if: Alembic.isThere, "build/venv has no alembic: make setup puts it there"), .serialized,
  .timeLimit(.minutes(5))
)
struct AlembicTests {
  private struct Bench {
    let program: ProgramBench
    var project: GitProject { program.project }
    var url: String { program.url }

    init() async throws {
      program = try await ProgramBench("alembic", "./backend", program: [Alembic.program])
      try project.write("[alembic]\nscript_location = migrations\n", to: "backend/alembic.ini")
      // As projects write it: the address comes from a variable.
      try project.write(
        """
        import os
        from alembic import context
        from sqlalchemy import create_engine, pool

        def address():
            parts = os.environ["MAIN_URL"].replace("postgres://", "postgresql+psycopg2://", 1)
            head, rest = parts.split("@", 1)
            host, name = rest.split("/", 1)
            socket = host.rsplit(":", 1)[0]
            return f"{head}@/{name}?host={socket}"

        if context.is_offline_mode():
            context.configure(dialect_name="postgresql", literal_binds=True)
            with context.begin_transaction():
                context.run_migrations()
        else:
            engine = create_engine(address(), poolclass=pool.NullPool)
            with engine.connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
        """, to: "backend/migrations/env.py")
      try add("a1", after: nil, "op.execute('CREATE TABLE orders (id int)')")
      try await project.commit("alembic")
    }

    func add(_ id: String, after parent: String?, _ body: String, comment: String = "") throws {
      try project.write(
        """
        \(comment)
        from alembic import op
        import sqlalchemy as sa

        revision: str = "\(id)"
        down_revision = \(parent.map { "\"\($0)\"" } ?? "None")

        def upgrade():
            \(body)

        def downgrade():
            pass
        """, to: "backend/migrations/versions/\(id)_change.py")
    }

    func shipit(_ arguments: String...) async throws -> ShipitResult { try await program.shipit(arguments) }
    func values(_ sql: String) async throws -> [String] { try await program.values(sql) }
  }

  @Test func whatIsPendingIsReviewedAppliedOnceAndSurvivesAnOldCheckout() async throws {
    let bench = try await Bench()
    let first = try await bench.project.git("rev-parse", "HEAD")
    try bench.add("b2", after: "a1", "op.drop_column('orders', 'id')")
    try bench.add("c3", after: "b2", "op.add_column('orders', sa.Column('note', sa.Text()))")
    try await bench.project.commit("more")
    let status = try await bench.shipit("migrate", "status", "demo")
    #expect(status.code == 0, "\(status.text)")
    for part in ["a1_change.py  expand", "b2_change.py  contract", "c3_change.py  expand", "drops a column"] {
      #expect(status.output.contains(part), "\(part) is missing in \(status.text)")
    }
    #expect(try await bench.values("SELECT to_regclass('alembic_version') IS NULL") == ["t"])
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(try await bench.values("SELECT version_num FROM alembic_version") == ["c3"])
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").output.contains("nothing to do"))

    // Older code on the newer schema: Alembic itself would stop here.
    _ = try await bench.project.git("switch", "--detach", first)
    let old = try await bench.shipit("migrate", "status", "demo")
    #expect(old.code == 0 && old.output.contains("the schema is ahead: c3 is applied"), "\(old.text)")
  }

  @Test func aFailureIsToldAndLeavesNothing() async throws {
    let bench = try await Bench()
    try bench.add("b2", after: "a1", "op.execute('SELECT nothing FROM orders')")
    try await bench.project.commit("broken")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7, "\(up.text)")
    #expect(up.text.contains("column \"nothing\" does not exist"), "\(up.text)")
    // One transaction for the batch: nothing of it is there.
    #expect(try await bench.values("SELECT to_regclass('orders') IS NULL") == ["t"])
    try bench.add("b2", after: "a1", "op.execute('SELECT 1')")
    try await bench.project.commit("mended")
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").code == 0)
  }

  @Test func filesThatAreNotTheCommitsAreNotRun() async throws {
    let bench = try await Bench()
    try bench.add("a1", after: nil, "op.execute('CREATE TABLE other (id int)')")
    let first = try await bench.project.git("rev-parse", "HEAD")
    try await bench.project.commit("changed")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes", "--commit", first)
    #expect(up.code != 0 && up.text.contains("runs in the working tree"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('other') IS NULL") == ["t"])
  }

  @Test func severalHeadsAndGapsAreRefusedInThePlan() async throws {
    let bench = try await Bench()
    try bench.add("b2", after: "a1", "pass")
    try bench.add("b3", after: "a1", "pass")
    try await bench.project.commit("two heads")
    let heads = try await bench.shipit("migrate", "status", "demo")
    #expect(heads.code == 2 && heads.text.contains("several heads: b2, b3"), "\(heads.text)")
    #expect(heads.text.contains("alembic merge heads"))
    try FileManager.default.removeItem(
      atPath: bench.project.path + "/backend/migrations/versions/b3_change.py")
    try bench.add("d4", after: "gone", "pass")
    try await bench.project.commit("a gap")
    let gap = try await bench.shipit("migrate", "status", "demo")
    #expect(gap.code == 2 && gap.text.contains("comes after gone, and no script has that id"), "\(gap.text)")
  }

  @Test func twoAtOnceWaitForEachOther() async throws {
    let bench = try await Bench()
    try bench.add("b2", after: "a1", "op.execute('CREATE TABLE once (i int)')")
    try await bench.project.commit("once")
    let up = try await bench.program.migratingBesideAnother()
    #expect(up.code == 0, "\(up.text)")
    #expect(up.text.contains("changes this schema"), "\(up.text)")
    #expect(try await bench.values("SELECT count(*) FROM once") == ["0"])
  }

  /// shipit is killed, its Alembic lives on: the next command waits for it, and runs nothing twice.
  @Test func whatAKilledProcessLeftRunningIsWaitedFor() async throws {
    let bench = try await Bench()
    // It stands still at this gate, which nobody passes before it is opened.
    let gate = PostgresSession(try PostgresAddress(bench.url))
    try await gate.open()
    _ = try await gate.query("SELECT pg_advisory_lock(42)")
    try bench.add("b2", after: "a1", "op.execute('SELECT pg_advisory_lock(42); CREATE TABLE once (i int)')")
    try await bench.project.commit("gated")
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["migrate", "up", "demo", "--yes"],
        environment: bench.project.variables.merging(["MAIN_URL": bench.url]) { _, new in new },
        directory: bench.project.path)
    ) { _ in }
    while try await bench.values(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    ).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    _ = await process.stop(StopLadder([]))
    let opening = Task {
      // The second shipit has looked, and has found the first one's Alembic.
      while try await bench.values(
        """
        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shipit'
          AND query LIKE '%application_name = $1%' AND pid <> pg_backend_pid()
        """
      ).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      await gate.close()
    }
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    try await opening.value
    #expect(up.text.contains("left alone"), "\(up.text)")
    #expect(up.code == 0, "\(up.text)")
    #expect(try await bench.values("SELECT version_num FROM alembic_version") == ["b2"])
    #expect(try await bench.values("SELECT count(*) FROM once") == ["0"])
  }

  @Test func aCommentInTheScriptOverrides() async throws {
    let bench = try await Bench()
    try bench.add(
      "b2", after: "a1", "op.drop_column('orders', 'id')", comment: "# shipit: expand")
    try await bench.project.commit("tagged")
    let status = try await bench.shipit("migrate", "status", "demo")
    #expect(status.output.contains("b2_change.py  expand"), "\(status.text)")
  }
}

/// The real program.
enum Alembic {
  static let program = Checkout.root + "/build/venv/bin/alembic"
  static var isThere: Bool { FileManager.default.isExecutableFile(atPath: program) }
}
