package import Concurrency
import JSON

extension VercelTwin {
  /// Everything the emulated Vercel knows: a value.
  ///
  /// Nothing in it waits. Time comes in through ``step(until:)`` and what builds do through
  /// ``handle(_:of:at:)``; both append to ``effects`` what the builder has to do.
  package struct World: Sendable {
    package var user = User()
    package var teams: [String: Team] = [:]
    package var projects: [String: Project] = [:]
    package var tokens: [String: Token] = [:]
    package var deployments: [String: Deployment] = [:]
    /// Deployment ids in the order of their creation.
    package var deploymentOrder: [String] = []
    /// By host without port.
    package var aliases: [String: Alias] = [:]
    /// Sizes of the uploaded contents by owner and SHA-1.
    package var blobs: [String: [String: Int]] = [:]
    /// What DNS says of hosts, where the seed says so.
    package var dns: [String: DNS] = [:]
    /// `org/repo` → its commits, oldest first.
    package var repositories: [String: [Commit]] = [:]
    package var switches = Switches()
    package var durations = Durations()
    package var behaviours: [BehaviourRule] = []
    package var jobBehaviours: [JobRule] = []
    package var now: Timestamp
    /// The port under which the edge is reached; it is part of every host that the twin makes up.
    package let edgePort: UInt16
    var effects: [BuildEffect] = []
    var identifiers = IdentifierSource()
    /// Counts edge requests of rolling releases, to split them evenly.
    var visitors = 0

    init(now: Timestamp, edgePort: UInt16) {
      self.now = now
      self.edgePort = edgePort
    }
  }

  package struct User: Sendable {
    package var id = "usr_twin"
    package var username = "ann"
    package var email = "ann@acme.example"
  }

  /// The plans, with what contract §4.3, §5 and §2.4 hang on them.
  package enum Plan: String, Sendable {
    case hobby, pro, enterprise

    /// Builds at the same time.
    var builds: Int { self == .hobby ? 1 : 12 }
    /// Deployments in 24 hours.
    var deploymentsPerDay: Int {
      switch self {
      case .hobby: 100
      case .pro: 6000
      case .enterprise: 24_000
      }
    }
  }

  package struct Team: Sendable {
    package var id: String
    package var slug: String
    package var name: String
    package var plan: Plan
    package var createdAt: Timestamp
    /// Account tokens of the twin's user may enter it.
    package var isMember = true
    /// Variables of production and preview are always sensitive.
    package var forcesSensitive = false
    package var deploymentsPerDay: Int?
  }

  /// Who may call.
  package struct Token: Sendable {
    package enum Kind: String, Sendable { case account, team, project }
    package var kind: Kind
    package var team: String?
    package var project: String?
    package var isRevoked = false
  }

  /// A host that leads to a deployment.
  package struct Alias: Sendable {
    package var uid: String
    /// As the API tells it, with the port when the twin made it up.
    package var host: String
    package var deployment: String
    package var project: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    /// What the edge serves, from when on; the API is ahead of it.
    package var edge: [(from: Timestamp, deployment: String?)] = []

    /// The deployment that the edge serves at a moment.
    package func served(at moment: Timestamp) -> String? {
      edge.last { $0.from <= moment }?.deployment
    }
  }

  package struct DNS: Sendable {
    package var isVerified = true
    package var isMisconfigured = false
    package var configuredBy: String?
  }

  package struct Commit: Sendable {
    package var sha: String
    package var branch: String
    package var message: String
    package var directory: String?
    package var files: [String: [UInt8]]
  }

  /// Behaviour on which sources disagree, or which tests need off by default.
  package struct Switches: Sendable {
    /// From an alias change to the edge's serving it.
    package var propagation: Duration = .milliseconds(500)
    /// After an alias change the edge answers 404 for this long.
    package var missingAfterAlias: Duration = .zero
    /// A create without `forceNew` gives back an earlier deployment of the same content.
    package var deduplicates = false
    /// What was promoted before may be promoted again although nothing is pinned (§4.2 is of two minds).
    package var allowsRepromotion = false
    /// `getDeployment` finds a new deployment only after this long.
    package var hidesNewDeployments: Duration = .zero
    /// Protected hosts lead to a login page instead of 401.
    package var redirectsToLogin = false
    /// Build events carry their fields in `payload`.
    package var nestsEvents = false
    /// Longest page of a list.
    package var pageLimit = 100
    /// Page length when none is asked for.
    package var pageDefault = 20
    package var deploymentFileLimit = 15_000
    package var uploadLimit = 100 << 20
    /// Each write of variables answers that another update is in progress.
    package var variablesBusy = false

    package init() {}
  }

  /// How long the platform's own steps take.
  package struct Durations: Sendable {
    package var queue: Duration = .milliseconds(1000)
    package var initialize: Duration = .milliseconds(1500)
    /// At least this long in `BUILDING`.
    package var build: Duration = .seconds(6)
    /// From `READY` to `aliasAssigned`.
    package var alias: Duration = .milliseconds(1200)
    /// Of promotions and rollbacks.
    package var pending: Duration = .milliseconds(500)
    package var switching: Duration = .milliseconds(1500)

    package init() {}

    func scaled(by speed: Double) -> Durations {
      var result = self
      for path in [
        \Durations.queue, \.initialize, \.build, \.alias, \.pending, \.switching,
      ] {
        result[keyPath: path] = .milliseconds(Int64(self[keyPath: path].inSeconds * 1000 / speed))
      }
      return result
    }
  }
}

extension VercelTwin.World {
  /// A new identifier such as `dpl_8KtR…`: letters and digits, the same in every run of the same calls.
  mutating func mint(_ prefix: String) -> String {
    prefix + "_" + identifiers.next().filter { $0 != "-" }.prefix(24)
  }

  /// A host of the twin's own, with the edge's port.
  func host(_ label: String) -> String { "\(label).vercel.localhost:\(edgePort)" }

  /// A host without its port, as aliases are kept.
  static func bare(_ host: String) -> String { String(host.prefix { $0 != ":" }).lowercased() }

  /// The plan of whoever owns a project.
  func plan(of owner: String) -> VercelTwin.Plan { teams[owner]?.plan ?? .hobby }

  /// What stands for the owner in hosts.
  func slug(of owner: String) -> String { teams[owner]?.slug ?? user.username }
}
