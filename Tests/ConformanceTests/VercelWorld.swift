import Concurrency
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Twin
import Vercel

/// Vercel: one project of a team, its deployments protected, its production at the project's own host.
struct VercelWorld: PlatformWorld {
  static let cutOver = CutOver.staged

  let clock: any TimeSource
  let spawn: Spawner
  let twin: VercelTwin
  let files: ScratchDirectory

  init(clock: any TimeSource, spawn: Spawner) async throws {
    self.clock = clock
    self.spawn = spawn
    files = try ScratchDirectory()
    twin = try VercelTwin(
      EmulationSetup(
        seed: [
          "teams": [["id": "team_acme", "slug": "acme"], ["id": "team_other", "slug": "other"]],
          "projects": [["id": "prj_app", "name": "app", "team": "acme"]],
          "tokens": [
            ["token": .string(Worlds.token), "kind": "team", "team": "acme"],
            ["token": .string(Worlds.stranger), "kind": "team", "team": "other"],
          ],
        ], clock: clock, recording: Recording.ofTests))
  }

  private static let host = "app.vercel.localhost:\(VercelTwin.scriptedEdgePort)"
  private static let base = InProcessTransport.bases["vercel"] ?? ""

  var transport: any HTTPTransport { InProcessTransport([twin]) }

  func platform(_ access: WorldAccess, _ secrets: SecretValues) -> any Platform {
    VercelPlatform(
      baseURL: VercelWorld.base, http: transport, clock: clock,
      token: Sensitive(access == .owner ? Worlds.token : Worlds.stranger), secrets: secrets,
      packer: OneFilePacker(directory: files.path, name: "health/index.html"), temporaryDirectory: files.path,
      disk: .inline, random: { 0.5 })
  }

  func environment(greeting: String) -> Model.Environment {
    Model.Environment(
      name: "prod", app: "shop",
      platforms: Platforms(vercel: VercelTarget(team: "acme", tokenSecret: "TOKEN")),
      services: [
        Service(
          key: "app", platform: .vercel, source: .directory(path: ".", root: nil, include: []),
          variables: [
            "GREETING": .text(Template(text: greeting)), "APP_KEY": .secret("APP_KEY"),
          ],
          health: Health(
            path: "/health", identity: .vercel, within: .seconds(60), steady: 2, grace: .seconds(5),
            soak: .seconds(20)))
      ])
  }

  func arrange(_ trouble: WorldTrouble) async throws -> String? {
    switch trouble {
    // The first answer asks for files; the second one makes the deployment.
    case .loseAnswer: try await twin.add(["operation": "createDeployment", "fault": "cut", "nth": 2])
    case .slow: await twin.change { $0.durations.build = .seconds(150) }
    case .stuck: try await twin.add(["deployment": "stuck", "status": "BUILDING"])
    case .buildFails:
      try await twin.add(["deployment": "build-error", "message": "Command \"npm run build\" exited with 1"])
    case .rateLimited:
      try await twin.add(["operation": "createProjectEnv", "fault": "rate-limited", "retryAfter": 2])
    case .foreignDeployment:
      let transport = transport
      let clock = clock
      spawn {
        try? await clock.sleep(for: .seconds(3))
        // A page by hand, as somebody at the command line deploys it: it takes production at once.
        let body: JSON = [
          "name": "app", "project": "prj_app", "target": "production",
          "files": [["file": "health/index.html", "data": "foreign", "encoding": "utf-8"]],
        ]
        _ = try? await transport.send(
          HTTPRequest(
            method: "POST", url: VercelWorld.base + "/v13/deployments?teamId=team_acme&forceNew=1",
            headers: [("Authorization", "Bearer " + Worlds.token), ("Content-Type", "application/json")],
            body: .bytes(Array(body.serialized().utf8))))
      }
    case .retentionPassed:
      await twin.change { world in
        let live = world.projects["prj_app"]?.production
        for id in world.deployments.keys where id != live { world.deployments[id]?.isSoftDeleted = true }
      }
    case .secondDeployer:
      await twin.change { world in
        world.projects["prj_app"]?.link = [
          "type": "github", "org": "acme", "repo": "shop", "repoId": 42, "productionBranch": "main",
          "deployHooks": [], "gitCredentialId": "cred_1", "sourceless": false, "createdAt": 1, "updatedAt": 1,
        ]
      }
    }
    return nil
  }

  func served() async -> String? {
    guard let answer = try? await transport.send(HTTPRequest(url: "http://\(VercelWorld.host)/health")),
      answer.status == 200
    else { return nil }
    return answer.text
  }

  func made(of commit: String) async -> Int {
    await twin.state.deployments.values.count {
      $0.meta["commit"] == commit && $0.meta["shipit"]?.hasSuffix(".deploy") == true
    }
  }

  func requests() async -> Int { await twin.count(of: "requestRollback") }
}
