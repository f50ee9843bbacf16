import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Encore

@Suite struct SecretTests {
  private let list = "GraphQL ListSecretGroups"
  private let version = "GraphQL CreateSecretVersion"
  private let create = "GraphQL CreateSecretGroup"

  private func write(_ encore: FakeEncore, remove: [String] = []) async throws -> Outcome {
    let step = Step(
      id: "jobs.variables", title: "write variables of jobs", service: "jobs",
      action: .variables(
        VariablesWrite(
          target: Sample.service, set: ["StripeKey": .secret(name: "STRIPE", fingerprint: "fp:13")],
          remove: remove)),
      limit: .seconds(180), isRepeatable: true)
    return try await encore.platform(secrets: ["STRIPE": "sk-live-00112"]).perform(
      step, Sample.call(encore.clock))
  }

  private let made = Reply.ok(["data": ["createSecretGroups": [["id": "secgrp_9"]]]])
  private let updated = Reply.ok(["data": ["createSecretVersion": ["id": "ver_9"]]])

  @Test("the group for exactly this environment gets a new version, under its etag")
  func update() async throws {
    let encore = FakeEncore([
      list: [
        Sample.groups([
          "StripeKey": [
            Sample.group("secgrp_type", types: ["production"]),
            Sample.group("secgrp_two", environments: ["env_1", "env_2"]),
            Sample.group("secgrp_1", etag: "e7", environments: ["env_1"]),
          ]
        ])
      ], version: [updated],
    ])
    let outcome = try await write(encore)
    #expect(outcome.result?.summary == "1 written")
    let input = encore.calls(version).first?.body["variables"]?["input"]
    #expect(input == ["groupID": "secgrp_1", "plaintextValue": "sk-live-00112", "etag": "e7"])
    #expect(encore.calls(create).isEmpty)
    #expect(encore.calls("POST /login/auth-key").first?.body == ["auth_key": "ena_6f5e4d"])
    #expect(encore.calls("POST /api/oauth/token").isEmpty, "secrets are the key's business")
  }

  @Test("beside a value for the type, the environment gets a group of its own")
  func createBesideType() async throws {
    let encore = FakeEncore([
      list: [Sample.groups(["StripeKey": [Sample.group("secgrp_type", types: ["production"])]])],
      create: [made],
    ])
    #expect(try await write(encore).word == "done")
    #expect(
      encore.calls(create).first?.body["variables"]?["input"] == [
        "appID": "app_9", "key": "StripeKey",
        "entries": [
          [
            "plaintextValue": "sk-live-00112", "envTypes": [], "envIDs": ["env_1"],
            "description": "written by shipit",
          ]
        ],
      ])
  }

  @Test("a group that overlaps is named, and nothing is tried again")
  func conflict() async throws {
    let encore = FakeEncore([
      list: [Sample.groups(["StripeKey": [Sample.group("secgrp_two", environments: ["env_1", "env_2"])]])],
      create: [
        .ok([
          "data": .null,
          "errors": [
            [
              "message": "conflict",
              "extensions": [
                "conflict": [
                  "AppID": "app_9", "Key": "StripeKey",
                  "Conflicts": [["GroupID": "secgrp_two", "Conflicts": ["id:env_1"]]],
                ]
              ],
            ]
          ],
        ])
      ],
    ])
    let outcome = try await write(encore)
    #expect(outcome.word == "failed" && outcome.moved == false)
    #expect(outcome.failure?.message.contains("secgrp_two") == true)
    #expect(outcome.failure?.hint?.contains("encore secret delete") == true)
    #expect(encore.calls(create).count == 1)
    #expect(outcome.failure?.description.contains("sk-live-00112") == false)
  }

  @Test("a creation without an answer is looked up before it is repeated")
  func lostCreation() async throws {
    let there = FakeEncore([
      list: [
        Sample.groups([:]), Sample.groups(["StripeKey": [Sample.group("secgrp_9", environments: ["env_1"])]]),
      ],
      create: [.lost],
    ])
    #expect(try await write(there).word == "done")
    #expect(there.calls(create).count == 1, "it exists")

    let absent = FakeEncore([list: [Sample.groups([:])], create: [.html502, made]])
    #expect(try await write(absent).word == "done")
    #expect(absent.calls(create).count == 2)
  }

  @Test("a new version without an answer shows by its etag")
  func lostVersion() async throws {
    let encore = FakeEncore([
      list: [
        Sample.groups(["StripeKey": [Sample.group("secgrp_1", etag: "e1", environments: ["env_1"])]]),
        Sample.groups([
          "StripeKey": [Sample.group("secgrp_1", etag: "e2", environments: ["env_1"], versions: 2)]
        ]),
      ], version: [.lost],
    ])
    #expect(try await write(encore).word == "done")
    #expect(encore.calls(version).count == 1)
  }

  @Test("a secret that is no longer declared is kept, and the step says so")
  func removal() async throws {
    let encore = FakeEncore([list: [Sample.groups([:])], create: [made]])
    let outcome = try await write(encore, remove: ["OldKey"])
    #expect(outcome.result?.summary.contains("OldKey kept") == true)
  }

  @Test("a value that is not the planned one is not written")
  func otherValue() async throws {
    let encore = FakeEncore([list: [Sample.groups([:])]])
    let step = Step(
      id: "jobs.variables", title: "write variables of jobs", service: "jobs",
      action: .variables(
        VariablesWrite(
          target: Sample.service, set: ["StripeKey": .secret(name: "STRIPE", fingerprint: "fp:99")])),
      limit: .seconds(180))
    let outcome = try await encore.platform(secrets: ["STRIPE": "sk"]).perform(
      step, Sample.call(encore.clock))
    #expect(outcome.failure?.kind == .stale && encore.calls.isEmpty)
  }
}

@Suite struct ObservationTests {
  @Test(
    "what serves is read from the health answer, in either language's spelling",
    arguments: [("new", "roll_new"), ("roll_new", "roll_new"), ("", "revision:\(Sample.commit)")])
  func live(served: String, id: String) async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.commit, served)], Sample.read(): [.ok(Sample.succeeded)],
      "GraphQL ListSecretGroups": [
        Sample.groups([
          "StripeKey": [Sample.group("secgrp_1", environments: ["env_1"])],
          "ByType": [Sample.group("secgrp_2", types: ["production"])],
          "Elsewhere": [Sample.group("secgrp_3", environments: ["env_2"], types: ["development"])],
          "Archived": [Sample.group("secgrp_4", environments: ["env_1"], archived: true)],
        ])
      ],
    ])
    let observation = try await encore.platform().observe(Sample.environment())
    let service = try #require(observation.services["jobs"])
    #expect(service.live?.id == id && service.live?.commit == Sample.commit && service.live?.status == .live)
    #expect(service.cutOver == .gated && service.restoreMode == .redeploy)
    #expect(service.address == "http://127.0.0.1:1")
    #expect(service.variables == ["StripeKey": nil, "ByType": nil], "names that hold here, no values")
    #expect(
      service.target.ids == [
        "app": "shop-x1", "environment": "prod", "address": "http://127.0.0.1:1", "directory": ".",
      ])
  }

  @Test("where no answer names a revision, nothing is claimed to run, and the plan says so")
  func silent() async throws {
    let encore = FakeEncore([Sample.health: [.html502]])
    let observation = try await encore.platform(key: false).observe(Sample.environment(key: false))
    #expect(observation.services["jobs"]?.live == nil)
    #expect(observation.notes.first?.contains("a first deploy is assumed") == true)
  }

  @Test("variables without a key to write them are refused beforehand")
  func noKey() async throws {
    let encore = FakeEncore()
    let environment = Sample.environment(["A": .text(Template(text: "x"))], key: false)
    let failure = await #expect(throws: Failure.self) {
      try await encore.platform(key: false).observe(environment)
    }
    #expect(failure?.kind == .configuration && failure?.place == "platforms.encore.key")
  }

  @Test("an application is one service")
  func two() async throws {
    var environment = Sample.environment()
    environment.services.append(
      Service(key: "more", platform: .encore, source: .directory(path: ".", root: nil, include: [])))
    let encore = FakeEncore()
    let failure = await #expect(throws: Failure.self) { try await encore.platform().observe(environment) }
    #expect(failure?.message.contains("jobs and more") == true)
  }

  @Test("a deployment that another one replaced is removed, one that serves runs")
  func deployments() async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.old, "other")], Sample.read(): [.ok(Sample.succeeded)],
    ])
    let platform = try encore.platform()
    #expect(try await platform.deployment("roll_new", of: Sample.service)?.status == .removed)
    #expect(try await platform.deployment("roll_gone", of: Sample.service) == nil)
    encore.set(Sample.health, [Sample.serves(Sample.commit, "new")])
    #expect(try await platform.deployment("roll_new", of: Sample.service)?.instances == ["RUNNING": 1])
  }

  @Test("doctor tries client, role, key, names, health, remote and program, and runs nothing")
  func doctor() async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.commit, "new")],
      Sample.read("roll_doctor"): [.http(404, "{}")],
      "GraphQL ListSecretGroups": [Sample.groups([:])],
    ])
    let found = try await encore.platform(program: "/opt/bin/encore").examine(Sample.environment())
    let verdicts = Dictionary(found.map { ($0.subject, $0.verdict) }) { first, _ in first }
    #expect(
      verdicts == [
        "Encore client": .good, "Encore role": .good, "Encore auth key": .good, "Encore environment": .good,
        "Encore secrets": .good, "Encore health": .good, "Encore remote": .bad, "encore program": .good,
        "clock": .skipped,
      ])
    let wrong = FakeEncore([
      Sample.read("roll_doctor"): [.http(403, "{}")], "GET /apps/shop-x1/envs": [.enveloped([])],
    ])
    let bad = try await wrong.platform().examine(Sample.environment()).filter { $0.verdict == .bad }
    #expect(bad.map(\.subject) == ["Encore role", "Encore auth key", "Encore remote"])
  }

  @Test("a build's log is refused with where to see it")
  func buildLog() async throws {
    let encore = FakeEncore()
    let failure = await #expect(throws: Failure.self) {
      try await encore.platform().logs(
        LogQuery(target: Sample.service, deployment: "roll_new", kind: .build))
    }
    #expect(failure?.hint == "see https://app.encore.dev/shop-x1/deploys/prod/new")
  }

  @Test("the environment's log is listened to with the key's login, for as many lines as are wanted")
  func log() async throws {
    let encore = FakeEncore()
    let opened = Record.List<String>()
    let feed = LogFeed { url, headers in
      opened.append(url)
      for (name, value) in headers where name != "User-Agent" { opened.append("\(name): \(value)") }
      let texts = Locked([
        "{\"level\":\"error\",\"time\":\"2026-08-01T10:00:00Z\",\"message\":\"it broke\"}\nplain\n",
        "third\n",
      ])
      return { _ in texts.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    }
    let platform = try encore.platform(feed: feed)
    let lines = try await platform.logs(LogQuery(target: Sample.service, limit: 10))
    #expect(lines.map(\.text) == ["it broke", "plain", "third"] && lines.first?.severity == "error")
    #expect(
      opened.all == [
        "ws://127.0.0.1:1/apps/shop-x1/envs/prod/log", "Authorization: Bearer login-7a8b9c",
        "Origin: http://encore-cli.local",
      ])
    #expect(
      try await platform.logs(LogQuery(target: Sample.service, limit: 1)).map(\.text) == ["plain"],
      "the newest")
  }
}
