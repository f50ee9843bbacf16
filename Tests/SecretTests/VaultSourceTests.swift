import Concurrency
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import Secrets
import TestSupport
import Testing

/// Secrets of KV version 2, against a real OpenBao.
@Suite(.enabled(if: VaultServer.isThere, "bao is not there: make setup puts it into build/venv"))
struct VaultSourceTests {
  private func with(_ body: (inout SecretBench, VaultServer) async throws -> Void) async throws {
    var bench = try SecretBench()
    try await VaultServer.with(bench) { server in
      bench.process["VAULT_TOKEN"] = VaultServer.root
      try await body(&bench, server)
    }
  }

  private func settings(
    _ server: VaultServer, _ path: String = "prod/api",
    login: VaultSecrets.Login = .token(secret: "VAULT_TOKEN"),
    names: [String: String] = [:]
  ) -> SecretSettings.Source {
    .vault(VaultSecrets(address: server.address, mount: "secret", path: path, login: login, names: names))
  }

  @Test("ten awkward values are written and come back as they are, with Vault's own version")
  func awkward() async throws {
    try await with { bench, server in
      let empty = await bench.pool(settings(server))
      #expect(empty.failure == nil && empty.origin(of: "LINES") == nil)
      let source = try #require(empty.sources.last)
      #expect(source.isWritable)
      try await source.write(Awkward.values.mapValues { Sensitive($0) })
      let pool = await bench.pool(settings(server))
      #expect(pool.failure == nil && SecretBench.differences(pool) == [], "\(pool.words)")
      #expect(pool.origin(of: "LONG")?.version == "1")
      #expect(pool.origin(of: "LONG")?.source == "secret/prod/api in Vault at \(server.address.dropFirst(7))")
      // The same values again are no new version.
      try await source.write(["NUMBER": Sensitive("007.10")])
      try await source.write(["NUMBER": Sensitive("8"), "NEW": Sensitive("n")])
      let after = await bench.pool(settings(server), wanting: ["NUMBER", "NEW", "LINES"])
      #expect(after.origin(of: "NEW")?.version == "2" && after["NUMBER"]?.reveal() == "8")
      #expect(after["LINES"]?.reveal() == Awkward.values["LINES"])
    }
  }

  @Test("what is no text there is kept to the digit when something is written beside it")
  func numbersStay() async throws {
    try await with { bench, server in
      try await server.ask(
        "POST", "secret/data/prod/api", ["data": ["A": "a", "N": 12345678901, "L": [1, 2]]])
      let pool = await bench.pool(settings(server), wanting: ["A"])
      try await pool.source(of: "A")?.write(["A": Sensitive("b")])
      let kept = try await server.ask("GET", "secret/data/prod/api")["data"]?["data"]
      #expect(kept == ["A": "b", "N": 12345678901, "L": [1, 2]])
      let number = await bench.pool(settings(server), wanting: ["N"])
      #expect(number.words.contains("N of secret/prod/api") && number.words.contains("is a number"))
    }
  }

  @Test("of many who write at once, nobody's value is lost")
  func races() async throws {
    try await with { bench, server in
      try await server.ask("POST", "secret/data/prod/api", ["data": ["OWN": "o"]])
      let settings = settings(server)
      let access = bench.access()
      let names = (0..<3).map { "RACE_\($0)" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for name in names {
          group.addTask {
            let pool = await SecretPool.open(
              SecretSettings(sources: [.environment, settings]), wanting: ["OWN"], access)
            try await pool.sources.last?.write([name: Sensitive(name)])
          }
        }
        try await group.waitForAll()
      }
      let pool = await bench.pool(settings, wanting: Set(names + ["OWN"]))
      #expect(pool.failure == nil && (names + ["OWN"]).allSatisfy { pool[$0] != nil })
      #expect(pool.origin(of: "OWN")?.version == "4")
    }
  }

  @Test("no token, a wrong one, one that may not, a deleted secret and a wrong mount are told apart")
  func refusals() async throws {
    try await with { bench, server in
      try await server.ask("POST", "secret/data/prod/api", ["data": ["A": "planted-a"]])
      try await server.allow("\"read\"", on: "secret/data/other", as: "other")
      bench.process["VAULT_TOKEN"] = try await server.token(["other"])
      let barred = await bench.pool(settings(server), wanting: ["A"])
      #expect(barred.failure?.kind == .authentication && barred.words.contains("the token may not read it"))
      #expect(barred.words.contains(#"path "secret/data/prod/api" { capabilities = ["read"] }"#))
      bench.process["VAULT_TOKEN"] = "planted-wrong"
      let wrong = await bench.pool(settings(server), wanting: ["A"])
      #expect(wrong.failure?.kind == .authentication && wrong.words.contains("Vault knows no such token"))
      bench.process["VAULT_TOKEN"] = nil
      let none = await bench.pool(settings(server), wanting: ["A"])
      #expect(none.failure?.kind == .configuration && none.words.contains("export VAULT_TOKEN"))
      bench.process["VAULT_TOKEN"] = VaultServer.root
      let mount = await bench.pool(
        .vault(
          VaultSecrets(
            address: server.address, mount: "kv", path: "x", login: .token(secret: "VAULT_TOKEN"))),
        wanting: ["A"])
      #expect(mount.words.contains("there is no KV version 2 engine at kv"), "\(mount.words)")
      try await server.ask("DELETE", "secret/data/prod/api")
      let deleted = await bench.pool(settings(server), wanting: ["A"])
      #expect(deleted.failure?.kind == .configuration)
      #expect(deleted.words.contains("version 1, the newest, was deleted"))
      #expect(deleted.words.contains("vault kv undelete -mount=secret -versions=1 prod/api"))
      try await server.ask("PUT", "sys/seal")
      let sealed = await bench.pool(settings(server), wanting: ["A"])
      #expect(sealed.failure?.kind == .failed && sealed.words.contains("Vault is sealed"), "\(sealed.words)")
      for pool in [barred, wrong, none, mount, deleted, sealed] { #expect(!pool.words.contains("planted")) }
    }
  }

  @Test("AppRole logs in, reads, and its token is revoked")
  func appRole() async throws {
    try await with { bench, server in
      try await server.ask("POST", "secret/data/prod/api", ["data": ["A": "a"]])
      try await server.allow("\"read\"", on: "secret/data/prod/*", as: "reader")
      try await server.ask("POST", "sys/auth/approle", ["type": "approle"])
      try await server.ask("POST", "auth/approle/role/shipit", ["token_policies": ["reader"]])
      bench.process["ROLE"] =
        try await server.ask("GET", "auth/approle/role/shipit/role-id")["data"]?["role_id"]?.string
      bench.process["SECRET"] =
        try await server.ask("POST", "auth/approle/role/shipit/secret-id")["data"]?["secret_id"]?.string
      let before = try await server.accessors()
      let login = VaultSecrets.Login.appRole(role: "ROLE", secret: "SECRET", mount: "approle")
      let pool = await bench.pool(settings(server, login: login), wanting: ["A"])
      #expect(pool["A"]?.reveal() == "a", "\(pool.words)")
      #expect(try await server.accessors() == before)
      bench.process["SECRET"] = "planted-wrong"
      let wrong = await bench.pool(settings(server, login: login), wanting: ["A"])
      #expect(wrong.failure?.kind == .authentication && !wrong.words.contains("planted"))
      #expect(wrong.words.contains("Vault does not let ROLE and SECRET log in at auth/approle"))
    }
  }

  @Test("a job of GitHub Actions logs in by the token that vouches for it")
  func github() async throws {
    try await with { bench, server in
      let issuer = try await Issuer(bench)
      try await server.ask("POST", "secret/data/prod/api", ["data": ["A": "a"]])
      try await server.allow("\"read\"", on: "secret/data/prod/*", as: "reader")
      try await server.ask("POST", "sys/auth/jwt", ["type": "jwt"])
      try await server.ask(
        "POST", "auth/jwt/config", ["jwt_validation_pubkeys": [.string(issuer.publicKey)]])
      try await server.ask(
        "POST", "auth/jwt/role/deploy",
        [
          "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
          "bound_claims": ["repository": "acme/web"], "token_policies": ["reader"],
        ])
      let job = try issuer.serve(bench, repository: "acme/web")
      defer { job.stop() }
      bench.process.merge(Issuer.variables(job)) { _, new in new }
      let login = VaultSecrets.Login.github(role: "deploy", audience: "vault", mount: "jwt")
      let pool = await bench.pool(settings(server, login: login), wanting: ["A"])
      #expect(pool["A"]?.reveal() == "a", "\(pool.words)")

      let stranger = try issuer.serve(bench, repository: "evil/web")
      defer { stranger.stop() }
      bench.process.merge(Issuer.variables(stranger)) { _, new in new }
      let refused = await bench.pool(settings(server, login: login), wanting: ["A"])
      #expect(refused.failure?.kind == .authentication && refused.words.contains("the role deploy"))
      bench.process["ACTIONS_ID_TOKEN_REQUEST_URL"] = nil
      let elsewhere = await bench.pool(settings(server, login: login), wanting: ["A"])
      #expect(elsewhere.words.contains("permissions: {id-token: write"))
    }
  }

}

/// Requests to Vault without a server.
@Suite struct VaultRequestTests {
  private func settings(_ address: String, namespace: String? = nil) -> SecretSettings.Source {
    .vault(
      VaultSecrets(
        address: address, mount: "kv/team", path: "prod/a b", namespace: namespace,
        login: .token(secret: "VAULT_TOKEN")))
  }

  @Test("the namespace and the token travel as header fields, the path is encoded")
  func request() async throws {
    var bench = try SecretBench()
    bench.process["VAULT_TOKEN"] = "t"
    let transport = ScriptedTransport { _ in
      .text(200, #"{"data": {"data": {"A": "a"}, "metadata": {"version": 7}}}"#)
    }
    let pool = await bench.pool(
      settings("https://vault.example.com", namespace: "team/x"), wanting: ["A"], transport: transport)
    #expect(pool.origin(of: "A")?.version == "7")
    let request = try #require(transport.requests.first)
    #expect(request.url == "https://vault.example.com/v1/kv/team/data/prod/a%20b")
    #expect(request.headers.contains { $0 == ("x-vault-namespace", "team/x") })
    #expect(request.headers.contains { $0 == ("x-vault-token", "t") })
  }

  @Test("an address over http is not asked, except on this machine")
  func plainText() async throws {
    var bench = try SecretBench()
    bench.process["VAULT_TOKEN"] = "t"
    let transport = ScriptedTransport { _ in .text(404, #"{"errors": []}"#) }
    for address in [
      "http://vault.example.com", "http://127.0.0.1.example.com", "http://127.0.0.1@evil.example",
    ] {
      let pool = await bench.pool(settings(address), wanting: ["A"], transport: transport)
      #expect(pool.words.contains("secrets do not travel over http"))
    }
    #expect(transport.requests.isEmpty)
    _ = await bench.pool(settings("http://127.0.0.1:8200"), wanting: ["A"], transport: transport)
    #expect(transport.requests.count == 1)
  }

  @Test(
    "a busy server is asked again, a page of HTML is told as that, and a broken line ends after four attempts"
  )
  func patience() async throws {
    var bench = try SecretBench()
    bench.process["VAULT_TOKEN"] = "t"
    let count = Locked(0)
    let busy = ScriptedTransport { _ in
      count.withLock { count in
        count += 1
        return count
      } < 3
        ? .text(503, "busy") : .text(200, #"{"data": {"data": {"A": "a"}, "metadata": {"version": 1}}}"#)
    }
    let pool = await bench.pool(settings("https://v"), wanting: ["A"], clock: ManualClock(), transport: busy)
    #expect(pool["A"]?.reveal() == "a" && busy.requests.count == 3)
    let page = ScriptedTransport { _ in .text(200, "<html>planted</html>") }
    let html = await bench.pool(settings("https://v"), wanting: ["A"], clock: ManualClock(), transport: page)
    #expect(html.words.contains("something else than a secret") && !html.words.contains("planted"))
    let broken = ScriptedTransport { _ throws(HTTPError) in
      throw HTTPError(code: .connectionLost, message: "the line broke", nothingSent: false)
    }
    let lost = await bench.pool(
      settings("https://v"), wanting: ["A"], clock: ManualClock(), transport: broken)
    #expect(lost.words.contains("the line broke") && broken.requests.count == 4)
    #expect(lost.failure?.kind == .failed)
    // Who can do without it does not wait for long.
    let slow = ScriptedTransport { request throws(HTTPError) in
      throw HTTPError(code: .timeout, message: "after \(request.timeout)", nothingSent: false)
    }
    let access = SecretAccess(
      root: bench.scratch.path, process: bench.process, clock: ManualClock(), patience: .seconds(1),
      http: { _ in slow })
    let short = await SecretPool.open(
      SecretSettings(sources: [.environment, settings("https://v")]), wanting: ["A"], access)
    #expect(short.failure?.kind == .timeout && slow.requests.allSatisfy { $0.timeout <= .seconds(1) })
  }
}
