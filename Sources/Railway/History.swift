import Concurrency
package import Model

extension RailwayPlatform {
  package func history(
    _ environment: Environment, limit: Int
  ) async throws(Failure) -> [ServiceName: [Deployment]] {
    let services = environment.services.filter { $0.platform == .railway }
    guard !services.isEmpty else { return [:] }
    let resolved = try await resolve(environment)
    let state = try await readState(resolved, withVolumes: false)
    let targets = try await Resolution(client: client).services(services, in: state, resolved)
    var history: [ServiceName: [Deployment]] = [:]
    for (name, target) in targets {
      let found: [Deployment]
      do throws(APIError) { found = try await client.deployments(of: target) } catch {
        throw error.failure("reading the deployments of \(target.name)", token: resolved.token.description)
      }
      // One that failed or was skipped never served; a removed one did, as far as Railway tells.
      history[name] = Array(
        found.filter { [.live, .sleeping, .removing, .removed, .crashed].contains($0.status) }.prefix(limit))
    }
    return history
  }
}
