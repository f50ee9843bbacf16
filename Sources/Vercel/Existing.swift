import JSON
package import Model

/// What stands in the account's teams, for a file that is written from it (contract vercel §6–8).
extension VercelPlatform: ExistingReader {
  package func existing(_ query: ExistingQuery) async throws(Failure) -> ExistingAnswer {
    var scopes: [(slug: String?, id: String?)] = []
    for team in try await listed("teams", "listing the teams", Endpoint.teams) {
      if let id = team["id"]?.string { scopes.append((team["slug"]?.string ?? id, id)) }
    }
    scopes.append((nil, nil))
    var found: [(slug: String?, place: Place)] = []
    for scope in scopes {
      for project in try await listed("projects", "listing the projects", Endpoint.projects(team: scope.id)) {
        guard let id = project["id"]?.string, let name = project["name"]?.string,
          isMeant(project, name, query)
        else { continue }
        if !found.contains(where: { $0.place.project == id }) {
          found.append((scope.slug, Place(project: id, team: scope.id, name: name)))
        }
      }
    }
    let owners = Set(found.map { $0.slug ?? "" })
    guard owners.count == 1, let first = found.first else {
      return .choose(found.map { ($0.slug.map { "\($0)/" } ?? "") + $0.place.name }.sorted())
    }
    var answer = ExistingProject(account: first.slug)
    for (_, place) in found.prefix(Self.most) { answer.services.append(try await read(place)) }
    if found.count > Self.most {
      answer.notes.append("\(found.count) projects of Vercel fit: \(Self.most) were read")
    }
    return .found(answer)
  }

  /// More projects than that are not one product.
  private static let most = 30

  private func isMeant(_ project: JSON, _ name: String, _ query: ExistingQuery) -> Bool {
    if let link = project["link"], link.object != nil, let wanted = query.repository {
      let words = ProjectAnswer(project)?.linkWords ?? ""
      // A project of another repository is none of this one's, whatever its name.
      return words.lowercased().hasSuffix(" \(wanted.lowercased())")
    }
    return query.names.contains(name.lowercased())
  }

  private func listed(_ key: String, _ doing: String, _ request: Request) async throws(Failure) -> [JSON] {
    do throws(APIError) { return try await client.send(request).body[key]?.array ?? [] } catch {
      throw error.failure(doing)
    }
  }

  private func read(_ place: Place) async throws(Failure) -> ExistingService {
    do throws(APIError) {
      let project = try await client.project(place)
      let variables = try await client.variables(place, decrypt: false).filter(\.isForProduction)
      let domains = try await client.domains(of: place).filter { !$0.isElsewhere }.map(\.name)
      return ExistingService(
        name: project.name, settings: project.settings, variables: Set(variables.map(\.key)),
        domains: domains, repository: project.linkWords, deploysPushes: project.deploysPushes)
    } catch { throw error.failure("reading the project \(place.name)", scope: scope(place)) }
  }
}
