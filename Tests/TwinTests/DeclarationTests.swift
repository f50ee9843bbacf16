import Foundation
import GraphQL
import JSON
import Testing

@testable import Twin

@Suite struct DeclarationTests {
  @Test func theDeclarationIsPartOfThePlatformsSchema() throws {
    let directory =
      ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"]
      ?? FileManager.default.currentDirectoryPath + "/../shared/contracts"
    guard let bytes = FileManager.default.contents(atPath: directory + "/railway/schema.json") else {
      print(
        "skipped: no contracts at \(directory); set SHIPIT_CONTRACTS to hold the declaration against them")
      return
    }
    let platform = try Schema(introspection: try JSON(parsing: bytes))
    #expect(try Schema(sdl: RailwayDeclaration.text).isSubset(of: platform) == [])
  }
}
