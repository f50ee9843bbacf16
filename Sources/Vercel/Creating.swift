import Concurrency
import JSON
package import Model

/// Projects that are missing (contract vercel §8); their settings and domains are written by the deploy that follows.
extension VercelPlatform {
  package func missing(_ environment: Environment) async throws(Failure) -> Shortfall {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty, let target = environment.platforms.vercel else { return Shortfall() }
    let team = try await team(environment)
    // A preview stands in production's project, and makes none.
    if environment.previewOf != nil { return Shortfall() }
    let seen = try await each(services) { service throws(Failure) -> Bool in
      let place = Place(project: service.name, team: team?.id, name: service.name)
      return try await self.finds(place)
    }
    var shortfall = Shortfall()
    for (service, isThere) in seen {
      if isThere {
        guard environment.provision == .never else { continue }
        shortfall.creations += try await missingDomains(service, target, team)
        continue
      }
      // Told before anything is made: the token's kind never changes.
      guard !client.token.reveal().hasPrefix("vcp_") else {
        throw Failure(
          .authentication,
          "there is no Vercel project \(service.name), and a token of one project makes none",
          place: "services.\(service.key)",
          hint: "put a token of the account or the team into \(target.tokenSecret)")
      }
      shortfall.absent.insert(service.key)
      var creation = Creation(
        .project, in: .vercel(target), name: service.name, key: service.key.rawValue)
      if case .repository(let name) = service.source { creation.template = name }
      shortfall.creations.append(creation)
    }
    return shortfall
  }

  private func finds(_ place: Place) async throws(Failure) -> Bool {
    do throws(APIError) {
      _ = try await client.project(place)
      return true
    } catch {
      if error.kind == .notFound { return false }
      throw error.failure("looking for the project \(place.name)", scope: scope(place))
    }
  }

  private func missingDomains(
    _ service: Service, _ target: VercelTarget, _ team: Team?
  ) async throws(Failure) -> [Creation] {
    guard !service.domains.isEmpty else { return [] }
    let (place, _) = try await project(of: service, team)
    let domains: [ProjectDomain]
    do { domains = try await client.domains(of: place) } catch {
      throw error.failure("reading the domains of \(place.name)", scope: scope(place))
    }
    return service.domains.filter { wanted in !domains.contains { Addresses.isSame($0.name, wanted) } }.map {
      Creation(.domain, in: .vercel(target), name: $0, owner: service.name, key: service.key.rawValue)
    }
  }

  func perform(_ creation: Creation, _ call: StepCall) async -> Outcome {
    let doing = "making \(creation.words)"
    let place: Place
    do throws(Failure) { place = try await self.place(of: creation) } catch {
      return .failed(error, moved: false)
    }
    do {
      let project = try await client.project(place)
      return .done(StepResult(externalID: project.id, summary: "was there already"))
    } catch {
      guard error.kind == .notFound else { return error.readingOutcome(doing, scope: scope(place)) }
    }
    guard creation.kind == .project else {
      return .failed(
        Failure(.internalError, "\(creation.words) is added by a service's settings"), moved: false)
    }
    do throws(APIError) {
      var body: [String: JSON] = ["name": .string(creation.name)]
      if let repository = creation.template {
        body["gitRepository"] = ["type": "github", "repo": .string(repository)]
      }
      let answer = try await client.send(Endpoint.createProject(place, .object(body))).body
      guard let project = ProjectAnswer(answer) else {
        throw APIError(
          .malformed, "an answer without id and name", operation: "createProject", subject: place.name)
      }
      try? await call.identify(project.id)
      return .done(StepResult(externalID: project.id, summary: "made"))
    } catch {
      // The name is taken: the next try finds whose it is.
      if error.kind == .conflict {
        return .retry(error.failure(doing, scope: scope(place)), after: .seconds(1))
      }
      return error.outcome(doing, scope: scope(place))
    }
  }

  /// Names of projects are unique in a team: what is there by then is what was asked for.
  func probe(_ creation: Creation, _ call: StepCall) async -> Finding {
    let until = clock.now + (clock.now - call.beganAt > .seconds(900) ? .zero : appearance)
    while true {
      do throws(Failure) {
        let place = try await self.place(of: creation)
        if try await finds(place) { return .done(StepResult(externalID: call.externalID, summary: "made")) }
      } catch { return .unknown(error) }
      guard clock.now < until else { return .absent }
      do { try await clock.sleep(for: .milliseconds(500)) } catch {
        return .unknown(Failure(.cancelled, "stopped while looking for \(creation.words)"))
      }
    }
  }

  func place(of creation: Creation) async throws(Failure) -> Place {
    guard case .vercel(let target) = creation.account else {
      throw Failure(.internalError, "\(creation.words) is none of Vercel's")
    }
    let team = try await team(target)
    return Place(project: creation.name, team: team?.id, name: creation.name)
  }
}
