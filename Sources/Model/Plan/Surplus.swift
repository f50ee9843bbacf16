/// Something that stands beside what the environment file names. Only `prune` removes it, after a person said so.
package struct Surplus: Sendable, Hashable, Codable {
  /// Of these kinds alone things are removed: never a volume, a database, an environment or a project.
  package enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case services, domains
    case proxies = "tcp-proxies"
  }

  package var kind: Kind
  package var platform: PlatformName
  /// As the platform shows it.
  package var name: String
  /// The service on the platform that it belongs to.
  package var owner: String?
  package var id: String
  /// Why it is never removed from here; nil: it may be.
  package var kept: String?

  package init(
    _ kind: Kind, on platform: PlatformName, name: String, owner: String? = nil, id: String,
    kept: String? = nil
  ) {
    self.kind = kind
    self.platform = platform
    self.name = name
    self.owner = owner
    self.id = id
    self.kept = kept
  }

  /// For people: `the Railway service old-worker`.
  package var words: String {
    let of = owner.map { " of \($0)" } ?? ""
    return switch kind {
    case .services: "the \(platform.title) service \(name)"
    case .domains: "the domain \(name)\(of)"
    case .proxies: "the TCP proxy\(of) to port \(name)"
    }
  }
}
