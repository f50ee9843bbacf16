import JSON
import Model
import Testing
import YAML

@testable import Language

@Suite("Bases")
struct BaseTests {
  private func merged(_ over: String, _ base: String) -> String? {
    let upper = Document(bytes: Array(over.utf8), name: "over").root
    let lower = Document(bytes: Array(base.utf8), name: "base").root
    guard let upper, let lower else { return nil }
    var merge = Merge()
    return merge.merge(upper, onto: lower).json.serialized()
  }

  @Test(
    "mappings merge, lists and single values replace, null removes",
    arguments: [
      ("{a: 1}", "{b: 2}", "{\"a\":1,\"b\":2}"), ("{a: 1}", "{a: 2}", "{\"a\":1}"),
      ("{a: {b: 1}}", "{a: {c: 2}}", "{\"a\":{\"b\":1,\"c\":2}}"), ("{a: [1]}", "{a: [2, 3]}", "{\"a\":[1]}"),
      ("{a: ~}", "{a: {c: 2}, b: 1}", "{\"b\":1}"), ("{a: {b: ~}}", "{a: {b: 1, c: 2}}", "{\"a\":{\"c\":2}}"),
      ("{a: {b: 1}}", "{a: text}", "{\"a\":{\"b\":1}}"), ("{a: text}", "{a: {b: 1}}", "{\"a\":\"text\"}"),
      ("{a: []}", "{a: [1]}", "{\"a\":[]}"),
    ])
  func merging(over: String, base: String, expected: String) {
    #expect(merged(over, base) == expected)
  }

  @Test("a base may have a base, in another directory, and services keep the base's order")
  func chain() throws {
    let over = "extends: shared/../../config/base.yaml\nservices:\n  b: {settings: {replicas: 3}}\n  c: ~\n"
    let result = readProd(
      over,
      others: [
        "config/base.yaml":
          "extends: root.yml\nenvironment: prod\nservices:\n  a: {platform: railway, source: {directory: a}}\n"
          + "  b: {platform: railway, source: {directory: b}, settings: {replicas: 2, drain: 5s}}\n"
          + "  c: {platform: railway, source: {directory: c}}\n",
        "config/root.yml":
          "shipit: 1\napp: shop\nstate: local\nplatforms: {railway: {project: shop, token: {secret: T}}}\n",
      ])
    #expect(result.diagnostics == [])
    #expect(result.files.map(\.name) == ["environments/prod.yaml", "config/base.yaml", "config/root.yml"])
    let environment = try #require(result.environment)
    #expect(environment.services.map(\.key) == ["a", "b"])
    #expect(environment.service("b")?.settings.replicas == 3)
    #expect(environment.service("b")?.settings.drain == .seconds(5))
  }

  @Test("a mistake in a base is shown in the base, with its line")
  func placeInBase() throws {
    let result = readProd(
      "extends: base.yaml\n" + minimal(), others: ["environments/base.yaml": "\nprotect: {deadline: 5}\n"])
    let diagnostic = try #require(result.diagnostics.first)
    #expect(diagnostic.mark.description == "environments/base.yaml:2:21")
    #expect(
      DiagnosticRenderer(files: result.files).render(result.diagnostics).contains(
        "2 | protect: {deadline: 5}"))
  }

  @Test("defaults are those of the model")
  func defaults() throws {
    let environment = try #require(readProd(minimal(service: "health: {path: /}")).environment)
    let service = try #require(environment.service("api"))
    #expect(service.health == Health(path: "/"))
    #expect(service.settings.healthTimeout == Health().within)
    #expect(environment.protect == Protection())
    #expect(environment.provision == .adopt)
    // What the reference says of them is what happens.
    for (path, value) in [
      ("services.health.within", service.health.within), ("services.health.grace", service.health.grace),
      ("services.health.soak", service.health.soak), ("protect.deadline", environment.protect.deadline),
    ] {
      let standard = try #require(Grammar.entries.first { $0.path == path }?.key.standard)
      #expect(try Quantity.duration(standard) == value)
    }
    #expect(
      Grammar.entries.first { $0.path == "services.health.steady" }?.key.standard
        == "\(service.health.steady)")
    let step = CommandStep(name: "a", command: [])
    #expect(
      try Quantity.duration(#require(Grammar.entries.first { $0.path == "run.timeout" }?.key.standard))
        == step.timeout)
    let check = Check(name: "a", kind: .command([]))
    #expect(
      try Quantity.duration(#require(Grammar.entries.first { $0.path == "checks.timeout" }?.key.standard))
        == check.timeout)
  }
}
