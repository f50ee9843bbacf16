/// Where a fact stands: a line of a file.
package struct Evidence: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var file: String
  /// From 1; 0 for the file as a whole.
  package var line: Int

  package init(_ file: String, _ line: Int = 0) {
    self.file = file
    self.line = line
  }

  package var description: String { line > 0 ? "\(file):\(line)" : file }

  package static func < (left: Evidence, right: Evidence) -> Bool {
    (left.file, left.line) < (right.file, right.line)
  }
}

/// How certain a fact is.
package enum Certainty: Int, Sendable, Hashable, Comparable {
  /// Never written without a word from a person.
  case guess
  /// Written, and said to be likely.
  case likely
  /// A file says so.
  case sure

  package static func < (left: Certainty, right: Certainty) -> Bool { left.rawValue < right.rawValue }
}

/// A value with where it comes from.
package struct Sourced<Value: Sendable & Hashable>: Sendable, Hashable {
  package var value: Value
  package var evidence: Evidence
  package var certainty: Certainty
  /// What is to be said of it beside its place.
  package var note: String?

  package init(_ value: Value, _ evidence: Evidence, _ certainty: Certainty = .sure, note: String? = nil) {
    self.value = value
    self.evidence = evidence
    self.certainty = certainty
    self.note = note
  }
}

/// One fact that a file tells.
package struct Finding: Sendable, Hashable {
  package var fact: Fact
  package var certainty: Certainty
  package var evidence: Evidence

  init(_ fact: Fact, _ evidence: Evidence, _ certainty: Certainty = .sure) {
    self.fact = fact
    self.evidence = evidence
    self.certainty = certainty
  }
}

package enum Fact: Sendable, Hashable {
  /// A platform's own file: something that is deployed, or a setting of it.
  case unit(Unit)
  /// A Dockerfile.
  case image(ImageRecipe)
  /// A package of some language, with what it depends on.
  case package(PackageFile)
  /// An example of an environment file.
  case names(NameList)
  /// A service of a compose file.
  case compose(ComposeService)
  /// A schema's migrations.
  case schema(SchemaSource)
  /// Infrastructure that an Encore application is told of outside Encore's cloud.
  case infrastructure(Infrastructure)
  case workflow(Workflow)
  /// Commands of a shell script.
  case script(Script)
  case danger(Danger)
  /// What a person has to know and shipit cannot carry.
  case remark(String)
}

/// Who runs a service.
package enum Host: String, Sendable, Hashable, CaseIterable {
  case railway, vercel, encore
  case fly, netlify, cloudflare, render, heroku, kubernetes, aws, pages
  case selfHosted = "self-hosted"

  /// Whether shipit deploys there.
  package var isCarried: Bool { self == .railway || self == .vercel || self == .encore }

  package var title: String {
    switch self {
    case .railway: "Railway"
    case .vercel: "Vercel"
    case .encore: "Encore"
    case .fly: "Fly.io"
    case .netlify: "Netlify"
    case .cloudflare: "Cloudflare"
    case .render: "Render"
    case .heroku: "Heroku"
    case .kubernetes: "Kubernetes"
    case .aws: "AWS"
    case .pages: "GitHub Pages"
    case .selfHosted: "a server of your own (VPS)"
    }
  }
}

/// What files say of how a service is built and run. The order is that of the environment file.
package enum SettingKey: String, Sendable, Hashable, CaseIterable, Comparable {
  case root, framework, install, build, output, builder, dockerfile, start
  case preDeploy = "pre-deploy"
  case region, replicas, memory, cpu, overlap, drain, restart
  case restartLimit = "restart-limit"
  case cron, sleep, node
  case healthPath = "health.path"
  case healthTimeout = "health.within"
  case watch, gitDeploys, crons, appID

  package static func < (left: SettingKey, right: SettingKey) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}

package typealias Settings = [SettingKey: Sourced<String>]

/// Something that a platform's file declares.
package struct Unit: Sendable, Hashable {
  package enum Standing: Sendable, Hashable {
    case on
    /// Switched off, or said to be a thing of the past.
    case off(String)
  }

  var host: Host
  var file: String
  /// The folder the file stands in, or that it names.
  var home: String
  var name: Sourced<String>?
  var settings: Settings = [:]
  /// What differs by the platform's environment.
  var environments: [String: Settings] = [:]
  /// Names with their values, where they are literal and nobody's secret.
  var variables: [Variable] = []
  /// Addresses that it passes requests on to.
  var targets: [Sourced<String>] = []
  /// Keys the platform does not know, or that shipit cannot carry.
  var leftovers: [Sourced<String>] = []
  /// Processes of a Procfile: the command, and the process's name as its note.
  var processes: [Sourced<String>] = []
  var standing = Standing.on
  /// Only settings for others: it declares nothing to deploy.
  var isBare = false

  init(_ host: Host, file: String, home: String) {
    self.host = host
    self.file = file
    self.home = home
  }
}

/// A variable of a service as some file has it.
package struct Variable: Sendable, Hashable {
  package enum Value: Sendable, Hashable {
    /// Only the name is known, or its value is none of ours.
    case unknown
    /// What the platform itself is told, and is no secret.
    case plain(String)
    /// Somebody keeps it as a secret.
    case secret
    /// No secret, and another one in each environment: it is given, as secrets are, or written by hand.
    case own
    /// Another service's variable on the same platform: `SERVICE.NAME`.
    case reference(String)
  }

  package var name: String
  package var value: Value
  package var evidence: Evidence

  init(_ name: String, _ value: Value = .unknown, _ evidence: Evidence) {
    self.name = name
    self.value = value
    self.evidence = evidence
  }
}
