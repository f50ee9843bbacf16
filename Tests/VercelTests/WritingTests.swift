import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

/// Settings and variables.
@Suite struct WritingTests {
  private let env = "GET /v10/projects/prj_web/env"
  private let upsert = "POST /v10/projects/prj_web/env"
  private let remove = "DELETE /v1/projects/prj_web/env"
  private let patch = "PATCH /v9/projects/prj_web"
  private let secrets = SecretValues(values: ["S": Sensitive("hush-hush-42")]) { _ in "f" }

  private func write(_ set: [String: PlannedValue], remove: [String] = []) -> Step {
    Sample.step(
      .variables(VariablesWrite(target: Sample.target, set: set, remove: remove)), id: "web.variables")
  }

  private func created(_ variables: [JSON], failed: [JSON] = []) -> Reply {
    .json(["created": .array(variables), "failed": .array(failed)], status: 201)
  }

  @Test("all variables go in one call, each with its type, for production only, and their times come back")
  func variables() async throws {
    let vercel = FakeVercel([
      env: [Sample.variables([Sample.variable("OLD", "x"), Sample.variable("KEPT", "y")])],
      upsert: [
        created([
          Sample.variable("A", "1", updated: 71), Sample.variable("B", type: "sensitive", updated: 72),
          Sample.variable("NEXT_PUBLIC_C", "3", updated: 73),
        ])
      ], remove: [.json(["deleted": 1, "ids": ["env_OLD"]])],
    ])
    let secret = PlannedValue.secret(name: "S", fingerprint: "f")
    let outcome = await vercel.platform(secrets: secrets).perform(
      write(["A": .text("1"), "B": secret, "NEXT_PUBLIC_C": secret], remove: ["OLD", "GONE"]),
      Sample.call(vercel.clock))
    let facts = try #require(outcome.result).facts
    #expect(facts[StepFact.written("A")] == "71" && facts[StepFact.written("B")] == "72")
    let asked = vercel.calls(upsert)
    #expect(asked.count == 1 && asked[0].query["upsert"] == "true")
    #expect(
      asked[0].body
        == [
          [
            "key": "A", "value": "1", "type": "plain", "target": ["production"],
            "comment": "managed by shipit",
          ],
          [
            "key": "B", "value": "hush-hush-42", "type": "sensitive", "target": ["production"],
            "comment": "managed by shipit",
          ],
          [
            "key": "NEXT_PUBLIC_C", "value": "hush-hush-42", "type": "encrypted", "target": ["production"],
            "comment": "managed by shipit",
          ],
        ])
    #expect(vercel.calls(remove).map(\.body) == [["ids": ["env_OLD"]]])
  }

  @Test("an answer of 201 with refusals is a failure that names them, without their values")
  func failed() async throws {
    let refusal: JSON = [
      "error": ["code": "ENV_CONFLICT", "message": "hush-hush-42 exists", "key": "B", "target": ["preview"]]
    ]
    for (written, moved) in [([Sample.variable("A", "1")], true), ([], false)] {
      let vercel = FakeVercel([env: [Sample.variables([])], upsert: [created(written, failed: [refusal])]])
      let outcome = await vercel.platform(secrets: secrets).perform(
        write(["A": .text("1"), "B": .secret(name: "S", fingerprint: "f")]), Sample.call(vercel.clock))
      let failure = try #require(outcome.failure)
      #expect(outcome.moved == moved)
      #expect(failure.cause == "B: ENV_CONFLICT: ‹secret› exists")
    }
  }

  @Test("a variable that previews share stays theirs, and production gets its own")
  func shared() async {
    let vercel = FakeVercel([
      env: [
        Sample.variables([
          Sample.variable("A", "old", target: ["production", "preview"]),
          Sample.variable("GOES", "x", target: ["preview", "production", "development"]),
        ])
      ], upsert: [created([Sample.variable("A", "1")])],
      "PATCH /v9/projects/prj_web/env/env_A": [.json(Sample.variable("A", target: ["preview"]))],
      "PATCH /v9/projects/prj_web/env/env_GOES": [.json(Sample.variable("GOES", target: ["preview"]))],
    ])
    let outcome = await vercel.platform().perform(
      write(["A": .text("1")], remove: ["GOES"]), Sample.call(vercel.clock))
    #expect(outcome.word == "done" && vercel.calls(remove).isEmpty)
    #expect(vercel.calls("PATCH /v9/projects/prj_web/env/env_A").map(\.body) == [["target": ["preview"]]])
    #expect(
      vercel.calls("PATCH /v9/projects/prj_web/env/env_GOES").map(\.body) == [
        ["target": ["preview", "development"]]
      ])
  }

  @Test(
    "what Vercel would refuse is refused before anything is written",
    arguments: [
      ("TZ", "UTC", "reserves the name TZ"), ("A-B", "x", "letters, digits and _"),
      (String(repeating: "K", count: 257), "x", "1 to 256"),
      ("BIG", String(repeating: "v", count: 65_537), "longer than 65536"),
      ("SUM", String(repeating: "v", count: 65_530), "a deployment takes"),
    ])
  func limits(key: String, value: String, words: String) async {
    let vercel = FakeVercel([env: [Sample.variables([Sample.variable("OTHER", "a value", type: "plain")])]])
    let outcome = await vercel.platform().perform(write([key: .text(value)]), Sample.call(vercel.clock))
    #expect(outcome.failure?.kind == .configuration && outcome.failure?.cause?.contains(words) == true)
    #expect(!vercel.routes.contains(upsert))
  }

  @Test(
    "values that are not to be had are told by name",
    arguments: [
      (PlannedValue.secret(name: "NONE", fingerprint: "f"), "has no value"),
      (.secret(name: "S", fingerprint: "other"), "another value"),
      (.deployment(id: "dpl_old"), "cannot be restored"),
    ])
  func unavailable(value: PlannedValue, words: String) async {
    let vercel = FakeVercel([env: [Sample.variables([])]])
    let outcome = await vercel.platform(secrets: secrets).perform(
      write(["A": value]), Sample.call(vercel.clock))
    #expect(outcome.moved == false && outcome.failure?.message.contains(words) == true)
    #expect(!vercel.routes.contains(upsert))
  }

  @Test("another update in progress passes; a lost answer is repeated, since the write is the same")
  func repeated() async {
    let vercel = FakeVercel([
      env: [Sample.variables([])],
      upsert: [
        .error(400, "bad_request", "another update in progress"), .lost, created([Sample.variable("A", "1")]),
      ],
    ])
    #expect(
      await vercel.platform().perform(write(["A": .text("1")]), Sample.call(vercel.clock)).word == "done")
    #expect(vercel.calls(upsert).count == 3)
  }

  @Test("a write is known again by its readable values; a sensitive one is written again")
  func probe() async {
    let vercel = FakeVercel([
      env: [
        Sample.variables([Sample.variable("A", "1", updated: 9), Sample.variable("B", type: "sensitive")])
      ]
    ])
    let call = Sample.call(vercel.clock)
    guard case .done(let result) = await vercel.platform().probe(write(["A": .text("1")]), call) else {
      Issue.record("not found")
      return
    }
    #expect(result.facts[StepFact.written("A")] == "9")
    let secret = write(["B": .secret(name: "S", fingerprint: "f")])
    #expect(await vercel.platform(secrets: secrets).probe(secret, call) == .absent)
  }

  private func settings(_ change: (inout SettingsWrite) -> Void) -> Step {
    var write = SettingsWrite(target: Sample.target, settings: ServiceSettings(), changes: [])
    change(&write)
    return Sample.step(.settings(write), id: "web.settings")
  }

  @Test("settings, what is cleared and pushes go in one write; domains are added with their DNS advice")
  func settingsWrite() async throws {
    let linked = Sample.project(more: [
      "outputDirectory": "dist",
      "link": [
        "type": "github", "org": "acme", "repo": "web", "repoId": 4, "deployHooks": [],
        "gitCredentialId": "c", "productionBranch": "main",
      ],
    ])
    let vercel = FakeVercel([
      "GET /v9/projects/prj_web": [.json(linked)], patch: [.json(linked)],
      "GET /v9/projects/prj_web/domains": [.json(Sample.domains(["new.example.com"]))],
      "POST /v10/projects/prj_web/domains": [
        .json([
          "name": "new.example.com", "apexName": "example.com", "projectId": "prj_web", "verified": true,
        ])
      ],
      "GET /v6/domains/new.example.com/config": [
        .json([
          "configuredBy": "A", "acceptedChallenges": [], "misconfigured": true, "recommendedIPv4": [],
          "recommendedCNAME": [["rank": 1, "value": "x.vercel-dns.example"]],
        ])
      ],
    ])
    let outcome = await vercel.platform().perform(
      settings {
        $0.settings.build = "make"
        $0.settings.region = "fra1"
        $0.clear = ["output"]
        $0.autoDeploys = false
        $0.domains = ["new.example.com"]
      }, Sample.call(vercel.clock))
    let result = try #require(outcome.result)
    #expect(result.summary.contains("new.example.com added: its DNS should be CNAME x.vercel-dns.example"))
    let body = try #require(vercel.calls(patch).first).body
    #expect(vercel.calls(patch).count == 1)
    #expect(body["buildCommand"] == "make" && body["outputDirectory"] == .null)
    #expect(body["resourceConfig"] == ["functionDefaultRegions": ["fra1"]])
    #expect(PushPolicy.forbidsPushes(body["deploymentPolicy"]))
  }

  @Test("what is so already is not written, and a lost answer is settled by looking")
  func settingsAgain() async {
    let so = FakeVercel()
    let wanted = settings { $0.settings.node = "22.x" }
    #expect(
      await so.platform().perform(wanted, Sample.call(so.clock)).result?.summary == "settings were so already"
    )
    #expect(!so.routes.contains(patch))
    let lost = FakeVercel([
      "GET /v9/projects/prj_web": [
        .json(Sample.project()), .json(Sample.project(more: ["nodeVersion": "24.x"])),
      ],
      patch: [.lost],
    ])
    let change = settings { $0.settings.node = "24.x" }
    #expect(await lost.platform().perform(change, Sample.call(lost.clock)).word == "done")
  }

  @Test("a domain that another project holds is told, and one that is there already is no fault")
  func domains() async {
    let taken = FakeVercel([
      "POST /v10/projects/prj_web/domains": [.error(409, "domain_taken", "in use by another project")]
    ])
    let step = settings { $0.domains = ["taken.example.com"] }
    let outcome = await taken.platform().perform(step, Sample.call(taken.clock))
    #expect(outcome.failure?.cause == "domain_taken: in use by another project")
    let there = FakeVercel(["POST /v10/projects/prj_web/domains": [.error(400, "domain_already_exists")]])
    let again = settings { $0.domains = ["web.example.com"] }
    #expect(await there.platform().perform(again, Sample.call(there.clock)).word == "done")
  }
}
