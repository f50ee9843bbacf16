import Concurrency
import Crypto
import HTTP
import JSON
import Testing

@testable import Twin

@Suite struct VercelDeployTests {
  @Test func aCreateNamesExactlyTheContentsThatAreMissing() async throws {
    let bench = try VercelBench()
    let known = try await bench.upload("known")
    let unknown = SHA1.hex(of: Array("unknown".utf8))
    let files: JSON = [
      ["file": "a.txt", "sha": .string(known), "size": 5],
      ["file": "b.txt", "sha": .string(unknown), "size": 7],
      ["file": "c.txt", "sha": .string(unknown), "size": 7], ["file": "empty"],
    ]
    let (status, json) = try await bench.send("POST", "/v13/deployments", ["name": "demo", "files": files])
    #expect(status == 400)
    #expect(json["error"]?["code"] == "missing_files")
    #expect(json["error"]?["missing"] == [.string(unknown)])
    #expect(await bench.twin.state.deployments.isEmpty)
    _ = try await bench.upload("unknown")
    // Another project of the team has them as well; another team has not.
    for project in ["demo", "other"] {
      try await bench.ask("POST", "/v13/deployments", ["name": .string(project), "files": files])
    }
    var small = bench
    small.team = "small"
    #expect(
      try await small.refusal("POST", "/v13/deployments", ["name": "tiny", "files": files])
        == "400 missing_files")
  }

  @Test(arguments: [
    ("x-vercel-digest", "3"), ("x-vercel-digest", "5"), ("x-now-digest", "3"), ("x-other", "3"),
  ])
  func uploadsAreCheckedByDigestAndSize(header: String, size: String) async throws {
    let bench = try VercelBench()
    for (text, isRight) in [("abc", true), ("abd", false)] {
      let answer = try await bench.raw(
        "POST", "/v2/files", body: .bytes(Array(text.utf8)),
        headers: [(header, SHA1.hex(of: Array("abc".utf8))), ("x-now-size", size)])
      let expected = isRight && size == "3" && header != "x-other"
      #expect(answer.status == (expected ? 200 : 400))
    }
  }

  @Test func everyStateIsSeenAndAliasesComeAfterReady() async throws {
    let bench = try VercelBench()
    _ = try await bench.deploy()
    let id = try await bench.create(text: "two")
    var story: [String] = []
    try await bench.until("it is live") {
      let told = try await bench.deployment(id)
      let line = [
        told["readyState"]?.string, told["readySubstate"]?.string,
        told["aliasAssigned"] == true ? "aliased" : nil,
      ]
      .compactMap(\.self).joined(separator: " ")
      if story.last != line { story.append(line) }
      return told["aliasAssigned"] == true
    }
    #expect(
      story == ["QUEUED", "INITIALIZING", "BUILDING", "READY STAGED", "READY PROMOTED aliased"])
    #expect(try await bench.project()["targets"]?["production"]?["id"]?.string == id)
  }

  @Test func theFirstDeploymentOfAProjectIsProduction() async throws {
    let bench = try VercelBench()
    let first = try await bench.create("other", target: nil)
    #expect(try await bench.deployment(first)["target"] == "production")
    try await bench.settled(first)
    let second = try await bench.create("other", text: "two", target: nil)
    #expect(try await bench.deployment(second)["target"] == .null)
    try await bench.settled(second)
    #expect(try await bench.page("other.vercel.localhost:4") == "one")
  }

  @Test func aStagedDeploymentIsReadyAtItsOwnAddressAndDarkEverywhereElse() async throws {
    let bench = try VercelBench()
    let first = try await bench.deploy()
    let staged = try await bench.deploy(text: "two", staged: true)
    let told = try await bench.deployment(staged)
    #expect(told["readySubstate"] == "STAGED")
    #expect(told["autoAssignCustomDomains"] == false)
    bench.clock.advance(60)
    #expect(try await bench.page(try #require(told["url"]?.string)) == "two")
    for host in ["www.demo.localhost", "demo.vercel.localhost:4"] {
      #expect(try await bench.page(host) == "one")
    }
    #expect(try await bench.ask("GET", "/v4/aliases/www.demo.localhost")["deploymentId"]?.string == first)
    let served = await bench.twin.edgeRequests.map(\.deployment)
    #expect(served == [staged, first, first])
  }

  @Test func inlinePagesAreReadyAtOnce() async throws {
    let bench = try VercelBench()
    let answer = try await bench.ask(
      "POST", "/v13/deployments",
      ["name": "other", "files": [["file": "index.html", "data": "aGk=", "encoding": "base64"]]])
    #expect(answer["readyState"] == "READY")
    #expect(answer["aliasAssigned"] == true)
    bench.clock.advance(1)
    #expect(try await bench.page("other.vercel.localhost:4") == "hi")
  }

  @Test func variablesAreThoseOfTheMomentOfCreation() async throws {
    let bench = try VercelBench()
    let old = try await bench.deploy()
    try await bench.ask(
      "POST", "/v10/projects/demo/env?upsert=true",
      ["key": "GREETING", "value": "bye", "type": "encrypted", "target": ["production", "preview"]])
    func greeting() async throws -> JSON? {
      let answer = try await bench.visit("www.demo.localhost", VercelTwin.deploymentPath)
      return try JSON(parsing: answer.body)["env"]?["GREETING"]
    }
    #expect(try await greeting() == "hello")
    // A redeploy takes the same files with the variables of now, and its own on top.
    let again = try await bench.ask(
      "POST", "/v13/deployments?forceNew=1",
      [
        "name": "demo", "deploymentId": .string(old), "target": "production", "meta": ["action": "redeploy"],
        "env": ["OWN": "1"],
      ])
    try await bench.settled(try #require(again["id"]?.string))
    #expect(try await greeting() == "bye")
    #expect(try await bench.page() == "one")
    #expect(again["env"]?.array?.contains("OWN") == true)
  }

  @Test func gitSourcesAndBuildOutputAreServed() async throws {
    let bench = try VercelBench(
      VercelBench.seed(
        "other", ["link": ["org": "acme", "repo": "web"], "settings": ["rootDirectory": "front"]]))
    await bench.twin.change { world in
      world.plant(repositories: [
        "acme/web": [
          ["commit": "c1", "files": ["front/public/index.html": "from git", "front/x": "hidden"]]
        ]
      ])
    }
    let git: JSON = ["type": "github", "org": "acme", "repo": "web", "ref": "main", "sha": "c1"]
    let first = try await bench.ask("POST", "/v13/deployments", ["name": "other", "gitSource": git])
    let id = try #require(first["id"]?.string)
    #expect(first["meta"]?["githubCommitSha"] == "c1")
    try await bench.settled(id)
    #expect(try await bench.page("other.vercel.localhost:4") == "from git")
    #expect(try await bench.page("other-git-main-acme.vercel.localhost:4") == "from git")
    #expect(try await bench.visit("other.vercel.localhost:4", "/x").status == 404)
    let missing: JSON = ["type": "github", "org": "acme", "repo": "web", "ref": "main", "sha": "c2"]
    #expect(
      try await bench.refusal("POST", "/v13/deployments", ["name": "other", "gitSource": missing])
        == "400 incorrect_git_source_info")
    let page = try await bench.upload("prebuilt")
    let built = try await bench.ask(
      "POST", "/v13/deployments?prebuilt=1",
      [
        "name": "demo", "target": "production", "projectSettings": ["buildCommand": "never run"],
        "files": [["file": ".vercel/output/static/index.html", "sha": .string(page), "size": 8]],
      ])
    try await bench.settled(try #require(built["id"]?.string))
    #expect(try await bench.page() == "prebuilt")
  }

  @Test func scriptedDeploymentsGoAstrayAndSayWhy() async throws {
    let bench = try VercelBench()
    let live = try await bench.deploy()
    for (script, state) in [
      (["deployment": "build-error", "code": "E1", "message": "no", "step": "buildStep"], "ERROR"),
      (["deployment": "blocked", "reason": "who is it"], "BLOCKED"),
      (["deployment": "canceled", "after": 4], "CANCELED"),
      (["deployment": "stuck", "state": "BUILDING"], "BUILDING"),
    ] as [(JSON, String)] {
      try await bench.twin.add(script)
      let id = try await bench.create(text: state)
      bench.clock.advance(120)
      let told = try await bench.deployment(id)
      #expect(told["readyState"]?.string == state)
      switch state {
      case "ERROR":
        #expect(told["errorCode"] == "E1")
        #expect(told["errorMessage"] == "no")
        #expect(told["errorStep"] == "buildStep")
        #expect(try await bench.refusal("PATCH", "/v12/deployments/\(id)/cancel") == "400 bad_request")
      case "BLOCKED": #expect(told["readyStateReason"] == "who is it")
      case "BUILDING":
        #expect(try await bench.ask("PATCH", "/v12/deployments/\(id)/cancel")["readyState"] == "CANCELED")
      default: break
      }
    }
    try await bench.twin.add(["deployment": "alias-error", "code": "cert_missing"])
    let unled = try await bench.create(text: "unled")
    bench.clock.advance(120)
    let told = try await bench.deployment(unled)
    #expect(told["readyState"] == "READY")
    #expect(told["aliasAssigned"] == false)
    #expect(told["aliasError"]?["code"] == "cert_missing")
    #expect(try await bench.page() == "one")
    #expect(try await bench.project()["targets"]?["production"]?["id"]?.string == live)
    try await bench.twin.add(["deployment": "wrong-content", "path": "/version.json", "text": "other"])
    let wrong = try await bench.deploy(text: "wrong")
    let url = try #require(try await bench.deployment(wrong)["url"]?.string)
    #expect(try await bench.visit(url, "/version.json").text == "other")
  }

  @Test func aBlockingCheckHoldsTheDomains() async throws {
    let bench = try VercelBench()
    _ = try await bench.deploy()
    let check = try await bench.ask(
      "POST", "/v2/projects/demo/checks",
      ["name": "gate", "requires": "deployment-url", "blocks": "deployment-alias", "targets": ["production"]])
    for (conclusion, text) in [("failed", "two"), ("succeeded", "three")] {
      let id = try await bench.create(text: text)
      try await bench.until("it is ready") { try await bench.deployment(id)["readyState"] == "READY" }
      bench.clock.advance(60)
      #expect(try await bench.deployment(id)["checks"]?["deployment-alias"]?["state"] == "pending")
      let run = try await bench.ask(
        "POST", "/v2/deployments/\(id)/check-runs", ["checkId": check["id"] ?? .null])
      try await bench.ask(
        "PATCH", "/v2/deployments/\(id)/check-runs/\(run["id"]?.string ?? "")",
        ["status": "completed", "conclusion": .string(conclusion)])
      bench.clock.advance(60)
      #expect(try await bench.page() == (conclusion == "failed" ? "one" : "three"))
    }
  }

  @Test func limitsAndIncompleteRequestsAreRefused() async throws {
    let bench = try VercelBench()
    let files: JSON = [["file": "a.txt", "data": "x"]]
    for (body, refusal) in [
      (["files": files], "400 bad_request"), (["name": "demo"], "400 no_files"),
      (["name": "demo", "files": files, "target": "preview"], "400 bad_request"),
      (["name": "demo", "project": "nowhere", "files": files], "404 not_found"),
      (["name": "newcomer", "files": files], "400 missing_project_settings"),
      (["name": "demo", "files": [["file": "../a", "data": "x"]]], "400 bad_request"),
      (["name": "demo", "files": files, "env": ["A-B": "x"]], "400 env_key_invalid_characters"),
    ] as [(JSON, String)] {
      #expect(try await bench.refusal("POST", "/v13/deployments", body) == refusal)
    }
    await bench.twin.change { $0.switches.deploymentFileLimit = 0 }
    #expect(
      try await bench.refusal("POST", "/v13/deployments", ["name": "demo", "files": files])
        == "400 too_many_files")
    await bench.twin.change { world in
      world.switches = VercelTwin.Switches()
      world.teams["team_a"]?.deploymentsPerDay = 1
    }
    try await bench.ask("POST", "/v13/deployments", ["name": "demo", "files": files])
    #expect(
      try await bench.refusal("POST", "/v13/deployments", ["name": "demo", "files": files])
        == "402 api-deployments-free-per-day")
    #expect(try await bench.refusal("GET", "/v12/deployments") == "404 not_found")
  }

  @Test func listsArePagedByTimeAndStayTheSameWhenSomethingIsAdded() async throws {
    let bench = try VercelBench()
    var made: [String] = []
    for index in 0..<5 {
      made.append(try await bench.create(text: "\(index)", more: ["meta": ["run": .string("\(index)")]]))
      bench.clock.advance(1)
    }
    var seen: [String] = []
    var until: Int64?
    repeat {
      let path = "/v7/deployments?projectId=prj_demo&limit=2" + (until.map { "&until=\($0)" } ?? "")
      let page = try await bench.ask("GET", path)
      seen += page["deployments"]?.array?.compactMap { $0["uid"]?.string } ?? []
      until = page["pagination"]?["next"]?.int
      if seen.count == 2 { _ = try await bench.create(text: "late") }
    } while until != nil
    #expect(seen == made.reversed())
    let other = try await bench.ask("GET", "/v7/deployments?projectId=prj_other")
    #expect(other["deployments"] == [])
  }

  @Test func eventsComeFlatNestedSinceAMomentAndAsAStreamThatMayBreakOff() async throws {
    let bench = try VercelBench()
    let id = try await bench.create()
    bench.clock.advance(1.5)
    let first = try await bench.ask("GET", "/v3/deployments/\(id)/events?builds=1&limit=-1")
    #expect(first.array?.compactMap { $0["text"]?.string } == ["QUEUED", "INITIALIZING"])
    let last = try #require(first.array?.last?["date"]?.int)
    try await bench.settled(id)
    await bench.twin.change { $0.switches.nestsEvents = true }
    let rest = try await bench.ask("GET", "/v3/deployments/\(id)/events?since=\(last + 1)")
    #expect(rest.array?.first?["payload"]?["text"] == "BUILDING")
    #expect(rest.array?.last?["type"] == "alias-assigned")
    let second = try await bench.create(text: "two")
    func lines() async throws -> Int {
      try await bench.raw("GET", "/v3/deployments/\(second)/events?follow=1").text.split(separator: "\n")
        .count
    }
    try await bench.twin.add(["fault": "cut", "operation": "events"])
    #expect(try await lines() == 2)
    #expect(try await lines() == 5)
    // A follower gets what there is while the deployment goes on.
    let third = try await bench.create(text: "three")
    let stream = try await bench.transport.stream(
      HTTPRequest(
        url: "http://127.0.0.1:2/v3/deployments/\(third)/events?follow=1&teamId=acme",
        headers: [("Authorization", "Bearer account")]))
    var pieces = stream.body.makeAsyncIterator()
    let piece = String(decoding: try await pieces.next() ?? [], as: UTF8.self)
    #expect(piece.contains("QUEUED"))
    #expect(!piece.contains("READY"))
  }

  @Test func anIdenticalCreateGivesTheEarlierDeploymentWhereThePlatformDoesSo() async throws {
    let bench = try VercelBench()
    await bench.twin.change { $0.switches.deduplicates = true }
    let body: JSON = ["name": "demo", "files": [["file": "a.txt", "data": "x"]]]
    let first = try await bench.ask("POST", "/v13/deployments", body)
    // The second is no first one any more: it is a preview.
    let second = try await bench.ask("POST", "/v13/deployments", body)
    #expect(second["id"] != first["id"])
    #expect(try await bench.ask("POST", "/v13/deployments", body)["id"] == second["id"])
    #expect(try await bench.ask("POST", "/v13/deployments?forceNew=1", body)["id"] != second["id"])
  }

  @Test func aPushDeploysLinkedProjectsUnlessTheyForbidIt() async throws {
    let bench = try VercelBench(VercelBench.seed("other", ["link": ["org": "acme", "repo": "web"]]))
    let push: JSON = ["repository": "acme/web", "commit": "c9", "files": ["index.html": "pushed"]]
    let request = HTTPBody.bytes(Array(push.serialized().utf8))
    let first = try await bench.raw("POST", "/_twin/push", body: request)
    let id = try #require(try JSON(parsing: first.body)["deployments"]?[0]?.string)
    try await bench.settled(id)
    #expect(try await bench.page("other.vercel.localhost:4") == "pushed")
    func allow(_ source: JSON) async throws {
      let rule: JSON = [
        "enabled": true, "environments": [["type": "system", "target": "production"]], "sources": [source],
      ]
      try await bench.ask(
        "PATCH", "/v9/projects/other", ["deploymentPolicy": ["deploymentSources": [rule]]])
    }
    try await allow("rest-api")
    let second = try await bench.raw("POST", "/_twin/push", body: request)
    #expect(try JSON(parsing: second.body)["deployments"] == [])
    _ = try await bench.create("other")
    try await allow("git")
    let body: JSON = ["name": "other", "target": "production", "files": [["file": "a", "data": "x"]]]
    #expect(try await bench.refusal("POST", "/v13/deployments", body) == "403 forbidden")
  }
}
