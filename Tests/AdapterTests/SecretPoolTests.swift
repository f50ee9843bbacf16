import Foundation
import Model
import Secrets
import TestSupport
import Testing

/// Secret values from files beside the process environment.
@Suite struct SecretPoolTests {
  private let scratch: ScratchDirectory
  private let environment = Environment(
    name: "prod", app: "shop",
    platforms: Platforms(
      railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_TOKEN")))

  init() throws { scratch = try ScratchDirectory() }

  private func write(_ text: String, mode: Int = 0o600) throws {
    let path = scratch.path + "/.env.prod"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  private func pool(
    _ sources: [SecretSettings.Source], process: [String: String] = [:]
  ) async -> SecretPool {
    await SecretPool.open(
      SecretSettings(sources: sources), wanting: ["RAILWAY_TOKEN"],
      SecretAccess(root: scratch.path, process: process))
  }

  private func token(_ pool: SecretPool) throws(Failure) -> String? {
    try SecretResolver(pool).resolve(environment, key: [1])["RAILWAY_TOKEN"]?.reveal()
  }

  private static let file = SecretSettings.Source.dotenv(path: ".env.prod", dialect: "strict")

  @Test("the first source that has a name wins, in the order of the file")
  func order() async throws {
    try write("RAILWAY_TOKEN=of-the-file\n")
    let process = ["RAILWAY_TOKEN": "of-the-process"]
    #expect(try await token(pool([.environment, Self.file], process: process)) == "of-the-process")
    #expect(try await token(pool([Self.file, .environment], process: process)) == "of-the-file")
  }

  @Test("a secret that is not set in GitHub Actions is empty there, and taken from the next source")
  func emptyInActions() async throws {
    try write("RAILWAY_TOKEN=of-the-file\n")
    #expect(
      try await token(pool([.environment, Self.file], process: ["RAILWAY_TOKEN": ""])) == "of-the-file")
  }

  @Test("a file that does not exist holds nothing, and the message says where it was looked")
  func missingFile() async throws {
    #expect(try await token(pool([Self.file, .environment], process: ["RAILWAY_TOKEN": "t"])) == "t")
    let refused = await #expect(throws: Failure.self) { try await token(pool([.environment, Self.file])) }
    #expect(
      refused?.cause?.hasSuffix("looked in the environment of shipit, then .env.prod, which does not exist")
        == true)
  }

  @Test(
    "what parsers read differently is refused with its line and without its value, until a dialect is named")
  func dialect() async throws {
    try write("# accounts\nRAILWAY_TOKEN=hunter$two\n")
    let refused = await #expect(throws: Failure.self) { try await token(pool([Self.file])) }
    #expect(refused?.kind == .configuration && refused?.place == ".env.prod:2")
    #expect(refused.map { "\($0)".contains("hunter") } == false)
    #expect(try await token(pool([.dotenv(path: ".env.prod", dialect: "python")])) == "hunter$two")
  }

  @Test("a file that others can read is warned of")
  func exposed() async throws {
    try write("RAILWAY_TOKEN=t\n", mode: 0o644)
    #expect(
      await pool([Self.file]).warnings == [
        ".env.prod can be read by others of this machine: chmod 600 .env.prod"
      ])
    try write("RAILWAY_TOKEN=t\n")
    #expect(await pool([Self.file]).warnings.isEmpty)
  }

  @Test("a directory in its place is an error, not an empty file")
  func notAFile() async throws {
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.env.prod", withIntermediateDirectories: false)
    await #expect(throws: Failure.self) { try await token(pool([Self.file])) }
  }
}
