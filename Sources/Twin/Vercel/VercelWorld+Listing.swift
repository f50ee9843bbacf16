import Concurrency
import JSON

/// Deployments: read, list, cancel, delete (contract §3).
extension VercelTwin.World {
  func readDeployment(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    guard deployment.createdAt + switches.hidesNewDeployments <= now else { throw .notFound("Deployment") }
    return VercelTwin.Answer(document(deployment))
  }

  func listDeployments(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try (call.query("projectId") ?? call.query("app")).map { name throws(VercelTwin.Problem) in
      try self.project(name, for: call)
    }
    let states = call.query("state").map { Set($0.split(separator: ",").map(String.init)) }
    let candidates = call.query("rollbackCandidate")
    let target = call.query("target")
    let found = deployments.values.filter { deployment in
      guard deployment.owner == call.owner, project.map({ $0.id == deployment.project }) ?? true,
        call.token.kind != .project || call.token.project == deployment.project,
        deployment.createdAt + switches.hidesNewDeployments <= now
      else { return false }
      let state = deployment.deletedAt == nil ? deployment.readyState.rawValue : "DELETED"
      if let states {
        guard states.contains(state) else { return false }
      } else if state == "DELETED" {
        return false
      }
      if let target, target != (deployment.target ?? "preview") { return false }
      if let branch = call.query("branch"), deployment.meta["githubCommitRef"] != branch { return false }
      if let sha = call.query("sha"), deployment.meta["githubCommitSha"] != sha { return false }
      if let since = call.number("since") ?? call.number("from"), deployment.createdAt.milliseconds <= since {
        return false
      }
      return candidates != "true" || isCandidate(deployment)
    }
    let (page, pagination) = self.page(found, call) { $0.createdAt }
    return VercelTwin.Answer([
      "deployments": .array(page.map { item($0, candidates: candidates != nil) }), "pagination": pagination,
    ])
  }

  /// A page of what is newest first, by time stamps that stay the same when something is added.
  func page<Element>(
    _ elements: [Element], _ call: VercelTwin.Call, moment: (Element) -> Timestamp
  ) -> (page: [Element], pagination: JSON) {
    let limit = min(max(1, call.number("limit").map { Int($0) } ?? switches.pageDefault), switches.pageLimit)
    let until = call.number("until") ?? call.number("to")
    let sorted = elements.sorted { moment($0) > moment($1) }
      .filter { element in until.map { moment(element).milliseconds < $0 } ?? true }
    var page = Array(sorted.prefix(limit))
    // Elements of one moment stay together: a time stamp cannot tell them apart.
    while page.count < sorted.count, let last = page.last, moment(sorted[page.count]) == moment(last) {
      page.append(sorted[page.count])
    }
    let next: JSON = page.count < sorted.count ? page.last.map { .number(moment($0)) } ?? .null : .null
    return (
      page,
      [
        "count": .int(Int64(page.count)), "next": next,
        "prev": page.first.map { .number(moment($0)) } ?? .null,
      ]
    )
  }

  mutating func cancelDeployment(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    guard !deployment.readyState.isFinal else {
      throw .badRequest("The deployment is \(deployment.readyState.rawValue) and cannot be canceled")
    }
    cancel(deployment.id)
    return VercelTwin.Answer(document(deployments[deployment.id] ?? deployment))
  }

  mutating func deleteDeployment(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    remove(deployment.id)
    return VercelTwin.Answer(["uid": .string(deployment.id), "state": "DELETED"])
  }

  /// Forgets a deployment and the hosts that lead to it.
  mutating func remove(_ id: String) {
    guard let deployment = deployments[id] else { return }
    deployments[id]?.deletedAt = now
    deployments[id]?.alarm = nil
    deployments[id]?.cancelAt = nil
    aliases = aliases.filter { $0.value.deployment != id }
    if projects[deployment.project]?.production == id { projects[deployment.project]?.production = nil }
    effects.append(.forget(id))
  }

  mutating func switchProduction(
    _ kind: VercelTwin.AliasRequest.Kind, _ call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    if kind == .promote {
      guard call.hasBody else { throw .badRequest("Invalid request: a JSON body is required") }
    }
    let status = try requestSwitch(
      kind, to: call.place(1), of: project,
      description: call.query("description") ?? call.body["description"]?.string)
    return VercelTwin.Answer(nil, status: status)
  }

  mutating func updateDescription(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let known = project.rollbackDescription?.object else {
      throw VercelTwin.Problem(422, "unprocessable_entity", "The project is not rolled back")
    }
    projects[project.id]?.rollbackDescription = .object(
      known.merging(["description": call.body["description"] ?? ""]) { $1 })
    return VercelTwin.Answer(nil)
  }

  func listSwitchedAliases(
    _ kind: VercelTwin.AliasRequest.Kind, _ call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    let request = project.aliasRequest
    let results = (request?.kind == kind ? request?.results ?? [] : [])
      .filter { call.query("failedOnly") != "true" || $0.status == "failed" }
    return VercelTwin.Answer([
      "aliases": .array(
        results.map { ["alias": .string($0.host), "status": .string($0.status), "id": .string($0.uid)] }),
      "pagination": ["count": .int(Int64(results.count)), "next": .null, "prev": .null],
    ])
  }

  // MARK: variables

  func listVariables(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    let environment = (call.query("customEnvironmentId") ?? call.query("customEnvironmentSlug")).flatMap {
      wanted in
      project.environments.first { [$0.id, $0.slug].contains(wanted) }?.id
    }
    let found = project.variables.filter { variable in
      (environment.map { variable.environments.contains($0) } ?? true)
        && (call.query("gitBranch").map { variable.gitBranch == nil || variable.gitBranch == $0 } ?? true)
    }
    let decrypted = call.query("decrypt") == "true"
    return VercelTwin.Answer([
      "envs": .array(found.map { document($0, decrypted: decrypted) }),
      "pagination": ["count": .int(Int64(found.count)), "next": .null, "prev": .null],
    ])
  }

  mutating func createVariables(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard !switches.variablesBusy else {
      throw .badRequest("There is another update in progress for this project's environment variables")
    }
    let entries = call.body.array ?? [call.body]
    var created: [JSON] = []
    var failed: [JSON] = []
    for entry in entries {
      do throws(VercelTwin.Problem) {
        let variable = try write(entry, to: project.id, upsert: call.query("upsert") == "true")
        created.append(document(variable, decrypted: false))
      } catch {
        // A request that makes no sense as such is refused as a whole.
        guard error.code.hasPrefix("ENV_") else { throw error }
        var members = error.extras
        members["code"] = .string(error.code)
        members["message"] = .string(error.message)
        failed.append(["error": .object(members)])
      }
    }
    // One by itself is told as an object, and not at all when it failed.
    let told = call.body.array == nil ? created.first : .array(created)
    return VercelTwin.Answer(.members(["created": told, "failed": .array(failed)]), status: 201)
  }

  private func variable(
    _ call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> (project: String, index: Int, variable: VercelTwin.Variable) {
    let project = try project(call.place(0), for: call)
    guard let index = project.variables.firstIndex(where: { $0.id == call.place(1) }) else {
      throw .notFound("Environment variable")
    }
    return (project.id, index, project.variables[index])
  }

  func readVariable(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    VercelTwin.Answer(document(try variable(call).variable, decrypted: true))
  }

  mutating func editVariable(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try variable(call)
    let old = found.variable
    if let key = call.body["key"]?.string, key != old.key, old.kind == .sensitive {
      throw .badRequest("The key of a sensitive variable cannot change")
    }
    var entry = call.body.object ?? [:]
    entry["key"] = entry["key"] ?? .string(old.key)
    entry["value"] = entry["value"] ?? .string(old.value)
    entry["type"] = entry["type"] ?? .string(old.kind.rawValue)
    entry["target"] = entry["target"] ?? .texts(old.targets)
    entry["customEnvironmentIds"] = entry["customEnvironmentIds"] ?? .texts(old.environments)
    entry["gitBranch"] = entry["gitBranch"] ?? .text(old.gitBranch)
    entry["comment"] = entry["comment"] ?? .text(old.comment)
    projects[found.project]?.variables.remove(at: found.index)
    do throws(VercelTwin.Problem) {
      var changed = try write(.object(entry), to: found.project, upsert: false)
      let last = (projects[found.project]?.variables.count ?? 1) - 1
      changed.id = old.id
      changed.createdAt = old.createdAt
      projects[found.project]?.variables[last] = changed
      return VercelTwin.Answer(document(changed, decrypted: false))
    } catch {
      projects[found.project]?.variables.insert(old, at: found.index)
      throw error
    }
  }

  mutating func removeVariable(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try variable(call)
    projects[found.project]?.variables.remove(at: found.index)
    return VercelTwin.Answer(document(found.variable, decrypted: false))
  }

  mutating func removeVariables(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let ids = call.body["ids"]?.array?.compactMap(\.string), !ids.isEmpty else {
      throw .badRequest("`ids` is required")
    }
    let gone = project.variables.filter { ids.contains($0.id) }.map(\.id)
    projects[project.id]?.variables.removeAll { gone.contains($0.id) }
    return VercelTwin.Answer(["deleted": .int(Int64(gone.count)), "ids": .texts(gone)])
  }
}
