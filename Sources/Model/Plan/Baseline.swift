/// What stood on a platform for a service when shipit last wrote there, beside what it declares: with it a change by
/// hand of something that the file does not name is seen too.
package struct ServiceBaseline: Sendable, Hashable, Codable {
  /// All settings, those too that the file does not manage.
  package var settings: ServiceSettings
  /// Keyed fingerprints of the stored variables that shipit does not write; empty where no value can be read.
  package var variables: [String: String]
  /// Its own domains; nil: the platform did not tell.
  package var domains: [String]?

  package init(settings: ServiceSettings, variables: [String: String] = [:], domains: [String]? = nil) {
    self.settings = settings
    self.variables = variables
    self.domains = domains
  }
}

extension ServiceSettings {
  /// Every setting that has a value, as text, in the order people are shown them.
  package var texts: [(name: String, text: String)] {
    differences(from: ServiceSettings()).map { ($0.name, $0.to) }
  }

  /// The same, by name.
  package var textsByName: [String: String] {
    Dictionary(texts.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
  }

  /// What platforms fill in by themselves sooner or later: that one of them got a value is nobody's doing.
  package static let filledByPlatforms: Set<String> = [
    "builder", "replicas", "region", "restart", "restart-limit", "framework",
    "node",
    "health timeout", "memory", "cpu",
  ]

  /// A size as the environment file writes it: `512MB`, `1GB`.
  package static func size(_ bytes: Int64) -> String {
    let units: [(String, Int64)] = [
      ("GB", 1_000_000_000), ("GiB", 1 << 30), ("MB", 1_000_000), ("MiB", 1 << 20), ("KB", 1000),
    ]
    guard bytes > 0, let (unit, factor) = units.first(where: { bytes % $0.1 == 0 }) else {
      return "\(bytes)B"
    }
    return "\(bytes / factor)\(unit)"
  }
}
