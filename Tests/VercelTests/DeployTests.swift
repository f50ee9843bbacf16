import Concurrency
import Crypto
import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

@Suite struct DeployTests {
  private let create = "POST /v13/deployments"
  private let read = "GET /v13/deployments/dpl_new"
  private let files = ["index.html": "<h1>hi</h1>", "src/a.ts": "export {}", "latest@": "index.html"]

  private func step(_ source: PlannedSource = Sample.directory, variables: [String: PlannedValue]? = nil)
    -> Step
  {
    Sample.step(.deploy(Sample.request(source, variables: variables)))
  }

  private func ready(_ more: [String: JSON] = [:]) -> Reply {
    .json(Sample.deployment("dpl_new", substate: "STAGED", more: more))
  }

  @Test("a directory is created first, exactly what is missing is uploaded, and it is created again")
  func handshake() async throws {
    let missing = SHA1.hex(of: Array("export {}".utf8))
    let link = SHA1.hex(of: Array("index.html".utf8))
    let vercel = FakeVercel([
      create: [
        .error(400, "missing_files", "Missing files", extra: ["missing": [.string(missing), .string(link)]]),
        .json(Sample.deployment("dpl_new", "QUEUED", assigned: false)),
      ],
      "POST /v2/files": [.json(["urls": []])],
      read: [
        .json(Sample.deployment("dpl_new", "INITIALIZING", assigned: false)),
        .json(Sample.deployment("dpl_new", "BUILDING", assigned: false)), ready(),
      ],
    ])
    let record = Record()
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock, record: record))
    let result = try #require(outcome.result)
    #expect(result.externalID == "dpl_new" && record.ids.all == ["dpl_new"])
    #expect(result.facts[StepFact.address] == "https://dpl_new.vercel.app")
    #expect(result.liveSince == nil, "nothing is public yet")
    #expect(record.progress.contains("initializing") && record.progress.contains("building"))

    let creations = vercel.calls(create)
    #expect(creations.count == 2 && creations[0].body == creations[1].body)
    let body = creations[0].body
    #expect(
      creations[0].query["teamId"] == "team_acme"
        && creations[0].query["skipAutoDetectionConfirmation"] == "1")
    #expect(body["target"] == "production" && body["autoAssignCustomDomains"] == false)
    #expect(body["project"] == "prj_web" && body["name"] == "web")
    #expect(
      body["meta"] == ["shipit": .string(Sample.marker), "commit": .string(Sample.commit), "release": "3"])
    #expect(body["env"] == ["SHIPIT_COMMIT": .string(Sample.commit), "SHIPIT_RELEASE": "3"])
    #expect(body["build"]?["env"] == body["env"])
    let sent = body["files"]?.array ?? []
    #expect(sent.map { $0["file"]?.string } == ["index.html", "latest", "src/a.ts"])
    #expect(sent[1]["mode"]?.int.map { $0 & 0o170000 } == 0o120000, "a link keeps its type")

    let uploads = vercel.calls("POST /v2/files")
    #expect(uploads.count == 2, "what Vercel has already is not sent again")
    let digests = uploads.map { call in call.request.headers.first { $0.name == "x-vercel-digest" }?.value }
    #expect(Set(digests) == [missing, link])
  }

  @Test("the unpacked source and the archive are gone, whatever the end")
  func cleanUp() async throws {
    let before = try leftovers()
    let packer = FakePacker(files: files)
    for answer in [Reply.json(Sample.deployment("dpl_new", "QUEUED")), .error(402, "quota"), .lost] {
      let vercel = FakeVercel([create: [answer], read: [ready()]])
      _ = await vercel.platform(packer: packer).perform(step(), Sample.call(vercel.clock))
    }
    #expect(try leftovers() == before)
    let archives = try FileManager.default.contentsOfDirectory(atPath: #require(packer.scratch).path)
    #expect(archives.isEmpty)
  }

  private func leftovers() throws -> Set<String> {
    Set(
      try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path)
        .filter { $0.hasPrefix("shipit-vercel-") })
  }

  @Test(
    "what a creation answers decides whether it may be repeated",
    arguments: [
      (Reply.error(402, "api-deployments-free-per-day"), "failed"), (.error(400, "bad_request"), "failed"),
      (.error(403, "forbidden"), "failed"), (.error(404, "not_found"), "failed"),
      (.error(409, "conflict"), "failed"),
      (.error(500, "internal"), "ambiguous"), (.lost, "ambiguous"), (.text(200, "<html>"), "ambiguous"),
      (.fails(HTTPError(code: .timeout, message: "timed out", nothingSent: false)), "ambiguous"),
    ] as [(Reply, String)])
  func creationTrouble(reply: Reply, word: String) async {
    let vercel = FakeVercel([create: [reply]])
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock))
    #expect(outcome.word == word)
    #expect(vercel.calls(create).count == 1, "it is never sent twice blindly")
    #expect(outcome.moved != true)
  }

  @Test("a refusal before any effect is asked again, after the time it names")
  func rateLimit() async {
    for (name, limited) in [
      ("Retry-After", Reply.error(429, "rate_limited", extra: [:], [("Retry-After", "7")])),
      (
        "reset",
        .error(429, "rate_limited", extra: ["limit": ["remaining": 0, "reset": 1_766_000_007, "total": 10]])
      ),
    ] {
      let vercel = FakeVercel([create: [limited, .json(Sample.deployment("dpl_new"))], read: [ready()]])
      let began = vercel.clock.now
      let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
        step(), Sample.call(vercel.clock))
      #expect(outcome.word == "done", "\(name)")
      #expect(vercel.clock.now - began >= .seconds(7) && vercel.clock.now - began < .seconds(12), "\(name)")
    }
  }

  @Test("files that are missing again after their upload end it, not an endless loop")
  func missingForEver() async {
    let digest = SHA1.hex(of: Array("export {}".utf8))
    let vercel = FakeVercel([
      create: [.error(400, "missing_files", extra: ["missing": [.string(digest)]])],
      "POST /v2/files": [.json([:])],
    ])
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock))
    #expect(outcome.word == "failed" && vercel.calls(create).count == 2)
  }

  @Test("an upload that gets no answer is sent again; a refused one says why")
  func uploads() async {
    let digest = SHA1.hex(of: Array("export {}".utf8))
    let miss = Reply.error(400, "missing_files", extra: ["missing": [.string(digest)]])
    let passing = FakeVercel([
      create: [miss, .json(Sample.deployment("dpl_new"))],
      "POST /v2/files": [.lost, .error(503, "x"), .json([:])],
      read: [ready()],
    ])
    #expect(
      await passing.platform(packer: FakePacker(files: files)).perform(step(), Sample.call(passing.clock))
        .word
        == "done")
    let refused = FakeVercel([
      create: [miss], "POST /v2/files": [.error(400, "digest_mismatch", "wrong digest")],
    ])
    let outcome = await refused.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(refused.clock))
    #expect(outcome.failure?.cause == "digest_mismatch: wrong digest")
  }

  @Test(
    "each end of a build is told with everything Vercel says",
    arguments: [
      (
        "ERROR",
        [
          "errorCode": "BUILD_FAILED", "errorMessage": "exit 1", "errorStep": "buildStep",
          "errorLink": "https://v/x",
        ],
        "BUILD_FAILED: exit 1; step buildStep; see https://v/x"
      ),
      ("CANCELED", ["errorMessage": "by ann"], "by ann"),
      ("BLOCKED", ["seatBlock": ["blockCode": "TEAM_ACCESS_REQUIRED"]], "TEAM_ACCESS_REQUIRED"),
      (
        "READY",
        ["checks": ["deployment-alias": ["state": "failed", "startedAt": 1]], "errorMessage": "slow"],
        "slow"
      ),
      ("READY", ["aliasError": ["code": "cert", "message": "no certificate"]], "cert: no certificate"),
    ] as [(String, [String: JSON], String)])
  func failures(state: String, more: [String: JSON], cause: String) async throws {
    let vercel = FakeVercel([
      create: [.json(Sample.deployment("dpl_new"))],
      read: [.json(Sample.deployment("dpl_new", state, assigned: false, more: more))],
    ])
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock))
    let failure = try #require(outcome.failure)
    #expect(outcome.moved == false && failure.cause == cause && failure.hint != nil)
    #expect(failure.message.contains("keeps serving"))
    if state == "ERROR" {
      #expect(failure.hint == "`shipit logs prod web --build --deployment dpl_new` shows why")
    }
  }

  @Test("a staged deployment whose addresses are never reported assigned is accepted after a short time")
  func neverAssigned() async {
    let vercel = FakeVercel([
      create: [.json(Sample.deployment("dpl_new"))],
      read: [.json(Sample.deployment("dpl_new", substate: "STAGED", assigned: false))],
    ])
    let began = vercel.clock.now
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock))
    #expect(outcome.word == "done")
    #expect(
      vercel.clock.now - began >= WatchDecision.aliasPatience && vercel.clock.now - began < .seconds(15))
  }

  @Test("while a check holds the addresses back it is not ready, however long that takes")
  func heldBack() async {
    let held = Reply.after(
      .seconds(9),
      .json(
        Sample.deployment(
          "dpl_new", substate: "STAGED", assigned: false,
          more: ["checks": ["deployment-alias": ["state": "pending", "startedAt": 1]]])))
    let vercel = FakeVercel([
      create: [.json(Sample.deployment("dpl_new"))], read: Array(repeating: held, count: 5) + [ready()],
    ])
    let record = Record()
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock, record: record))
    #expect(outcome.word == "done" && vercel.calls(read).count == 6)
    #expect(record.progress.contains("ready, a check holds its addresses back"))
  }

  @Test("the build log is told once per record, in both of its shapes, going on where it stopped")
  func log() async {
    let flat: JSON = [
      "type": "stdout", "id": "1", "text": "one", "date": 10, "created": 10, "deploymentId": "dpl_new",
      "serial": "1", "info": ["type": "build", "name": "bld"],
    ]
    let nested: JSON = [
      "type": "stderr", "created": 20,
      "payload": ["id": "2", "text": "two", "date": 20, "deploymentId": "dpl_new", "serial": "2"],
    ]
    let state: JSON = [
      "type": "deployment-state", "created": 30,
      "payload": ["id": "3", "date": 30, "deploymentId": "dpl_new", "serial": "3"],
    ]
    let vercel = FakeVercel([
      create: [.json(Sample.deployment("dpl_new"))],
      read: Array(repeating: .json(Sample.deployment("dpl_new", "BUILDING", assigned: false)), count: 9) + [
        ready()
      ],
      "GET /v3/deployments/dpl_new/events": [
        .json([flat]), .text(200, "\(flat.serialized())\n\(nested.serialized())\n"), .json([nested, state]),
      ],
    ])
    let record = Record()
    _ = await vercel.platform(packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock, record: record))
    #expect(record.logs == ["one", "two"])
    let asked = vercel.calls("GET /v3/deployments/dpl_new/events").map { $0.query["since"] }
    #expect(asked.first == .some(nil) && asked.contains("10") && asked.last == "20")
  }

  @Test("at its limit a build is cancelled")
  func limit() async {
    let building = Sample.deployment("dpl_new", "BUILDING", assigned: false)
    let vercel = FakeVercel([
      create: [.json(building)], read: [.json(building)],
      "PATCH /v12/deployments/dpl_new/cancel": [
        .json(Sample.deployment("dpl_new", "CANCELED", assigned: false))
      ],
    ])
    let step = Sample.step(.deploy(Sample.request()), limit: .seconds(120))
    let outcome = await vercel.platform(packer: FakePacker(files: files)).perform(
      step, Sample.call(vercel.clock, limit: .seconds(120)))
    #expect(outcome.failure?.kind == .timeout && outcome.moved == false)
    #expect(vercel.calls("PATCH /v12/deployments/dpl_new/cancel").count == 1)
  }

  @Test("a known deployment is only waited for")
  func known() async {
    let vercel = FakeVercel([read: [ready()]])
    let outcome = await vercel.platform().perform(step(), Sample.call(vercel.clock, externalID: "dpl_new"))
    #expect(outcome.word == "done" && vercel.calls(create).isEmpty)
  }

  @Test("a repository is built at the commit, as its host names it")
  func repository() async {
    let vercel = FakeVercel([
      "GET /v9/projects/prj_web": [
        .json(
          Sample.project(more: [
            "link": [
              "type": "github", "org": "acme", "repo": "web", "repoId": 42, "deployHooks": [],
              "gitCredentialId": "c", "productionBranch": "main",
            ]
          ]))
      ], create: [.json(Sample.deployment("dpl_new"))], read: [ready()],
    ])
    let source = PlannedSource.repository(name: "acme/web", commit: Sample.commit)
    #expect(await vercel.platform().perform(step(source), Sample.call(vercel.clock)).word == "done")
    #expect(
      vercel.calls(create).first?.body["gitSource"]
        == ["type": "github", "repoId": 42, "ref": .string(Sample.commit), "sha": .string(Sample.commit)])
  }

  @Test(
    "a deployment whose answer was lost is found by its marker, also on a later page and when it comes late")
  func correlation() async {
    let clock = ManualClock()
    let foreign = Sample.deployment("dpl_x", "BUILDING", marker: "shipit/shop/prod/6/web.deploy")
    let ours = Sample.deployment("dpl_new", "BUILDING", marker: Sample.marker)
    let vercel = FakeVercel(
      clock: clock,
      [
        "GET /v7/deployments": [
          .json(Sample.list([])), .error(502, "x"), .json(Sample.list([foreign], next: 77)),
          .json(Sample.list([ours])),
        ]
      ])
    let finding = await vercel.platform().probe(step(), Sample.call(clock))
    #expect(finding == .underWay(externalID: "dpl_new"))
    let asked = vercel.calls("GET /v7/deployments")
    #expect(asked.last?.query["until"] == "77" && asked.last?.query["projectId"] == "prj_web")
  }

  @Test("a creation of which nothing appears may be repeated; an unreadable platform leaves it open")
  func absent() async {
    let vercel = FakeVercel(["GET /v7/deployments": [.json(Sample.list([]))]])
    #expect(await vercel.platform().probe(step(), Sample.call(vercel.clock)) == .absent)
    let dead = FakeVercel(["GET /v7/deployments": [.error(503, "x")]])
    guard case .unknown = await dead.platform().probe(step(), Sample.call(dead.clock)) else {
      Issue.record("decided without an answer")
      return
    }
  }

  @Test("giving up cancels what is being built, and says what became of it")
  func abandon() async {
    let cancel = "PATCH /v12/deployments/dpl_new/cancel"
    let building = Reply.json(Sample.deployment("dpl_new", "BUILDING", assigned: false))
    let gone = FakeVercel([
      read: [building], cancel: [.json(Sample.deployment("dpl_new", "CANCELED", assigned: false))],
    ])
    let call = Sample.call(gone.clock, externalID: "dpl_new")
    #expect(await gone.platform().abandon(step(), call) == .cancelled)
    let staged = FakeVercel([read: [ready()]])
    #expect(await staged.platform().abandon(step(), call) == .cancelled, "staged and promoted by nobody")
    #expect(staged.calls(cancel).isEmpty)
    let deaf = FakeVercel([read: [building], cancel: [.error(503, "x")]])
    guard case .inFlight = await deaf.platform().abandon(step(), call) else {
      Issue.record("claimed to have stopped it")
      return
    }
  }

  @Test("no secret of the run and no token ever stands in an error")
  func secrets() async throws {
    let secret = "s3cr3t-\"quoted\"-value"
    let vercel = FakeVercel([
      create: [.error(400, "bad_request", "bad value \(secret) with \(FakeVercel.token)")]
    ])
    let values = SecretValues(values: ["API_KEY": Sensitive(secret)])
    let outcome = await vercel.platform(secrets: values, packer: FakePacker(files: files)).perform(
      step(), Sample.call(vercel.clock))
    let text = try #require(outcome.failure).description
    #expect(!text.contains(secret) && !text.contains("quoted") && !text.contains(FakeVercel.token))
    #expect(text.contains("‹secret›") && text.contains("bad_request"))
  }
}
