/// A deployable unit on a platform.
package struct Service: Sendable, Hashable, Codable {
  package var key: ServiceName
  package var platform: PlatformName
  /// The name on the platform; by default the key.
  package var name: String
  package var source: ServiceSource
  /// Go-live order: what must be proven live before this one is deployed.
  package var needs: [String]
  /// Of `needs`, what must be proven live before this one is even built: named so, or because a variable
  /// that is read at build time refers to it.
  package var buildNeeds: [String]
  package var variables: [String: VariableValue]
  package var settings: ServiceSettings
  package var domains: [String]
  package var health: Health
  /// Where its volume is mounted; nil: none is declared.
  package var volume: String?
  /// The port that a TCP proxy leads to; nil: none is declared.
  package var proxy: Int?
  /// Its name in the private network; nil: the platform's own.
  package var privateName: String?

  package init(
    key: ServiceName, platform: PlatformName = .railway, name: String? = nil, source: ServiceSource,
    needs: [String] = [], buildNeeds: [String] = [], variables: [String: VariableValue] = [:],
    settings: ServiceSettings = ServiceSettings(),
    domains: [String] = [], health: Health = Health(), volume: String? = nil, proxy: Int? = nil,
    privateName: String? = nil
  ) {
    self.privateName = privateName
    self.volume = volume
    self.proxy = proxy
    self.key = key
    self.platform = platform
    self.name = name ?? key.rawValue
    self.source = source
    self.needs = needs
    self.buildNeeds = buildNeeds
    self.variables = variables
    self.settings = settings
    self.domains = domains
    self.health = health
  }
}

/// What is deployed.
package enum ServiceSource: Sendable, Hashable, Codable {
  /// The commit's tracked files under `path` (relative to the project root, `.` for all), plus files
  /// that match `include` though git does not track them.
  case directory(path: String, root: String?, include: [String])
  /// An image reference, in which `${commit}` may stand.
  case image(Template)
  /// A repository the platform builds itself, `owner/name`.
  case repository(String)
  /// The commit's tracked files under `path`, built here by the platform's own command line tool, its output
  /// uploaded.
  case commandLineBuild(path: String, root: String?, include: [String])
  /// Build output that is there already, below `path` (Vercel's `.vercel/output`).
  case prebuilt(path: String)
  /// An Encore application under `path`, built here into `image` and deployed from there (contract encore §8).
  case encoreImage(path: String, image: Template, configuration: String?)
}

extension ServiceSource {
  /// What of the project's tree it takes; nil when it takes nothing from here.
  package var tree: (path: String, include: [String])? {
    switch self {
    case .directory(let path, _, let include), .commandLineBuild(let path, _, let include): (path, include)
    case .encoreImage(let path, _, _): (path, [])
    case .image, .repository, .prebuilt: nil
    }
  }
}

/// A text in which references may stand.
package struct Template: Sendable, Hashable, Codable {
  package enum Part: Sendable, Hashable, Codable {
    case text(String)
    case reference(Reference)
  }

  package var parts: [Part]

  package init(_ parts: [Part]) { self.parts = parts }
  package init(text: String) { parts = text.isEmpty ? [] : [.text(text)] }

  package var references: [Reference] {
    parts.compactMap { if case .reference(let reference) = $0 { reference } else { nil } }
  }

  /// The text with every reference replaced.
  package func rendered<Failure: Error>(
    _ value: (Reference) throws(Failure) -> String
  ) throws(Failure) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .text(let piece): text += piece
      case .reference(let reference): text += try value(reference)
      }
    }
    return text
  }
}

/// What `${…}` may name.
package enum Reference: Sendable, Hashable, Codable, CustomStringConvertible {
  case commit, release, environment
  case serviceURL(ServiceName)
  case serviceHost(ServiceName)
  /// A variable of a service on a platform, which becomes the platform's own reference.
  case platformVariable(platform: PlatformName, service: String, variable: String)

  package var description: String {
    switch self {
    case .commit: "${commit}"
    case .release: "${release}"
    case .environment: "${environment}"
    case .serviceURL(let service): "${services.\(service).url}"
    case .serviceHost(let service): "${services.\(service).host}"
    case .platformVariable(let platform, let service, let variable):
      "${\(platform.rawValue).\(service).\(variable)}"
    }
  }
}

/// A configuration value of a service.
package enum VariableValue: Sendable, Hashable, Codable {
  case text(Template)
  /// The name under which a secret source knows it.
  case secret(String)
}
