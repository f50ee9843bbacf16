import Foundation
import Processes
import TestSupport
import Testing

/// The real Django, through the built program, on a real PostgreSQL.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(if: Django.isThere, "build/venv has no Django: make setup puts it there"), .serialized,
  .timeLimit(.minutes(5))
)
struct DjangoTests {
  private func bench() async throws -> ProgramBench {
    let bench = try await ProgramBench("django", "./backend", program: [Django.python, "manage.py"])
    let project = bench.project
    try project.write(
      """
      import os, sys
      os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
      from django.core.management import execute_from_command_line
      execute_from_command_line(sys.argv)
      """, to: "backend/manage.py")
    // As projects write it: the address comes from a variable.
    try project.write(
      """
      import os
      from urllib.parse import unquote, urlsplit
      address = urlsplit(os.environ["MAIN_URL"])
      DATABASES = {"default": {
          "ENGINE": "django.db.backends.postgresql", "NAME": address.path[1:],
          "HOST": unquote(address.netloc.rsplit("@", 1)[1].rsplit(":", 1)[0]),
          "USER": address.username, "PASSWORD": unquote(address.password), "PORT": 5432}}
      INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
      SECRET_KEY = "none"
      DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
      """, to: "backend/settings.py")
    try project.write("", to: "backend/shop/__init__.py")
    try project.write("", to: "backend/shop/migrations/__init__.py")
    try add(
      bench, "0001_initial", after: nil,
      "migrations.CreateModel(name='Order', fields=[('id', models.BigAutoField(primary_key=True)), ('note', models.TextField())])"
    )
    try await project.commit("django")
    return bench
  }

  private func add(
    _ bench: ProgramBench, _ name: String, after parent: String?, _ operations: String...,
    isAtomic: Bool = true
  ) throws {
    try bench.project.write(
      """
      from django.db import migrations, models

      class Migration(migrations.Migration):
          atomic = \(isAtomic ? "True" : "False")
          dependencies = [\(parent.map { "('shop', '\($0)')" } ?? "")]
          operations = [\(operations.joined(separator: ", "))]

      """, to: "backend/shop/migrations/\(name).py")
  }

  @Test func whatIsPendingIsReviewedAppliedOnceAndSurvivesAnOldCheckout() async throws {
    let bench = try await bench()
    let first = try await bench.project.git("rev-parse", "HEAD")
    try add(bench, "0002_drop", after: "0001_initial", "migrations.RemoveField('order', 'note')")
    try add(
      bench, "0003_code", after: "0002_drop",
      "migrations.RunPython(lambda apps, editor: None, lambda *_: None)")
    try await bench.project.commit("more")
    let status = try await bench.shipit("migrate", "status", "demo")
    #expect(status.code == 0, "\(status.text)")
    for part in [
      "shop.0001_initial  expand", "shop.0002_drop  contract", "drops a column", "shop.0003_code  unknown",
      // A package's own come along, in Django's order.
      "contenttypes.0001_initial  expand",
    ] { #expect(status.output.contains(part), "\(part) is missing in \(status.text)") }
    #expect(try await bench.values("SELECT to_regclass('django_migrations') IS NULL") == ["t"])
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(
      try await bench.values("SELECT name FROM django_migrations WHERE app = 'shop' ORDER BY id")
        == ["0001_initial", "0002_drop", "0003_code"])
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").output.contains("nothing to do"))
    // Django itself finds nothing left.
    #expect(try await django(bench, "migrate", "--check").isSuccess)

    _ = try await bench.project.git("switch", "--detach", first)
    let old = try await bench.shipit("migrate", "status", "demo")
    #expect(old.code == 0, "\(old.text)")
    #expect(old.output.contains("no file of it is here: shop.0002_drop, shop.0003_code"), "\(old.text)")
  }

  @Test func aFailureHalfWaySaysWhatIsApplied() async throws {
    let bench = try await bench()
    try add(
      bench, "0002_bad", after: "0001_initial", "migrations.RunSQL('CREATE TABLE half (i int)')",
      "migrations.RunSQL('SELECT nothing FROM shop_order')")
    try await bench.project.commit("broken")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7, "\(up.text)")
    #expect(up.text.contains("column \"nothing\" does not exist"), "\(up.text)")
    #expect(up.text.contains("applied, and they stay") && up.text.contains("shop.0001_initial"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('shop_order') IS NULL") == ["f"])
    #expect(try await bench.values("SELECT to_regclass('half') IS NULL") == ["t"])
    try add(bench, "0002_bad", after: "0001_initial", "migrations.RunSQL('CREATE TABLE half (i int)')")
    try await bench.project.commit("mended")
    let again = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(again.code == 0 && again.text.contains("1 migration applied"), "\(again.text)")
  }

  @Test func twoAtOnceWaitForEachOther() async throws {
    let bench = try await bench()
    try add(bench, "0002_once", after: "0001_initial", "migrations.RunSQL('CREATE TABLE once (i int)')")
    try await bench.project.commit("once")
    let up = try await bench.migratingBesideAnother()
    #expect(up.code == 0 && up.text.contains("changes this schema"), "\(up.text)")
    #expect(try await bench.values("SELECT count(*) FROM once") == ["0"])
  }

  @Test func filesThatAreNotTheCommitsAreNotRun() async throws {
    let bench = try await bench()
    try add(bench, "0001_initial", after: nil, "migrations.RunSQL('CREATE TABLE other (i int)')")
    let first = try await bench.project.git("rev-parse", "HEAD")
    try await bench.project.commit("changed")
    let status = try await bench.shipit("migrate", "status", "demo", "--commit", first)
    #expect(status.output.contains("told by the files alone, and is not reviewed"), "\(status.text)")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes", "--commit", first)
    #expect(up.code != 0 && up.text.contains("runs in the working tree"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('other') IS NULL") == ["t"])
  }

  private func django(_ bench: ProgramBench, _ arguments: String...) async throws -> ProcessExit {
    try await Launcher().run(
      ProcessSpecification(
        Django.python, ["manage.py"] + arguments,
        environment: ["PATH": "/usr/bin:/bin", "MAIN_URL": bench.url],
        directory: bench.project.path + "/backend")
    ).exit
  }
}

/// The real program.
enum Django {
  static let python = Checkout.root + "/build/venv/bin/python"
  static var isThere: Bool {
    let folder = Checkout.root + "/build/venv/lib"
    return (try? FileManager.default.contentsOfDirectory(atPath: folder))?.contains {
      FileManager.default.fileExists(atPath: "\(folder)/\($0)/site-packages/django")
    } ?? false
  }
}
