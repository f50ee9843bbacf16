import Concurrency
import JSON
import Model
import Runner
import Testing
import Twin

/// One line of the table of faults: what goes wrong, and how shipit has to end.
struct FaultRow: Sendable, CustomTestStringConvertible {
  /// What is tried while the fault is in force.
  enum Command: Sendable {
    case deploy
    case rollback(codeOnly: Bool = false)
  }

  /// What answers at the two addresses afterwards: `A`, `B`, `other` or `nothing`.
  struct Live: Sendable, Hashable {
    var api: String
    var web: String

    static let before = Live(api: "A", web: "A")
    static let after = Live(api: "B", web: "B")
  }

  /// How a command ends that comes after an unsettled one.
  struct Next: Sendable, Hashable {
    var exit: ExitCode
    var live: Live
  }

  /// What the stored variables must be afterwards.
  enum Variables: Sendable { case asBefore, asDeclared, unchecked }

  /// What the world is like beside the fault.
  struct Setup: Sendable {
    var token = FaultWorld.token
    var hasFirstRelease = true
    /// `api` comes from a repository that Railway builds, instead of an upload.
    var isFromRepository = false
    /// Commit B has not reached that repository.
    var isUnpushed = false
    /// `api` has a volume, so that its old deployment stops before the new one starts.
    var hasVolume = false
    /// Nothing differs from the first release.
    var changesNothing = false
    var environment: @Sendable (inout Model.Environment) -> Void = { _ in }
    /// Changes the platform before the command.
    var prepare: @Sendable (inout Twin.World) -> Void = { _ in }
    /// Happens so long after the command's beginning.
    var later: (after: Duration, what: @Sendable (TwinCore) async -> Void)?
    /// Another value of the secret that `api` is given.
    var secret: String?
  }

  var group: String
  var name: String
  var command = Command.deploy
  var scripts: [JSON] = []
  var setup = Setup()
  var exit: ExitCode
  /// Nil: it ended before a run was opened.
  var state: RunResult.State?
  var live = Live.before
  var variables = Variables.asBefore
  /// Words that the message must contain.
  var says: [String] = []
  /// How many deployments may be made for each service.
  var most = 1
  /// What the same command ends with once the fault is over, when this one left something unsettled.
  var next: Next?
  /// Further demands.
  var also: @Sendable (FaultOutcome) -> Void = { _ in }

  var testDescription: String { "\(group): \(name)" }
}

extension FaultRow {
  /// A row about a deploy with a list of scripts.
  static func deploy(
    _ group: String, _ name: String, _ scripts: [JSON], _ exit: ExitCode, _ state: RunResult.State?,
    _ live: Live = .before, variables: Variables? = nil, says: [String] = [], most: Int = 1,
    also: @escaping @Sendable (FaultOutcome) -> Void = { _ in }
  ) -> FaultRow {
    FaultRow(
      group: group, name: name, scripts: scripts, exit: exit, state: state, live: live,
      variables: variables ?? (live == .before ? .asBefore : live == .after ? .asDeclared : .unchecked),
      says: says, most: most, also: also)
  }

  /// The row with what the same command ends with when the fault is over.
  func then(_ exit: ExitCode, _ live: Live) -> FaultRow {
    var row = self
    row.next = Next(exit: exit, live: live)
    return row
  }

  /// The row in a world that is set up so.
  func given(_ change: (inout Setup) -> Void) -> FaultRow {
    var row = self
    change(&row.setup)
    return row
  }

  /// A row about an explicit rollback from B to A.
  static func rollback(
    _ group: String, _ name: String, codeOnly: Bool = false, _ scripts: [JSON], _ exit: ExitCode,
    _ state: RunResult.State?, _ live: Live = .before, variables: Variables = .unchecked, says: [String] = [],
    most: Int = 1, also: @escaping @Sendable (FaultOutcome) -> Void = { _ in }
  ) -> FaultRow {
    var row = deploy(
      group, name, scripts, exit, state, live, variables: variables, says: says, most: most, also: also)
    row.command = .rollback(codeOnly: codeOnly)
    return row
  }
}

/// What a row's world looked like when its command had ended.
struct FaultOutcome: Sendable {
  var exit: ExitCode
  var state: RunResult.State?
  var failure: Failure?
  var rollbackFailure: Failure?
  var warnings: [String]
  var exposure: [ServiceName: Int64]
  /// How each service goes over to the new code, as planned.
  var cutOver: [ServiceName: CutOver]
  /// How long `api` answered nobody.
  var outage: Duration
  /// The commits that Railway says it built for `api`.
  var builtCommits: [String]
  /// Railway deploys pushes of `api` by itself.
  var autoDeploys: Bool
  var deadline: Duration
  var live: FaultRow.Live
  /// Stored variables by `SERVICE.NAME`.
  var before: [String: String]
  var after: [String: String]
  var duration: Duration
  /// How the same command ended when the fault was over; nil when nothing was left unsettled.
  var next: FaultRow.Next?
  /// Deployments made meanwhile, `SERVICE TRIGGER`, without those of others.
  var deployments: [String]
  /// Services with a deployment of somebody else that serves or is on its way.
  var foreign: [String]
  /// Requests meanwhile, by operation's name and service.
  var requests: [(operation: String, service: String?)]
  /// Everything that was told or recorded, as text.
  var told: String

  func count(_ operation: String, _ service: String? = nil) -> Int {
    requests.count { $0.operation == operation && (service == nil || $0.service == service) }
  }

  /// The failure that the end shows: of the rollback when that failed too.
  var message: Failure? { rollbackFailure ?? failure }
}
