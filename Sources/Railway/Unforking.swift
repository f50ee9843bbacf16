import Concurrency
import JSON
package import Model

/// What `shipit preview --delete` takes away on Railway: the environment that bears the preview's mark, and services that
/// were made in it alone.
extension RailwayPlatform {
  package func preview(
    _ environment: Environment, made: Set<String>
  ) async throws(Failure) -> [PreviewPart] {
    guard let target = environment.platforms.railway, let fork = target.fork else { return [] }
    let found = try await Resolution(client: client).find(target)
    guard let resolved = found.resolved else { return [] }
    do {
      let isMarked =
        try await client.sharedVariables(in: resolved.place)[PreviewMark.variable] == fork.mark
      let facts = try await client.facts(of: resolved.place)
      // One that was begun and killed before its mark was written is known by the ledger of its name alone.
      guard facts.isEphemeral, isMarked || made.contains(resolved.place.environment) else {
        throw RailwayPlatform.foreign(target.environment)
      }
      var parts: [PreviewPart] = []
      if let source = found.environments.first(where: { $0.name == fork.source || $0.id == fork.source }) {
        let elsewhere = try await client.state(
          of: Place(project: resolved.place.project, environment: source.id)
        ).services
        let own = try await client.state(of: resolved.place).services.values
        parts = own.filter { made.contains($0.id) && elsewhere[$0.id] == nil }.sorted { $0.name < $1.name }
          .map { part(.service, $0.name, $0.id, resolved) }
      }
      return parts + [part(.environment, resolved.environment, resolved.place.environment, resolved)]
    } catch let error as APIError {
      throw error.failure(
        "looking for the preview \(environment.name)", token: resolved.token.description)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.internalError, "\(error)")
    }
  }

  private func part(
    _ kind: PreviewPart.Kind, _ name: String, _ id: String, _ resolved: ResolvedPlace
  ) -> PreviewPart {
    PreviewPart(
      kind, on: .railway, name: name, id: id,
      ids: ["environment": resolved.place.environment, "project": resolved.place.project])
  }

  package func remove(_ part: PreviewPart, _ environment: Environment) async throws(Failure) {
    let place = Place(project: part.ids["project"] ?? "", environment: part.ids["environment"] ?? "")
    do throws(APIError) {
      // Looked at once more, just before: only an environment that is ephemeral is ever removed, and only in one a
      // service, which Railway would remove from all others (contract §5.1).
      guard try await client.facts(of: place).isEphemeral else {
        throw APIError(
          .input, "the environment \(environment.name) is not ephemeral: nothing of it is removed",
          operation: Documents.environmentFacts.name)
      }
      switch part.kind {
      case .service:
        _ = try await client.mutate(
          Documents.serviceDelete,
          ["id": .string(part.id), "environmentId": .string(place.environment)])
      case .environment:
        _ = try await client.mutate(Documents.environmentDelete, ["id": .string(part.id)])
      case .deployment: throw APIError(.input, "no deployment is removed on Railway", operation: "remove")
      }
    } catch {
      // Gone is what was wanted, also when only the answer was lost.
      if isGone(error) { return }
      if part.kind == .environment, await isGone(place) { return }
      throw error.failure("removing \(part.words)", token: await tokenWords())
    }
  }

  private func isGone(_ error: APIError) -> Bool {
    error.kind == .notFound || error.message.lowercased().contains("not found")
  }

  private func isGone(_ place: Place) async -> Bool {
    do {
      _ = try await client.facts(of: place)
      return false
    } catch { return isGone(error) }
  }
}
