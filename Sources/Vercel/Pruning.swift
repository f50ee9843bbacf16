import Concurrency
import JSON
package import Model

/// Domains that stand on the projects beside those that the file names (contract vercel §7). Projects are never removed.
extension VercelPlatform {
  package func surplus(_ environment: Environment) async throws(Failure) -> [Surplus] {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return [] }
    let team = try await team(environment)
    let found = try await each(services) { service throws(Failure) -> [Surplus] in
      let (place, _) = try await self.project(of: service, team)
      do throws(APIError) {
        return try await self.client.domains(of: place).filter { domain in
          !domain.isOwn && !service.domains.contains { Addresses.isSame(domain.name, $0) }
        }.map { domain in
          Surplus(
            .domains, on: .vercel, name: domain.name, owner: place.name,
            id: "\(place.project)/\(domain.name)",
            kept: domain.isElsewhere ? "it leads to a branch, another environment or another domain" : nil)
        }
      } catch { throw error.failure("reading the domains of \(place.name)", scope: self.scope(place)) }
    }
    return found.flatMap(\.1)
  }

  package func remove(_ surplus: Surplus, _ environment: Environment) async throws(Failure) {
    let parts = surplus.id.split(separator: "/", maxSplits: 1).map(String.init)
    guard surplus.kind == .domains, surplus.kept == nil, parts.count == 2 else {
      throw Failure(.policy, "\(surplus.words) is not removed: \(surplus.kept ?? "only domains are")")
    }
    let place = Place(
      project: parts[0], team: try await team(environment)?.id, name: surplus.owner ?? parts[0])
    do throws(APIError) { _ = try await client.send(Endpoint.removeDomain(place, parts[1])) } catch {
      // Gone is what was wanted, and an answer that was lost is looked up by whoever lists again.
      if error.kind == .notFound { return }
      throw error.failure("removing \(surplus.words)", scope: scope(place))
    }
  }
}

extension ProjectDomain {
  /// The host that Vercel gave the project itself.
  fileprivate var isOwn: Bool {
    let host = Addresses.bare(name)
    return host.hasSuffix(".vercel.app") || host.hasSuffix(".vercel.localhost")
  }
}
