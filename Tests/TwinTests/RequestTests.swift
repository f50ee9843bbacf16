import Concurrency
import HTTP
import HTTPServer
import JSON
import Testing

@testable import Twin

@Suite struct RequestTests {
  static let probe = "query Probe { projects(first: 10) { edges { node { id } } } }"
  static let deploy = #"mutation Deploy { serviceInstanceDeployV2(serviceId: "img", environmentId: "e") }"#

  @Test(arguments: [
    ("query { noSuchField }", "Cannot query field"),
    (#"{ project(id: "p", nope: 1) { id } }"#, "Unknown argument"),
    (#"mutation { deploymentRollback(id: "x") { id } }"#, "must not have a selection"),
    (#"mutation { serviceInstanceUpdate(serviceId: "api", input: {builder: NOPE}) }"#, "NOPE"),
    ("{ platformStatus { isStable }", "Syntax Error"),
  ])
  func documentsThatThePlatformWouldRejectAreRejectedWith400(query: String, message: String) async throws {
    let bench = try Bench()
    let (status, body) = try await bench.send(query)
    #expect(status == 400)
    #expect(body["errors"]?[0]?["message"]?.string?.contains(message) == true, "\(body.serialized())")
  }

  @Test func theKindOfATokenDecidesWhatItMayAskAndWhere() async throws {
    var bench = try Bench()
    let project = "{ projectToken { projectId environmentId } }"
    #expect(try await bench.refusal(project) == "Not Authorized")
    #expect(
      try await bench.ask("{ apiToken { workspaces { name } } }")["apiToken"]?["workspaces"]?.array?.count
        == 2)
    bench.token = "workspace"
    let own = try await bench.ask("{ apiToken { workspaces { name } } }")
    #expect(own["apiToken"] == ["workspaces": [["name": "acme"]]])
    #expect(try await bench.refusal("{ me { id } }") == "Not Authorized")
    bench.token = "elsewhere"
    #expect(try await bench.refusal(#"{ project(id: "p") { id } }"#) == "Not Authorized")
    bench.token = "project"
    #expect(try await bench.refusal(#"{ project(id: "p") { id } }"#) == "Not Authorized")
    bench.tokenHeader = "Project-Access-Token"
    let seen = try await bench.ask(project)
    #expect(seen["projectToken"] == ["projectId": "p", "environmentId": "e"])
    #expect(try await bench.refusal("{ apiToken { workspaces { id } } }") == "Not Authorized")
    #expect(try await bench.refusal(#"{ environment(id: "staging") { id } }"#) == "Not Authorized")
    let refused = try await bench.upload(to: "api", environment: "staging")
    #expect(refused.status == 401)
    bench.token = "account"
    #expect(try await bench.refusal(project) == "project token not found")
    bench.tokenHeader = "Authorization"
    await bench.core.change { $0.tokens["account"]?.isRevoked = true }
    #expect(try await bench.refusal(Self.probe) == "Not Authorized")
  }

  @Test func namesAreResolvedThroughPagesThatJoinUp() async throws {
    let bench = try Bench()
    let query = """
      query($after: String) { environment(id: "e") {
        serviceInstances(first: 2, after: $after) { edges { node { serviceName } } pageInfo { hasNextPage endCursor } } } }
      """
    var names: [String] = []
    var after = JSON.null
    repeat {
      let page = try await bench.ask(query, ["after": after])["environment"]?["serviceInstances"]
      names += page?["edges"]?.array?.compactMap { $0["node"]?["serviceName"]?.string } ?? []
      after = page?["pageInfo"]?["hasNextPage"] == true ? page?["pageInfo"]?["endCursor"] ?? .null : .null
    } while !after.isNull
    #expect(names == ["api", "img", "repo", "store", "web"])
  }

  struct Fate: Sendable, CustomTestStringConvertible {
    var script: JSON
    var outcome: String
    var created: Int
    var testDescription: String { script["fault"]?.string ?? "" }
  }

  @Test(arguments: [
    Fate(script: ["fault": "refuse"], outcome: "refused", created: 0),
    Fate(script: ["fault": "hang"], outcome: "timeout", created: 0),
    Fate(script: ["fault": "delay", "seconds": 5], outcome: "200", created: 1),
    Fate(script: ["fault": "delay", "seconds": 500], outcome: "timeout", created: 1),
    Fate(script: ["fault": "delay-answer", "seconds": 500], outcome: "timeout", created: 1),
    Fate(script: ["fault": "rate-limited", "retryAfter": 7], outcome: "429 7", created: 0),
    Fate(script: ["fault": "rate-limited"], outcome: "429", created: 0),
    Fate(script: ["fault": "edge-rate-limited"], outcome: "429 error code: 1015", created: 0),
    Fate(script: ["fault": "edge-refused"], outcome: "403", created: 0),
    Fate(script: ["fault": "status", "status": 502], outcome: "502", created: 0),
    Fate(script: ["fault": "error", "message": "boom"], outcome: "200 boom", created: 0),
    Fate(script: ["fault": "not-json"], outcome: "200 not JSON", created: 0),
    Fate(script: ["fault": "cut"], outcome: "connectionLost", created: 1),
    Fate(script: ["fault": "tear"], outcome: "connectionLost", created: 1),
    Fate(script: ["fault": "problem-before"], outcome: "200 Problem processing request", created: 0),
    Fate(script: ["fault": "problem-after"], outcome: "200 Problem processing request", created: 1),
  ])
  func aFaultStrikesTheSecondDeployOnlyBeforeOrAfterItsEffect(fate: Fate) async throws {
    let bench = try Bench()
    var script = fate.script.object ?? [:]
    script["operation"] = "serviceInstanceDeployV2"
    script["service"] = "img"
    script["nth"] = 2
    await bench.core.add(try FaultScript(.object(script)))
    _ = try await bench.ask(Self.deploy)
    #expect(await bench.core.state.deployments.count == 1)
    #expect(try await outcome(bench) == fate.outcome)
    #expect(await bench.core.state.deployments.count == 1 + fate.created)
    _ = try await bench.ask(Self.deploy)
    #expect(await bench.core.count(of: "serviceInstanceDeployV2", service: "img") == 3)
    #expect(await bench.core.count(of: "Deploy") == 3)
  }

  private func outcome(_ bench: Bench) async throws -> String {
    let body: JSON = ["query": .string(Self.deploy)]
    do {
      let response = try await bench.transport.send(
        HTTPRequest(
          method: "POST", url: InProcessTransport.base + "/graphql/v2",
          headers: [("Authorization", "Bearer account"), ("User-Agent", "shipit/1")],
          body: .bytes(Array(body.serialized().utf8))))
      if response.status != 200 {
        let more =
          response.header("Retry-After") ?? (response.text.hasPrefix("error code") ? response.text : "")
        return more.isEmpty ? "\(response.status)" : "\(response.status) \(more)"
      }
      guard let answer = try? JSON(parsing: response.body) else { return "200 not JSON" }
      return answer["errors"]?[0]?["message"]?.string.map { "200 \($0)" } ?? "200"
    } catch {
      return error.code.rawValue
    }
  }

  @Test func answersMayCarryUnknownStatusesAndFields() async throws {
    let bench = try Bench()
    let id = try await bench.deploy("api")
    await bench.core.add(
      try FaultScript(["operation": "deployment", "fault": "unknown-status", "status": "CANCELLED"]))
    #expect(try await bench.status(id) == "CANCELLED")
    await bench.core.add(try FaultScript(["operation": "deployment", "fault": "extra-field"]))
    let data = try await bench.ask(
      "query($id: String!) { deployment(id: $id) { status } }", ["id": .string(id)])
    #expect(data["deployment"] == ["status": "INITIALIZING", "aFieldOfTomorrow": "new"])
  }

  @Test func everyAnswerAnnouncesTheLimitAndAnExhaustedOneSaysHowLongToWait() async throws {
    let bench = try Bench()
    await bench.core.limitRate(to: 2, per: .seconds(60))
    _ = try await bench.ask(Self.probe)
    _ = try await bench.ask(Self.probe)
    let response = try await bench.upload(to: "api")
    #expect(response.status == 429)
    #expect(response.header("X-RateLimit-Remaining") == "0")
    #expect(response.header("Retry-After") == "60")
    bench.clock.advance(61)
    #expect(try await bench.send(Self.probe).0 == 200)
  }

  @Test func defaultUserAgentsAreRefusedWhenTheEdgeIsStrict() async throws {
    let bench = try Bench()
    await bench.core.change { $0.switches.refusesDefaultAgents = true }
    for (agent, status) in [("curl/7.88", 403), ("", 403), ("shipit/1.0", 200)] {
      let body: JSON = ["query": .string(Self.probe)]
      let response = try await bench.transport.send(
        HTTPRequest(
          method: "POST", url: InProcessTransport.base + "/graphql/v2",
          headers: [("Authorization", "Bearer account"), ("User-Agent", agent)],
          body: .bytes(Array(body.serialized().utf8))))
      #expect(response.status == status, "\(agent)")
    }
  }

  @Test func uploadsThatAreTooLongUnknownOrNoArchiveAreRefused() async throws {
    let bench = try Bench()
    #expect(try await bench.upload(to: "nowhere").status == 404)
    await bench.core.change { $0.switches.uploadLimit = 3 }
    #expect(try await bench.upload(to: "api").status == 413)
    await bench.core.change { $0.switches.uploadLimit = 100 }
    let response = try await bench.transport.send(
      HTTPRequest(
        method: "POST", url: InProcessTransport.base + "/project/p/environment/e/up?serviceId=api",
        headers: [("Authorization", "Bearer account")], body: .bytes(Array("plain".utf8))))
    #expect(response.status == 400)
    #expect(await bench.core.state.deployments.isEmpty)
  }

  @Test func theLogShowsWhoAskedWhatButNoValueOfAVariable() async throws {
    let bench = try Bench()
    _ = try await bench.ask(
      "mutation Write($input: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $input) }",
      [
        "input": [
          "projectId": "p", "environmentId": "e", "serviceId": "api", "skipDeploys": true,
          "variables": ["KEY": "planted-secret"],
        ]
      ])
    let record = try #require(await bench.core.requests.last)
    #expect(record.operation == "Write")
    #expect(record.rootFields == ["variableCollectionUpsert"])
    #expect(record.service == "api")
    #expect(record.headerNames.contains("user-agent"))
    for path in ["state", "requests", "counts", "faults"] {
      let page = await bench.core.answer(ServerRequest(method: "GET", path: "/_twin/\(path)"))
      guard case .bytes(let bytes) = page.body else {
        Issue.record("no body at \(path)")
        continue
      }
      #expect(!String(decoding: bytes, as: UTF8.self).contains("planted-secret"))
    }
  }

  @Test func theControlSurfaceRefusesOtherOrigins() async throws {
    let bench = try Bench()
    let request = ServerRequest(
      method: "POST", path: "/_twin/shutdown",
      headers: [("Host", "127.0.0.1:1"), ("Origin", "https://evil.example")])
    #expect(await bench.core.answer(request).status == 403)
    let renamed = ServerRequest(method: "GET", path: "/_twin/state", headers: [("Host", "evil.example")])
    #expect(await bench.core.answer(renamed).status == 403)
  }
}
