import Encore
import Model
import Source
import TestSupport
import Testing

@testable import Encore

/// Which databases an Encore application has, from its source and its infrastructure configuration.
@Suite struct DatabaseDiscoveryTests {
  @Test func databasesAreFoundByDeclarationConfigurationAndConvention() async throws {
    let project = try await GitProject(environment: "shipit: 1\n")
    try project.write(
      """
      {
        // several servers
        "sql_servers": [
          {"host": "a:5432", "databases": {"orders": {"username": "u", "password": {"$env": "P"}}, "todo": {}}},
          {"host": "b:5432", "tls_config": {"disabled": true}, "databases": {"plain": {"name": "other"}}},
        ],
        "secrets": {"databases": {"$env": "S"}},
      }
      """, to: "backend/infra.json")
    try project.write(
      "export const DB = new SQLDatabase(\"orders\", {migrations: \"./migrations\"})",
      to: "backend/orders/db.ts")
    try project.write("SELECT 1;", to: "backend/orders/migrations/1_a.up.sql")
    try project.write("SELECT 1;", to: "backend/orders/migrations/2_b.up.sql")
    try project.write("SELECT 1;", to: "backend/todo/migrations/1_a.up.sql")
    try project.write(
      "new SQLDatabase(\"users\", {migrations: {path: \"./prisma\", source: \"prisma\"}})",
      to: "backend/users/db.ts")
    try project.write("SELECT 1;", to: "backend/users/prisma/1_init/migration.sql")
    let commit = try await project.commit("application")
    let source = try await GitSource.find(root: project.path, process: project.variables)
    let discovery = EncoreDatabases(
      repository: ProjectRepository(source: source, temporaryDirectory: project.scratch.path),
      files: ProjectMigrations(source: source, root: project.path))
    let service = Service(
      key: "api",
      source: .encoreImage(path: "backend", image: Template(text: "x"), configuration: "backend/infra.json"))
    let found = try await discovery.databases(of: service, commit: commit).sorted { $0.name < $1.name }
    #expect(
      found == [
        DeclaredDatabase(
          name: "orders", directory: "backend/orders/migrations", migrations: 2, isConfigured: true),
        DeclaredDatabase(name: "plain", directory: nil, migrations: 0, isConfigured: true),
        DeclaredDatabase(
          name: "todo", directory: "backend/todo/migrations", migrations: 1, isConfigured: true),
        DeclaredDatabase(
          name: "users", directory: "backend/users/prisma", migrations: 1, isConfigured: false,
          foreignTool: "Prisma or Drizzle"),
      ])
    let other = Service(key: "web", source: .image(Template(text: "x")))
    #expect(try await discovery.databases(of: other, commit: commit).isEmpty)
  }
}
