import AWS
import Concurrency
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import Processes
import Secrets
import TestSupport
import Testing

/// Secrets of AWS Secrets Manager, against moto, which answers as it does but checks no signature: those have their
/// own tests.
@Suite(
  .enabled(
    if: SecretTools.isThere("moto_server"), "moto_server is not there: make setup puts it into build/venv"))
struct AWSSourceTests {
  private static let region = "eu-north-1"

  private func with(_ body: (inout SecretBench, String) async throws -> Void) async throws {
    var bench = try SecretBench()
    let port = try freeLoopbackPort()
    let specification = ProcessSpecification(
      "moto_server", ["-H", "127.0.0.1", "-p", "\(port)"], environment: bench.process,
      directory: bench.scratch.path)
    try await TestChild.with(specification, ready: { $0.contains("Running on") ? true : nil }) { _ in
      bench.process["AWS_ENDPOINT_URL"] = "http://127.0.0.1:\(port)"
      bench.process["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE"
      bench.process["AWS_SECRET_ACCESS_KEY"] = "planted-secret-key"
      try await body(&bench, "http://127.0.0.1:\(port)")
    }
  }

  private func settings(
    _ id: String, name: String? = nil, names: [String: String] = [:], stage: String = "AWSCURRENT",
    role: String? = nil
  ) -> SecretSettings.Source {
    .aws(AWSSecrets(region: Self.region, id: id, name: name, names: names, stage: stage, role: role))
  }

  /// What the owner of the account does, by the same protocol.
  @discardableResult
  private func ask(_ address: String, _ action: String, _ body: JSON) async throws -> JSON {
    let bytes = Array(body.serialized().utf8)
    let said = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.\(action)")]
    let signed = Signature(region: Self.region, service: "secretsmanager").headers(
      for: .init(method: "POST", path: "/", headers: said + [("host", String(address.dropFirst(7)))]),
      payload: Signature.payload(of: bytes), by: SignatureTests.credentials, at: SystemClock().now)
    let response = try await HTTPClient().send(
      HTTPRequest(method: "POST", url: "\(address)/", headers: said + signed, body: .bytes(bytes)))
    try #require(response.status == 200, "\(response.text)")
    return try JSON(parsing: response.body)
  }

  @Test("ten awkward values come through as they are, with the VersionId")
  func awkward() async throws {
    try await with { bench, address in
      let text = JSON.object(Awkward.values.mapValues { .string($0) }).serialized()
      let made = try await ask(address, "CreateSecret", ["Name": "prod/api", "SecretString": .string(text)])
      let pool = await bench.pool(settings("prod/api"))
      #expect(pool.failure == nil && SecretBench.differences(pool) == [], "\(pool.words)")
      #expect(pool.origin(of: "LONG")?.version == made["VersionId"]?.string && made["VersionId"] != nil)
      #expect(pool.origin(of: "LONG")?.source == "prod/api in AWS Secrets Manager of eu-north-1")
    }
  }

  @Test("ten awkward values come through as they are, each as a whole secret")
  func whole() async throws {
    try await with { bench, address in
      for (name, value) in Awkward.values {
        try await ask(address, "CreateSecret", ["Name": .string(name), "SecretString": .string(value)])
        let pool = await bench.pool(settings(name, name: name), wanting: [name])
        #expect(pool[name]?.reveal() == value, "\(name) \(pool.words)")
      }
    }
  }

  @Test("ten awkward values are written beside what is there, and the version before stays by its label")
  func writing() async throws {
    try await with { bench, address in
      try await ask(
        address, "CreateSecret", ["Name": "prod/api", "SecretString": #"{"A": "a", "k": "old"}"#])
      let pool = await bench.pool(settings("prod/api", names: ["K": "k"]), wanting: ["A", "K"])
      let source = try #require(pool.source(of: "A"))
      var values = Awkward.values.mapValues { Sensitive($0) }
      values["K"] = Sensitive("new")
      try await source.write(values)
      let after = await bench.pool(
        settings("prod/api", names: ["K": "k"]), wanting: Awkward.names.union(["A", "K"]))
      #expect(
        SecretBench.differences(after) == [] && after["A"]?.reveal() == "a" && after["K"]?.reveal() == "new")
      let version = after.origin(of: "A")?.version
      #expect(version != pool.origin(of: "A")?.version)
      try await source.write(["A": Sensitive("a")])
      #expect(await bench.pool(settings("prod/api"), wanting: ["A"]).origin(of: "A")?.version == version)
      let before = await bench.pool(settings("prod/api", stage: "AWSPREVIOUS"), wanting: ["k"])
      #expect(before["k"]?.reveal() == "old" && before.source(of: "k")?.isWritable == false)
    }
  }

  /// Does something just before one request is sent.
  private struct Interrupting: HTTPTransport {
    let action: String
    let meanwhile: @Sendable () async -> Void
    private let base = HTTPClient()

    init(action: String, _ meanwhile: @escaping @Sendable () async -> Void) {
      self.action = action
      self.meanwhile = meanwhile
    }

    func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
      try await base.stream(request)
    }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
      if request.headers.contains(where: { $0.value == "secretsmanager.\(action)" }) { await meanwhile() }
      return try await base.send(request)
    }
  }

  @Test(
    "what somebody else writes in the same moment is not lost",
    arguments: ["PutSecretValue", "UpdateSecretVersionStage"]
  )
  func together(_ action: String) async throws {
    try await with { bench, address in
      try await ask(address, "CreateSecret", ["Name": "prod/api", "SecretString": #"{"A": "a", "B": "b"}"#])
      let other = Interrupting(action: action) {
        _ = try? await ask(
          address, "PutSecretValue", ["SecretId": "prod/api", "SecretString": #"{"A": "a", "B": "theirs"}"#])
      }
      let pool = await bench.pool(settings("prod/api"), wanting: ["A"], transport: other)
      let refused = await failure { () async throws(Failure) in
        try await pool.sources.last?.write(["A": Sensitive("ours")])
      }
      #expect(
        refused?.kind == .stale && refused?.hint == "type the same command again", "\(refused?.message ?? "")"
      )
      let after = await bench.pool(settings("prod/api"), wanting: ["A", "B"])
      #expect(after["A"]?.reveal() == "a" && after["B"]?.reveal() == "theirs")
      // Once more, and alone, it is written beside theirs.
      try await after.sources.last?.write(["A": Sensitive("ours")])
      let last = await bench.pool(settings("prod/api"), wanting: ["A", "B"])
      #expect(last["A"]?.reveal() == "ours" && last["B"]?.reveal() == "theirs")
    }
  }

  @Test("no such secret holds nothing, and is not made; bytes are told as that")
  func missing() async throws {
    try await with { bench, address in
      let pool = await bench.pool(settings("prod/none"), wanting: ["A"])
      #expect(pool.failure == nil && pool["A"] == nil)
      let refused = await failure { () async throws(Failure) in
        try await pool.sources.last?.write(["A": Sensitive("a")])
      }
      #expect(refused?.hint?.contains("aws secretsmanager create-secret") == true)
      try await ask(address, "CreateSecret", ["Name": "bytes", "SecretBinary": "AAEC"])
      #expect(await bench.pool(settings("bytes"), wanting: ["A"]).words.contains("holds bytes, not text"))
    }
  }

  @Test("a web identity's token is exchanged for the credentials of a role")
  func webIdentity() async throws {
    try await with { bench, address in
      try await ask(address, "CreateSecret", ["Name": "prod/api", "SecretString": #"{"A": "a"}"#])
      let issuer = try await Issuer(bench)
      let job = try issuer.serve(bench, repository: "acme/web")
      defer { job.stop() }
      bench.process["AWS_ACCESS_KEY_ID"] = nil
      bench.process.merge(Issuer.variables(job)) { _, new in new }
      let role = "arn:aws:iam::123456789012:role/deploy"
      let pool = await bench.pool(settings("prod/api", role: role), wanting: ["A"])
      #expect(pool["A"]?.reveal() == "a", "\(pool.words)")
      try bench.write("a.token.of-a-cluster\n", to: "token")
      bench.process["AWS_WEB_IDENTITY_TOKEN_FILE"] = bench.scratch.path + "/token"
      bench.process["AWS_ROLE_ARN"] = role
      let cluster = await bench.pool(settings("prod/api"), wanting: ["A"])
      #expect(cluster["A"]?.reveal() == "a", "\(cluster.words)")
      bench.process["AWS_ROLE_ARN"] = nil
      let none = await bench.pool(settings("prod/api"), wanting: ["A"])
      #expect(none.failure?.kind == .configuration && none.words.contains("there are no credentials of AWS"))
    }
  }
}

/// Requests to AWS without a server.
@Suite struct AWSRequestTests {
  private static let settings = SecretSettings.Source.aws(AWSSecrets(region: "us-east-1", id: "app/prod"))

  private func pool(
    _ transport: ScriptedTransport, clock: ManualClock = ManualClock(), _ more: [String: String] = [:]
  ) async throws -> SecretPool {
    var bench = try SecretBench()
    bench.process.merge([
      "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ]) { _, new in new }
    bench.process.merge(more) { _, new in new }
    return await bench.pool(Self.settings, wanting: ["A"], clock: clock, transport: transport)
  }

  private static let good = HTTPResponse.text(200, #"{"SecretString": "{\"A\": \"a\"}", "VersionId": "v"}"#)

  @Test(
    "a request is the one that AWS describes, signed for its own moment, with the token of temporary credentials"
  )
  func request() async throws {
    let transport = ScriptedTransport { _ in Self.good }
    #expect(try await pool(transport, ["AWS_SESSION_TOKEN": "planted-session"])["A"]?.reveal() == "a")
    let request = try #require(transport.requests.first)
    #expect(request.url == "https://secretsmanager.us-east-1.amazonaws.com/")
    let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
    #expect(headers["x-amz-target"] == "secretsmanager.GetSecretValue")
    #expect(headers["x-amz-security-token"] == "planted-session")
    #expect(headers["x-amz-date"] == "20251217T193320Z")
    #expect(
      headers["authorization"]?.contains(
        "Credential=AKIDEXAMPLE/20251217/us-east-1/secretsmanager/aws4_request, "
          + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target") == true)
    #expect(request.body == .bytes(Array(#"{"SecretId":"app/prod","VersionStage":"AWSCURRENT"}"#.utf8)))
  }

  @Test("throttling is waited out, each attempt signed anew")
  func throttling() async throws {
    let count = Locked(0)
    let transport = ScriptedTransport { _ in
      count.withLock { count in
        count += 1
        return count
      } < 4 ? .text(400, #"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#) : Self.good
    }
    #expect(try await pool(transport)["A"]?.reveal() == "a")
    let signatures = transport.requests.map { $0.headers.last?.value ?? "" }
    #expect(signatures.count == 4 && Set(signatures).count > 1)
    let always = ScriptedTransport { _ in
      .text(400, #"{"__type": "x#ThrottlingException", "Message": "Rate"}"#)
    }
    let pool = try await pool(always)
    #expect(always.requests.count == 4 && pool.failure?.kind == .failed && pool.words.contains("try again"))
  }

  @Test(
    "what AWS refuses is told by its code, not by its status, and is not asked again",
    arguments: [
      ("AccessDeniedException", "denied", Failure.Kind.authentication, "GetSecretValue"),
      (
        "UnrecognizedClientException", "The security token is invalid", .authentication, "get-caller-identity"
      ),
      ("InvalidSignatureException", "Signature expired: now", .authentication, "timedatectl"),
      ("ns#ExpiredTokenException", "expired", .authentication, "ExpiredToken"),
      ("InvalidRequestException", "marked for deletion", .configuration, "marked for deletion"),
    ])
  func refusals(code: String, message: String, kind: Failure.Kind, words: String) async throws {
    let transport = ScriptedTransport { _ in .text(400, #"{"__type": "\#(code)", "message": "\#(message)"}"#)
    }
    let pool = try await pool(transport)
    #expect(pool.failure?.kind == kind && pool.words.contains(words), "\(pool.words)")
    #expect(transport.requests.count == 1 && !pool.words.contains("wJalr"))
  }

  @Test("an address over http is not asked, except on this machine")
  func plainText() async throws {
    let transport = ScriptedTransport { _ in Self.good }
    let pool = try await pool(transport, ["AWS_ENDPOINT_URL": "http://aws.example.com"])
    #expect(pool.words.contains("AWS_ENDPOINT_URL is no https address") && transport.requests.isEmpty)
  }
}
