import Archive
import Concurrency
import Crypto
import Foundation
import HTTP
import JSON
import Model
import Railway
import TestSupport
import Twin

/// Railway: one service from a directory, in a project of two environments.
struct RailwayWorld: PlatformWorld {
  static let cutOver = CutOver.gated

  let clock: any TimeSource
  let spawn: Spawner
  let services = ScriptedRuntime()
  let core: TwinCore
  let files: ScratchDirectory
  let chance = Locked(UInt64(3))

  init(clock: any TimeSource, spawn: Spawner) async throws {
    self.clock = clock
    self.spawn = spawn
    files = try ScratchDirectory()
    let seed: JSON = [
      "workspaces": [["name": "acme", "plan": "pro"], ["name": "other", "plan": "pro"]],
      "projects": [
        ["name": "shop", "workspace": "acme", "environments": ["production"], "services": [["name": "app"]]],
        [
          "name": "else", "workspace": "other", "environments": ["production"], "services": [["name": "app"]],
        ],
      ],
      "tokens": [
        ["token": .string(Worlds.token), "kind": "workspace", "workspace": "acme"],
        ["token": .string(Worlds.stranger), "kind": "workspace", "workspace": "other"],
      ],
    ]
    core = try TwinCore(clock: clock, runtime: services, seed: seed, recording: Recording.ofTests)
  }

  var transport: any HTTPTransport { InProcessTransport(core: core, services: services) }

  func platform(_ access: WorldAccess, _ secrets: SecretValues) -> any Platform {
    RailwayPlatform(
      baseURL: InProcessTransport.base, http: transport, clock: clock,
      token: Sensitive(access == .owner ? Worlds.token : Worlds.stranger), secrets: secrets,
      packer: OneFilePacker(directory: files.path), spawn: spawn, random: { 0.5 })
  }

  func environment(greeting: String) -> Model.Environment {
    Model.Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "TOKEN")),
      services: [
        Service(
          key: "app", source: .directory(path: ".", root: nil, include: []),
          variables: [
            "GREETING": .text(Template(text: greeting)), "APP_KEY": .secret("APP_KEY"),
          ],
          health: Health(
            path: "/health", identity: .json("version"), within: .seconds(60), steady: 2, grace: .seconds(5),
            soak: .seconds(20)))
      ])
  }

  func arrange(_ trouble: WorldTrouble) async throws -> String? {
    func add(_ script: JSON) async throws { await core.add(try FaultScript(script)) }
    switch trouble {
    case .loseAnswer: try await add(["operation": "upload", "fault": "cut"])
    case .slow: await core.change { $0.durations = $0.durations.scaled(by: 0.1) }
    case .stuck: try await add(["deployment": "stuck", "status": "BUILDING"])
    case .buildFails: try await add(["deployment": "build-fails"])
    case .rateLimited:
      try await add(["operation": "variableCollectionUpsert", "fault": "rate-limited", "retryAfter": 2])
    case .foreignDeployment: try await add(["deployment": "superseded", "after": 3])
    case .retentionPassed:
      await core.change { world in
        for id in world.deployments.keys { world.deployments[id]?.imageExpired = true }
      }
    case .secondDeployer:
      await core.change { world in
        for key in world.instances.keys {
          world.instances[key]?.source = .repository("acme/shop", branch: "main")
          world.instances[key]?.autoDeploy.enabled = true
        }
      }
    }
    return nil
  }

  func served() async -> String? {
    let state = await core.state
    guard
      let key = state.instances.keys.first(where: {
        state.services[$0.service].flatMap { state.projects[$0.project]?.name } == "shop"
      }), let address = state.instances[key]?.address,
      let answer = services.answer(address: address, path: "/health"), answer.status == 200
    else { return nil }
    return try? JSON(parsing: answer.body)["version"]?.string
  }

  func made(of commit: String) async -> Int {
    let state = await core.state
    return state.deploymentOrder.count { id in
      guard let deployment = state.deployments[id], deployment.trigger == .upload else { return false }
      return deployment.meta["cliMessage"]?.string?.contains(commit) ?? false
    }
  }

  func requests() async -> Int { await core.count(of: "deploymentRollback") }
}

/// Packs one small file that holds its commit.
struct OneFilePacker: SourcePacker {
  let directory: String
  var name = "main"

  func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
    -> PackedSource
  {
    let file = "\(directory)/\(UUID().uuidString).tar.gz"
    do {
      let writer = try ArchiveWriter(to: file)
      try writer.addFile("./" + name, bytes: Array(commit.utf8))
      try writer.finish()
    } catch { throw Failure(.internalError, "cannot pack: \(error)") }
    return PackedSource(file: file, bytes: 200, files: 1, digest: SHA256.digest(of: commit).hex)
  }
}

extension Recording {
  /// Writes what was asked and answered; for `SHIPIT_RECORD`.
  static let ofTests: Recording? = {
    guard let path = ProcessInfo.processInfo.environment["SHIPIT_RECORD"] else { return nil }
    return try? Recording(path: path)
  }()
}
