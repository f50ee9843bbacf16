import Foundation
import GraphQL
import JSON
import Testing

/// The public schema of a real service, where the contracts are present.
@Suite("Documents against the Railway contract")
struct ContractTests {
  private static let directory: URL = {
    if let path = ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"] { return URL(filePath: path) }
    return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/contracts")
  }()

  private struct Contract: Sendable {
    var schema: Schema
    var documents: [(name: String, text: String)]
  }

  /// Read once, for it is large.
  private static let contract = Result { try read() }

  private static func load() throws -> Contract? { try contract.get() }

  /// The contract, or nil after saying why not.
  private static func read() throws -> Contract? {
    let schema = directory.appending(path: "railway/schema.json")
    let operations = directory.appending(path: "railway/operations.graphql")
    guard let json = try? Data(contentsOf: schema),
      let text = try? String(contentsOf: operations, encoding: .utf8)
    else {
      print("skipped: no contract at \(schema.path); set SHIPIT_CONTRACTS to its directory")
      return nil
    }
    let starts = try Document.parse(text).operations
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let documents = starts.enumerated().map { index, operation in
      let from = operation.position.line - 1
      let to = index + 1 < starts.count ? starts[index + 1].position.line - 1 : lines.count
      return (operation.name ?? "", lines[from..<to].joined(separator: "\n"))
    }
    return Contract(schema: try Schema(introspection: JSON(parsing: json)), documents: documents)
  }

  @Test("every document of the contract is valid, together and alone")
  func allValid() throws {
    guard let contract = try Self.load() else { return }
    #expect(contract.documents.count > 80)
    let all = try Document.parse(contract.documents.map(\.text).joined(separator: "\n"))
    #expect(contract.schema.validate(all).map(\.description) == [])
    #expect(contract.schema.validate(all, operationName: nil).count == 1)
    for (name, text) in contract.documents {
      let errors = contract.schema.validate(try Document.parse(text), operationName: name)
      #expect(errors.map(\.description) == [], "\(name)")
    }
  }

  @Test("each document with one field misspelt, one argument renamed or one variable dropped is invalid")
  func mutated() throws {
    guard let contract = try Self.load() else { return }
    var mutants = 0
    for (name, text) in contract.documents {
      for mutant in Self.mutants(of: text) {
        mutants += 1
        let errors = contract.schema.validate(try Document.parse(mutant))
        #expect(!errors.isEmpty, "\(name): \(mutant)")
      }
    }
    #expect(mutants > 200)
  }

  /// Texts that each differ from the given one by one mistake a client could make.
  private static func mutants(of text: String) -> [String] {
    var result: [String] = []
    if let body = text.range(of: "{\n") ?? text.range(of: "{ ") {
      // An unknown field at the top, and without a name for the operation's only field.
      result.append(text.replacingCharacters(in: body, with: "{ noSuchField "))
    }
    if let use = text.range(of: ": $") {
      result.append(text.replacingCharacters(in: use, with: "Renamed: $"))
      result.append(text.replacingCharacters(in: use, with: ": $undeclared_"))
    }
    if let declared = text.range(of: "($") {
      result.append(text.replacingCharacters(in: declared, with: "($unused: String, $"))
    }
    if let leaf = text.range(of: " id ") ?? text.range(of: " id\n") {
      result.append(text.replacingCharacters(in: leaf, with: " id { id } "))
      result.append(text.replacingCharacters(in: leaf, with: " idd "))
    }
    for (type, other) in [("String!", "Int!"), ("Input!", "NoSuchInput!"), ("DateTime!", "Boolean!")] {
      if let place = text.range(of: type) { result.append(text.replacingCharacters(in: place, with: other)) }
    }
    return result
  }

  @Test("variables are held against the contract's input types")
  func variables() throws {
    guard let contract = try Self.load() else { return }
    let text = try #require(contract.documents.first { $0.name == "ShipitServiceCreate" }?.text)
    let right: [String: JSON] = ["input": ["projectId": "p", "name": "api"]]
    #expect(try contract.schema.prepare(text, variables: right).variables == right)
    for wrong: [String: JSON] in [
      [:], ["input": nil], ["input": ["name": "api"]], ["input": ["projectId": "p", "nam": "api"]],
      ["input": ["projectId": "p", "name": 3]],
    ] {
      #expect(throws: RequestRejection.self) { try contract.schema.prepare(text, variables: wrong) }
    }
  }

  @Test("a status the contract does not know cannot be answered")
  func enumValues() async throws {
    guard let contract = try Self.load() else { return }
    let text = "query Q($id: String!) { deployment(id: $id) { id status } }"
    let prepared = try contract.schema.prepare(text, variables: ["id": "d"])
    for (status, fits) in [("SUCCESS", true), ("SUCCEEDED", false)] {
      let answer = await Executor(schema: contract.schema) { _, _ in
        .json(["id": "d", "status": .string(status)])
      }.execute(prepared)
      #expect((answer["errors"] == nil) == fits)
    }
  }
}
