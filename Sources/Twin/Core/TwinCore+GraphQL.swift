import Concurrency
import GraphQL
import HTTPServer
import JSON

/// `POST /graphql/v2`, contract §18.1 and §18.4.
extension TwinCore {
  /// Reads the body and validates the document; what is wrong is kept for the answer.
  func readGraphQL(_ call: inout Call) {
    guard let body = try? JSON(parsing: call.request.body), let query = body["query"]?.string else {
      call.rejection = RequestRejection([GraphQLError("The body must be a JSON object with a query")])
      return
    }
    call.query = query
    call.operation = body["operationName"]?.string
    call.variables = .object(body["variables"]?.object ?? [:])
    do {
      let prepared = try schema.prepare(
        query, operationName: call.operation, variables: body["variables"]?.object ?? [:])
      call.operation = prepared.operation.name
      call.rootFields = prepared.operation.selections.compactMap { selection in
        if case .field(let field) = selection { field.name } else { nil }
      }
      call.prepared = prepared
      call.service = service(of: prepared)
    } catch {
      call.rejection = error
    }
  }

  func graphQL(_ call: Call) async -> ServerResponse {
    guard call.request.method == "POST" else { return .page(405) }
    guard let prepared = call.prepared else {
      return .json(400, call.rejection?.json ?? ["errors": []])
    }
    guard let token = call.token else {
      let isProject = call.request.header("Project-Access-Token") != nil
      return .errors(isProject ? "project token not found" : "Not Authorized", code: "INTERNAL_SERVER_ERROR")
    }
    let executor = Executor(schema: schema) { [self] field, arguments in
      do {
        return try await resolve(field, arguments, kind: prepared.operation.kind, token: token)
      } catch let refusal as Refusal {
        throw refusal.asAnswer
      }
    }
    let answer = await executor.execute(prepared)
    recording?.add(query: call.query, operation: call.operation, variables: call.variables, response: answer)
    return .json(200, answer)
  }

  private func resolve(
    _ field: String, _ arguments: [String: JSON], kind: Document.OperationKind, token: World.Token
  ) async throws -> GraphQLNode {
    guard kind == .mutation else { return try Answers(world: readable, token: token).query(field, arguments) }
    settle()
    defer { settle() }
    let input = arguments["input"] ?? .null
    let id = arguments["id"]?.string ?? ""
    switch field {
    case "serviceInstanceUpdate": try world.updateInstance(arguments, for: token)
    case "serviceInstanceLimitsUpdate": try world.updateLimits(input, for: token)
    case "serviceInstanceAutoDeployUpdate": return .json(try world.updateAutoDeploy(input, for: token))
    case "variableCollectionUpsert": try world.upsertVariables(input, single: false, for: token)
    case "variableUpsert": try world.upsertVariables(input, single: true, for: token)
    case "variableDelete": try world.deleteVariable(input, for: token)
    case "serviceInstanceDeployV2": return .json(try world.deploy(arguments, newest: false, for: token))
    case "serviceInstanceDeploy":
      let newest = arguments["latestCommit"]?.bool == true
      _ = try world.deploy(arguments, newest: newest, for: token)
    case "serviceInstanceRedeploy": return .json(try world.redeployLatest(arguments, for: token))
    case "deploymentRedeploy":
      let created = try world.redeploy(arguments, for: token)
      return Answers(world: world, token: token).deployment(try world.deployment(created, for: token))
    case "deploymentRollback": try world.rollBack(to: id, for: token)
    case "deploymentRestart": try world.restart(id, for: token)
    case "deploymentCancel": try world.cancel(id, for: token)
    case "deploymentStop", "deploymentRemove": try world.takeDown(id, for: token)
    case "deploymentApprove": try world.approve(id, for: token)
    case "volumeInstanceBackupCreate":
      return .object(["workflowId": .text(try world.createBackup(arguments, for: token))])
    case "volumeInstanceBackupScheduleUpdate": try world.setSchedules(arguments, for: token)
    case "volumeInstanceBackupRestore":
      return .object(["workflowId": .text(try world.restoreBackup(arguments, for: token))])
    case "serviceCreate":
      let created = try world.createService(input, for: token)
      guard let service = world.services[created] else { throw Refusal("Service not found") }
      return Answers(world: world, token: token).service(service)
    default:
      if let made = try make(field, arguments, token: token) { return made }
      throw Refusal("The twin does not answer \(field)")
    }
    return .json(true)
  }

  /// What makes things; nil when the field is none of it.
  private func make(
    _ field: String, _ arguments: [String: JSON], token: World.Token
  ) throws -> GraphQLNode? {
    let input = arguments["input"] ?? .null
    switch field {
    case "projectCreate":
      let id = try world.createProject(input, for: token)
      return Answers(world: world, token: token).project(try world.project(id, for: token))
    case "environmentCreate":
      let id = try world.createEnvironment(input, for: token)
      return Answers(world: world, token: token).environment(try world.environment(id, for: token))
    case "environmentDelete":
      try world.deleteEnvironment(arguments["id"]?.string ?? "", for: token)
      return .json(true)
    case "volumeCreate":
      let id = try world.createVolume(input, for: token)
      return world.volumes[id].map { Answers(world: world, token: token).volumeNode($0) }
    case "templateDeployV2":
      let workflow = try world.deployTemplate(input, for: token)
      return .json(["projectId": input["projectId"] ?? .null, "workflowId": .string(workflow)])
    case "serviceDomainCreate":
      let runtime = runtime
      let key = try world.createServiceDomain(input, for: token) { key throws(Refusal) in
        do { return try runtime.address(of: key) } catch { throw Refusal("\(error)") }
      }
      return world.instances[key].flatMap { Answers(world: world, token: token).serviceDomain(of: $0) }
    case "customDomainCreate":
      let (key, id) = try world.createCustomDomain(input, for: token)
      guard let instance = world.instances[key],
        let domain = instance.customDomains.first(where: { $0.id == id })
      else { return nil }
      return Answers(world: world, token: token).customDomain(domain, of: instance)
    case "serviceDelete": try world.deleteService(arguments, for: token)
    case "customDomainDelete": try world.deleteDomain(arguments["id"]?.string ?? "", for: token)
    case "tcpProxyDelete": try world.deleteProxy(arguments["id"]?.string ?? "", for: token)
    case "privateNetworkCreateOrGet":
      let place = try world.environment(input["environmentId"]?.string ?? "", for: token)
      return Answers(world: world, token: token).privateNetwork(place)
    case "privateNetworkEndpointCreateOrGet":
      let instance = try world.instance(
        input["serviceId"]?.string ?? "", in: input["environmentId"]?.string ?? "", for: token)
      return Answers(world: world, token: token).privateEndpoint(of: instance)
    case "privateNetworkEndpointRename": try world.renameEndpoint(arguments, for: token)
    case "environmentPatchCommit": return .json(.string(try world.commitPatch(arguments, for: token)))
    case "environmentPatchCommitStaged": return .json(.string(try world.commitStaged(arguments, for: token)))
    case "environmentStageChanges":
      let id = try world.stage(arguments, for: token)
      let environment = try world.environment(id, for: token)
      return Answers(world: world, token: token).patch(environment.staged, of: environment)
    default: return nil
    }
    return .json(true)
  }

  /// The service that an operation's root fields point to, directly or through a deployment.
  private func service(of prepared: PreparedOperation) -> String? {
    for case .field(let field) in prepared.operation.selections {
      for argument in field.arguments {
        if let found = service(in: argument.value, named: argument.name, prepared.variables) { return found }
      }
    }
    return nil
  }

  private func service(in value: Document.Value, named name: String, _ variables: [String: JSON]) -> String? {
    switch value.kind {
    case .object(let members):
      return members.lazy.compactMap { self.service(in: $0.value, named: $0.name, variables) }.first
    case .string(let text): return service(named: name, text)
    case .variable(let variable):
      guard let given = variables[variable] else { return nil }
      if let text = given.string { return service(named: name, text) }
      let found = given.object?.lazy.compactMap { name, value in
        value.string.flatMap { self.service(named: name, $0) }
      }.first
      return found
    default: return nil
    }
  }

  private func service(named name: String, _ text: String) -> String? {
    switch name {
    case "serviceId": text
    case "deploymentId", "id": world.deployments[text]?.key.service
    default: nil
    }
  }
}
