import Concurrency
import HTTPServer
import JSON

/// The control surface, outside the paths that Railway has: see docs of `shipit twin`.
extension TwinCore {
  /// Answers a request under `/_twin/`. Requests that a web page of another origin could send are refused.
  func answerControl(_ request: ServerRequest) -> ServerResponse {
    if let refusal = ControlSurface.refusal(of: request) { return refusal }
    let name = request.path.split(separator: "/").dropFirst().joined(separator: "/")
    do {
      switch (request.method, name) {
      case ("GET", ""):
        return ServerResponse(
          status: 200, headers: [("Content-Type", "text/html; charset=utf-8")],
          body: .bytes(Array(Page.html.utf8)))
      case ("GET", "state"): return .json(200, overview)
      case ("GET", "requests"):
        let since = request.query.first { $0.name == "since" }.flatMap { Int($0.value) } ?? 0
        return .json(200, .array(requests.filter { $0.number > since }.map(\.json)))
      case ("GET", "metrics"):
        return ServerResponse(
          status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
          body: .bytes(Array(runtime.exposition.utf8)))
      case ("GET", "counts"): return .json(200, countsAsJSON)
      case ("GET", "faults"): return .json(200, faultsAsJSON)
      case ("DELETE", "faults"):
        clearFaults()
        return done
      case ("POST", _):
        let body = request.body.isEmpty ? JSON.object([:]) : try JSON(parsing: request.body)
        return try command(name, body)
      default: return .json(404, ["error": "unknown control path"])
      }
    } catch let refusal as Refusal {
      return .json(400, ["error": .string(refusal.message)])
    } catch {
      return .json(400, ["error": .string(String(describing: error))])
    }
  }

  private var done: ServerResponse { .json(200, ["ok": true]) }

  private func command(_ name: String, _ body: JSON) throws -> ServerResponse {
    defer { settle() }
    switch name {
    case "faults":
      for script in try (body.array ?? [body]).map({ try FaultScript($0) }) { add(script) }
    case "seed": try world.plant(body) { try runtime.address(of: $0) }
    case "sources": world.read(sources: body)
    case "clock": try setClock(body)
    case "switches": setSwitches(body)
    case "rate-limit":
      limitRate(
        to: Int(body["limit"]?.int ?? 100_000), per: .seconds(body["window"]?.int ?? 3600),
        perSecond: body["perSecond"]?.int.map { Int($0) })
    case "dns":
      // `{"domain": "example.com"}`: its records are right from now on, and those of all names below it.
      guard let domain = body["domain"]?.string else { throw Refusal("dns needs the key \"domain\"") }
      if body["right"]?.bool == false { world.dns.remove(domain) } else { world.dns.insert(domain) }
    case "incident": setIncident(body["message"]?.string)
    case "environment":
      let id = body["environment"]?.string ?? ""
      for place in world.environments.values where place.id == id || place.name == id {
        if let canAccess = body["canAccess"]?.bool { world.environments[place.id]?.canAccess = canAccess }
        if let count = body["unmergedChanges"]?.int {
          world.environments[place.id]?.unmergedChanges = Int(count)
        }
      }
    case "environments":
      // `{"project": …, "name": …}`: somebody makes one, as Railway itself does for a pull request.
      guard let project = world.projects.values.first(where: { $0.name == body["project"]?.string }),
        let name = body["name"]?.string
      else { throw Refusal("environments needs the keys \"project\" and \"name\"") }
      world.environments[name] = World.Environment(
        id: name, name: name, project: project.id, createdAt: world.now, isEphemeral: true)
    case "revoke-token":
      let name = body["name"]?.string
      for (text, token) in world.tokens where token.name == name || text == body["token"]?.string {
        world.tokens[text]?.isRevoked = true
      }
    case "foreign": try deployForeign(body)
    case "expire-image": try mark(body) { $0.imageExpired = true }
    case "vanish":
      let id = body["deployment"]?.string ?? ""
      guard world.deployments[id] != nil else { throw Refusal("unknown deployment \(id)") }
      world.vanish(id)
    case "kill":
      let id = body["deployment"]?.string ?? ""
      guard world.deployments[id] != nil else { throw Refusal("unknown deployment \(id)") }
      world.effects.append(.kill(deployment: id))
    case "shutdown": shutdown?()
    default: return .json(404, ["error": "unknown control path"])
    }
    return done
  }

  /// Stable again when `message` is nil: what was queued goes on.
  package func setIncident(_ message: String?) {
    world.platform.isStable = message == nil
    world.platform.incident = message
    guard message == nil else { return settle() }
    for id in world.deploymentOrder where world.deployments[id]?.phase == .accepted {
      if world.deployments[id]?.behaviour != .stuck(.queued) { world.snapshot(id) }
    }
    settle()
  }

  private func setClock(_ body: JSON) throws {
    if body["freeze"]?.bool == true { time.freeze() }
    if let seconds = body["advance"]?.double {
      guard seconds >= 0 else { throw Refusal("the clock only goes forward") }
      time.advance(by: .milliseconds(Int64(seconds * 1000)))
    }
    if body["freeze"]?.bool == false { time.thaw() }
  }

  private func setSwitches(_ body: JSON) {
    if let value = body["updateResetsReplicas"]?.bool { world.switches.updateResetsReplicas = value }
    if let value = body["sealedReadAsNull"]?.bool { world.switches.sealedReadAsNull = value }
    if let value = body["refusesDefaultAgents"]?.bool { world.switches.refusesDefaultAgents = value }
    if let value = body["acceptsAnyImage"]?.bool { world.switches.acceptsAnyImage = value }
    if let value = body["uploadLimit"]?.int { world.switches.uploadLimit = Int(value) }
    if let value = body["staleness"]?.double {
      world.switches.staleness = .milliseconds(Int64(value * 1000))
    }
    if let value = body["hidesNewDeployments"]?.double {
      world.switches.hidesNewDeployments = .milliseconds(Int64(value * 1000))
    }
  }

  private func deployForeign(_ body: JSON) throws {
    let wanted = body["service"]?.string
    let key = world.instances.keys.first { key in
      (key.service == wanted || world.services[key.service]?.name == wanted)
        && (body["environment"].map {
          $0.string == key.environment || $0.string == world.environments[key.environment]?.name
        } ?? true)
    }
    guard let key, let last = world.latest(of: key) else { throw Refusal("no such service has a deployment") }
    world.appearForeign(replacing: last)
  }

  private func mark(_ body: JSON, _ change: (inout Deployment) -> Void) throws {
    let id = body["deployment"]?.string ?? ""
    guard var deployment = world.deployments[id] else { throw Refusal("unknown deployment \(id)") }
    change(&deployment)
    world.deployments[id] = deployment
  }
}
