import Concurrency
import Crypto
import FoundationEssentials
import Language
import Ledgers
import Model
import Secrets
import Terminal

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Opens the ledger of an environment wherever it is kept.
enum LedgerPlace {
  /// The ledger that the environment file names.
  /// - Throws: what the ledger says; `configuration` when it has moved elsewhere.
  static func open(
    _ project: Project, _ environment: Model.Environment, _ clock: any TimeSource
  ) async throws(Failure) -> any MovableLedger {
    let ledger = try await open(environment.state, project, environment, clock)
    if let move = try await ledger.moved() { throw .moved(move, environment: environment.name) }
    return ledger
  }

  /// The environment's ledger of a kind, also where it has moved away.
  static func open(
    _ state: StateStore, _ project: Project, _ environment: Model.Environment, _ clock: any TimeSource
  ) async throws(Failure) -> any MovableLedger {
    let variables = ProcessInfo.processInfo.environment
    switch state {
    case .local:
      return try await LocalLedger.open(
        root: project.root, environment: environment.name, time: clock,
        timing: try timing(LeaseTiming(), variables))
    case .git:
      var options = GitLedger.Options()
      options.timing = try timing(options.timing, variables)
      return try await GitLedger.open(
        root: project.root, app: environment.app, environment: environment.name, time: clock,
        process: variables, options: options,
        tell: { line in _ = Output(descriptor: STDERR_FILENO).write(line + "\n") })
    case .postgres(let name):
      var wanted = environment
      wanted.state = state
      let pool = await SecretPool.open(
        environment.secrets, wanting: [name], SecretAccess(root: project.root, process: variables))
      let url = try SecretResolver(pool).resolveLedger(name, of: wanted)
      return try await PostgresLedger.open(
        url: url, app: environment.app, environment: environment.name,
        timing: try timing(LeaseTiming(), variables))
    }
  }

  /// Who this process is to a ledger.
  static func holder(_ purpose: String, _ variables: [String: String]) -> Holder {
    Holder(
      name: Session.user(variables), purpose: purpose, process: getpid(), nonce: Hex.encode(randomBytes(8)),
      machine: MachineIdentity.current)
  }

  /// `SHIPIT_LEASE` sets how long a lease of this process lasts; others read it from the lease itself.
  private static func timing(
    _ standard: LeaseTiming, _ variables: [String: String]
  ) throws(Failure) -> LeaseTiming {
    guard let text = variables["SHIPIT_LEASE"], !text.isEmpty else { return standard }
    guard let duration = duration(written: text), duration >= .seconds(1), duration <= .seconds(3600) else {
      throw Failure(
        .configuration, "SHIPIT_LEASE takes a duration from 1s to 1h, not “\(text)”",
        hint:
          "write one such as 30s, or unset it: \(standard.duration.wholeMilliseconds / 1000)s is the default")
    }
    let part = standard.heartbeat.inSeconds / standard.duration.inSeconds
    return LeaseTiming(duration: duration, heartbeat: duration * part)
  }
}
