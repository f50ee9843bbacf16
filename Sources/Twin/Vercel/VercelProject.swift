package import Concurrency
package import JSON

extension VercelTwin {
  package struct Project: Sendable {
    package var id: String
    package var name: String
    /// A team's id, or the user's.
    package var owner: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var settings = Settings()
    /// False pins production: after a rollback, or by choice (contract §4.3).
    package var autoAssignCustomDomains = true
    /// The linked repository, as the API tells it.
    package var link: JSON?
    /// `ssoProtection.deploymentType`; nil protects nothing.
    package var protection: String? = "prod_deployment_urls_and_all_previews"
    /// Secrets that pass the protection.
    package var bypass: [String: Bypass] = [:]
    package var variables: [Variable] = []
    package var domains: [Domain] = []
    package var environments: [CustomEnvironment] = []
    package var checks: [Check] = []
    package var isPaused = false
    /// The deployment that production domains lead to.
    package var production: String?
    /// Every deployment that became production, in order.
    package var history: [String] = []
    package var aliasRequest: AliasRequest?
    package var rollbackDescription: JSON?
    package var rollingConfig: RollingConfig?
    package var rollingRelease: RollingRelease?
    /// Deployments created in it so far; the first one is production (contract §2.3).
    package var created = 0
    /// Settings that are stored and read back but change nothing here.
    package var others: [String: JSON] = [:]
  }

  package struct Bypass: Sendable {
    package var createdAt: Timestamp
    package var note: String?
    package var isVariable = false
  }

  package struct Domain: Sendable {
    package var name: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var isVerified = true
    package var gitBranch: String?
    package var environment: String?
    package var redirect: String?
    package var redirectStatus: Int?

    /// Production traffic goes through it.
    package var isProduction: Bool { gitBranch == nil && environment == nil && redirect == nil }
  }

  package struct CustomEnvironment: Sendable {
    package var id: String
    package var slug: String
    package var description: String?
    package var createdAt: Timestamp
  }

  package struct Check: Sendable {
    package var id: String
    package var name: String
    package var requires: String
    package var blocks: String
    package var targets: [String]
    package var source: JSON
    package var timeout: Int
    package var createdAt: Timestamp
  }

  /// Build settings, of a project or of one deployment.
  package struct Settings: Sendable, Equatable {
    package var framework: String?
    package var buildCommand: String?
    package var installCommand: String?
    package var outputDirectory: String?
    package var rootDirectory: String?
    package var nodeVersion = "22.x"
    package var devCommand: String?
    package var ignoreCommand: String?

    package init() {}

    /// Takes over the members that are there; null clears.
    mutating func apply(_ members: [String: JSON]) {
      for (name, value) in members {
        switch name {
        case "framework": framework = value.string
        case "buildCommand": buildCommand = value.string
        case "installCommand": installCommand = value.string
        case "outputDirectory": outputDirectory = value.string
        case "rootDirectory": rootDirectory = value.string
        case "nodeVersion": nodeVersion = value.string ?? nodeVersion
        case "devCommand": devCommand = value.string
        case "commandForIgnoringBuildStep": ignoreCommand = value.string
        default: break
        }
      }
    }

    static let names: Set<String> = [
      "framework", "buildCommand", "installCommand", "outputDirectory", "rootDirectory", "nodeVersion",
      "devCommand", "commandForIgnoringBuildStep",
    ]

    /// As projects and deployments tell it.
    var members: [String: JSON] {
      [
        "framework": .text(framework), "buildCommand": .text(buildCommand),
        "installCommand": .text(installCommand), "outputDirectory": .text(outputDirectory),
        "rootDirectory": .text(rootDirectory), "nodeVersion": .string(nodeVersion),
        "devCommand": .text(devCommand), "commandForIgnoringBuildStep": .text(ignoreCommand),
      ]
    }
  }

  /// The last promotion or rollback of a project (contract §4.4).
  package struct AliasRequest: Sendable {
    package enum Kind: String, Sendable { case promote, rollback }
    package enum Status: String, Sendable {
      case pending
      case inProgress = "in-progress"
      case succeeded, failed, skipped
    }

    package var kind: Kind
    package var from: String?
    package var to: String
    package var status = Status.pending
    package var requestedAt: Timestamp
    package var rollingRelease: String?
    package var description: String?
    /// Host, outcome and id of each alias that it moved or failed to move.
    package var results: [(host: String, status: String, uid: String)] = []
    var alarm: Timestamp?
    var behaviour: JobBehaviour?

    package var isRunning: Bool { status == .pending || status == .inProgress }
  }

  /// An environment variable as it was written.
  package struct Variable: Sendable {
    package enum Kind: String, Sendable { case plain, encrypted, sensitive, system, secret }
    package var id: String
    package var key: String
    package var value: String
    package var kind: Kind
    package var targets: [String]
    package var environments: [String]
    package var gitBranch: String?
    package var comment: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// Two of one identity are the same variable (contract §6.1).
    var identity: Identity {
      Identity(key: key, targets: Set(targets), environments: Set(environments), gitBranch: gitBranch)
    }

    struct Identity: Hashable {
      var key: String
      var targets: Set<String>
      var environments: Set<String>
      var gitBranch: String?
    }
  }
}

extension JSON {
  /// A text, or null.
  static func text(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
  static func number(_ moment: Timestamp) -> JSON { .int(moment.milliseconds) }
  static func texts(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }
  /// An object of the members that are there.
  static func members(_ members: [String: JSON?]) -> JSON { .object(members.compactMapValues { $0 }) }
}
