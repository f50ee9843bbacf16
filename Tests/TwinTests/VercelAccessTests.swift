import Concurrency
import HTTP
import HTTPServer
import JSON
import Testing

@testable import Twin

@Suite struct VercelAccessTests {
  @Test func aTokenReachesItsOwnScopeOnly() async throws {
    var bench = try VercelBench()
    let id = try await bench.deploy()
    #expect(try await bench.ask("GET", "/v9/projects/demo")["id"] == "prj_demo")
    bench.team = nil
    #expect(try await bench.refusal("GET", "/v9/projects/demo") == "404 not_found")
    #expect(try await bench.refusal("GET", "/v13/deployments/\(id)") == "404 not_found")
    #expect(try await bench.refusal("GET", "/v4/aliases/www.demo.localhost") == "404 not_found")
    bench.team = "small"
    #expect(try await bench.refusal("GET", "/v9/projects/demo") == "404 not_found")
    bench.team = "others"
    #expect(try await bench.refusal("GET", "/v9/projects/foreign") == "403 team_unauthorized")
    bench.team = "nobody"
    #expect(try await bench.refusal("GET", "/v9/projects/demo") == "403 forbidden")
    bench.token = "team"
    bench.team = "team_a"
    #expect(try await bench.ask("GET", "/v9/projects/demo")["id"] == "prj_demo")
    bench.team = nil
    #expect(try await bench.refusal("GET", "/v9/projects/demo") == "403 forbidden")
    bench.token = "nonsense"
    let (status, json) = try await bench.send("GET", "/v9/projects/demo")
    #expect(status == 403)
    #expect(json["error"]?["invalidToken"] == true)
  }

  @Test func aProjectsTokenKnowsNeitherUserNorTeamNorOtherProjects() async throws {
    var bench = try VercelBench()
    bench.token = "vcp_demo"
    #expect(try await bench.refusal("GET", "/v2/user") == "404 not_found")
    #expect(try await bench.refusal("GET", "/v2/teams") == "403 forbidden")
    #expect(try await bench.refusal("GET", "/v2/teams/acme") == "403 forbidden")
    #expect(try await bench.refusal("GET", "/v9/projects/other") == "404 not_found")
    let listed = try await bench.ask("GET", "/v10/projects")
    #expect(listed["projects"]?.array?.compactMap { $0["name"]?.string } == ["demo"])
    _ = try await bench.deploy()
    bench.token = "account"
    #expect(try await bench.ask("GET", "/v2/user")["user"]?["username"] == "ann")
    let teams = try await bench.ask("GET", "/v2/teams")
    #expect(teams["teams"]?.array?.compactMap { $0["slug"]?.string } == ["acme", "small"])
  }

  @Test func protectedAddressesAreClosedWithoutTheSecretAndRotationEndsIt() async throws {
    let bench = try VercelBench()
    let secret = "a-bypass-secret-of-32-characters"
    let id = try await bench.deploy("safe")
    let url = try #require(try await bench.deployment(id)["url"]?.string)
    let closed = try await bench.visit(url)
    #expect(closed.status == 401)
    #expect(closed.header("Content-Type")?.hasPrefix("text/html") == true)
    #expect(await bench.twin.edgeRequests.last?.deployment == nil)
    #expect(try await bench.visit(url, headers: [("x-vercel-protection-bypass", secret)]).text == "one")
    #expect(try await bench.visit(url, "/?x-vercel-protection-bypass=\(secret)").text == "one")
    #expect(try await bench.visit(url, headers: [("x-vercel-protection-bypass", "wrong")]).status == 401)
    // Standard protection leaves production's own hosts open.
    #expect(try await bench.page("safe.vercel.localhost:4") == "one")
    let rotated = try await bench.ask(
      "PATCH", "/v1/projects/safe/protection-bypass",
      ["revoke": ["secret": .string(secret), "regenerate": true]])
    let fresh = try #require(rotated["protectionBypass"]?.object?.keys.first)
    #expect(fresh != secret)
    #expect(rotated["protectionBypass"]?[fresh]?["scope"] == "automation-bypass")
    #expect(try await bench.visit(url, headers: [("x-vercel-protection-bypass", secret)]).status == 401)
    #expect(try await bench.visit(url, headers: [("x-vercel-protection-bypass", fresh)]).status == 200)
    await bench.twin.change { $0.switches.redirectsToLogin = true }
    #expect(try await bench.visit(url).status == 302)
    try await bench.ask("PATCH", "/v9/projects/safe", ["ssoProtection": ["deploymentType": "all"]])
    #expect(try await bench.page("safe.vercel.localhost:4") == "302")
    try await bench.ask("PATCH", "/v9/projects/safe", ["ssoProtection": .null])
    #expect(try await bench.page(url) == "one")
    try await bench.ask("POST", "/v1/projects/safe/pause")
    #expect(try await bench.page(url) == "503")
  }

  @Test func domainsNeedOwnershipAndDNS() async throws {
    let bench = try VercelBench()
    _ = try await bench.deploy()
    await bench.twin.change { world in
      world.dns["shop.example.com"] = VercelTwin.DNS(
        isVerified: false, isMisconfigured: true, configuredBy: nil)
    }
    let added = try await bench.ask("POST", "/v10/projects/demo/domains", ["name": "shop.example.com"])
    #expect(added["verified"] == false)
    #expect(added["verification"]?[0]?["type"] == "TXT")
    #expect(
      try await bench.refusal("POST", "/v9/projects/demo/domains/shop.example.com/verify")
        == "400 missing_txt_record")
    let advice = try await bench.ask("GET", "/v6/domains/shop.example.com/config")
    #expect(advice["misconfigured"] == true)
    #expect(advice["configuredBy"] == .null)
    #expect(advice["recommendedCNAME"]?[0]?["value"]?.string?.hasSuffix(".vercel-dns-017.com.") == true)
    #expect(try await bench.refusal("GET", "/v4/aliases/shop.example.com") == "404 not_found")
    await bench.twin.change { $0.dns["shop.example.com"] = VercelTwin.DNS(configuredBy: "CNAME") }
    let verified = try await bench.ask("POST", "/v9/projects/demo/domains/shop.example.com/verify")
    #expect(verified["verified"] == true)
    bench.clock.advance(1)
    #expect(try await bench.page("shop.example.com") == "one")
    let body: JSON = ["name": "shop.example.com"]
    #expect(
      try await bench.refusal("POST", "/v10/projects/demo/domains", body) == "400 domain_already_exists")
    #expect(
      try await bench.refusal("POST", "/v10/projects/other/domains", body) == "409 domain_already_in_use")
    try await bench.ask("DELETE", "/v9/projects/demo/domains/shop.example.com")
    #expect(try await bench.refusal("GET", "/v4/aliases/shop.example.com") == "404 not_found")
  }

  // MARK: variables

  private func write(_ bench: VercelBench, _ body: JSON, upsert: Bool = true) async throws -> (Int, JSON) {
    let (status, json) = try await bench.send(
      "POST", "/v10/projects/demo/env" + (upsert ? "?upsert=true" : ""), body)
    return (status, json)
  }

  @Test func variablesAreUpsertedByIdentityAndSensitiveOnesNeverComeBack() async throws {
    let bench = try VercelBench()
    func variable(_ value: String, _ type: String, _ target: JSON) -> JSON {
      ["key": "K", "value": .string(value), "type": .string(type), "target": target]
    }
    let (status, json) = try await write(
      bench,
      [variable("1", "sensitive", ["production"]), variable("2", "encrypted", ["preview", "development"])])
    #expect(status == 201)
    #expect(json["failed"] == [])
    #expect(json["created"]?.array?.count == 2)
    // Overlapping, but not the same: the rest of the batch is written all the same.
    let (again, mixed) = try await write(
      bench,
      [
        variable("3", "plain", ["production", "preview"]), variable("4", "sensitive", ["production"]),
        ["key": "TZ", "value": "x", "type": "plain", "target": ["production"]],
      ])
    #expect(again == 201)
    #expect(
      mixed["failed"]?.array?.compactMap { $0["error"]?["code"]?.string } == ["ENV_CONFLICT", "ENV_RESERVED"])
    #expect(mixed["created"]?.array?.count == 1)
    let stored = try await bench.ask("GET", "/v10/projects/demo/env?decrypt=true")["envs"]?.array ?? []
    let own = stored.filter { $0["key"] == "K" }
    #expect(own.map { $0["value"] } == ["", "2"])
    #expect(own[0]["id"] == json["created"]?[0]?["id"])
    #expect(own[0]["updatedAt"]?.int ?? 0 >= own[0]["createdAt"]?.int ?? 0)
    let secret = try await bench.ask("GET", "/v1/projects/demo/env/\(own[0]["id"]?.string ?? "")")
    #expect(secret["value"] != "4")
    let (_, single) = try await write(bench, variable("5", "plain", ["production"]), upsert: false)
    #expect(single["failed"]?[0]?["error"]?["code"] == "ENV_CONFLICT")
    let ids = own.compactMap { $0["id"] }
    let gone = try await bench.ask("DELETE", "/v1/projects/demo/env", ["ids": .array(ids)])
    #expect(gone["deleted"] == 2)
    await bench.twin.change { $0.switches.variablesBusy = true }
    #expect(try await write(bench, variable("6", "plain", ["production"])).0 == 400)
  }

  @Test func limitsOfVariablesAreHeld() async throws {
    let bench = try VercelBench()
    func code(_ key: String, _ value: String, _ type: String, _ target: JSON) async throws -> String? {
      let (_, json) = try await write(
        bench, ["key": .string(key), "value": .string(value), "type": .string(type), "target": target])
      return json["failed"]?[0]?["error"]?["code"]?.string ?? json["error"]?["code"]?.string
    }
    #expect(try await code("NEXT_PUBLIC_A", "x", "sensitive", ["production"]) == "ENV_PUBLIC_SENSITIVE")
    #expect(try await code("A", "x", "sensitive", ["development"]) == "ENV_SENSITIVE_DEVELOPMENT")
    #expect(try await code("A-B", "x", "plain", ["production"]) == "ENV_KEY_INVALID_CHARACTERS")
    #expect(try await code("A", "x", "secret", ["production"]) == "bad_request")
    #expect(try await code("BIG", String(repeating: "x", count: 40_000), "plain", ["production"]) == nil)
    #expect(
      try await code("BIG2", String(repeating: "x", count: 40_000), "plain", ["production"]) == "ENV_SIZE")
    await bench.twin.change { $0.teams["team_a"]?.forcesSensitive = true }
    #expect(try await code("FORCED", "x", "plain", ["production"]) == nil)
    let stored = try await bench.ask("GET", "/v10/projects/demo/env")["envs"]?.array ?? []
    #expect(stored.first { $0["key"] == "FORCED" }?["type"] == "sensitive")
  }

  // MARK: faults

  struct Fate: Sendable, CustomTestStringConvertible {
    var script: JSON
    var outcome: String
    var created: Int
    var testDescription: String { script["fault"]?.string ?? "" }
  }

  @Test(arguments: [
    Fate(script: ["fault": "refuse"], outcome: "refused", created: 0),
    Fate(script: ["fault": "hang"], outcome: "timeout", created: 0),
    Fate(script: ["fault": "delay", "seconds": 500], outcome: "timeout", created: 1),
    Fate(script: ["fault": "delay-answer", "seconds": 500], outcome: "timeout", created: 1),
    Fate(script: ["fault": "rate-limited", "retryAfter": 7], outcome: "429 rate_limited 7", created: 0),
    Fate(script: ["fault": "status", "status": 503], outcome: "503", created: 0),
    Fate(script: ["fault": "problem-after"], outcome: "500", created: 1),
    Fate(script: ["fault": "cut"], outcome: "connectionLost", created: 1),
    Fate(
      script: ["fault": "error", "code": "api-deployments-free-per-day"],
      outcome: "402 api-deployments-free-per-day", created: 0),
  ])
  func aFaultStrikesTheSecondCreateOfOneProjectBeforeOrAfterItsEffect(fate: Fate) async throws {
    let bench = try VercelBench()
    var script = fate.script.object ?? [:]
    script["operation"] = "createDeployment"
    script["project"] = "demo"
    script["nth"] = 2
    try await bench.twin.add(.object(script))
    _ = try await bench.create()
    _ = try await bench.create("other")
    #expect(try await outcome(bench) == fate.outcome)
    #expect(await bench.twin.state.deployments.count == 2 + fate.created)
    #expect(await bench.twin.count(of: "createDeployment", project: "demo") == 2)
  }

  private func outcome(_ bench: VercelBench) async throws -> String {
    do {
      let response = try await bench.transport.send(
        HTTPRequest(
          method: "POST", url: "http://127.0.0.1:2/v13/deployments?teamId=acme",
          headers: [("Authorization", "Bearer account")],
          body: .bytes(Array(#"{"name":"demo","files":[{"file":"a.txt","data":"x"}]}"#.utf8))))
      let code = (try? JSON(parsing: response.body))?["error"]?["code"]?.string
      return ["\(response.status)", code, response.header("Retry-After")].compactMap(\.self).joined(
        separator: " ")
    } catch {
      return error.code.rawValue
    }
  }

  @Test func theRateLimitSaysWhenItEndsAndEveryAnswerTellsTheServersTime() async throws {
    let bench = try VercelBench()
    await bench.twin.limitRate(to: 1, per: .seconds(60))
    let good = try await bench.raw("GET", "/v9/projects/demo")
    #expect(good.header("X-RateLimit-Remaining") == "0")
    #expect(good.header("Date") == "Mon, 17 Aug 2026 20:53:20 GMT")
    let bad = try await bench.raw("GET", "/v9/projects/demo")
    #expect(bad.status == 429)
    #expect(bad.header("Retry-After") == "60")
    #expect(try JSON(parsing: bad.body)["error"]?["limit"]?["total"] == 1)
  }

  @Test func thePublicRecordsHoldNoValueOfAVariable() async throws {
    let bench = try VercelBench()
    _ = try await write(
      bench, ["key": "K", "value": "planted-secret", "type": "sensitive", "target": ["production"]])
    _ = try await bench.create(more: ["env": ["L": "planted-secret"]])
    for path in ["state", "requests", "counts", "faults"] {
      let page = await bench.twin.control(ServerRequest(method: "GET", path: "/\(path)"))
      guard case .bytes(let bytes) = page.body else {
        Issue.record("no body at \(path)")
        continue
      }
      #expect(page.status == 200)
      #expect(!String(decoding: bytes, as: UTF8.self).contains("planted-secret"))
    }
  }
}
