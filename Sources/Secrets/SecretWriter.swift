package import Model

/// Writes a new value once to the first source that can be written to.
package struct SecretWriter: Sendable {
  /// Where a value went.
  package enum Outcome: Sendable, Hashable {
    case written(source: String)
    /// There was one, and it stays.
    case kept(source: String)
  }

  let pool: SecretPool
  let environment: String

  package init(_ pool: SecretPool, environment: String) {
    self.pool = pool
    self.environment = environment
  }

  /// - Parameter value: called when one is needed.
  /// - Throws: `configuration` where no source can be written to, or an earlier one would hide the new value; what the
  ///   sources say; `failed` when the source does not give back what was written.
  package func generate(
    _ name: String, _ value: () async throws(Failure) -> Sensitive
  ) async throws(Failure) -> Outcome {
    if let found = pool[name], !found.isEmpty {
      return .kept(source: pool.origin(of: name)?.source ?? "a source")
    }
    // A source that could not be asked may have it.
    if let failure = pool.failure { throw failure }
    guard let source = pool.sources.first(where: \.isWritable) else {
      let looked = pool.sources.map(\.description).joined(separator: ", ")
      throw Failure(
        .configuration, "no secret source of \(environment) can be written to", place: "secrets.sources",
        cause: "there is \(looked)",
        hint:
          "add one to secrets.sources, such as {dotenv: .env.\(environment)} in a file that git ignores; set \(name) where it comes from; or let the platforms keep it: secrets.rules.\(name): {keep: platform}"
      )
    }
    let new = try await value()
    try await source.write([name: new])
    guard let back = try await source.read([name]).readings[name]?.value, back == new else {
      throw Failure(
        .failed, "\(source.description) does not give back the value of \(name) that was written to it",
        hint: "shipit secrets list \(environment), then look there by its own tools")
    }
    return .written(source: source.description)
  }
}
