import Foundation
import GraphQL
import JSON
import Testing

@testable import Railway

@Suite struct DocumentTests {
  @Test("every document is valid against Railway's schema")
  func platform() throws {
    let directory =
      ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"]
      ?? FileManager.default.currentDirectoryPath + "/../shared/contracts"
    guard let bytes = FileManager.default.contents(atPath: directory + "/railway/schema.json") else {
      print("skipped: no contracts at \(directory); set SHIPIT_CONTRACTS to hold the documents against them")
      return
    }
    let schema = try Schema(introspection: try JSON(parsing: bytes))
    for operation in Documents.all {
      #expect(schema.validate(try Document.parse(operation.text)).map(\.message) == [], "\(operation.name)")
    }
  }

  @Test("every document is named and told from its kind")
  func names() {
    for operation in Documents.all {
      #expect(
        operation.name.hasPrefix("Shipit") && operation.isMutation == operation.text.hasPrefix("mutation"))
    }
  }
}
