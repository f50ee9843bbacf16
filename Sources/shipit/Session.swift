import Commands
import Concurrency
import Crypto
import FoundationEssentials
import HTTP
import Interface
import Ledgers
import Model
import Probing
import Processes
import Railway
import Redaction
import Runner
import Secrets
import Source

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Everything wired for one environment: adapters, ledger, secrets, clock.
struct Session: Sendable {
  let project: Project
  let environment: Model.Environment
  let clock: any TimeSource
  let ledger: any Ledger
  let secrets: SecretValues
  let history: any RevisionHistory
  let platforms: [PlatformName: any Platform]
  let overrides: [Override]
  private let http: HTTPClient
  private let variables: [String: String]

  /// - Throws: `Failure` when a secret is missing or the ledger cannot be used.
  init(
    _ project: Project, _ environment: Model.Environment, _ console: Console, needsVariables: Bool,
    isDirty: Bool = false
  ) async throws(Failure) {
    self.project = project
    self.environment = environment
    variables = ProcessInfo.processInfo.environment
    clock = Session.clock
    ledger = try await Session.ledger(project, environment, clock)
    let key = try await ledger.fingerprintKey()
    let resolver = SecretResolver(environment: variables)
    secrets =
      needsVariables
      ? try resolver.resolve(environment, key: key) : try resolver.resolveAccounts(environment, key: key)
    // What a command does not need is taken out of everything it prints too, as far as it is at hand.
    let hidden = resolver.available(environment)
    let redactor = Redactor(secrets: hidden.map { ($0.name, $0.value.reveal()) })
    console.redact { redactor.redact($0) }
    let source = try await GitSource.find(root: project.root, process: variables)
    let packer = CommitPacker(
      root: project.root, source: source, dirty: isDirty, temporaryDirectory: variables["TMPDIR"] ?? "/tmp")
    history = ProjectHistory(source: source, packer: packer, environment: environment)
    http = HTTPClient()
    overrides = try Session.overrides(variables)
    var platforms: [PlatformName: any Platform] = [:]
    if let target = environment.platforms.railway, let token = secrets[target.tokenSecret] {
      let base = overrides.first { $0.name == Session.railwayURL }?.value
      platforms[.railway] = RailwayPlatform(
        baseURL: base ?? "https://backboard.railway.com", http: http, clock: clock, token: token,
        secrets: secrets,
        packer: packer, version: shipitVersion,
        // The twin has made a deployment by the time it answers: nothing appears later.
        appearance: base.map(Session.isLoopback) ?? false ? .seconds(2) : .seconds(60),
        random: { Double.random(in: 0..<1) })
    }
    self.platforms = platforms
  }

  /// The clock of this process.
  static let clock = SystemClock()

  static let railwayURL = "SHIPIT_RAILWAY_URL"

  private static func isLoopback(_ url: String) -> Bool {
    guard url.hasPrefix("http://") else { return false }
    let authority = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { return false }
    let host =
      authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  /// Where adapters are pointed elsewhere: https, or loopback (DESIGN §9).
  static func overrides(_ variables: [String: String]) throws(Failure) -> [Override] {
    var overrides: [Override] = []
    for name in [railwayURL] {
      guard let value = variables[name], !value.isEmpty else { continue }
      guard value.hasPrefix("https://") || isLoopback(value) else {
        throw Failure(
          .configuration, "\(name) must be https, or http on a loopback address", place: name,
          hint: "unset \(name), or start the twin: shipit twin")
      }
      overrides.append(Override(name: name, value: value))
    }
    return overrides
  }

  static func ledger(
    _ project: Project, _ environment: Model.Environment, _ clock: any TimeSource
  ) async throws(Failure) -> any Ledger {
    try await LocalLedger.open(root: project.root, environment: environment.name, time: clock)
  }

  /// SHA-256 in hex.
  static let digest: @Sendable (String) -> String = { SHA256.digest(of: $0).hex }

  var planning: Planning {
    Planning(
      environment: environment, ledger: ledger, platforms: platforms, secrets: secrets, history: history,
      digest: Session.digest)
  }

  private func performers(_ redact: @escaping @Sendable (String) -> String) -> Performers {
    let platforms = platforms
    return Performers(
      platforms: platforms,
      probing: HealthProber(
        http: http, clock: clock,
        platformState: { target, id in try await platforms[target.platform]?.deployment(id, of: target) }),
      commands: CommandPerformer(
        root: project.root, environment: CommandEnvironment(process: variables), redact: redact))
  }

  /// What an operation works with.
  func context(
    purpose: String, interrupter: Interrupter, redact: @escaping @Sendable (String) -> String,
    watch: @escaping @Sendable (RunEvent) -> Void
  ) -> OperationContext {
    let by = Session.user(variables)
    return OperationContext(
      ledger: ledger, performers: performers(redact),
      surroundings: RunSurroundings(clock: clock, redact: redact, watch: watch), by: by,
      holder: Holder(
        name: by, purpose: purpose, process: getpid(), nonce: Hex.encode(randomBytes(8))),
      digest: Session.digest,
      interrupter: interrupter)
  }

  /// `ann@laptop`; in GitHub Actions the actor and the run.
  static func user(_ variables: [String: String]) -> String {
    if let actor = variables["GITHUB_ACTOR"], let run = variables["GITHUB_RUN_ID"] {
      return "\(actor)@actions-\(run)"
    }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let user = variables["USER"] ?? variables["LOGNAME"] ?? "uid\(getuid())"
    return "\(user)@\(host.prefix { $0 != "." })"
  }
}
