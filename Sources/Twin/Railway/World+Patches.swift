package import Concurrency
package import JSON

/// Configuration as one text, staged and committed (contract §9), as far as the twin acts on it: settings of services, their
/// variables and their TCP proxies.
extension World {
  /// What somebody has staged in an environment.
  package struct StagedPatch: Sendable {
    package var id: String
    package var patch: JSON
    package var createdAt: Timestamp
  }

  /// Without `merge` what was staged before is gone, whoever staged it.
  mutating func stage(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let place = try place(arguments, for: token)
    let input = arguments["input"] ?? [:]
    try checkPatch(input, in: place.id)
    let before = place.staged
    let patch = arguments["merge"]?.bool == true ? (before?.patch ?? [:]).merged(with: input) : input
    let id = before?.id ?? mint()
    environments[place.id]?.staged = StagedPatch(id: id, patch: patch, createdAt: before?.createdAt ?? now)
    environments[place.id]?.unmergedChanges = patch["services"]?.object?.count ?? 0
    return place.id
  }

  /// Commits all that is staged, and deploys what it affects.
  mutating func commitStaged(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let place = try place(arguments, for: token)
    guard let staged = place.staged else { throw Refusal("There are no staged changes") }
    environments[place.id]?.staged = nil
    environments[place.id]?.unmergedChanges = 0
    apply(staged.patch, in: place.id, deploys: arguments["skipDeploys"]?.bool != true)
    return staged.id
  }

  /// Commits exactly this patch, and deploys what it affects.
  mutating func commitPatch(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let place = try place(arguments, for: token)
    let patch = arguments["patch"] ?? [:]
    try checkPatch(patch, in: place.id)
    apply(patch, in: place.id, deploys: true)
    return mint()
  }

  private func place(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> Environment {
    let place = try environment(arguments["environmentId"]?.string ?? "", for: token)
    guard place.canAccess else { throw World.notAuthorized }
    return place
  }

  /// Keys are ids: a name is none.
  private func checkPatch(_ patch: JSON, in environment: String) throws(Refusal) {
    for id in (patch["services"]?.object ?? [:]).keys
    where instances[InstanceKey(service: id, environment: environment)] == nil {
      throw Refusal("Invalid environment config: no service \(id)")
    }
  }

  private mutating func apply(_ patch: JSON, in environment: String, deploys: Bool) {
    environments[environment]?.revision += 1
    let name = mint()
    for (id, change) in (patch["services"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      let key = InstanceKey(service: id, environment: environment)
      var settings = change["deploy"]?.object ?? [:]
      for (field, value) in change["build"]?.object ?? [:] { settings[field] = value }
      instances[key]?.settings.apply(settings)
      if let source = change["source"]?.object { setSource(source, of: key) }
      for (variable, value) in change["variables"]?.object ?? [:] {
        guard let text = value["value"]?.string else {
          instances[key]?.variables[variable] = nil
          continue
        }
        let stored = StoredVariable(
          id: mint(), value: text, isSealed: value["isSealed"]?.bool ?? false, createdAt: now, updatedAt: now)
        instances[key]?.variables[variable] = stored
      }
      for (volume, mount) in change["volumeMounts"]?.object ?? [:] { swap(volume, mount, of: key) }
      for port in (change["networking"]?["tcpProxies"]?.object ?? [:]).keys.compactMap({ Int($0) }) {
        addProxy(to: port, of: key)
      }
      // Networking alone is applied at once, and deploys nothing.
      let isNetworkAlone = change.object?.keys.allSatisfy { $0 == "networking" } ?? true
      guard deploys, !isNetworkAlone, latest(of: key) != nil,
        var request = try? currentRequest(for: key, trigger: .variables)
      else { continue }
      request.meta["patchId"] = .string(name)
      create(request)
    }
  }

  /// Another volume in the place of a service's own; the old one stays, unmounted.
  private mutating func swap(_ volume: String, _ mount: JSON, of key: InstanceKey) {
    guard !mount.isNull, volumes[volume] != nil else { return }
    volumes[volume]?.key = key
    if let path = mount["mountPath"]?.string { volumes[volume]?.mountPath = path }
    instances[key]?.volume = volume
  }
}

extension JSON {
  /// Members of both, objects member by member; null removes.
  fileprivate func merged(with other: JSON) -> JSON {
    guard var members = object, let others = other.object else { return other }
    for (name, value) in others { members[name] = members[name].map { $0.merged(with: value) } ?? value }
    return .object(members)
  }
}
