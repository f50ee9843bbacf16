package import Model

/// Every secret an environment needs, and where it needs it.
package struct SecretUses: Sendable, Equatable {
  /// By name, the places in the environment file that use it, in the order of the file.
  package let places: [String: [String]]
  /// Those of `notify`, which a run can do without.
  package let notices: [String: [String]]
  /// Those of `secrets.github`, which `secrets sync` and `secrets diff` alone need.
  package let actions: [String: [String]]

  package init(_ environment: Environment) {
    var places: [String: [String]] = [:]
    func use(_ name: String, _ place: String) { places[name, default: []].append(place) }
    if case .postgres(let url) = environment.state { use(url, "state.postgres.url") }
    if let railway = environment.platforms.railway { use(railway.tokenSecret, "platforms.railway.token") }
    if let vercel = environment.platforms.vercel { use(vercel.tokenSecret, "platforms.vercel.token") }
    if let encore = environment.platforms.encore {
      use(encore.clientIDSecret, "platforms.encore.client.id")
      use(encore.clientSecretSecret, "platforms.encore.client.secret")
      if let key = encore.keySecret { use(key, "platforms.encore.key") }
    }
    for database in environment.databases {
      if case .secret(let name) = database.url { use(name, "databases.\(database.key).url") }
      if case .secret(let name)? = database.backup?.encryption?.identity {
        use(name, "databases.\(database.key).backup.encrypt.identity")
      }
      if let credentials = database.backup?.credentials {
        use(credentials.id, "databases.\(database.key).backup.credentials.id")
        use(credentials.secret, "databases.\(database.key).backup.credentials.secret")
      }
    }
    for service in environment.services {
      for (variable, value) in service.variables.sorted(by: { $0.key < $1.key }) {
        guard case .secret(let name) = value else { continue }
        use(name, "services.\(service.key).variables.\(variable)")
      }
    }
    for required in environment.demands.required {
      use(required.name, "secrets.required (\(required.place))")
    }
    self.places = places
    var notices: [String: [String]] = [:]
    for (index, target) in environment.notify.enumerated() {
      for (name, key) in target.secrets { notices[name, default: []].append("notify[\(index)].\(key)") }
    }
    self.notices = notices
    var actions: [String: [String]] = [:]
    if let target = environment.secrets.actions {
      actions[target.tokenSecret, default: []].append("secrets.github.token")
      for (name, secret) in target.names.sorted(by: { $0.key < $1.key }) {
        actions[secret, default: []].append("secrets.github.\(name)")
      }
    }
    self.actions = actions
  }

  package var names: [String] { places.keys.sorted() }

  /// Every name, also of what not each command needs.
  package var all: Set<String> { Set(places.keys).union(notices.keys).union(actions.keys) }

  /// With what `secrets sync` needs besides.
  var withActions: [String: [String]] { places.merging(actions) { $0 + $1 } }
}
