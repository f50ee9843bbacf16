import Commands
import Concurrency
import Crypto
import Databases
import Encore
import FoundationEssentials
import GitHub
import HTTP
import Interface
import Ledgers
import Model
import Probing
import Processes
import Redaction
import Runner
import Secrets
import Source
import Terminal

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
  /// Why a platform cannot be asked: a secret of its account is not at hand.
  private let missing: [PlatformName: Failure]
  let overrides: [Override]
  /// The platforms that the command has to do with.
  let touched: Set<PlatformName>
  private let isRepository: Bool
  private let parts: AdapterParts
  private let migrations: ProjectMigrations
  let http: HTTPClient
  let variables: [String: String]

  /// - Parameters:
  ///   - needsVariables: the services' secrets are needed too, not only the accounts'.
  ///   - isSync: what GitHub Actions gets is needed besides the services' secrets.
  ///   - isAboutDatabases: of all secrets those of databases alone are needed.
  ///   - takesVariables: the services' secrets are used as far as they are at hand.
  ///   - made: a secret whose value was made here, and its value.
  ///   - isPartial: a platform whose account lacks a secret is left out, and the others are asked.
  ///   - touched: the platforms whose accounts are needed, while the others' are as with `isPartial`; nil: all.
  ///   - ledger: nil: the environment's own.
  /// - Throws: `Failure` when a secret is missing or the ledger cannot be used.
  init(
    _ project: Project, _ environment: Model.Environment, _ console: Console, needsVariables: Bool,
    isSync: Bool = false,
    takesVariables: Bool = false, isAboutDatabases: Bool = false, isPartial: Bool = false,
    made: (name: String, value: Sensitive)? = nil, touched: Set<PlatformName>? = nil, isDirty: Bool = false,
    ledger: (any Ledger)? = nil
  ) async throws(Failure) {
    self.project = project
    self.environment = environment
    variables = ProcessInfo.processInfo.environment
    clock = Session.clock
    let pool = await SecretPool.open(
      environment,
      SecretAccess(
        root: project.root, process: variables, patience: isPartial ? SecretAccess.shortPatience : nil))
    for warning in pool.warnings { console.warning(warning) }
    let resolver = SecretResolver(pool)
    // Before the first use of any, and what a command does not need too, as far as it is at hand.
    let atHand = resolver.available(environment)
    console.hide(atHand)
    if needsVariables {
      for (name, value) in atHand where value.reveal().utf8.count < Redactor.shortest {
        console.warning("\(name) is too short to be taken out of logs and messages: give it a longer value")
      }
    }
    let used: any Ledger
    if let ledger { used = ledger } else { used = try await Session.ledger(project, environment, clock) }
    self.ledger = used
    self.touched = touched ?? Set(environment.services.map(\.platform))
    let key = try await used.fingerprintKey()
    if let touched { _ = try resolver.resolveAccounts(environment.limited(to: touched), key: key) }
    let found: SecretValues
    if isAboutDatabases {
      found = try resolver.resolveDatabases(environment, key: key)
      let copies = environment.databases.contains { $0.backup?.volume != nil }
      missing = Dictionary(
        uniqueKeysWithValues: PlatformName.allCases.filter { !(copies && $0 == .railway) }.map { name in
          (name, Failure(.internalError, "\(name.title) is not asked by this command"))
        })
    } else if isPartial || touched != nil {
      (found, missing) = resolver.resolveAccountsAtHand(environment, key: key)
    } else if takesVariables {
      found = try resolver.resolveAtHand(environment, key: key)
      missing = [:]
    } else {
      found =
        isSync
        ? try resolver.resolveForSync(environment, key: key)
        : needsVariables
          ? try resolver.resolve(environment, key: key) : try resolver.resolveAccounts(environment, key: key)
      if needsVariables { try await Session.checkReuse(project, environment, found, console) }
      missing = [:]
    }
    secrets = made.map { found.adding($0.name, $0.value) } ?? found
    let hide: @Sendable (String, Sensitive) -> Void = { name, value in console.hide([(name, value)]) }
    // libpq and the server speak of a password alone.
    let addresses = Set(
      environment.databases.compactMap { if case .secret(let name) = $0.url { name } else { nil } })
    console.hide(
      resolver.available(environment).filter { addresses.contains($0.name) }.flatMap { address in
        AddressSecrets.passwords(in: address.value).map { (address.name, $0) }
      })
    let source = try await GitSource.find(root: project.root, process: variables)
    let packer = CommitPacker(
      root: project.root, source: source, dirty: isDirty, temporaryDirectory: variables["TMPDIR"] ?? "/tmp")
    history = ProjectHistory(source: source, packer: packer, environment: environment)
    http = HTTPClient()
    let endpoints = try Endpoints(variables)
    overrides = endpoints.overrides
    isRepository = source != nil
    let temporaryDirectory = variables["TMPDIR"] ?? "/tmp"
    migrations = ProjectMigrations(source: source, root: project.root)
    let parts = AdapterParts(
      environment: environment, root: project.root, http: http, clock: clock, launcher: Launcher(),
      process: variables, secrets: secrets, packer: packer, history: history,
      repository: ProjectRepository(source: source, temporaryDirectory: temporaryDirectory),
      temporaryDirectory: temporaryDirectory, version: shipitVersion, hide: hide)
    var platforms: [PlatformName: any Platform] = [:]
    for registration in platformTable where missing[registration.name] == nil {
      platforms[registration.name] = try registration.make(parts, endpoints.endpoint(of: registration))
    }
    self.platforms = platforms
    self.parts = parts
  }

  /// The adapter of a platform.
  /// - Throws: what is missing to ask it.
  func platform(_ name: PlatformName) throws(Failure) -> any Platform {
    if let platform = platforms[name] { return platform }
    throw missing[name] ?? Failure(.configuration, "services on \(name.title) are not supported yet")
  }

  /// A secret of the platform's account is not at hand.
  func lacksAccount(_ name: PlatformName) -> Bool { missing[name] != nil }

  /// The clock of this process.
  static let clock = SystemClock()

  static func ledger(
    _ project: Project, _ environment: Model.Environment, _ clock: any TimeSource
  ) async throws(Failure) -> any Ledger {
    try await LedgerPlace.open(project, environment, clock)
  }

  /// SHA-256 in hex.
  static let digest: @Sendable (String) -> String = { SHA256.digest(of: $0).hex }

  var planning: Planning {
    Planning(
      environment: environment, ledger: ledger, platforms: platforms, secrets: secrets, history: history,
      digest: Session.digest, databases: looks, actions: actionsSecrets)
  }

  /// Who looks at databases.
  var looks: DatabaseLooks {
    DatabaseLooks(
      observer: PostgresObserver(
        secrets: secrets, files: migrations, digest: Session.digest, program: program { $0 }),
      discovery: EncoreDatabases(repository: parts.repository, files: migrations))
  }

  /// Who is told of what a command does.
  /// - Throws: `Failure` when an address of the process environment is refused.
  func notifying(redact: @escaping @Sendable (String) -> String) async throws(Failure) -> Notifying {
    try await Notifying(environment, root: project.root, variables: variables, clock: clock, redact: redact)
  }

  /// The programs of this machine that the environment needs.
  func examineTools() async -> [Examination] {
    await Tools(launcher: Launcher(), process: variables).examine(environment, isRepository: isRepository)
  }

  private func performers(_ redact: @escaping @Sendable (String) -> String) -> Performers {
    let platforms = platforms
    return Performers(
      platforms: platforms,
      probing: HealthProber(
        http: http, clock: clock,
        platformState: { target, id in try await platforms[target.platform]?.deployment(id, of: target) },
        serving: { target, host in
          try await platforms[target.platform]?.deployment(serving: host, of: target)
        },
        access: { target in try await platforms[target.platform]?.accessHeaders(of: target) ?? [] }),
      commands: CommandPerformer(
        root: project.root, environment: CommandEnvironment(process: variables), redact: redact),
      images: imageBuilder(parts, redact),
      databases: MigrationPerformer(
        secrets: secrets, files: migrations, clock: clock, digest: Session.digest, program: program(redact)),
      backups: backups, actionsSecrets: actionsSecrets)
  }

  /// Who writes the secrets of GitHub Actions; nil where none are kept, or their token is not at hand.
  private var actionsSecrets: (any ActionsSecretStore)? {
    guard let target = environment.secrets.actions, let token = secrets[target.tokenSecret] else {
      return nil
    }
    return ActionsSecretsPerformer(
      GitHubTarget(
        apiURL: ActionsContext.apiURL(variables), repository: target.place.repository, token: token),
      target.place, values: secrets, http: http, version: shipitVersion)
  }

  /// Runs migration tools that are programs of the project's.
  private func program(_ redact: @escaping @Sendable (String) -> String) -> ExternalProgram {
    ExternalProgram(
      root: project.root, secrets: secrets, files: migrations, process: variables,
      digest: Session.digest, redact: redact)
  }

  /// Who copies databases.
  var backups: BackupPerformer {
    BackupPerformer(secrets: secrets, stores: backupStores, clock: clock, process: variables)
  }

  /// Where copies are kept.
  var backupStores: BackupStores {
    let keeper = platforms[.railway] as? any VolumeKeeper
    return Session.backupStores(
      project, environment.app, secrets, http, variables, keeper.map { VolumeCopies($0, environment) })
  }

  /// Where copies are kept, for a command that needs nothing else.
  static func backupStores(
    _ project: Project, _ app: String, _ secrets: SecretValues, _ http: HTTPClient,
    _ variables: [String: String], _ volumes: VolumeCopies? = nil
  ) -> BackupStores {
    let access = SecretAccess(root: project.root, process: variables, clock: clock)
    return BackupStores(
      root: project.root, app: app, secrets: secrets, clock: clock, process: variables, transport: http,
      volumes: volumes
    ) { (bucket, description) async throws(Failure) in
      try await AWSAccount(access, description: description, region: bucket.region, role: bucket.role)
        .credentials()
    }
  }

  /// What an operation works with.
  func context(
    purpose: String, interrupter: Interrupter, redact: @escaping @Sendable (String) -> String,
    policy: PolicySources = PolicySources(), rollouts: RolloutHooks = RolloutHooks(),
    watch: @escaping @Sendable (RunEvent) -> Void
  ) -> OperationContext {
    let by = Session.user(variables)
    return OperationContext(
      ledger: ledger, performers: performers(redact),
      surroundings: RunSurroundings(clock: clock, redact: redact, watch: watch), by: by,
      holder: LedgerPlace.holder(purpose, variables),
      digest: Session.digest,
      interrupter: interrupter, policy: policy, rollouts: rollouts)
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

extension Model.Environment {
  /// Without the accounts of platforms that are not touched.
  fileprivate func limited(to touched: Set<PlatformName>) -> Self {
    var limited = self
    if !touched.contains(.railway) { limited.platforms.railway = nil }
    if !touched.contains(.vercel) { limited.platforms.vercel = nil }
    if !touched.contains(.encore) { limited.platforms.encore = nil }
    return limited
  }
}
