import Concurrency
import JSON
package import Model

extension VercelPlatform {
  /// The deployment behind a host: by Vercel's aliases, or the one whose own address it is.
  package func deployment(serving host: String, of target: ServiceTarget) async throws(Failure) -> String? {
    let place = target.place
    if let known = memory.ownHosts.withLock({ $0[Addresses.bare(host)] }) { return known }
    do throws(APIError) {
      if let id = try await alias(host, place) { return id }
      guard let own = try await client.deployment(host, place) else { return nil }
      // Its own address leads to it for ever.
      if own.url.map({ Addresses.isSame($0, host) }) ?? false {
        memory.ownHosts.withLock { $0[Addresses.bare(host)] = own.id }
      }
      return own.id
    } catch { throw error.failure("asking what serves \(host)", scope: scope(place)) }
  }

  /// The header that passes the protection of a project's deployments; none when nothing is protected.
  ///
  /// A key for automation is made when there is none (contract §8). It is a secret: no error repeats it.
  package func accessHeaders(
    of target: ServiceTarget
  ) async throws(Failure) -> [(name: String, value: Sensitive)] {
    let place = target.place
    if let known = memory.bypass.withLock({ $0[place.project] }) { return VercelPlatform.headers(known) }
    let key: Sensitive
    do throws(APIError) {
      let project = try await client.project(place)
      for secret in project.bypass { await learn(secret) }
      guard project.isProtected else { return [] }
      if let existing = project.bypass.first {
        key = existing
      } else {
        let made = try await client.send(Endpoint.generateBypass(place)).body
        let keys = (made["protectionBypass"]?.object ?? [:]).filter {
          $0.value["scope"]?.string == "automation-bypass"
        }
        guard let name = keys.keys.sorted().first else {
          throw APIError(
            .malformed, "an answer without the key", operation: "updateProjectProtectionBypass",
            subject: place.name)
        }
        key = Sensitive(name)
        await learn(key)
        // As Vercel's own tool does: it takes a moment until it counts.
        try await client.sleep(.seconds(1), Endpoint.generateBypass(place))
      }
    } catch { throw error.failure("passing the protection of \(place.name)", scope: scope(place)) }
    memory.bypass.withLock { $0[place.project] = key }
    return VercelPlatform.headers(key)
  }

  /// Neither an error of the client nor anything else that is printed may repeat it.
  private func learn(_ key: Sensitive) async {
    hide("VERCEL_AUTOMATION_BYPASS_SECRET", key)
    await client.hide(key)
  }

  private static func headers(_ key: Sensitive) -> [(name: String, value: Sensitive)] {
    [("x-vercel-protection-bypass", key)]
  }
}
