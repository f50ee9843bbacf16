import Crypto
package import Model

/// Finds the values of the secrets that an environment uses. They stay in memory.
package struct SecretResolver: Sendable {
  private let pool: SecretPool

  package init(_ pool: SecretPool) { self.pool = pool }

  /// - Parameter environment: the variables of this process, as the one source.
  package init(environment variables: [String: String]) { self.init(SecretPool(process: variables)) }

  /// Resolves every secret the environment uses.
  /// - Parameter key: the ledger's key of fingerprints.
  /// - Throws: `configuration`, naming all that are missing or empty at once.
  package func resolve(_ environment: Environment, key: [UInt8]) throws(Failure) -> SecretValues {
    let found = try resolve(SecretUses(environment).places, in: environment, key: key)
    try check(environment)
    return found
  }

  /// Resolves what `resolve` does, and what GitHub Actions gets, with the token that writes it.
  /// - Throws: `configuration`, naming all that are missing or empty at once.
  package func resolveForSync(_ environment: Environment, key: [UInt8]) throws(Failure) -> SecretValues {
    let found = try resolve(SecretUses(environment).withActions, in: environment, key: key)
    try check(environment)
    return found
  }

  /// - Throws: `configuration`, naming every value that breaks a rule and every rule it breaks.
  private func check(_ environment: Environment) throws(Failure) {
    let broken = SecretRuleCheck.violations(environment.demands.rules) { pool[$0] }
    guard let first = broken.first else { return }
    let names = broken.map(\.name).joined(separator: ", ")
    throw Failure(
      .configuration,
      "\(broken.count == 1 ? "1 secret of \(environment.name) breaks its rules" : "\(broken.count) secrets of \(environment.name) break their rules"): \(names)",
      place: first.place.description.isEmpty
        ? "environments/\(environment.name).yaml" : first.place.description,
      cause: broken.map { "\($0.name) (\($0.place)): \($0.problems.joined(separator: ", "))" }
        .joined(separator: "; "),
      hint: "set another value where it comes from: shipit secrets list \(environment.name)")
  }

  /// Resolves only what the platforms' accounts need, for commands that read: `status`, `logs`. What databases
  /// need comes along as far as it is at hand: only a run that was killed while it changed a schema asks for it.
  /// - Throws: `configuration`, naming all that are missing or empty at once.
  package func resolveAccounts(_ environment: Environment, key: [UInt8]) throws(Failure) -> SecretValues {
    var accounts = environment
    accounts.services = []
    accounts.databases = []
    accounts.demands = SecretDemands()
    let found = try resolve(SecretUses(accounts).places, in: environment, key: key)
    var values: [String: Sensitive] = [:]
    for database in environment.databases {
      guard case .secret(let name) = database.url, let value = pool[name], !value.isEmpty else {
        continue
      }
      values[name] = value
    }
    for (name, value) in found.all { values[name] = value }
    return resolved(values, key)
  }

  /// Resolves only what databases need, for `migrate`.
  /// - Throws: `configuration`, naming all that are missing or empty at once.
  package func resolveDatabases(_ environment: Environment, key: [UInt8]) throws(Failure) -> SecretValues {
    var databases = environment
    databases.services = []
    databases.demands = SecretDemands()
    // Who copies a volume is asked by its account.
    let isOnRailway = environment.databases.contains { $0.backup?.volume != nil }
    databases.platforms = Platforms(railway: isOnRailway ? environment.platforms.railway : nil)
    databases.state = .local
    return try resolve(SecretUses(databases).places, in: environment, key: key)
  }

  /// Resolves only what the places of backups are reached by: to list copies no database is asked.
  /// - Throws: `configuration`, naming all that are missing or empty at once.
  package func resolveBackups(_ environment: Environment) throws(Failure) -> SecretValues {
    var places = environment
    for index in places.databases.indices {
      places.databases[index].url = .text("")
      places.databases[index].backup?.encryption = nil
    }
    return try resolveDatabases(places, key: [])
  }

  /// Resolves what the platforms' accounts need, and of the services' secrets what is at hand: enough to find out
  /// what an interrupted run left, on a machine that deploys nothing.
  /// - Throws: `configuration`, naming what the accounts lack.
  package func resolveAtHand(_ environment: Environment, key: [UInt8]) throws(Failure) -> SecretValues {
    let accounts = try resolveAccounts(environment, key: key).all
    var values = Dictionary(accounts.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for (name, value) in available(environment) { values[name] = value }
    return resolved(values, key)
  }

  /// Resolves what the platforms' accounts need as far as it is at hand: who holds one platform's token can
  /// look at that platform.
  /// - Returns: the values, and for each platform that lacks one what is missing.
  package func resolveAccountsAtHand(_ environment: Environment, key: [UInt8]) -> (
    values: SecretValues, missing: [PlatformName: Failure]
  ) {
    var values: [String: Sensitive] = [:]
    var missing: [PlatformName: Failure] = [:]
    for name in PlatformName.allCases {
      var account = environment
      account.services = []
      account.databases = []
      account.demands = SecretDemands()
      account.state = .local
      switch name {
      case .railway: account.platforms = Platforms(railway: environment.platforms.railway)
      case .vercel: account.platforms = Platforms(vercel: environment.platforms.vercel)
      case .encore: account.platforms = Platforms(encore: environment.platforms.encore)
      }
      do throws(Failure) {
        let found = try resolve(SecretUses(account).places, in: environment, key: key)
        for (name, value) in found.all { values[name] = value }
      } catch { missing[name] = error }
    }
    return (resolved(values, key), missing)
  }

  /// Resolves the one secret with which the ledger is reached, before anything else can be known.
  /// - Throws: `configuration` when it is missing or empty.
  package func resolveLedger(_ name: String, of environment: Environment) throws(Failure) -> Sensitive {
    var ledgerAlone = environment
    ledgerAlone.services = []
    ledgerAlone.databases = []
    ledgerAlone.demands = SecretDemands()
    ledgerAlone.platforms = Platforms()
    let values = try resolve(SecretUses(ledgerAlone).places, in: environment, key: [])
    guard let value = values[name] else {
      throw Failure(.internalError, "the secret \(name) of the ledger was not resolved")
    }
    return value
  }

  /// Every secret of the environment that has a value at hand, and what sources are reached by, for redaction.
  package func available(_ environment: Environment) -> [(name: String, value: Sensitive)] {
    let credentials = pool.credentialsRead
    return SecretUses(environment).all.union(credentials.keys).sorted().compactMap { name in
      (pool[name] ?? credentials[name]).flatMap { $0.isEmpty ? nil : (name, $0) }
    }
  }

  private func resolved(_ values: [String: Sensitive], _ key: [UInt8]) -> SecretValues {
    var origins: [String: SecretOrigin] = [:]
    for name in values.keys { origins[name] = pool.origin(of: name) }
    return SecretValues(values: values, origins: origins) { Fingerprint.of($0, key: key) }
  }

  private func resolve(
    _ places: [String: [String]], in environment: Environment, key: [UInt8]
  ) throws(Failure) -> SecretValues {
    var values: [String: Sensitive] = [:]
    var problems: [(name: String, text: String)] = []
    for (name, users) in places.sorted(by: { $0.key < $1.key }) {
      let used = "used by \(users.joined(separator: ", "))"
      switch pool[name] {
      case nil where environment.demands.isKept(name) && users.allSatisfy(SecretResolver.isOfService): break
      case nil: problems.append((name, "\(name) is not set, \(used)"))
      case let value? where value.isEmpty: problems.append((name, "\(name) is set but empty, \(used)"))
      case let value?: values[name] = value
      }
    }
    guard problems.isEmpty else {
      guard var failure = pool.failure else { throw missing(problems, in: environment.name) }
      // Whether they are missing is not known: the source that could not be asked may have them.
      failure.place = failure.place ?? "environments/\(environment.name).yaml"
      let needed = problems.map(\.name).joined(separator: ", ")
      failure.cause = (failure.cause.map { "\($0); " } ?? "") + "needed from it: \(needed)"
      throw failure
    }
    return resolved(values, key)
  }

  /// Only what services have as variables can be kept by their platforms.
  private static func isOfService(_ place: String) -> Bool {
    place.hasPrefix("services.") || place.hasPrefix("secrets.required")
  }

  /// Said where there is more than one place.
  private var looked: String {
    pool.places.count > 1 ? "; looked in \(pool.places.joined(separator: ", then "))" : ""
  }

  private func missing(_ problems: [(name: String, text: String)], in environment: String) -> Failure {
    let names = problems.map(\.name)
    let count = names.count == 1 ? "1 secret" : "\(names.count) secrets"
    let inActions = names.map { "\($0): ${{ secrets.\($0) }}" }.joined(separator: ", ")
    return Failure(
      .configuration, "\(count) of \(environment) cannot be resolved: \(names.joined(separator: ", "))",
      place: "environments/\(environment).yaml", cause: problems.map(\.text).joined(separator: "; ") + looked,
      hint: "set \(names.count == 1 ? "it" : "them") in the environment of shipit: "
        + "`read -rs \(names[0]) && export \(names[0])` in a shell, or `env: {\(inActions)}` in GitHub Actions"
    )
  }
}

/// Tells equal secret values from different ones, and nothing else, to whoever lacks the ledger's key.
enum Fingerprint {
  static func of(_ value: Sensitive, key: [UInt8]) -> String {
    // The domain keeps this digest from ever meaning anything in another protocol under the same key.
    let code = HMACSHA256.code(for: "shipit secret fingerprint 1\0" + value.reveal(), key: key)
    return Hex.encode(Array(code.bytes.prefix(16)))
  }
}
