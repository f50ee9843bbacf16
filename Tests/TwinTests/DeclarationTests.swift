import Foundation
import GraphQL
import JSON
import Testing

@testable import Twin

@Suite struct DeclarationTests {
  /// A file of the contracts; nil, with the reason printed, when they are not present.
  private func contract(_ name: String) -> Data? {
    let directory =
      ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"]
      ?? FileManager.default.currentDirectoryPath + "/../shared/contracts"
    if let bytes = FileManager.default.contents(atPath: "\(directory)/railway/\(name)") { return bytes }
    print("skipped: no contracts at \(directory); set SHIPIT_CONTRACTS to hold the declaration against them")
    return nil
  }

  @Test func theDeclarationIsPartOfThePlatformsSchema() throws {
    guard let bytes = contract("schema.json") else { return }
    let platform = try Schema(introspection: try JSON(parsing: bytes))
    #expect(try Schema(sdl: RailwayDeclaration.text).isSubset(of: platform) == [])
  }

  @Test func everyDocumentOfTheContractThatTheTwinServesIsValidAgainstTheDeclaration() throws {
    guard let bytes = contract("operations.graphql") else { return }
    let schema = try RailwayDeclaration.schema.get()
    let document = try Document.parse(String(decoding: bytes, as: UTF8.self))
    var served = 0
    for operation in document.operations {
      guard let root = schema.root(of: operation.kind) else { continue }
      let isServed = operation.selections.allSatisfy { selection in
        if case .field(let field) = selection { root.fields[field.name] != nil } else { false }
      }
      // The twin keeps no configuration document.
      guard isServed, operation.name != "ShipitEnvironmentConfig" else { continue }
      served += 1
      var single = document
      single.operations = [operation]
      #expect(schema.validate(single) == [], "\(operation.name ?? "")")
    }
    #expect(served >= 30)
  }
}
