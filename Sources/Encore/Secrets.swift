import JSON
import Model

/// One environment as the command line's routes show it (contract §3).
struct EncoreEnvironment: Sendable, Hashable {
  var id: String
  var name: String
  var type: String
}

/// One value of a secret and the environments it is for (contract §10).
struct SecretGroup: Sendable, Hashable {
  var id: String
  var etag: String
  var isArchived: Bool
  /// Types of environments and ids of environments it covers.
  var types: Set<String>
  var environments: Set<String>
  var versions: Set<String>

  init?(_ node: JSON) {
    guard let id = node["id"]?.string else { return nil }
    self.id = id
    etag = node["etag"]?.string ?? ""
    isArchived = !(node["archivedAt"] ?? .null).isNull
    var types: Set<String> = []
    var environments: Set<String> = []
    for selector in node["selector"]?.array ?? [] {
      if let kind = selector["kind"]?.string { types.insert(kind) }
      if let id = selector["env"]?["id"]?.string { environments.insert(id) }
    }
    self.types = types
    self.environments = environments
    versions = Set((node["versions"]?.array ?? []).compactMap { $0["id"]?.string })
  }

  /// It is for this environment and no other.
  func isExactly(_ environment: EncoreEnvironment) -> Bool {
    types.isEmpty && environments == [environment.id]
  }

  func covers(_ environment: EncoreEnvironment) -> Bool {
    !isArchived && (types.contains(environment.type) || environments.contains(environment.id))
  }
}

extension EncorePlatform {
  /// The environment with its id and type.
  func environment(_ place: EncorePlace) async throws(EncoreError) -> EncoreEnvironment {
    let path = "/apps/\(percentEncoded(place.app))/envs"
    let listing = try await client.readByKey(path)
    for node in listing.array ?? [] {
      guard let name = node["slug"]?.string, name == place.environment, let id = node["id"]?.string else {
        continue
      }
      return EncoreEnvironment(id: id, name: name, type: node["type"]?.string ?? "")
    }
    let names = (listing.array ?? []).compactMap { $0["slug"]?.string }.sorted()
    throw EncoreError(
      .notFound,
      "\(place.app) has no environment \(place.environment)"
        + (names.isEmpty ? "" : "; it has \(names.joined(separator: ", "))"), operation: "GET \(path)")
  }

  /// The groups of some secrets, or of all: of those for which none is named.
  func groups(_ place: EncorePlace, of names: [String]) async throws(EncoreError) -> [String: [SecretGroup]] {
    let data = try await client.query(
      EncoreDocument.secretGroups,
      ["appSlug": .string(place.app), "keys": names.isEmpty ? .null : .array(names.map { .string($0) })])
    guard let app = data["app"], app.object != nil else {
      throw EncoreError(
        .notFound, "there is no application \(place.app)", operation: EncoreDocument.secretGroups.name)
    }
    var groups: [String: [SecretGroup]] = [:]
    for secret in app["secrets"]?.array ?? [] {
      guard let name = secret["key"]?.string else { continue }
      groups[name] = (secret["groups"]?.array ?? []).compactMap(SecretGroup.init)
    }
    return groups
  }

  /// The names that have a value in this environment.
  func storedNames(_ place: EncorePlace) async throws(Failure) -> [String] {
    do throws(EncoreError) {
      let environment = try await environment(place)
      return try await groups(place, of: []).filter { $0.value.contains { $0.covers(environment) } }.keys
        .sorted()
    } catch { throw error.failure("reading the names of the secrets of \(place.name)") }
  }

  /// Writes each value into the one group that is for exactly this environment.
  func perform(_ write: VariablesWrite) async -> Outcome {
    let place = EncorePlace(write.target)
    let doing = "writing the secrets of \(place.name)"
    let values: [(name: String, value: Sensitive)]
    switch plannedValues(write, place) {
    case .success(let planned): values = planned
    case .failure(let failure): return .failed(failure, moved: false)
    }
    var written = 0
    do throws(EncoreError) {
      if !values.isEmpty {
        let environment = try await environment(place)
        let app = try await applicationID(place)
        for (name, value) in values {
          try await set(name, value, place, environment, app)
          written += 1
        }
      }
    } catch {
      switch error.kind {
      case .cancelled: return .cancelled(moved: written > 0)
      case .rateLimited(let after): return .retry(error.failure(doing), after: after)
      // The same values may be written again.
      case _ where error.kind.isPassing: return .retry(error.failure(doing), after: nil)
      default: return .failed(error.failure(doing), moved: written > 0)
      }
    }
    var summary = "\(written) written"
    if !write.remove.isEmpty {
      summary +=
        ", \(write.remove.sorted().joined(separator: ", ")) kept: remove what nothing uses with `encore secret delete ID`"
    }
    return .done(StepResult(summary: summary))
  }

  /// The id that GraphQL wants (contract §3: `eid`).
  private func applicationID(_ place: EncorePlace) async throws(EncoreError) -> String {
    let path = "/apps/\(percentEncoded(place.app))"
    let app = try await client.readByKey(path)
    guard let id = app["eid"]?.string ?? app["id"]?.string else {
      throw EncoreError(.malformed, "an application without an id", operation: "GET \(path)")
    }
    return id
  }

  /// One more version of the exact group, or a new group; what got no answer is looked up before it is repeated.
  private func set(
    _ name: String, _ value: Sensitive, _ place: EncorePlace, _ environment: EncoreEnvironment, _ app: String
  ) async throws(EncoreError) {
    var before = try await exact(name, place, environment)
    var attempt = 1
    while true {
      let trouble: EncoreError
      do throws(EncoreError) {
        if let before {
          _ = try await client.graphQL(
            EncoreDocument.createVersion,
            [
              "input": [
                "groupID": .string(before.id), "plaintextValue": .string(value.reveal()),
                "etag": .string(before.etag),
              ]
            ])
        } else {
          _ = try await client.graphQL(
            EncoreDocument.createGroups,
            [
              "input": [
                "appID": .string(app), "key": .string(name),
                "entries": [
                  [
                    "plaintextValue": .string(value.reveal()), "envTypes": [],
                    "envIDs": [.string(environment.id)], "description": "written by shipit",
                  ]
                ],
              ]
            ])
        }
        return
      } catch { trouble = error }
      if trouble.kind == .cancelled || trouble.certainlyNoEffect && !trouble.kind.isPassing {
        throw named(trouble, name)
      }
      let after = try await exact(name, place, environment)
      if let after, before.map({ after.versions != $0.versions || after.etag != $0.etag }) ?? true { return }
      guard attempt < 3 else { throw named(trouble, name) }
      attempt += 1
      before = after
      try await client.sleep(.seconds(1), trouble.operation)
    }
  }

  private func named(_ error: EncoreError, _ name: String) -> EncoreError {
    var error = error
    error.message = "\(name): \(error.message)"
    return error
  }

  private func exact(_ name: String, _ place: EncorePlace, _ environment: EncoreEnvironment)
    async throws(EncoreError) -> SecretGroup?
  {
    let groups = try await groups(place, of: [name])[name, default: []].filter { $0.isExactly(environment) }
    // The command line takes an archived one too (contract §10, trap c); a living one is better.
    return groups.first { !$0.isArchived } ?? groups.first
  }

  /// The values of a plan, in memory only.
  private func plannedValues(
    _ write: VariablesWrite, _ place: EncorePlace
  ) -> Result<[(name: String, value: Sensitive)], Failure> {
    var values: [(name: String, value: Sensitive)] = []
    func refused(_ kind: Failure.Kind, _ message: String, hint: String) -> Failure {
      Failure(kind, message, place: "secrets of \(place.name)", hint: hint)
    }
    for (name, planned) in write.set.sorted(by: { $0.key < $1.key }) {
      switch planned {
      case .text(let text): values.append((name, Sensitive(text)))
      case .secret(let secret, let fingerprint):
        guard let value = secrets[secret] else {
          return .failure(
            refused(
              .configuration, "the secret \(secret) has no value",
              hint: "set \(secret) where the secrets come from"))
        }
        guard secrets.fingerprint(of: value) == fingerprint else {
          return .failure(
            refused(
              .stale, "the secret \(secret) has another value than the one that was planned",
              hint: "plan again, so that the change is seen"))
        }
        values.append((name, value))
      case .deployment:
        return .failure(
          refused(
            .failed, "the old value of \(name) cannot be restored: Encore gives no value back",
            hint: "set it by hand: encore secret set --env \(place.environment) \(name)"))
      }
    }
    return .success(values)
  }
}
