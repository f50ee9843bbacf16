import JSON
package import Model

extension EncorePlatform {
  /// Environments are made in Encore's dashboard alone (contract encore §11): a task for a person, told where a key lets
  /// the environments be read.
  package func missing(_ environment: Environment) async throws(Failure) -> Shortfall {
    guard client.hasKey, let (_, place) = try declared(environment) else { return Shortfall() }
    do throws(EncoreError) {
      try await client.authenticate(.key)
      _ = try await self.environment(place)
      return Shortfall()
    } catch {
      guard error.kind == .notFound else { throw error.failure("looking for \(place.name)") }
      return Shortfall(manual: [
        ManualTask(
          "the Encore environment \(place.environment)",
          ["application \(place.app), “Create environment”, name \(place.environment)"],
          at: "https://app.encore.cloud/\(place.app)/envs", blocks: true)
      ])
    }
  }
}
