package import Concurrency
import JSON

/// Values of secrets, contract §10. They go in and never come out, but for those of type `local`.
extension EncoreWorld {
  /// One value of a secret with what it is for.
  package struct SecretGroup: Sendable {
    /// With its prefix `secgrp_`.
    package var id: String
    package var app: String
    package var key: String
    package var selectors: Set<SecretSelector>
    package var description = ""
    /// Changes with every change.
    package var etag: String
    /// Ids of the versions, oldest first; only the last one has a value.
    package var versions: [String]
    package var value: String
    package var createdAt: Timestamp
    package var archivedAt: Timestamp?

    package var isActive: Bool { archivedAt == nil }
  }

  /// What a value is for: a type of environments, or one environment by its id.
  package enum SecretSelector: Sendable, Hashable {
    case type(String)
    case environment(id: String)

    /// As the CLI shows it.
    var text: String {
      switch self {
      case .type(let type): "type:\(type)"
      case .environment(let id): "id:\(id)"
      }
    }
  }

  /// Why a change of secrets is refused.
  struct SecretRefused: Error, Sendable {
    var message: String
    /// Groups that cover a part of the selection.
    var conflicts: [(group: String, selectors: [String])] = []
  }

  static let secretTypes = ["production", "development", "preview", "local"]

  /// The value in force in an environment: one for the environment itself beats one for its type.
  func secret(_ key: String, for place: EncoreEnvironmentKey) -> String? {
    guard let environment = environments[place] else { return nil }
    let groups = secretGroups.values.filter { $0.app == place.app && $0.key == key && $0.isActive }
    let own = groups.first { $0.selectors.contains(.environment(id: environment.id)) }
    return (own ?? groups.first { $0.selectors.contains(.type(environment.type)) })?.value
  }

  /// Groups of an application, by key and then by age.
  func groups(of app: String, keys: [String]?) -> [(key: String, groups: [SecretGroup])] {
    let found = secretGroups.values.filter { $0.app == app && keys?.contains($0.key) ?? true }
    return Dictionary(grouping: found, by: \.key).sorted { $0.key < $1.key }.map { key, groups in
      (key, groups.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) })
    }
  }

  /// `createSecretGroups`: refused where the selection overlaps that of another group.
  mutating func createSecretGroup(
    app: String, key: String, value: String, types: [String], environments ids: [String], description: String
  ) throws(SecretRefused) -> SecretGroup {
    let selectors = try selectors(types: types, environments: ids, app: app)
    try refuseOverlap(of: selectors, app: app, key: key, except: nil)
    let group = SecretGroup(
      id: mint("secgrp"), app: app, key: key, selectors: selectors, description: description,
      etag: mint("etag"), versions: [mint("secver")], value: value, createdAt: now)
    secretGroups[group.id] = group
    return group
  }

  /// `createSecretVersion`: refused when somebody changed the group meanwhile.
  /// - Returns: the version's id.
  mutating func createSecretVersion(
    group id: String, value: String, etag: String
  ) throws(SecretRefused) -> String {
    guard let group = secretGroups[id] else { throw SecretRefused(message: "secret group not found") }
    guard etag == group.etag else { throw SecretRefused(message: "etag mismatch") }
    let version = mint("secver")
    let next = mint("etag")
    secretGroups[id]?.versions.append(version)
    secretGroups[id]?.value = value
    secretGroups[id]?.etag = next
    return version
  }

  /// `updateSecretGroup`: what is nil stays.
  mutating func updateSecretGroup(_ input: [String: JSON]) throws(SecretRefused) -> SecretGroup {
    guard let group = secretGroups[input["id"]?.string ?? ""] else {
      throw SecretRefused(message: "secret group not found")
    }
    if let etag = input["etag"]?.string, etag != group.etag { throw SecretRefused(message: "etag mismatch") }
    if input["delete"]?.bool == true {
      secretGroups[group.id] = nil
      return group
    }
    var changed = group
    if let selector = input["selector"]?.object {
      changed.selectors = try selectors(
        types: selector["envTypes"]?.array?.compactMap(\.string) ?? [],
        environments: selector["envIDs"]?.array?.compactMap(\.string) ?? [], app: group.app)
      try refuseOverlap(of: changed.selectors, app: group.app, key: group.key, except: group.id)
    }
    if let text = input["description"]?.string { changed.description = text }
    if let archived = input["archived"]?.bool {
      if !archived {
        try refuseOverlap(of: changed.selectors, app: group.app, key: group.key, except: group.id)
      }
      changed.archivedAt = archived ? now : nil
    }
    changed.etag = mint("etag")
    secretGroups[group.id] = changed
    return changed
  }

  private func selectors(
    types: [String], environments ids: [String], app: String
  ) throws(SecretRefused) -> Set<SecretSelector> {
    var result: Set<SecretSelector> = []
    for type in types {
      guard EncoreWorld.secretTypes.contains(type) else {
        throw SecretRefused(message: "invalid environment type")
      }
      result.insert(.type(type))
    }
    for id in ids {
      guard environments.values.contains(where: { $0.id == id && $0.key.app == app }) else {
        throw SecretRefused(message: "environment not found")
      }
      result.insert(.environment(id: id))
    }
    guard !result.isEmpty else { throw SecretRefused(message: "no environments selected") }
    return result
  }

  private func refuseOverlap(
    of selectors: Set<SecretSelector>, app: String, key: String, except: String?
  ) throws(SecretRefused) {
    let conflicts = secretGroups.values
      .filter { $0.app == app && $0.key == key && $0.isActive && $0.id != except }
      .sorted { $0.id < $1.id }
      .compactMap { group -> (group: String, selectors: [String])? in
        let common = group.selectors.intersection(selectors).map(\.text).sorted()
        return common.isEmpty ? nil : (group.id, common)
      }
    if !conflicts.isEmpty {
      throw SecretRefused(
        message: "the environment selection conflicts with other secret values", conflicts: conflicts)
    }
  }
}
