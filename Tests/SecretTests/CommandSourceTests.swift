import Concurrency
import Foundation
import JSON
import Model
import Secrets
import TestSupport
import Testing

/// Secrets that a program prints.
@Suite struct CommandSourceTests {
  let bench: SecretBench

  init() throws { bench = try SecretBench() }

  private func pool(_ command: CommandSecrets, wanting names: Set<String> = ["A"]) async -> SecretPool {
    await bench.pool(.command(command), wanting: names)
  }

  @Test("ten awkward values come through as they are, from one JSON object")
  func awkward() async throws {
    try bench.write(JSON.object(Awkward.values.mapValues { .string($0) }).serialized(), to: "all.json")
    let pool = await pool(CommandSecrets(run: ["cat", "all.json"]), wanting: Awkward.names)
    #expect(pool.failure == nil && SecretBench.differences(pool) == [])
  }

  @Test(
    "ten awkward values come through as they are, each as a whole output", arguments: Array(Awkward.names))
  func awkwardAlone(name: String) async throws {
    try bench.write(Awkward.values[name] ?? "", to: "one")
    let pool = await pool(CommandSecrets(run: ["cat", "one"], name: name, trim: .none), wanting: [name])
    #expect(pool[name]?.reveal() == Awkward.values[name], "\(pool.words)")
  }

  @Test(
    "one line end is cut, or nothing, or all white space",
    arguments: [
      ("v\\n", SecretTrim.newline, "v"), ("v\\r\\n", .newline, "v"), ("v\\n\\n", .newline, "v\n"),
      (" v\\r", .newline, " v\r"), ("v\\n", .none, "v\n"), (" \\tv \\n\\n", .all, "v"), ("", .newline, ""),
    ])
  func trim(printed: String, trim: SecretTrim, value: String) async {
    let pool = await pool(CommandSecrets(run: ["printf", printed], name: "A", trim: trim))
    #expect(pool["A"]?.reveal() == value)
  }

  @Test("no shell reads the arguments")
  func noShell() async {
    let pool = await pool(CommandSecrets(run: ["printf", "%s", "$(id) > x; `id` $HOME *"], name: "A"))
    #expect(pool["A"]?.reveal() == "$(id) > x; `id` $HOME *")
  }

  @Test("a program sees the variables that it needs, and no secret of shipit's own")
  func environment() async throws {
    var bench = bench
    bench.process["RAILWAY_TOKEN"] = "planted"
    let pool = await bench.pool(.command(CommandSecrets(run: ["env"], name: "A")), wanting: ["A"])
    let seen = try #require(pool["A"]?.reveal())
    #expect(seen.contains("HOME=") && !seen.contains("planted"))
  }

  @Test("its failure is told with its exit code and its words, without what it printed or was given")
  func failure() async {
    var bench = bench
    bench.process["KEY"] = "planted-key-42"
    let script =
      #"echo '{"A": "planted-value-1"}'; echo "no access with $KEY to planted-value-1" >&2; exit 3"#
    let pool = await bench.pool(
      .command(CommandSecrets(run: ["sh", "-c", script], pass: ["KEY"])), wanting: ["A"])
    #expect(pool.failure?.kind == .failed)
    #expect(pool.failure?.message == "the command sh ended with code 3")
    #expect(pool.failure?.cause == "no access with *** to ***")
  }

  @Test("what is no object of texts is refused without being shown")
  func shapes() async {
    let printed: [(String, String)] = [
      ("planted", "gave no JSON object"), (#"["planted"]"#, "gave no JSON object"), ("", "it gave nothing"),
      (#"{"A": 12345}"#, "A of the command printf is a number, and a secret is text"),
      (#"{"A": {"planted": 1}}"#, "is an object"), (#"{"A": null}"#, "is null"),
      (#"{"A": "plan\u0000ted"}"#, "zero byte"),
    ]
    for (text, words) in printed {
      let pool = await pool(CommandSecrets(run: ["printf", "%s", text]))
      #expect(pool.failure?.kind == .configuration && pool.words.contains(words), "\(text): \(pool.words)")
      #expect(!pool.words.contains("plan") && !pool.words.contains("12345"))
    }
    let others = await pool(CommandSecrets(run: ["printf", "%s", #"{"A": "a", "N": 1}"#]))
    #expect(others["A"]?.reveal() == "a")
  }

  @Test("a program that is not there, or does not end, is told as that")
  func notStarted() async {
    let missing = await pool(CommandSecrets(run: ["no-such-program-42"]))
    #expect(missing.failure?.kind == .configuration && missing.words.contains("install no-such-program-42"))
    let slow = await pool(CommandSecrets(run: ["sleep", "600"], timeout: .seconds(1)))
    #expect(slow.failure?.kind == .timeout && slow.words.contains("did not answer within 1 s"))
  }

  @Test("a secret may stand under another name")
  func names() async {
    let pool = await pool(
      CommandSecrets(run: ["printf", "%s", #"{"api-key": "k", "A": "not asked"}"#], names: ["A": "api-key"]))
    #expect(pool["A"]?.reveal() == "k")
  }
}
