import Concurrency
import JSON

/// The operations of rolling releases and of checks.
extension VercelTwin.World {
  func readRolling(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    let wanted = call.query("state")
    let document =
      wanted == nil || project.rollingRelease?.state.rawValue == wanted
      ? rollingDocument(of: project) : .null
    return VercelTwin.Answer(["rollingRelease": document])
  }

  func readRollingConfig(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    return VercelTwin.Answer(["rollingRelease": project.rollingConfig.map(document) ?? .null])
  }

  mutating func updateRollingConfig(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard plan(of: project.owner) != .hobby else {
      throw VercelTwin.Problem(403, "forbidden", "Rolling releases are not supported on this plan")
    }
    projects[project.id]?.rollingConfig = try VercelTwin.World.rollingConfig(call.body)
    return try readRollingConfig(call)
  }

  mutating func deleteRollingConfig(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    projects[project.id]?.rollingConfig = nil
    return VercelTwin.Answer(["rollingRelease": .null])
  }

  func readRollingBilling(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    switch plan(of: project.owner) {
    case .hobby:
      return VercelTwin.Answer([
        "availableSlots": 0, "reason": "plan_not_supported", "message": "The plan has no rolling releases",
      ])
    case .enterprise:
      return VercelTwin.Answer([
        "availableSlots": "unlimited", "reason": "unlimited_slots", "message": "No limit",
      ])
    case .pro:
      let used = projects.values.filter { $0.owner == project.owner && $0.rollingConfig != nil }.map(\.id)
      guard !used.isEmpty else {
        return VercelTwin.Answer([
          "availableSlots": 1, "reason": "available_slots", "message": "One project may use it",
        ])
      }
      return VercelTwin.Answer([
        "availableSlots": 0, "reason": "no_available_slots", "message": "Another project uses it",
        "enabledProjects": .texts(used),
      ])
    }
  }

  mutating func startRolling(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    let canary = call.body["canaryDeploymentId"]?.string ?? ""
    guard project.rollingConfig != nil else {
      throw VercelTwin.Problem(422, "unprocessable_entity", "Rolling releases are not configured")
    }
    if let active = project.rollingRelease, active.state == .active {
      guard active.canary == canary else {
        throw VercelTwin.Problem(409, "conflict", "Another rolling release is active")
      }
      return VercelTwin.Answer(["rollingRelease": rollingDocument(of: project)])
    }
    guard let deployment = deployments[canary], deployment.project == project.id else {
      throw .notFound("Deployment")
    }
    guard deployment.target == "production", deployment.readyState == .ready, project.production != nil,
      project.production != canary
    else { throw VercelTwin.Problem(422, "unprocessable_entity", "The deployment cannot be rolled out") }
    beginRolling(to: canary, in: project.id)
    return VercelTwin.Answer(["rollingRelease": rollingDocument(of: projects[project.id] ?? project)])
  }

  private func active(
    _ call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> (project: VercelTwin.Project, release: VercelTwin.RollingRelease) {
    let project = try project(call.place(0), for: call)
    guard let release = project.rollingRelease, release.state == .active else {
      throw .notFound("Active rolling release")
    }
    guard call.body["canaryDeploymentId"]?.string == release.canary else {
      throw .badRequest("`canaryDeploymentId` is not the canary of the active rolling release")
    }
    return (project, release)
  }

  mutating func approveStage(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let (project, release) = try active(call)
    guard call.body["nextStageIndex"]?.int == Int64(release.stage + 1) else {
      throw .badRequest("`nextStageIndex` must be \(release.stage + 1)")
    }
    advanceStage(of: project.id)
    return VercelTwin.Answer(["rollingRelease": rollingDocument(of: projects[project.id] ?? project)])
  }

  mutating func finishRolling(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let (project, _) = try active(call)
    completeRolling(of: project.id)
    return VercelTwin.Answer(["rollingRelease": rollingDocument(of: projects[project.id] ?? project)])
  }

  // MARK: checks

  func listChecks(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    return VercelTwin.Answer(["checks": .array(project.checks.map { document($0, of: project) })])
  }

  mutating func createCheck(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let name = call.body["name"]?.string, let requires = call.body["requires"]?.string else {
      throw .badRequest("`name` and `requires` are required")
    }
    let check = VercelTwin.Check(
      id: mint("chk"), name: name, requires: requires, blocks: call.body["blocks"]?.string ?? "none",
      targets: call.body["targets"]?.array?.compactMap(\.string) ?? ["production"],
      source: call.body["source"] ?? ["kind": "webhook"], timeout: Int(call.body["timeout"]?.int ?? 300),
      createdAt: now)
    projects[project.id]?.checks.append(check)
    return VercelTwin.Answer(document(check, of: project))
  }

  private func document(_ check: VercelTwin.Check, of project: VercelTwin.Project) -> JSON {
    [
      "id": .string(check.id), "name": .string(check.name), "ownerId": .string(project.owner),
      "projectId": .string(project.id), "isRerequestable": false, "requires": .string(check.requires),
      "blocks": .string(check.blocks), "targets": .texts(check.targets), "source": check.source,
      "sourceKind": check.source["kind"] ?? "webhook", "timeout": .int(Int64(check.timeout)),
      "createdAt": .number(check.createdAt), "updatedAt": .number(check.createdAt),
    ]
  }

  func listRuns(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    return VercelTwin.Answer(["runs": .array(deployment.checkRuns.map { document($0, of: deployment) })])
  }

  mutating func createRun(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    guard
      let check = projects[deployment.project]?.checks.first(where: { $0.id == call.body["checkId"]?.string })
    else { throw .notFound("Check") }
    let run = VercelTwin.CheckRun(
      id: mint("run"), check: check.id, name: check.name, status: "queued", timeout: check.timeout,
      createdAt: now, updatedAt: now)
    deployments[deployment.id]?.checkRuns.append(run)
    return VercelTwin.Answer(document(run, of: deployment))
  }

  mutating func updateRun(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    guard let index = deployment.checkRuns.firstIndex(where: { $0.id == call.place(1) }) else {
      throw .notFound("Check run")
    }
    var run = deployment.checkRuns[index]
    if let status = call.body["status"]?.string { run.status = status }
    if let conclusion = call.body["conclusion"]?.string { run.conclusion = conclusion }
    run.updatedAt = now
    deployments[deployment.id]?.checkRuns[index] = run
    considerChecks(deployment.id)
    return VercelTwin.Answer(document(run, of: deployment))
  }

  private func document(_ run: VercelTwin.CheckRun, of deployment: VercelTwin.Deployment) -> JSON {
    .members([
      "id": .string(run.id), "name": .string(run.name), "ownerId": .string(deployment.owner),
      "deploymentId": .string(deployment.id), "status": .string(run.status),
      "conclusion": run.conclusion.map(JSON.string), "timeout": .int(Int64(run.timeout)),
      "createdAt": .number(run.createdAt), "updatedAt": .number(run.updatedAt), "checkId": .string(run.check),
      "source": ["kind": "webhook"],
    ])
  }
}
