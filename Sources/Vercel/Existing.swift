import JSON
package import Model

/// What stands in the account's teams, for a file that is written from it (contract vercel §6–8).
extension VercelPlatform: ExistingReader {
  package func existing(_ query: ExistingQuery) async throws(Failure) -> ExistingAnswer {
    var scopes: [(slug: String?, id: String?)] = []
    for team in try await listed("teams", "listing the teams", { Endpoint.teams(until: $0) }) {
      if let id = team["id"]?.string { scopes.append((team["slug"]?.string ?? id, id)) }
    }
    scopes.append((nil, nil))
    var found: [(slug: String?, place: Place)] = []
    for scope in scopes {
      let all = try await listed(
        "projects", "listing the projects", { Endpoint.projects(team: scope.id, from: $0) })
      for project in all {
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

  /// Every page, at most 2000 of them all.
  private func listed(
    _ key: String, _ doing: String, _ request: (Int64?) -> Request
  ) async throws(Failure) -> [JSON] {
    var found: [JSON] = []
    var place: Int64?
    for _ in 0..<20 {
      let answer: JSON
      do throws(APIError) { answer = try await client.send(request(place)).body } catch {
        throw error.failure(doing)
      }
      found += answer[key]?.array ?? []
      guard let next = answer["pagination"]?["next"]?.int, next != place else { break }
      place = next
    }
    return found
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
