package import Concurrency
package import HTTP
package import Model
package import Processes

/// Vercel: reads what runs there and carries out steps by its API, and by its command line tool for builds.
package struct VercelPlatform: Platform {
  package var name: PlatformName { .vercel }

  let client: VercelClient
  let secrets: SecretValues
  let packer: any SourcePacker
  let builder: CommandLineBuilder
  let addresses: Addresses
  let memory = VercelMemory()
  /// The project's root on this machine: where prebuilt output is.
  let root: String
  let temporaryDirectory: String
  let disk: DiskWork
  /// Told of secrets that are learned from Vercel.
  let hide: @Sendable (String, Sensitive) -> Void
  /// How long a deployment may take to appear whose request got no answer.
  let appearance: Duration
  var clock: any TimeSource { client.clock }

  /// - Parameters:
  ///   - secrets: values by name, for variables; also what no error may contain.
  ///   - root: the project's root, which a prebuilt source's path counts from.
  ///   - variables: of this process; the build tool gets those on its allow-list.
  ///   - temporaryDirectory: where sources are unpacked, in private directories that go away again.
  ///   - version: shipit's own, told to Vercel.
  ///   - appearance: how long something may take to appear whose request got no answer.
  ///   - disk: where work that blocks on the disk is done.
  ///   - hide: told of each secret that is learned from Vercel, with a name for it, before it is used.
  ///   - random: in 0..<1, for the jitter of waits.
  package init(
    baseURL: String = "https://api.vercel.com", http: any HTTPTransport, clock: any TimeSource,
    token: Sensitive, secrets: SecretValues, packer: any SourcePacker, root: String = ".",
    variables: [String: String] = [:], temporaryDirectory: String = "/tmp", version: String = "0",
    appearance: Duration = .seconds(20), launcher: Launcher = Launcher(), disk: DiskWork = .threads,
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in },
    random: @escaping @Sendable () -> Double
  ) {
    client = VercelClient(
      baseURL: baseURL, http: http, clock: clock, token: token, hidden: secrets.all.map(\.value),
      userAgent: "shipit/\(version)", random: random)
    self.secrets = secrets
    self.packer = packer
    self.root = root
    self.temporaryDirectory = temporaryDirectory
    self.appearance = appearance
    self.disk = disk
    self.hide = hide
    addresses = Addresses(baseURL: baseURL)
    builder = CommandLineBuilder(launcher: launcher, variables: variables)
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    switch step.action {
    case .settings(let write): await perform(write)
    case .variables(let write): await perform(write)
    case .deploy(let request): await deploy(request, step, call)
    case .promote(let promotion): await promote(promotion, step, call)
    case .restore(let restore): await perform(restore, step, call)
    case .create(let creation): await perform(creation, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    switch step.action {
    case .settings(let write): await probe(write)
    case .variables(let write): await probe(write)
    case .deploy(let request): await probe(request, step, call)
    case .promote(let promotion): await probe(promotion, call)
    case .restore(let restore): await probe(restore, step, call)
    case .create(let creation): await probe(creation, call)
    default: .failed(foreign(step), moved: false)
    }
  }

  func foreign(_ step: Step) -> Failure {
    Failure(.internalError, "the step \(step.id) is none of Vercel's", place: step.id.rawValue)
  }

  /// Under which team something was asked, for refusals.
  func scope(_ place: Place) -> String {
    guard let id = place.team else { return "the personal scope" }
    let slug = memory.declared.withLock { teams in teams.values.first { $0.id == id }?.slug }
    return "the team \(slug ?? id)"
  }
}

/// What was found out once and holds for the life of the process.
final class VercelMemory: Sendable {
  /// Team as declared → what it is.
  let declared = Locked<[String: Team]>([:])
  /// Hosts that belong to one deployment for ever → its id.
  let ownHosts = Locked<[String: String]>([:])
  /// Project → the key that passes its protection.
  let bypass = Locked<[String: Sensitive]>([:])
}

/// A team, by its id.
struct Team: Sendable, Hashable {
  var id: String
  var slug: String
  /// `hobby`, `pro`, `enterprise`.
  var plan: String?
}
