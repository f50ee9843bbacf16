import Concurrency
import HTTP
import Model
import TestSupport

/// One platform in its twin under a virtual clock: what the conformance suite has to know of it.
///
/// A new platform gets one conforming type and one line in `Worlds`; every test of the suite then holds for it.
protocol PlatformWorld: Sendable {
  init(clock: any TimeSource, spawn: Spawner) async throws

  /// Reaches the twin, and what runs in it.
  var transport: any HTTPTransport { get }
  /// How the platform switches users over.
  static var cutOver: CutOver { get }
  /// Whether a deployment that is not live can be cancelled by an API.
  static var canCancel: Bool { get }
  /// The adapter, with a token of these rights.
  func platform(_ access: WorldAccess, _ secrets: SecretValues) throws(Failure) -> any Platform
  /// One service called `app`, whose variable `GREETING` is `greeting`.
  func environment(greeting: String) -> Model.Environment
  /// Sets one trouble up for what comes next.
  /// - Returns: nil, or why there is no such trouble on this platform.
  func arrange(_ trouble: WorldTrouble) async throws -> String?
  /// The commit that the public address answers with; nil when nobody answers.
  func served() async -> String?
  /// How many deployments of a commit shipit has made, rollbacks not counted.
  func made(of commit: String) async -> Int
  /// How often the platform was asked to change what is live by way of its own rollback or a rollout.
  func requests() async -> Int
}

extension PlatformWorld {
  static var canCancel: Bool { true }
}

/// Whose token it is.
enum WorldAccess: Sendable { case owner, stranger }

/// What can go wrong on any platform.
enum WorldTrouble: Sendable, Hashable {
  /// The request that makes the deployment takes effect and its answer is lost.
  case loseAnswer
  /// The deployment takes as long as platforms take on a bad day, and no longer than its limit.
  case slow
  /// It never ends.
  case stuck
  /// The build fails and says why.
  case buildFails
  /// The platform asks once to come back later.
  case rateLimited
  /// Somebody else's deployment goes live while ours is under way.
  case foreignDeployment
  /// What was live before can no longer be restored by the platform's own means.
  case retentionPassed
  /// The platform deploys pushes by itself.
  case secondDeployer
}

/// The platforms that the suite holds for.
enum Worlds {
  static let all: [PlatformName: any PlatformWorld.Type] = [
    .railway: RailwayWorld.self, .encore: EncoreCloudWorld.self, .vercel: VercelWorld.self,
  ]
  static var names: [PlatformName] { all.keys.sorted { $0.rawValue < $1.rawValue } }

  static let commits = ["a", "b", "c"].map { String(repeating: $0, count: 40) }
  static let token = "t0ken-of-the-owner-51c7"
  static let stranger = "t0ken-of-a-stranger-93"
  static let secret = "s3cret-value-of-the-app-20f"

  /// The commit's letter, for sentences.
  static func letter(_ commit: String?) -> String {
    commit.map { String($0.prefix(1)).uppercased() } ?? "nothing"
  }
}
