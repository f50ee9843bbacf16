import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

@Suite struct ObservationTests {
  private func vercel(_ more: [String: [Reply]] = [:], project: JSON = Sample.project()) -> FakeVercel {
    FakeVercel(
      [
        "GET /v2/teams/acme": [.json(Sample.team)], "GET /v9/projects/web": [.json(project)],
        "GET /v10/projects/prj_web/env": [Sample.variables([])],
        "GET /v7/deployments": [.json(Sample.list([Sample.deployment("dpl_new", substate: "STAGED")]))],
      ].merging(more) { _, own in own })
  }

  private func observed(_ vercel: FakeVercel, domains: [String] = ["web.example.com"]) async throws -> (
    ObservedService, [String]
  ) {
    let found = try await vercel.platform().observe(Sample.environment(domains: domains))
    return (try #require(found.services["web"]), found.notes)
  }

  @Test("a project is read with its team's id in every request")
  func observe() async throws {
    let project = Sample.project(more: [
      "buildCommand": "npm run build", "framework": "nextjs", "rootDirectory": "frontend",
      "outputDirectory": "out",
    ])
    let vercel = vercel(
      [
        "GET /v10/projects/prj_web/env": [
          Sample.variables([
            Sample.variable("LOG_LEVEL", "info", updated: 11),
            Sample.variable("API_KEY", type: "sensitive", updated: 12),
            Sample.variable("PREVIEW", "x", target: ["preview"]),
            Sample.variable("BRANCH", "x", more: ["gitBranch": "dev"]),
          ])
        ]
      ], project: project)
    let (service, _) = try await observed(vercel)
    #expect(service.target.ids == ["project": "prj_web", "team": "team_acme"])
    #expect(service.settings.build == "npm run build" && service.settings.framework == "nextjs")
    #expect(
      service.settings.root == "frontend" && service.settings.output == "out"
        && service.settings.node == "22.x")
    #expect(service.variables == ["LOG_LEVEL": Sensitive("info"), "API_KEY": nil])
    #expect(service.variableTimes["API_KEY"] == Timestamp(milliseconds: 12))
    #expect(
      service.live?.id == "dpl_old" && service.live?.commit == Sample.commit && service.live?.status == .live)
    #expect(service.newest?.word == "READY STAGED")
    #expect(service.address == "https://web.example.com" && service.cutOver == .staged)
    #expect(
      service.restoreMode == .codeAndVariables && !service.autoDeploys && service.missingDomains.isEmpty)
    let others = vercel.calls.filter { $0.route != "GET /v2/teams/acme" }
    #expect(others.allSatisfy { $0.query["teamId"] == "team_acme" } && others.count >= 4)
  }

  @Test("without a team nothing but the personal scope is asked")
  func personal() async throws {
    let vercel = vercel()
    _ = try await vercel.platform().observe(Sample.environment(team: nil))
    #expect(
      vercel.calls.allSatisfy { $0.query["teamId"] == nil } && !vercel.routes.contains("GET /v2/teams/acme"))
  }

  @Test("a token of one project cannot read its team: with the team's id it works, with a slug it says so")
  func projectToken() async throws {
    let forbidden = Reply.error(403, "forbidden", "Not authorized")
    let byID = vercel(["GET /v2/teams/team_acme": [forbidden]])
    let found = try await byID.platform().observe(Sample.environment(team: "team_acme"))
    #expect(found.services["web"]?.target.ids["team"] == "team_acme")
    let bySlug = vercel(["GET /v2/teams/acme": [forbidden]])
    let failure = await #expect(throws: Failure.self) {
      _ = try await bySlug.platform().observe(Sample.environment())
    }
    #expect(failure?.kind == .authentication && failure?.hint?.contains("team_…") == true)
  }

  @Test("a project that is not there is told with the team that was asked")
  func noProject() async {
    let vercel = vercel(["GET /v9/projects/web": [.error(404, "not_found", "Project not found")]])
    let failure = await #expect(throws: Failure.self) {
      _ = try await vercel.platform().observe(Sample.environment())
    }
    #expect(failure?.kind == .configuration && failure?.message.contains("acme") == true)
    #expect(failure?.cause == "not_found: Project not found")
  }

  @Test("a pin, a pause, pushes and a rolling release are told")
  func notes() async throws {
    let project = Sample.project(
      pinned: true,
      more: [
        "paused": true,
        "rollbackDescription": [
          "userId": "u", "username": "ann", "description": "broken", "createdAt": 1_766_000_000_000,
        ],
        "link": [
          "type": "github", "org": "acme", "repo": "web", "repoId": 4, "deployHooks": [],
          "gitCredentialId": "c", "productionBranch": "main",
        ],
        "rollingRelease": [
          "target": "production", "stages": [["targetPercentage": 10], ["targetPercentage": 100]],
        ],
      ])
    let (service, notes) = try await observed(vercel(project: project))
    #expect(service.autoDeploys && service.connectedSource == "github acme/web")
    #expect(notes.contains { $0.contains("pinned by a rollback by ann") && $0.contains("broken") })
    #expect(notes.contains { $0.contains("paused") } && notes.contains { $0.contains("10 % → 100 %") })
  }

  @Test(
    "pushes deploy unless the project or its policy says otherwise",
    arguments: [
      ([:], true), (["gitProviderOptions": ["createDeployments": "disabled"]], false),
      (
        [
          "deploymentPolicy": [
            "deploymentSources": [
              [
                "enabled": true, "environments": [["type": "system", "target": "production"]],
                "sources": ["cli"],
              ]
            ]
          ]
        ], false
      ),
      (
        [
          "deploymentPolicy": [
            "deploymentSources": [
              [
                "enabled": true, "environments": [["type": "system", "target": "preview"]],
                "sources": ["cli"],
              ]
            ]
          ]
        ], true
      ),
      (
        [
          "deploymentPolicy": [
            "deploymentSources": [
              [
                "enabled": true, "environments": [["type": "system", "target": "production"]],
                "sources": ["git"],
              ]
            ]
          ]
        ], true
      ),
    ] as [([String: JSON], Bool)])
  func pushes(more: [String: JSON], deploys: Bool) throws {
    let link: JSON = ["type": "github", "org": "acme", "repo": "web"]
    let project = try #require(
      ProjectAnswer(Sample.project(more: more.merging(["link": link]) { own, _ in own })))
    #expect(project.deploysPushes == deploys)
    let policy = PushPolicy.changed(project.policy, pushes: false)
    #expect(PushPolicy.forbidsPushes(policy))
    #expect(!PushPolicy.forbidsPushes(PushPolicy.changed(policy, pushes: true)))
  }

  @Test("missing domains are listed, and DNS advice is Vercel's own, by rank")
  func domains() async throws {
    let vercel = vercel([
      "GET /v9/projects/prj_web/domains": [
        .json(
          Sample.domains(
            ["web.example.com"],
            more: [
              "verified": false,
              "verification": [
                ["type": "TXT", "domain": "_vercel.example.com", "value": "vc-1", "reason": "pending"]
              ],
            ]))
      ],
      "GET /v6/domains/web.example.com/config": [
        .json([
          "configuredBy": "A", "acceptedChallenges": [], "misconfigured": true,
          "recommendedIPv4": [["rank": 2, "value": ["192.0.2.2"]], ["rank": 1, "value": ["192.0.2.1"]]],
          "recommendedCNAME": [["rank": 1, "value": "abc.vercel-dns.example"]],
        ])
      ],
    ])
    let (service, notes) = try await observed(vercel, domains: ["web.example.com", "www.example.com"])
    #expect(service.missingDomains == ["www.example.com"])
    let note = try #require(notes.first { $0.hasPrefix("web.example.com") })
    #expect(note.contains("TXT _vercel.example.com = vc-1"))
    #expect(note.contains("CNAME abc.vercel-dns.example, or A 192.0.2.1") && !note.contains("192.0.2.2"))
  }

  @Test("what vercel.json says and an upload cannot carry is told before anything is done")
  func configuration() async throws {
    let scratch = try ScratchDirectory()
    try scratch.write(#"{"headers": []}"#, to: "web/vercel.json")
    let source = ServiceSource.directory(path: "web", root: nil, include: [])
    let found = try await vercel().platform(root: scratch.path).observe(Sample.environment(source))
    #expect(found.notes == ["web: `headers` in vercel.json needs `source.build: cli`"])
  }

  @Test("the Hobby plan's limit is known beforehand")
  func hobby() async throws {
    var hobby = Sample.team.object ?? [:]
    hobby["billing"] = ["plan": "hobby"]
    let (service, _) = try await observed(vercel(["GET /v2/teams/acme": [.json(.object(hobby))]]))
    #expect(service.restoreNote?.contains("one step only") == true)
  }

  @Test(
    "addresses are https, and http with a port on loopback",
    arguments: [
      ("web.example.com", "https://web.example.com"), ("web-1.localhost", "http://web-1.localhost:4010"),
      ("web-1.localhost:5000", "http://web-1.localhost:5000"), ("127.0.0.1", "http://127.0.0.1:4010"),
    ])
  func addresses(host: String, address: String) {
    #expect(Addresses(baseURL: "http://127.0.0.1:4010").address(of: host) == address)
    let edge = Addresses(baseURL: "http://127.0.0.1:4010").address(
      of: "a.localhost", beside: ["b.localhost:80"])
    #expect(edge == "http://a.localhost:80")
  }

  @Test("what a host leads to is asked of the aliases, then taken for a deployment's own address")
  func serving() async throws {
    let vercel = FakeVercel([
      "GET /v4/aliases/web.example.com": [Sample.alias("dpl_old")],
      "GET /v13/deployments/dpl_new.vercel.app": [.json(Sample.deployment("dpl_new"))],
    ])
    let platform = vercel.platform()
    #expect(try await platform.deployment(serving: "web.example.com", of: Sample.target) == "dpl_old")
    for _ in 0..<3 {
      #expect(try await platform.deployment(serving: "dpl_new.vercel.app", of: Sample.target) == "dpl_new")
    }
    #expect(
      vercel.calls("GET /v13/deployments/dpl_new.vercel.app").count == 1, "its own address is its for ever")
    #expect(try await platform.deployment(serving: "nobody.example.com", of: Sample.target) == nil)
  }

  @Test("the key that passes the protection is taken, or made once; it never stands in an error")
  func bypass() async throws {
    let key = "0123456789abcdef0123456789abcdef"
    let entry: JSON = ["scope": "automation-bypass", "createdAt": 1, "createdBy": "u", "isEnvVar": true]
    let sso: JSON = ["deploymentType": "all"]
    let existing = FakeVercel([
      "GET /v9/projects/prj_web": [
        .json(Sample.project(more: ["ssoProtection": sso, "protectionBypass": .object([key: entry])]))
      ]
    ])
    let learned = Locked<[Sensitive]>([])
    let hide: @Sendable (String, Sensitive) -> Void = { _, value in learned.withLock { $0.append(value) } }
    let headers = try await existing.platform(hide: hide).accessHeaders(of: Sample.target)
    #expect(learned.withLock { $0 } == [Sensitive(key)], "what is read is not hidden from what is printed")
    #expect(headers.map(\.name) == ["x-vercel-protection-bypass"] && headers.first?.value == Sensitive(key))

    let patch = "PATCH /v1/projects/prj_web/protection-bypass"
    let making = FakeVercel([
      "GET /v9/projects/prj_web": [.json(Sample.project(more: ["ssoProtection": sso]))],
      patch: [.json(["protectionBypass": .object([key: entry])])],
      "GET /v13/deployments/dpl_1": [.error(400, "bad_request", "no \(key) please")],
    ])
    learned.withLock { $0 = [] }
    let platform = making.platform(hide: hide)
    for _ in 0..<2 {
      #expect(try await platform.accessHeaders(of: Sample.target).first?.value == Sensitive(key))
    }
    #expect(making.calls(patch).count == 1)
    #expect(learned.withLock { $0 } == [Sensitive(key)], "what is made is not hidden from what is printed")
    let failure = await #expect(throws: Failure.self) {
      _ = try await platform.deployment("dpl_1", of: Sample.target)
    }
    #expect(failure?.description.contains(key) == false)

    let open = FakeVercel()
    #expect(
      try await open.platform().accessHeaders(of: Sample.target).isEmpty && !open.routes.contains(patch))
  }

  @Test("what served before and is replaced is told as removed; what is left to go back to is listed")
  func history() async throws {
    let vercel = vercel([
      "GET /v7/deployments": [
        .json(
          Sample.list([
            Sample.deployment("dpl_3", substate: "STAGED"),
            Sample.deployment("dpl_old", substate: "PROMOTED"),
            Sample.deployment("dpl_1", substate: "PROMOTED", more: ["softDeletedByRetention": true]),
          ]))
      ],
      "GET /v13/deployments/dpl_0": [.json(Sample.deployment("dpl_0", substate: "PROMOTED"))],
      "GET /v13/deployments/dpl_3": [.json(Sample.deployment("dpl_3", substate: "STAGED"))],
    ])
    let history = try await vercel.platform().history(Sample.environment(), limit: 10)
    #expect(history["web"]?.map(\.id) == ["dpl_old", "dpl_1"])
    #expect(history["web"]?.map(\.canRollback) == [true, false])
    let replaced = try #require(try await vercel.platform().deployment("dpl_0", of: Sample.target))
    #expect(replaced.status == .removed && replaced.canRollback)
    let staged = try #require(try await vercel.platform().deployment("dpl_3", of: Sample.target))
    #expect(staged.status == .live && staged.instances["RUNNING"] == 1 && !staged.canRollback)
    #expect(try await vercel.platform().deployment("dpl_gone", of: Sample.target) == nil)
  }

  @Test("on the Hobby plan only what Vercel marks as a candidate may be gone back to")
  func hobbyCandidate() async throws {
    let old = Sample.deployment("dpl_0", substate: "PROMOTED", more: ["plan": "hobby"])
    let marked = Sample.deployment("dpl_0", substate: "PROMOTED", more: ["isRollbackCandidate": true])
    for (list, expected) in [([marked], true), ([], false)] {
      let vercel = vercel([
        "GET /v13/deployments/dpl_0": [.json(old)], "GET /v7/deployments": [.json(Sample.list(list))],
      ])
      #expect(try await vercel.platform().deployment("dpl_0", of: Sample.target)?.canRollback == expected)
      #expect(vercel.calls("GET /v7/deployments").first?.query["rollbackCandidate"] == "true")
    }
  }

  @Test("status asks each project once and tells the pin")
  func live() async throws {
    let vercel = vercel(project: Sample.project(pinned: true))
    let state = try #require(try await vercel.platform().live(Sample.environment())["web"])
    #expect(state.live?.id == "dpl_old" && state.address == "https://web.example.com")
    #expect(state.notes.contains { $0.contains("pinned") })
    #expect(vercel.calls.count == 2)
  }

  @Test("runtime logs are told from where they are asked")
  func logs() async throws {
    func line(_ at: Int64, _ text: String) -> JSON {
      [
        "level": "error", "message": .string(text), "rowId": "r", "source": "serverless",
        "timestampInMs": .int(at),
        "domain": "d", "messageTruncated": false, "requestMethod": "GET", "requestPath": "/x",
        "responseStatusCode": 500,
      ]
    }
    let vercel = FakeVercel([
      "GET /v1/projects/prj_web/deployments/dpl_old/runtime-logs": [
        .text(200, "\(line(10, "old").serialized())\n\(line(20, "boom").serialized())\n")
      ]
    ])
    let lines = try await vercel.platform().logs(
      LogQuery(target: Sample.target, since: Timestamp(milliseconds: 15)))
    #expect(lines.map(\.text) == ["GET /x 500  boom"] && lines.first?.severity == "error")
  }

  @Test("doctor tells a token of one project from an invalid one, and what the project lacks")
  func doctor() async throws {
    func examine(_ user: Reply, token: String) async -> [Examination] {
      let vercel = vercel(["GET /v2/user": [user]], project: Sample.project(pinned: true))
      let platform = VercelPlatform(
        baseURL: "http://127.0.0.1:4010", http: vercel.transport, clock: vercel.clock,
        token: Sensitive(token),
        secrets: SecretValues(), packer: FakePacker(files: [:]), random: { 0.5 })
      return await platform.examine(Sample.environment(domains: ["web.example.com", "www.example.com"]))
    }
    let project = await examine(.error(404, "not_found"), token: "vcp_1234567890")
    #expect(project.first?.verdict == .good && project.first?.detail.contains("one project") == true)
    let bad = await examine(.error(403, "forbidden", "invalidToken"), token: "vca_1234567890")
    #expect(bad.map(\.verdict) == [.bad] && bad.first?.hint != nil)
    #expect(bad.first?.because == .authentication)
    let user = await examine(
      .json([
        "user": [
          "limited": true, "id": "u", "email": "e", "name": .null, "username": "ann", "avatar": .null,
          "defaultTeamId": .null,
        ]
      ]), token: "vca_1234567890")
    #expect(user.contains { $0.subject == "Vercel pin of web" && $0.verdict == .warning })
    #expect(user.contains { $0.subject == "Vercel domain www.example.com" && $0.verdict == .warning })
    #expect(user.contains { $0.subject == "Vercel team" && $0.detail.contains("plan pro") })
  }
}
