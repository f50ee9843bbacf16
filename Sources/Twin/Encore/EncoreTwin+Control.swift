import Concurrency
package import HTTPServer
import JSON

/// The control surface under `/_twin/encore/`: what a person does in Encore's dashboard, and the faults.
extension EncoreTwin {
  package func control(_ request: ServerRequest) async -> ServerResponse {
    if let refusal = ControlSurface.refusal(of: request) { return refusal }
    settle()
    let name = request.path.split(separator: "/").joined(separator: "/")
    func field(_ name: String) -> String { request.query.first { $0.name == name }?.value ?? "" }
    do {
      switch (request.method, name) {
      case ("GET", "state"): return .json(200, overview)
      case ("GET", "requests"):
        let since = Int(field("since")) ?? 0
        return .json(200, .array(log.records.filter { $0.number > since }.map(\.json)))
      case ("GET", "counts"): return .json(200, .object(log.counts.mapValues { .int(Int64($0)) }))
      case ("GET", "faults"): return .json(200, faultsAsJSON)
      case ("DELETE", "faults"):
        clearFaults()
        return done
      case ("GET", "command"): return .json(200, commandFaults.take(field("name")))
      case ("GET", "database"):
        let database = world.apps[field("app")]?.databases[field("name")]
        guard let database else { return .json(404, ["error": "unknown database"]) }
        return .json(200, ["address": database.address.map(JSON.string) ?? .null])
      case ("POST", _):
        let body = request.body.isEmpty ? JSON.object([:]) : try JSON(parsing: request.body)
        return try await command(name, body)
      default: return .json(404, ["error": "unknown control path"])
      }
    } catch let refusal as Refusal {
      return .json(400, ["error": .string(refusal.message)])
    } catch {
      return .json(400, ["error": .string(String(describing: error))])
    }
  }

  private var done: ServerResponse { .json(200, ["ok": true]) }

  private func command(_ name: String, _ body: JSON) async throws -> ServerResponse {
    defer { settle() }
    switch name {
    case "faults": for script in body.array ?? [body] { try add(script) }
    case "seed": try await plant(body)
    case "approve", "reject": try world.decide(try rollout(body, .proposed), approve: name == "approve")
    case "cancel": try world.cancel(try rollout(body, nil))
    case "push": try push(body)
    case "foreign":
      let key = try environment(body)
      let revision = body["sha"]?.string ?? body["branch"]?.string ?? ""
      let commit = try await pushed(revision, in: key.app)
      return .json(200, ["rollout": .string(world.create(commit, in: key, trigger: .foreign))])
    case "health":
      let check = body["failing"]?.string
      world.environments[try environment(body)]?.traffic.failingCheck =
        check.map { ($0, body["error"]?.string ?? "scripted failure") }
    case "kill":
      guard let live = world.environments[try environment(body)]?.traffic.live else {
        throw Refusal("nothing is live there")
      }
      world.effects.append(.kill(deployment: live))
    case "applied":
      guard let database = body["database"]?.string else { throw Refusal("which database?") }
      world.environments[try environment(body)]?.applied[database] =
        body["versions"]?.array?.compactMap { $0.int.map { Int($0) } } ?? []
    case "expire-tokens": world.expireTokens()
    case "revoke":
      if let key = body["authKey"]?.string { world.access.authKeys[key] = nil }
      if let client = body["client"]?.string { world.access.clients[client] = nil }
    case "clock":
      if body["freeze"]?.bool == true { time.freeze() }
      if let seconds = body["advance"]?.double {
        guard seconds >= 0 else { throw Refusal("the clock only goes forward") }
        time.advance(by: .milliseconds(Int64(seconds * 1000)))
      }
      if body["freeze"]?.bool == false { time.thaw() }
    default: return .json(404, ["error": "unknown control path"])
    }
    return done
  }

  /// The rollout that a command names, or the newest one of the wanted step that is not completed.
  private func rollout(_ body: JSON, _ step: EncoreRollout.Step?) throws(Refusal) -> String {
    if let id = body["rollout"]?.string { return id }
    let found = world.rolloutOrder.last { id in
      guard let rollout = world.rollouts[id] else { return false }
      return (step.map { rollout.step == $0 } ?? (rollout.step != .completed))
        && (body["environment"].map { $0.string == rollout.key.name } ?? true)
    }
    guard let found else { throw Refusal("there is no such rollout now") }
    return found
  }

  /// The environment that a command names, or the only one.
  private func environment(_ body: JSON) throws(Refusal) -> EncoreEnvironmentKey {
    let found = world.environments.keys.filter { key in
      (body["app"].map { $0.string == key.app } ?? true)
        && (body["environment"].map { $0.string == key.name } ?? true)
    }
    guard found.count == 1, let key = found.first else { throw Refusal("name one app and environment") }
    return key
  }

  /// Adds commits and moves branches, as a push does.
  private func push(_ body: JSON) throws(Refusal) {
    let slug = body["app"]?.string ?? world.apps.keys.first ?? ""
    guard world.apps[slug] != nil else { throw Refusal("unknown app \(slug)") }
    for item in body["commits"]?.array ?? [] {
      guard let sha = item["sha"]?.string ?? item.string else { throw Refusal("a commit has no sha") }
      let versions = (item["migrations"]?.object ?? [:]).mapValues { value in
        value.array?.compactMap { $0.int.map { Int($0) } } ?? []
      }
      world.apps[slug]?.commits[sha] = EncoreCommit(sha: sha, migrations: versions)
    }
    for (name, sha) in body["branches"]?.object ?? [:] { world.apps[slug]?.branches[name] = sha.string }
  }
}
