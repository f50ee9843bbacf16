import Concurrency
import JSON
import Model

extension VercelClient {
  func project(_ place: Place, rollbackInfo: Bool = false, _ manner: Manner = .ordinary)
    async throws(APIError) -> ProjectAnswer
  {
    let request = Endpoint.project(place, rollbackInfo: rollbackInfo)
    guard let project = ProjectAnswer(try await send(request, manner).body) else {
      throw APIError(
        .malformed, "an answer without id and name", operation: request.operation, subject: place.name)
    }
    return project
  }

  /// A deployment by id or by the host of its own address; nil when Vercel does not know it.
  func deployment(_ idOrHost: String, _ place: Place, _ manner: Manner = .ordinary)
    async throws(APIError) -> DeploymentAnswer?
  {
    let request = Endpoint.deployment(place, idOrHost)
    do throws(APIError) {
      guard let found = DeploymentAnswer(try await send(request, manner).body) else {
        throw APIError(
          .malformed, "an answer without id and state", operation: request.operation, subject: place.name)
      }
      return found
    } catch {
      if error.kind == .notFound { return nil }
      throw error
    }
  }

  /// Deployments of production, or of another target, newest first, page by page until there is no more or `wanted` are there.
  func deployments(
    _ place: Place, since: Timestamp? = nil, candidates: Bool = false, state: String? = nil,
    target: String = "production", wanted: Int = 1000, _ manner: Manner = .ordinary
  ) async throws(APIError) -> [DeploymentAnswer] {
    var found: [DeploymentAnswer] = []
    var until: Int64?
    for _ in 0..<50 {
      let request = Endpoint.deployments(
        place, since: since, until: until, limit: min(100, max(wanted, 1)), candidates: candidates,
        state: state, target: target)
      let answer = try await send(request, manner).body
      // Pages are by time, so what was made at the very moment of a border stands on both.
      let known = Set(found.map(\.id))
      found += (answer["deployments"]?.array ?? []).compactMap { DeploymentAnswer($0) }
        .filter { !known.contains($0.id) }
      guard found.count < wanted, let next = answer["pagination"]?["next"]?.int, next != until else { break }
      until = next
    }
    return found
  }
}

extension VercelPlatform {
  /// The team of the environment, looked up once; nil: the token's personal scope.
  func team(_ environment: Environment) async throws(Failure) -> Team? {
    guard let target = environment.platforms.vercel else {
      throw Failure(
        .configuration, "a service is on Vercel, but `platforms.vercel` is missing",
        place: "platforms.vercel",
        hint: "add `vercel: {team: SLUG, token: {secret: VERCEL_TOKEN}}` under `platforms`")
    }
    return try await team(target)
  }

  func team(_ target: VercelTarget) async throws(Failure) -> Team? {
    guard let declared = target.team else { return nil }
    if let known = memory.declared.withLock({ $0[declared] }) { return known }
    let team: Team
    do throws(APIError) {
      let answer = try await client.send(Endpoint.team(declared)).body
      guard let id = answer["id"]?.string else {
        throw APIError(
          .malformed, "an answer without an id", operation: "getTeam", subject: "team \(declared)")
      }
      team = Team(
        id: id, slug: answer["slug"]?.string ?? declared, plan: answer["billing"]?["plan"]?.string)
    } catch {
      // A token of one project may not read teams, but works with the team's id.
      guard error.kind == .forbidden || error.kind == .notFound else {
        throw error.failure("reading the team \(declared)")
      }
      guard declared.hasPrefix("team_") else {
        var failure = error.failure("reading the team \(declared)")
        failure.kind = error.kind == .forbidden ? .authentication : .configuration
        failure.hint =
          "check the slug; with a token of one project (vcp_…) write the team's id, team_…, under "
          + "`platforms.vercel.team` instead"
        throw failure
      }
      team = Team(id: declared, slug: declared, plan: nil)
    }
    memory.declared.withLock { $0[declared] = team }
    return team
  }

  /// The project of a service, by name or id.
  func project(of service: Service, _ team: Team?) async throws(Failure) -> (Place, ProjectAnswer) {
    var place = Place(project: service.name, team: team?.id, name: service.name)
    do throws(APIError) {
      let project = try await client.project(place)
      (place.project, place.name) = (project.id, project.name)
      return (place, project)
    } catch {
      let doing = "reading the project \(service.name)"
      var failure = error.failure(doing, scope: scope(place))
      if error.kind == .notFound {
        failure = Failure(
          .configuration, "there is no project \(service.name) in \(scope(place)) that this token can see",
          place: "services.\(service.key).name", cause: error.words,
          hint:
            "correct `name` or `platforms.vercel.team`, or make the project: `vercel project add \(service.name)`"
        )
      }
      throw failure
    }
  }

  func target(_ service: Service, _ place: Place) -> ServiceTarget {
    var ids = ["project": place.project]
    ids["team"] = place.team
    return ServiceTarget(service: service.key, platform: .vercel, name: place.name, ids: ids)
  }

  /// Every service of the environment on this platform, asked at the same time, in the order of the file.
  func each<Value: Sendable>(
    _ services: [Service],
    _ body: @escaping @Sendable (Service) async throws(Failure) -> Value
  ) async throws(Failure) -> [(Service, Value)] {
    let answers = await withTaskGroup(of: (Int, Result<Value, Failure>).self) { group in
      for (index, service) in services.enumerated() {
        group.addTask {
          do throws(Failure) { return (index, .success(try await body(service))) } catch {
            return (index, .failure(error))
          }
        }
      }
      var answers: [Int: Result<Value, Failure>] = [:]
      for await (index, answer) in group { answers[index] = answer }
      return answers
    }
    var values: [(Service, Value)] = []
    for (index, service) in services.enumerated() {
      if let answer = answers[index] { values.append((service, try answer.get())) }
    }
    return values
  }
}
