import Foundation
import JSON
import Model
import Secrets
import TestSupport
import Testing

/// The real sops with keys of the real age.
@Suite(
  .enabled(
    if: SecretTools.isThere("sops", "age-keygen"),
    "sops or age-keygen is not there: make setup puts both there"))
struct SOPSSourceTests {
  let bench: SecretBench

  init() throws { bench = try SecretBench() }

  /// A key, and what encrypts for it.
  private func key() async throws -> (secret: String, recipient: String) {
    let text = try await bench.run("age-keygen")
    let secret = try #require(text.split(separator: "\n").last.map(String.init))
    let recipient = try await bench.run("age-keygen", "-y", input: text)
    return (secret, recipient.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private func encrypt(_ values: JSON, to name: String, for recipient: String) async throws {
    try bench.write(values.serialized(), to: "plain.json")
    let kind = name.hasSuffix("yaml") ? "yaml" : "json"
    let text = try await bench.run(
      "sops", "encrypt", "--age", recipient, "--input-type", "json", "--output-type", kind, "plain.json")
    try bench.write(text, to: name)
    try FileManager.default.removeItem(atPath: bench.scratch.path + "/plain.json")
  }

  private static let awkward = JSON.object(Awkward.values.mapValues { .string($0) })

  @Test("ten awkward values come through as they are", arguments: ["prod.enc.json", "prod.enc.yaml"])
  func awkward(file: String) async throws {
    var bench = bench
    let key = try await key()
    try await encrypt(Self.awkward, to: file, for: key.recipient)
    bench.process["DEPLOY_KEY"] = key.secret
    let before = bench.files
    let pool = await bench.pool(.sops(SOPSSecrets(path: file, keySecret: "DEPLOY_KEY")))
    #expect(pool.failure == nil, "\(pool.words)")
    // In YAML these characters are escapes, which sops 3.11 writes as it does.
    #expect(SecretBench.differences(pool) == [])
    let origin = try #require(pool.origin(of: "LINES"))
    #expect(origin.source == "\(file), encrypted by SOPS")
    #expect(origin.version?.hasPrefix("20") == true && origin.version?.contains("Z/") == true)
    #expect(bench.files == before)
  }

  @Test("the version changes with every write, and only then")
  func version() async throws {
    var bench = bench
    let key = try await key()
    try await encrypt(["A": "a"], to: "s.json", for: key.recipient)
    bench.process["SOPS_AGE_KEY"] = key.secret
    let settings = SecretSettings.Source.sops(SOPSSecrets(path: "s.json"))
    let first = await bench.pool(settings, wanting: ["A"]).origin(of: "A")?.version
    let again = await bench.pool(settings, wanting: ["A"]).origin(of: "A")?.version
    let pool = await bench.pool(settings, wanting: ["A"])
    try await pool.source(of: "A")?.write(["A": Sensitive("b")])
    let written = await bench.pool(settings, wanting: ["A"])
    #expect(first != nil && first == again && written.origin(of: "A")?.version != first)
    #expect(written["A"]?.reveal() == "b")
  }

  @Test("ten awkward values are written through standard input, with all others kept")
  func writing() async throws {
    var bench = bench
    let key = try await key()
    try await encrypt(["A": "a", "N": 5, "database": ["url": "u"]], to: "s.json", for: key.recipient)
    bench.process["SOPS_AGE_KEY"] = key.secret
    let settings = SOPSSecrets(path: "s.json", names: ["URL": "database.url"])
    let pool = await bench.pool(.sops(settings), wanting: ["A", "URL"])
    #expect(pool["URL"]?.reveal() == "u")
    let source = try #require(pool.source(of: "A"))
    var values = Awkward.values
    values["URL"] = "new"
    try await source.write(values.mapValues { Sensitive($0) })
    let after = await bench.pool(.sops(settings), wanting: Awkward.names.union(["A", "URL"]))
    #expect(SecretBench.differences(after) == [] && after["A"]?.reveal() == "a")
    #expect(after["URL"]?.reveal() == "new")
    let whole = try await bench.run("sops", "decrypt", "s.json", extra: ["SOPS_AGE_KEY": key.secret])
    #expect(try JSON(parsing: Array(whole.utf8))["N"] == 5)
    #expect(bench.files.filter { $0.contains("shipit-") } == [])
  }

  @Test("a missing key, a wrong key, a changed file and no file are told apart")
  func failures() async throws {
    var bench = bench
    let key = try await key()
    try await encrypt(["A": "planted-a", "B": "b"], to: "s.json", for: key.recipient)
    let none = await bench.pool(.sops(SOPSSecrets(path: "s.json")), wanting: ["A"])
    #expect(none.failure?.kind == .authentication && none.words.contains("no key at hand opens it"))
    #expect(none.words.contains("key: {secret: SOPS_AGE_KEY}"))
    bench.process["OTHER"] = try await self.key().secret
    let wrong = await bench.pool(.sops(SOPSSecrets(path: "s.json", keySecret: "OTHER")), wanting: ["A"])
    #expect(wrong.failure?.kind == .authentication && wrong.words.contains("OTHER must hold a key"))
    #expect(!wrong.words.contains("AGE-SECRET-KEY-1"))

    bench.process["SOPS_AGE_KEY"] = key.secret
    var members = try #require(JSON(parsing: Array(bench.scratch.read("s.json").utf8)).object)
    members["A"] = members["B"]
    try bench.write(JSON.object(members).serialized(), to: "changed.json")
    let changed = await bench.pool(.sops(SOPSSecrets(path: "changed.json")), wanting: ["A"])
    #expect(changed.failure?.kind == .failed || changed.failure?.kind == .configuration)
    #expect(changed.failure != nil && changed["A"] == nil, "\(changed.words)")

    let missing = await bench.pool(.sops(SOPSSecrets(path: "absent.json")), wanting: ["A"])
    #expect(missing.words.contains("there is no such file"))
    try bench.write(#"{"A": "clear"}"#, to: "clear.json")
    let clear = await bench.pool(.sops(SOPSSecrets(path: "clear.json")), wanting: ["A"])
    #expect(clear.failure?.kind == .configuration && clear["A"] == nil && !clear.words.contains("clear\""))
    bench.process["PATH"] = "/nowhere"
    let program = await bench.pool(.sops(SOPSSecrets(path: "s.json")), wanting: ["A"])
    #expect(program.words.contains("install sops"))
  }
}
