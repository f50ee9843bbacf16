import Concurrency
import HTTP
import HTTPServer
import JSON
import Model
import Twin

/// What goes wrong on one platform of a release over three.
enum Trouble: String, Sendable, CaseIterable {
  /// The request that makes the deployment takes effect and its answer is lost.
  case lostAnswer
  /// Ten times as slow, within every limit.
  case slow
  /// The deployment never ends.
  case stuck
  case buildFails
  /// Asked once to come back later.
  case rateLimited
  /// Somebody else deploys while we do.
  case foreign
  /// The platform's own switch is refused: its gate, the start of the new process, or the promotion.
  case gate
  /// Live and healthy for the platform, with a wrong revision; on Vercel the dark deployment answers errors.
  case wrongRevision
  /// The request that makes the deployment reaches nobody, once.
  case refused
  /// It is answered 502 without an effect, once.
  case badGateway
  /// It is never answered and has no effect, once.
  case hangs
}

/// Who answers at a service's public address.
enum Standing: String, Sendable {
  case old, new, foreign, nothing
  /// A revision that nobody deployed.
  case wrong
}

extension ReleaseWorld {
  /// Sets a trouble up for the next deploy.
  func arrange(_ trouble: Trouble, on platform: PlatformName) async throws {
    switch platform {
    case .railway: try await arrangeRailway(trouble)
    case .encore: try await arrangeEncore(trouble)
    case .vercel: try await arrangeVercel(trouble)
    }
  }

  private func arrangeRailway(_ trouble: Trouble) async throws {
    func add(_ script: JSON) async throws { await railway.add(try FaultScript(script)) }
    switch trouble {
    case .lostAnswer: try await add(["operation": "upload", "fault": "cut"])
    case .slow: await railway.change { $0.durations = $0.durations.scaled(by: 0.1) }
    case .stuck: try await add(["deployment": "stuck", "status": "BUILDING"])
    case .buildFails: try await add(["deployment": "build-fails"])
    case .rateLimited:
      try await add(["operation": "variableCollectionUpsert", "fault": "rate-limited", "retryAfter": 2])
    case .foreign: try await add(["deployment": "superseded", "after": 3])
    case .gate: try await add(["deployment": "gate-never-passes"])
    case .wrongRevision: try await add(["deployment": "wrong-revision"])
    case .refused: try await add(["operation": "upload", "fault": "refuse"])
    case .badGateway: try await add(["operation": "upload", "fault": "status", "status": 502])
    case .hangs: try await add(["operation": "upload", "fault": "hang"])
    }
  }

  private func arrangeEncore(_ trouble: Trouble) async throws {
    switch trouble {
    case .lostAnswer: try await encore.add(["operation": "trigger", "fault": "cut"])
    case .slow: await encore.change { $0.durations = $0.durations.scaled(by: 0.1) }
    case .stuck: try await encore.add(["rollout": "never-finishes", "step": "building"])
    case .buildFails: try await encore.add(["rollout": "build-fails"])
    case .rateLimited:
      try await encore.add(["operation": "trigger", "fault": "rate-limited", "retryAfter": 2])
    case .foreign:
      try await encore.add(["rollout": "superseded", "seconds": 3, "sha": .string(Worlds.commits[2])])
    case .gate: try await encore.add(["rollout": "start-fails"])
    case .wrongRevision: try await encore.add(["rollout": "wrong-revision"])
    case .refused: try await encore.add(["operation": "trigger", "fault": "refuse"])
    case .badGateway: try await encore.add(["operation": "trigger", "fault": "status", "status": 502])
    case .hangs: try await encore.add(["operation": "trigger", "fault": "hang"])
    }
  }

  private func arrangeVercel(_ trouble: Trouble) async throws {
    // The first answer asks for files; the second one makes the deployment.
    func create(_ fault: JSON) async throws {
      var script = fault.object ?? [:]
      script["operation"] = "createDeployment"
      script["nth"] = 2
      try await vercel.add(.object(script))
    }
    switch trouble {
    case .lostAnswer: try await create(["fault": "cut"])
    case .slow: await vercel.change { $0.durations.build = .seconds(150) }
    case .stuck: try await vercel.add(["deployment": "stuck", "status": "BUILDING"])
    case .buildFails: try await vercel.add(["deployment": "build-error"])
    case .rateLimited:
      try await vercel.add(["operation": "createProjectEnv", "fault": "rate-limited", "retryAfter": 2])
    case .foreign: deployByHand()
    case .gate: try await vercel.add(["job": "fails", "type": "promote"])
    case .wrongRevision: try await vercel.add(["deployment": "answers", "status": 500])
    case .refused: try await create(["fault": "refuse"])
    case .badGateway: try await create(["fault": "status", "status": 502])
    case .hangs: try await create(["fault": "hang"])
    }
  }

  /// A page by hand, as somebody at the command line deploys it once ours has begun: it takes production.
  private func deployByHand() {
    let earlier = Locked<Int?>(nil)
    _ = spawn {
      while true {
        let count = await vercel.count(of: "createDeployment")
        let before = earlier.withLock { known in
          known = known ?? count
          return known ?? 0
        }
        if count >= before + 2 { break }
        guard (try? await clock.sleep(for: .milliseconds(500))) != nil else { return }
      }
      let body: JSON = [
        "name": "web", "project": "prj_web", "target": "production",
        "files": [["file": "health/index.html", "data": "foreign", "encoding": "utf-8"]],
      ]
      _ = try? await transport.send(
        HTTPRequest(
          method: "POST",
          url: (InProcessTransport.bases["vercel"] ?? "")
            + "/v13/deployments?teamId=team_acme&forceNew=1",
          headers: [("Authorization", "Bearer " + Worlds.token), ("Content-Type", "application/json")],
          body: .bytes(Array(body.serialized().utf8))))
    }
  }
}

/// What the twins themselves say.
extension ReleaseWorld {
  static func webHost(_ name: String) -> String { "\(name).vercel.localhost" }

  private func standing(of commit: String?) -> Standing {
    switch commit {
    case nil: .nothing
    case Worlds.commits[0]: .old
    case Worlds.commits[1]: .new
    case Worlds.commits[2]: .foreign
    default: .wrong
    }
  }

  /// Who answers at each address, by service.
  func standings() async -> [String: Standing] {
    var standings: [String: Standing] = [:]
    for name in shape.apis { standings[name] = await standing(ofAPI: name) }
    standings["jobs"] = await jobsStanding()
    for name in shape.webs {
      let state = await vercel.state
      let live = state.projects["prj_" + name]?.production.flatMap { state.deployments[$0] }
      standings[name] = live.map { standing(of: $0.meta["commit"] ?? Worlds.commits[2]) } ?? .nothing
    }
    return standings
  }

  private func standing(ofAPI name: String) async -> Standing {
    let state = await railway.state
    guard let id = state.services.values.first(where: { $0.name == name })?.id,
      let address = state.instances.first(where: { $0.key.service == id })?.value.address,
      let live = runtime.deployment(at: address),
      let answer = runtime.answer(address: address, path: "/health"), answer.status == 200
    else { return .nothing }
    if state.deployments[live]?.trigger == .foreign { return .foreign }
    return standing(of: try? JSON(parsing: answer.body)["version"]?.string)
  }

  private func jobsStanding() async -> Standing {
    let state = await encore.state
    guard let live = state.environments.values.first?.traffic.live, let rollout = state.rollouts[live] else {
      return .nothing
    }
    return rollout.trigger == .foreign ? .foreign : standing(of: rollout.revision)
  }

  /// Services with a deployment of ours that is not at its end.
  func inFlight() async -> Set<String> {
    let railway = await railway.state
    var names = Set(
      railway.deployments.values.filter { $0.isInFlight && $0.trigger != .foreign }
        .compactMap { railway.services[$0.key.service]?.name })
    if await encore.state.rollouts.values.contains(where: { $0.step != .completed && $0.trigger == .api }) {
      names.insert("jobs")
    }
    for deployment in await vercel.state.deployments.values
    where !deployment.readyState.isFinal && deployment.meta["shipit"] != nil {
      names.insert(deployment.name)
    }
    return names
  }

  /// Deployments that shipit made of the new commit, by service; none may be made twice.
  func made() async -> [String: Int] {
    let state = await railway.state
    var made: [String: Int] = [:]
    for deployment in state.deployments.values
    where deployment.trigger == .upload
      && deployment.meta["cliMessage"]?.string?.contains(Worlds.commits[1]) == true
    {
      made[state.services[deployment.key.service]?.name ?? "?", default: 0] += 1
    }
    made["jobs"] = await encore.state.rollouts.values.count {
      $0.commit.sha == Worlds.commits[1] && $0.trigger == .api
    }
    for deployment in await vercel.state.deployments.values
    where deployment.meta["commit"] == Worlds.commits[1] && deployment.meta["shipit"] != nil {
      made[deployment.name, default: 0] += 1
    }
    return made
  }

  /// Asks the public address of a front end all the while, as its users do.
  func visitWeb() async {
    while (try? await clock.sleep(for: .seconds(1))) != nil {
      for name in shape.webs {
        _ = try? await transport.send(
          HTTPRequest(
            url: "http://\(ReleaseWorld.webHost(name)):\(VercelTwin.scriptedEdgePort)/health"))
      }
    }
  }

  /// Whether a scripted fault of requests was met.
  func metFault() async -> Bool {
    if await railway.requests.contains(where: { $0.fault != nil }) { return true }
    if await vercel.requests.contains(where: { $0.fault != nil }) { return true }
    let answer = await encore.control(
      ServerRequest(method: "GET", path: "/requests", query: [], headers: [], body: []))
    guard case .bytes(let bytes) = answer.body else { return false }
    return (try? JSON(parsing: bytes))?.array?.contains { $0["fault"]?.string != nil } ?? false
  }

  /// How often the front ends' public addresses were answered by some deployment.
  func visits() async -> Int {
    let hosts = Set(shape.webs.map { ReleaseWorld.webHost($0) })
    return await vercel.edgeRequests.count { hosts.contains($0.host) && $0.deployment != nil }
  }

  /// Public answers of a front end's new deployment before its promotion was asked for.
  func servedUnpromoted() async -> [String] {
    let ours = Set(
      await vercel.state.deployments.values.filter { $0.meta["commit"] == Worlds.commits[1] }.map(\.id))
    var promoted: [String: Timestamp] = [:]
    for request in await vercel.requests where request.operation == "requestPromote" {
      for id in ours where request.path.contains(id) { promoted[id] = promoted[id] ?? request.time }
    }
    let hosts = Set(shape.webs.map { ReleaseWorld.webHost($0) })
    return await vercel.edgeRequests.compactMap { record in
      guard hosts.contains(record.host), let id = record.deployment, ours.contains(id) else { return nil }
      if let since = promoted[id], since <= record.time { return nil }
      return "\(record.host) was answered by \(id) at \(record.time.iso8601)"
    }
  }
}
