/// A Dockerfile, or a file of its kind.
package struct ImageRecipe: Sendable, Hashable {
  var file: String
  /// What the last stage runs, entry point and command.
  var command: Sourced<String>?
  var healthPath: Sourced<String>?
  /// Build arguments that an application names itself.
  var arguments: [Variable] = []
  /// Folders it copies out of the build context.
  var copies: [String] = []
  /// It only says something and ends.
  var isIdle = false
}

/// A package.json, requirements.txt, pyproject.toml, Cargo.toml or go.mod.
package struct PackageFile: Sendable, Hashable {
  var file: String
  var folder: String { Path.folder(file) }
  var name: Sourced<String>?
  var scripts: [String: Sourced<String>] = [:]
  /// Dependencies at run time and build time.
  var dependencies: [String: Int] = [:]
  /// Folder patterns of a workspace's members.
  var workspaces: [String] = []
  var framework: Sourced<String>?
  /// An application for phones: nothing of it runs on a server.
  var isMobile = false

  func depends(on names: String...) -> Evidence? {
    names.lazy.compactMap { name in dependencies[name].map { Evidence(file, $0) } }.first
  }
}

/// The names in an example of an environment file. Values are looked at only to tell what kind they are.
package struct NameList: Sendable, Hashable {
  var file: String
  var names: [Name]

  struct Name: Sendable, Hashable {
    var name: String
    var line: Int
    /// It points to this machine.
    var isLocal = false
    /// The example has no value that could count anywhere.
    var isOpen = false
    var isCommentedOut = false
    /// The value, for the few names where it is itself a name.
    var word: String?
  }
}

package struct ComposeService: Sendable, Hashable {
  var file: String
  var line: Int
  var name: String
  var image: String?
  /// The folder it is built from.
  var context: String?
  var dockerfile: String?
  var variables: [Variable] = []
  var healthPath: Sourced<String>?
  var command: Sourced<String>?
}

/// Where a schema's changes are kept.
package struct SchemaSource: Sendable, Hashable {
  var tool: String
  var config: String
  /// Where the files of the tool are; what `directory` says.
  var folder: String
  /// `postgresql`, `mysql` …, where the tool's file says.
  var engine: Sourced<String>?
  /// Variables that hold the address, in the file's order.
  var addresses: [Sourced<String>] = []
}

/// An infra.config.json of Encore.
package struct Infrastructure: Sendable, Hashable {
  var file: String
  var databases: [Sourced<String>] = []
  var caches: [Sourced<String>] = []
  var others: [Sourced<String>] = []
  /// Variables whose values become secrets of the application.
  var variables: [Variable] = []
  var address: Sourced<String>?
  /// Where a secret's name differs from that of its variable.
  var renamed: Evidence?
  /// Where host names of its own network begin.
  var hosts: Evidence?
}

/// Commands that somebody runs, each with its line.
package struct Script: Sendable, Hashable {
  var file: String
  var commands: [Sourced<String>]
}

/// Something in existing files that can hurt, with its place.
package struct Danger: Sendable, Hashable, Comparable {
  package var kind: DangerKind
  package var evidence: Evidence
  package var message: String
  /// Further places that belong to it.
  package var others: [Evidence] = []

  package init(_ kind: DangerKind, _ evidence: Evidence, _ message: String, others: [Evidence] = []) {
    self.kind = kind
    self.evidence = evidence
    self.message = message
    self.others = others
  }

  package static func < (left: Danger, right: Danger) -> Bool {
    (left.evidence, left.kind.rawValue, left.message) < (right.evidence, right.kind.rawValue, right.message)
  }
}

package enum DangerKind: String, Sendable, Hashable, CaseIterable, Codable {
  /// A check of health whose failure fails nothing.
  case deafHealth = "deaf-health"
  /// Nothing waits for what was deployed.
  case noHealth = "no-health"
  /// The health of the version before is taken for that of the new one.
  case staleHealth = "stale-health"
  case tokenKind = "token-kind"
  case tokenInArguments = "token-in-arguments"
  case unknownCommand = "unknown-command"
  case migrationsTwice = "migrations-twice"
  case twoDeployers = "two-deployers"
  case detachedUpload = "detached-upload"
  case swallowedFailure = "swallowed-failure"
  case schemaPush = "schema-push"
  case pullRequestDeploys = "pull-request-deploys"
  case cancelledDeploy = "cancelled-deploy"
  case movingAction = "moving-action"
  case noOrder = "no-order"
  case noConcurrency = "no-concurrency"
  case noRollback = "no-rollback"
  case shallowHistory = "shallow-history"
  case swappedConfig = "swapped-config"
  case movingTag = "moving-tag"
  case literalCredential = "literal-credential"
  case writtenIdentifier = "written-identifier"
  case trackedSecrets = "tracked-secrets"
}
