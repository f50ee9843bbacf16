import Concurrency
import JSON
package import Model

/// Previews: deployments without a target, beside production in its project (contract vercel §2.3, §3.2).
///
/// Their variables go along with each deployment and are stored nowhere, so that nothing of the project is written and
/// nothing of them is left when the deployments are deleted. What the project stores for all previews, or for the
/// branch, they get as every preview of the project does.
extension VercelPlatform {
  private static let branch = "branch"

  func observePreview(
    _ environment: Environment, _ services: [Service], _ team: Team?
  ) async throws(Failure) -> Observation {
    let seen = try await each(services) { service throws(Failure) -> ObservedService in
      for name in service.variables.keys.sorted() {
        guard let cause = VariableRules.refusal(name, Sensitive("")) else { continue }
        throw Failure(
          .configuration, "the variables of \(service.key) cannot be given to a preview",
          place: "preview.variables.\(service.key).\(name)", cause: cause,
          hint: "give the variable another name")
      }
      let (place, live) = try await self.livePreview(service, environment, team)
      var target = self.target(service, place)
      target.ids[VercelPlatform.branch] = environment.previewOf?.branch
      // Which variables a deployment was made with is known, and no value of them.
      let stored = Dictionary(
        (live?.variables ?? []).map { ($0, Sensitive?.none) }, uniquingKeysWith: { first, _ in first })
      return ObservedService(
        target: target, variables: stored, live: live.map { $0.deployment(liveID: nil) },
        newest: live.map { $0.deployment(liveID: nil) }, cutOver: .beside)
    }
    return Observation(
      services: Dictionary(uniqueKeysWithValues: seen.map { ($0.0.key, $0.1) }))
  }

  func livePreviews(
    _ environment: Environment, _ services: [Service], _ team: Team?
  ) async throws(Failure) -> [ServiceName: LiveState] {
    let seen = try await each(services) { service throws(Failure) -> LiveState in
      let (_, live) = try await self.livePreview(service, environment, team)
      return LiveState(
        live: live.map { $0.deployment(liveID: nil) }, newest: live.map { $0.deployment(liveID: nil) },
        address: live?.url.map { self.addresses.address(of: $0) })
    }
    return Dictionary(uniqueKeysWithValues: seen.map { ($0.0.key, $0.1) })
  }

  /// The project, and the preview's newest deployment that is ready.
  private func livePreview(
    _ service: Service, _ environment: Environment, _ team: Team?
  ) async throws(Failure) -> (Place, DeploymentAnswer?) {
    let (place, project) = try await project(of: service, team)
    // A project's first deployment is production whatever is asked for (contract §2.3).
    guard project.production != nil else {
      throw Failure(
        .configuration, "\(place.name) has no production deployment, and its first one would become it",
        place: "Vercel project \(place.name)",
        hint: "shipit deploy \(environment.previewOf?.base ?? "ENV") first")
    }
    let ready = try await previews(of: place, environment).filter { $0.state == "READY" }
    guard let newest = ready.first else { return (place, nil) }
    do {
      return (place, try await client.deployment(newest.id, place) ?? newest)
    } catch { throw error.failure("reading the preview \(newest.id) of \(place.name)", scope: scope(place)) }
  }

  /// Every deployment of this preview that is there, newest first: by the mark that each bears.
  private func previews(
    of place: Place, _ environment: Environment
  ) async throws(Failure) -> [DeploymentAnswer] {
    do {
      return try await client.deployments(place, target: "preview").filter { found in
        found.marker?.app == environment.app && found.marker?.environment == environment.name
          && found.target != "production" && !found.wasLive && !found.isRemoved
      }
    } catch { throw error.failure("listing the previews of \(place.name)", scope: scope(place)) }
  }

  package func preview(
    _ environment: Environment, made: Set<String>
  ) async throws(Failure) -> [PreviewPart] {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return [] }
    let team = try await team(environment)
    let seen = try await each(services) { service throws(Failure) -> [PreviewPart] in
      let place: Place
      do throws(Failure) { place = try await self.project(of: service, team).0 } catch {
        // Without the project there is nothing in it.
        if error.kind == .configuration { return [] }
        throw error
      }
      return try await self.previews(of: place, environment).map {
        PreviewPart(
          .deployment, on: .vercel, name: "\($0.id) of \(place.name)", id: $0.id,
          ids: self.target(service, place).ids)
      }
    }
    return seen.flatMap(\.1)
  }

  package func remove(_ part: PreviewPart, _ environment: Environment) async throws(Failure) {
    let place = Place(
      project: part.ids["project"] ?? "", team: part.ids["team"], name: part.ids["name"] ?? part.name)
    do throws(APIError) {
      // Looked at once more: what users get is never deleted, whatever a list said.
      guard let found = try await client.deployment(part.id, place) else { return }
      guard found.target != "production", !found.wasLive,
        found.marker?.environment == environment.name
      else {
        throw APIError(
          .malformed, "\(part.id) is no deployment of the preview \(environment.name)",
          operation: "deleteDeployment", subject: place.name)
      }
      _ = try await client.send(Endpoint.removeDeployment(place, part.id))
    } catch {
      // Gone is what was wanted.
      if error.kind == .notFound { return }
      throw error.failure("deleting \(part.words)", scope: scope(place))
    }
  }

  /// What a preview's creation says instead: no target, and its variables with it.
  func preview(
    _ body: [String: JSON], _ request: Deployment.Request
  ) throws(Trouble) -> [String: JSON] {
    let values: [String: PlannedVariable]
    do throws(Failure) { values = try plannedValues(request.variables ?? [:], of: request.target.name) } catch
    {
      throw Trouble(outcome: .failed(error, moved: false))
    }
    var body = body
    body["target"] = nil
    body["autoAssignCustomDomains"] = nil
    var env = body["env"]?.object ?? [:]
    for (name, value) in values { env[name] = .string(value.value.reveal()) }
    body["env"] = .object(env)
    body["build"] = ["env": .object(env)]
    if let branch = request.target.ids[VercelPlatform.branch] {
      body["gitMetadata"] = ["commitRef": .string(branch), "commitSha": .string(request.commit)]
    }
    return body
  }
}
