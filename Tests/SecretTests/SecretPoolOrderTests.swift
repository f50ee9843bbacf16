import Concurrency
import Foundation
import Model
import Secrets
import TestSupport
import Testing

/// The order of sources, what is asked of whom, and what happens when one does not answer.
@Suite struct SecretPoolOrderTests {
  let bench: SecretBench

  init() throws { bench = try SecretBench() }

  private func json(_ text: String) -> SecretSettings.Source {
    .command(CommandSecrets(run: ["printf", "%s", text]))
  }

  @Test("a source is asked only while a name is missing, and says where each value came from")
  func order() async throws {
    var bench = bench
    bench.process["A"] = "of-the-process"
    let pool = await bench.pool(
      json(#"{"A": "one", "B": "of-one"}"#), json(#"{"B": "two", "C": "of-two"}"#),
      .command(CommandSecrets(run: ["sh", "-c", "touch asked"])), wanting: ["A", "B", "C"])
    #expect(pool.failure == nil)
    #expect(["A", "B", "C"].map { pool[$0]?.reveal() } == ["of-the-process", "of-one", "of-two"])
    #expect(pool.origin(of: "A")?.source == "the environment of shipit")
    #expect(pool.origin(of: "C")?.source == "the command printf")
    #expect(!bench.files.contains("asked"))
  }

  @Test("when a source cannot be asked, those after it are not: they may hold an older value")
  func failsClosed() async throws {
    let pool = await bench.pool(
      .command(CommandSecrets(run: ["false"])), json(#"{"A": "an older value"}"#), wanting: ["A"])
    #expect(pool["A"] == nil)
    let environment = Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "A")))
    let refused = #expect(throws: Failure.self) {
      try SecretResolver(pool).resolve(environment, key: [1])
    }
    #expect(refused?.message == "the command false ended with code 1")
    #expect(refused?.cause == "needed from it: A" && refused?.place == "environments/prod.yaml")
  }

  @Test("what a source is reached by comes from those before it, and is hidden like a secret")
  func credentials() async throws {
    var bench = bench
    bench.process["DOOR_KEY"] = "planted-key"
    let command = CommandSecrets(
      run: ["sh", "-c", #"printf '%s' "$DOOR_KEY"; env > seen"#], name: "A", pass: ["DOOR_KEY"])
    let pool = await bench.pool(.command(command), wanting: ["A"])
    #expect(pool["A"]?.reveal() == "planted-key")
    let hidden = SecretResolver(pool).available(Environment(name: "prod", app: "shop"))
    #expect(hidden.map(\.name) == ["DOOR_KEY"] && hidden.first?.value.reveal() == "planted-key")
    let none = await self.bench.pool(.command(command), wanting: ["A"])
    #expect(none.words.contains("DOOR_KEY, by which it is reached, has no value"))
    #expect(none.words.contains("export DOOR_KEY"))
  }
}
