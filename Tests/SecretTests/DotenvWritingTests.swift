import Foundation
import Model
import Secrets
import TestSupport
import Testing

/// Values kept in a `.env` file.
@Suite struct DotenvWritingTests {
  let bench: SecretBench

  init() throws { bench = try SecretBench() }

  private func pool(_ names: Set<String>, dialect: String = "strict") async -> SecretPool {
    await SecretPool.open(
      SecretSettings(sources: [.dotenv(path: ".env.prod", dialect: dialect)]), wanting: names, bench.access())
  }

  @Test("a value is read back as it was written, or refused where parsers would read two different ones")
  func awkward() async throws {
    let source = try #require(await pool([]).sources.first)
    var refused: Set<String> = []
    for (name, value) in Awkward.values {
      let refusal = await failure { () async throws(Failure) in
        try await source.write([name: Sensitive(value)])
      }
      guard let refusal else { continue }
      refused.insert(name)
      #expect(refusal.message.hasPrefix(".env.prod cannot hold \(name): its value has quotes"))
    }
    #expect(refused == ["BYTES", "QUOTES"])
    let pool = await pool(Awkward.names)
    #expect(pool.failure == nil && Set(SecretBench.differences(pool)) == refused, "\(pool.words)")
    #expect(try bench.mode(of: ".env.prod") == 0o600)
    #expect(bench.files == [".env.prod"])
  }

  @Test("every other line stays, and an old value goes")
  func others() async throws {
    try bench.write("# accounts\nexport A=old\nB='two\nA=inside\n'\n\nC=last", to: ".env.prod")
    let source = try #require(await pool([]).sources.first)
    try await source.write(["A": Sensitive("new value"), "D": Sensitive("d")])
    #expect(
      try bench.scratch.read(".env.prod")
        == "# accounts\nexport A=old\nB='two\nA=inside\n'\n\nC=last\nA='new value'\nD='d'\n")
    let pool = await pool(["A", "B", "C", "D"])
    #expect(
      ["A", "B", "C", "D"].map { pool[$0]?.reveal() } == ["new value", "two\nA=inside\n", "last", "d"])

    try bench.write("# accounts\nexport A=old\nC=last\n", to: ".env.prod")
    try await source.write(["A": Sensitive("new")])
    #expect(try bench.scratch.read(".env.prod") == "# accounts\nC=last\nA='new'\n")
  }

  @Test("what a dialect cannot say is refused, and the file stays as it was")
  func dialect() async throws {
    try bench.write("A=a\n", to: ".env.prod")
    let source = try #require(await pool([], dialect: "node").sources.first)
    await #expect(throws: Failure.self) { try await source.write(["A": Sensitive("planted'\"\\ \n`")]) }
    #expect(try bench.scratch.read(".env.prod") == "A=a\n" && bench.files == [".env.prod"])
  }
}
