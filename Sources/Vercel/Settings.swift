import JSON
import Model

/// How a project's settings are called on both sides.
enum ProjectSettings {
  /// Setting of the environment file → field of Vercel's project.
  static let names: [(setting: String, field: String)] = [
    ("build", "buildCommand"), ("install", "installCommand"), ("output", "outputDirectory"),
    ("root", "rootDirectory"), ("framework", "framework"), ("node", "nodeVersion"),
  ]

  /// What `vercel build` reads of a project beside its variables.
  static let buildNames: Set<String> = [
    "framework", "devCommand", "installCommand", "buildCommand", "outputDirectory", "rootDirectory",
    "directoryListing", "nodeVersion", "createdAt",
  ]

  static func read(_ project: JSON) -> ServiceSettings {
    var settings = ServiceSettings()
    settings.build = project["buildCommand"]?.string
    settings.install = project["installCommand"]?.string
    settings.output = project["outputDirectory"]?.string
    settings.root = project["rootDirectory"]?.string
    settings.framework = project["framework"]?.string
    settings.node = project["nodeVersion"]?.string
    settings.region = project["resourceConfig"]?["functionDefaultRegions"]?[0]?.string
    return settings
  }

  /// The body of one `PATCH` that sets what is managed and empties what is to be cleared.
  static func body(_ settings: ServiceSettings, clear: [String]) -> [String: JSON] {
    var body: [String: JSON] = [:]
    for name in names where clear.contains(name.setting) && name.setting != "node" {
      body[name.field] = .null
    }
    func set(_ field: String, _ value: String?) { if let value { body[field] = .string(value) } }
    set("buildCommand", settings.build)
    set("installCommand", settings.install)
    set("outputDirectory", settings.output)
    set("rootDirectory", settings.root)
    set("framework", settings.framework)
    set("nodeVersion", settings.node)
    if let region = settings.region {
      body["resourceConfig"] = ["functionDefaultRegions": [.string(region)]]
    }
    return body
  }
}

/// Vercel's rule about who may deploy (contract §2.4): an enabled rule allows the sources it lists and no other.
///
/// It is the one documented way to stop deploys of pushes without touching the repository.
enum PushPolicy {
  static let others = ["cli", "rest-api", "deploy-hook", "integration", "v0"]

  /// A rule for production allows others than pushes only.
  static func forbidsPushes(_ policy: JSON?) -> Bool {
    (policy?["deploymentSources"]?.array ?? []).contains { rule in
      isForProduction(rule) && rule["enabled"]?.bool == true
        && !(rule["sources"]?.array ?? []).contains(.string("git"))
    }
  }

  /// The policy that allows or forbids pushes to production and leaves every other rule as it is.
  static func changed(_ policy: JSON?, pushes: Bool) -> JSON {
    let rules = policy?["deploymentSources"]?.array ?? []
    var kept = rules.filter { !isForProduction($0) }
    var allowed =
      rules.first { isForProduction($0) && $0["enabled"]?.bool == true }?["sources"]?.array
      ?? others.map { .string($0) }
    allowed.removeAll { $0 == "git" }
    if !pushes {
      kept.append([
        "enabled": true, "environments": [["type": "system", "target": "production"]],
        "sources": .array(allowed),
      ])
    } else if Set(allowed) != Set(others.map { JSON.string($0) }) {
      kept.append([
        "enabled": true, "environments": [["type": "system", "target": "production"]],
        "sources": .array(allowed + ["git"]),
      ])
    }
    // A rule for several environments keeps its others.
    for rule in rules where isForProduction(rule) {
      let rest = (rule["environments"]?.array ?? []).filter { $0["target"]?.string != "production" }
      if !rest.isEmpty, var object = rule.object {
        object["environments"] = .array(rest)
        kept.append(.object(object))
      }
    }
    return ["deploymentSources": kept.isEmpty ? .null : .array(kept)]
  }

  private static func isForProduction(_ rule: JSON) -> Bool {
    (rule["environments"]?.array ?? []).contains { $0["target"]?.string == "production" }
  }
}
