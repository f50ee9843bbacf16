import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

@testable import Databases

/// A project whose migrations a program of its own applies, and a database of a real server.
struct ProgramBench {
  let project: GitProject
  let url: String

  /// - Parameters:
  ///   - tool: as `tool:` names it.
  ///   - program: as `program:` does; empty: by its name.
  init(_ tool: String, _ directory: String, program: [String] = []) async throws {
    let called = program.isEmpty ? "" : ", program: [\(program.map { "\"\($0)\"" }.joined(separator: ", "))]"
    project = try await GitProject(
      environment: """
        shipit: 1
        environment: demo
        app: shop
        state: local
        databases:
          main:
            engine: postgres
            url: {secret: MAIN_URL}
            migrations: {tool: \(tool), directory: \(directory)\(called)}
        """)
    url = try await PostgresServer.shared().freshDatabase().url
  }

  func shipit(_ arguments: String...) async throws -> ShipitResult { try await shipit(arguments) }

  func shipit(_ arguments: [String]) async throws -> ShipitResult {
    let result = try await project.shipit(arguments, variables: ["MAIN_URL": url])
    #expect(!result.text.contains("planted-p"), "\(result.text)")
    return result
  }

  func values(_ sql: String) async throws -> [String] {
    let session = PostgresSession(try PostgresAddress(url))
    try await session.open()
    let rows = try await session.query(sql).map { $0.texts.values.joined(separator: ",") }
    await session.close()
    return rows
  }

  /// What `migrate up` says while another shipit has the lock, which it gives back once this one waits.
  func migratingBesideAnother() async throws -> ShipitResult {
    let session = PostgresSession(try PostgresAddress(url))
    try await session.open()
    _ = try await session.query("SELECT pg_advisory_lock(\(MigrationLock.expression))")
    let release = Task {
      while true {
        try await Task.sleep(for: .milliseconds(50))
        let waiting = try await session.query(
          """
          SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database()
            AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()
          """)
        if !waiting.isEmpty { break }
      }
      await session.close()
    }
    let up = try await shipit("migrate", "up", "demo", "--yes")
    // It may have ended without waiting.
    release.cancel()
    _ = await release.result
    await session.close()
    return up
  }
}
