import Concurrency
import JSON
import Model

/// Makes what is missing. Each looks first, by name, and again after an answer that did not come.
extension RailwayPlatform {
  /// What a look for something that is to be made found.
  enum Presence: Sendable {
    case none
    /// It is there, complete.
    case one(String)
    /// It is there, and not all of it shows yet.
    case begun(String)
    case several([String])
  }

  func perform(_ creation: Creation, _ step: Step, _ call: StepCall) async -> Outcome {
    let doing = "making \(creation.words)"
    do {
      switch try await look(creation, step, call) {
      case .one(let id): return made(id, call.externalID == nil ? "was there already" : "made")
      case .several(let ids): return .unknowable(several(creation, ids))
      case .begun(let id):
        if let fork = creation.fork { try await prepareFork(fork, creation, call) }
        return await wait(creation, id, step, call)
      case .none: break
      }
      if let id = call.externalID, creation.fork == nil { return await wait(creation, id, step, call) }
      let parent = try await parent(of: creation)
      let answer: (id: String, host: String?)
      do throws(APIError) { answer = try await make(creation, in: parent, call.marker(of: step)) } catch {
        // Whoever was quicker made what was wanted; the next try finds it. A private name is another service's.
        guard error.kind == .conflict, creation.kind != .privateName else {
          return error.outcome(doing, token: await tokenWords())
        }
        return .retry(error.failure(doing, token: await tokenWords()), after: .seconds(1))
      }
      if let trouble = await record(answer.id, call) { return trouble }
      if let fork = creation.fork { try await prepareFork(fork, creation, call) }
      switch creation.kind {
      case .volume, .address, .domain: return made(answer.id, "made", answer.host)
      case .project, .environment, .service, .database, .proxy, .privateName:
        return await wait(creation, answer.id, step, call)
      }
    } catch let error as APIError {
      return await reading(error, doing)
    } catch let failure as Failure {
      return .failed(failure, moved: false)
    } catch {
      return .cancelled(moved: false)
    }
  }

  func probe(_ creation: Creation, _ step: Step, _ call: StepCall) async -> Finding {
    // What was asked for may show late; nothing does long after the beginning.
    let until = clock.now + (clock.now - call.beganAt > .seconds(900) ? .zero : appearance)
    while true {
      do {
        let found =
          if let fork = creation.fork { try await probeForFork(fork, creation, call) } else {
            try await look(creation, step, call)
          }
        switch found {
        case .one(let id): return .done(StepResult(externalID: id, summary: "made"))
        case .begun(let id): return .underWay(externalID: call.externalID ?? id)
        case .several(let ids): return .unknown(several(creation, ids))
        case .none: break
        }
        if let id = call.externalID { return .underWay(externalID: id) }
        guard clock.now < until else { return .absent }
        try await clock.sleep(for: .milliseconds(500))
      } catch let error as APIError {
        return .unknown(error.failure("looking for \(creation.words)", token: await tokenWords()))
      } catch let failure as Failure {
        return .unknown(failure)
      } catch {
        return .unknown(Failure(.cancelled, "stopped while looking for \(creation.words)"))
      }
    }
  }

  private func several(_ creation: Creation, _ ids: [String]) -> Failure {
    Failure(
      .unknown, "\(ids.count) things could be \(creation.words) that shipit made", place: "Railway",
      cause: ids.joined(separator: ", "),
      hint: "look at them in Railway's dashboard, remove the one that is not wanted, then `shipit settle`")
  }

  /// Waits until all of what was made shows.
  private func wait(_ creation: Creation, _ id: String, _ step: Step, _ call: StepCall) async -> Outcome {
    var pause = Duration.milliseconds(200)
    while true {
      do {
        if creation.kind == .database, let trouble = try await refusal(of: id, creation) { return trouble }
        switch try await look(creation, step, call) {
        case .one(let id): return made(id, "made")
        case .several(let ids): return .unknowable(several(creation, ids))
        case .begun, .none: break
        }
        guard clock.now + pause < call.deadline else {
          return .retry(
            Failure(
              .timeout, "\(creation.words) was asked for and does not show yet", place: "Railway",
              hint: "type the same command again: it looks before it makes anything"), after: nil)
        }
        call.report(.progress("waits until it shows"))
        try await clock.sleep(for: pause)
        pause = min(pause * 2, .seconds(3))
      } catch let error as APIError {
        return await reading(error, "waiting for \(creation.words)")
      } catch let failure as Failure {
        return .failed(failure, moved: false)
      } catch {
        return .cancelled(moved: true)
      }
    }
  }

  /// A template's workflow that ended badly, of which Railway tells more than that nothing shows.
  private func refusal(of workflow: String, _ creation: Creation) async throws -> Outcome? {
    let status = try await client.read(Documents.workflow, ["workflowId": .string(workflow)])[
      "workflowStatus"]
    // Not found is what a workflow is that has only just begun.
    guard status?["status"]?.string == "Error" else { return nil }
    return .failed(
      Failure(
        .failed, "Railway could not make \(creation.words)", place: "Railway workflow \(workflow)",
        cause: status?["error"]?.string,
        hint: "type the same command again; or make it in Railway's dashboard"),
      moved: false)
  }

  private func made(_ id: String, _ words: String, _ host: String? = nil) -> Outcome {
    .done(
      StepResult(
        externalID: id,
        summary: words + (host.map { ": \(ServiceState.address(ofDomain: $0))" } ?? "")))
  }

  /// Where something is made.
  private struct Parent {
    var workspace: String?
    var project = ""
    var environment = ""
    var service = ""
    /// Of a fork: the environment it is made out of.
    var source: String?
  }

  private func parent(of creation: Creation) async throws -> Parent {
    let found = try await found(creation)
    var parent = Parent(workspace: found.workspace?.id)
    if creation.kind == .project { return parent }
    guard let project = found.project else { throw gone("project", creation) }
    parent.project = project.id
    if creation.kind == .environment {
      if let fork = creation.fork { parent.source = try await source(of: fork, creation).environment }
      return parent
    }
    guard let environment = found.environment else { throw gone("environment", creation) }
    parent.environment = environment.id
    if let owner = creation.owner {
      guard let target = try await target(of: creation) else { throw gone("service \(owner)", creation) }
      parent.service = target.serviceID
    }
    return parent
  }

  private func gone(_ what: String, _ creation: Creation) -> Failure {
    Failure(
      .failed, "\(creation.words) cannot be made: the \(what) it stands in is not there", place: "Railway",
      hint: "type the same command again: it makes what is missing first")
  }

  /// Sends the one request that makes it.
  /// - Returns: its id, of a database that of the workflow that makes it; and the host that Railway gave it.
  private func make(
    _ creation: Creation, in parent: Parent, _ marker: Marker
  ) async throws(APIError) -> (id: String, host: String?) {
    guard case .railway(let target) = creation.account else { return ("", nil) }
    func id(
      _ operation: Operation, _ input: [String: JSON], _ field: String
    ) async throws(APIError) -> (id: String, host: String?) {
      let data = try await client.mutate(operation, ["input": .object(input)])
      guard let id = data[field]?["id"]?.string else {
        throw APIError(.malformed, "an answer without an id", operation: operation.name)
      }
      return (id, data[field]?["domain"]?.string)
    }
    let place: [String: JSON] = [
      "projectId": .string(parent.project), "environmentId": .string(parent.environment),
    ]
    let pair: [String: JSON] = [
      "environmentId": .string(parent.environment), "serviceId": .string(parent.service),
    ]
    switch creation.kind {
    case .project:
      var input: [String: JSON] = [
        "name": .string(creation.name), "description": .string("\(marker)"),
        "defaultEnvironmentName": .string(target.environment),
      ]
      if let workspace = parent.workspace { input["workspaceId"] = .string(workspace) }
      return try await id(Documents.projectCreate, input, "projectCreate")
    case .environment:
      var input: [String: JSON] = [
        "projectId": .string(parent.project), "name": .string(creation.name),
      ]
      if let source = parent.source {
        input["sourceEnvironmentId"] = .string(source)
        (input["ephemeral"], input["skipInitialDeploys"]) = (true, true)
      }
      return try await id(Documents.environmentCreate, input, "environmentCreate")
    case .service:
      // Empty: with a source it would deploy at once, before its variables are there.
      let input = place.merging(["name": .string(creation.name)]) { first, _ in first }
      return try await id(Documents.serviceCreate, input, "serviceCreate")
    case .volume:
      var input = place.merging(pair) { first, _ in first }
      input["mountPath"] = .string(creation.name)
      if let region = creation.region { input["region"] = .string(region) }
      return try await id(Documents.volumeCreate, input, "volumeCreate")
    case .address: return try await id(Documents.serviceDomainCreate, pair, "serviceDomainCreate")
    case .domain:
      var input = place.merging(pair) { first, _ in first }
      input["domain"] = .string(creation.name)
      return try await id(Documents.customDomainCreate, input, "customDomainCreate")
    case .proxy:
      // A proxy that is made by itself would wait for the next deployment (contract §11).
      let proxies: JSON = ["tcpProxies": .object([creation.name: .object([:])])]
      let data = try await client.mutate(
        Documents.patchCommit,
        [
          "environmentId": .string(parent.environment),
          "patch": ["services": .object([parent.service: ["networking": proxies]])],
          "commitMessage": .string("\(marker)"),
        ])
      return (data["environmentPatchCommit"]?.string ?? "", nil)
    case .privateName:
      return (
        try await client.givePrivateName(
          creation.name, to: parent.service, called: creation.owner ?? creation.name,
          in: Place(project: parent.project, environment: parent.environment)), nil
      )
    case .database: return (try await deployTemplate(creation, in: parent), nil)
    }
  }

  private func deployTemplate(_ creation: Creation, in parent: Parent) async throws(APIError) -> String {
    let code = creation.template ?? ""
    let template = try await client.read(Documents.template, ["code": .string(code)])["template"]
    guard let id = template?["id"]?.string, let config = template?["serializedConfig"], config.object != nil
    else {
      throw APIError(.input, "Railway has no template “\(code)”", operation: Documents.template.name)
    }
    let services = config["services"]?.object ?? [:]
    let names = services.values.compactMap { $0["name"]?.string }.sorted()
    guard names.contains(creation.name) else {
      throw APIError(
        .input,
        "the template \(code) makes \(names.joined(separator: ", ")), not \(creation.name): "
          + "write that under databases.\(creation.key ?? "?").create.railway.service",
        operation: Documents.template.name)
    }
    for service in services.values {
      for (name, variable) in service["variables"]?.object ?? [:]
      where variable["defaultValue"]?.string == nil && variable["value"]?.string == nil
        && variable["isOptional"]?.bool != true
      {
        throw APIError(
          .input, "the template \(code) wants a value of \(name), which shipit cannot give it",
          operation: Documents.template.name)
      }
    }
    var input: [String: JSON] = [
      "templateId": .string(id), "projectId": .string(parent.project),
      "environmentId": .string(parent.environment), "serializedConfig": config,
    ]
    if let workspace = parent.workspace { input["workspaceId"] = .string(workspace) }
    let data = try await client.mutate(Documents.templateDeploy, ["input": .object(input)])
    guard let workflow = data["templateDeployV2"]?["workflowId"]?.string else {
      throw APIError(.malformed, "an answer without the workflow", operation: Documents.templateDeploy.name)
    }
    return workflow
  }
}
