package import Model

/// The environment of a preview, made from the file of the one it is a preview of. Pure.
///
/// Nothing in it leads to that environment: no domain, no flag, no message, no secret that its file does not name for
/// previews, no database but those that the preview has itself.
package struct PreviewEnvironment: Sendable {
  package var environment: Environment
  /// What a person should know: what was left out, and why.
  package var notes: [String] = []

  private let base: Environment
  private let pullRequest: Int?
  /// Services of the base that the preview has.
  private let kept: Set<ServiceName>

  /// - Parameters:
  ///   - name: of the preview; its ledger and its environment on Railway are called so.
  ///   - pullRequest: Encore names its own previews by it.
  /// - Throws: `Failure` of kind configuration when nothing can be put up, or something refers to what no preview has.
  package init(
    of base: Environment, name: String, branch: String?, pullRequest: Int?
  ) throws(Failure) {
    self.base = base
    self.pullRequest = pullRequest
    let wanted = base.preview?.services ?? []
    kept = Set(
      base.services.filter { service in
        if case .prebuilt = service.source { return false }
        return service.platform != .encore && (wanted.isEmpty || wanted.contains(service.key))
      }.map(\.key))
    guard !kept.isEmpty else {
      throw Failure(
        .configuration, "\(base.name) has no service that a preview could have",
        place: "environments/\(base.name).yaml",
        cause: "previews are made on Railway and Vercel; Encore makes its own, for each pull request",
        hint: "shipit explain preview.services")
    }
    environment = base
    environment.name = name
    environment.preview = nil
    environment.previewOf = PreviewOrigin(base: base.name, branch: branch)
    environment.provision = .create
    var protection = Protection()
    protection.deadline = base.protect.deadline
    environment.protect = protection
    environment.demands = SecretDemands()
    environment.secrets.actions = nil
    (environment.notify, environment.rollouts, environment.marks, environment.run) = ([], nil, nil, [])
    try makeServices()
    makeDatabases()
    makeChecks()
    makePlatforms(name)
    tell()
  }

  // MARK: Services

  private mutating func makeServices() throws(Failure) {
    environment.services = []
    for service in base.services where kept.contains(service.key) {
      var service = service
      let own = base.preview?.variables[service.key.rawValue] ?? [:]
      let withheld = service.variables.filter { name, value in
        if case .secret = value { own[name] == nil } else { false }
      }.keys.sorted()
      if !withheld.isEmpty {
        notes.append(
          "\(service.key) gets no \(withheld.joined(separator: ", ")): a preview gets no secret of \(base.name); what it needs stands under preview.variables.\(service.key)"
        )
      }
      service.variables = service.variables.filter { !withheld.contains($0.key) }.merging(own) { $1 }
      for (name, value) in service.variables.sorted(by: { $0.key < $1.key }) {
        guard case .text(let template) = value else { continue }
        let replaced = try replaced(template, name, of: service, isOwn: own[name] != nil)
        service.variables[name] = .text(replaced)
        if own[name] == nil { warn(of: replaced, name, service) }
      }
      if case .commandLineBuild(let path, let root, let include) = service.source {
        service.source = .directory(path: path, root: root, include: include)
        notes.append(
          "\(service.key) is built by Vercel, not here: a build here would read production's variables")
      }
      // All of it is the base's alone: names that lead there, and a port of its own.
      (service.domains, service.proxy, service.health.url) = ([], nil, nil)
      // The project's settings are production's too.
      if service.platform == .vercel { service.settings = ServiceSettings() }
      // Nobody's traffic is at stake, and somebody waits.
      service.health.soak = .zero
      environment.services.append(service)
    }
  }

  /// With what Encore calls its own preview in the place of its service.
  private func replaced(
    _ template: Template, _ name: String, of service: Service, isOwn: Bool
  ) throws(Failure) -> Template {
    var parts: [Template.Part] = []
    for part in template.parts {
      guard case .reference(let reference) = part, let other = reference.service else {
        parts.append(part)
        continue
      }
      let target = base.service(other)
      if target?.platform == .encore, let address = encoreAddress {
        let host = String(address.dropFirst("https://".count))
        if case .serviceHost = reference { parts.append(.text(host)) } else { parts.append(.text(address)) }
        continue
      }
      if kept.contains(other), target?.platform == .railway {
        parts.append(part)
        continue
      }
      let place =
        isOwn ? "preview.variables.\(service.key).\(name)" : "services.\(service.key).variables.\(name)"
      let cause: String? =
        switch target?.platform {
        case .vercel where kept.contains(other):
          "each deployment of a preview on Vercel has an address of its own, which is known only once it is made"
        case .encore:
          "Encore makes its previews itself, and their address is known for a pull request alone"
        default: nil
        }
      throw Failure(
        .configuration, "\(place) refers to \(other), which a preview of \(base.name) cannot refer to",
        place: place, cause: cause ?? "preview.services leaves it out",
        hint: "say what it is in a preview: preview: {variables: {\(service.key): {\(name): …}}}")
    }
    return Template(parts)
  }

  /// A text that was written for production may lead a preview there.
  private mutating func warn(of template: Template, _ name: String, _ service: Service) {
    let text = template.parts.map { if case .text(let text) = $0 { text } else { "" } }.joined(separator: " ")
    let hosts = base.services.flatMap { $0.domains + [$0.health.url].compactMap(\.self) }
      .map { String($0.split(separator: "/").last ?? "") }
    guard let host = hosts.first(where: { !$0.isEmpty && text.contains($0) }) else { return }
    notes.append(
      "\(service.key).\(name) leads to \(host), which is \(base.name)'s: what it is in a preview stands under preview.variables.\(service.key)"
    )
  }

  /// Where Encore puts its own preview of a pull request (contract encore §9).
  private var encoreAddress: String? {
    guard let pullRequest, let encore = base.platforms.encore else { return nil }
    return "https://pr\(pullRequest)-\(encore.app).encr.app"
  }

  // MARK: The rest

  private mutating func makeDatabases() {
    environment.databases = []
    for database in base.databases {
      if let migrations = database.migrations, migrations.runs == .here {
        notes.append(
          "migrations of \(database.key) are not run: its address in the file is \(base.name)'s; `migrations.where: pre-deploy` runs them in the preview"
        )
      }
      guard database.create != nil else { continue }
      var own = database
      (own.url, own.migrations, own.backup, own.scripts) = (.unreached, nil, nil, [])
      environment.databases.append(own)
    }
  }

  private mutating func makeChecks() {
    let railway = Set(environment.services.filter { $0.platform == .railway }.map(\.key))
    environment.checks = base.checks.filter { check in
      let services = check.kind.references.compactMap(\.service)
      return !services.isEmpty && railway.isSuperset(of: services)
    }
    let dropped = base.checks.filter { check in !environment.checks.contains(check) }.map(\.name)
    if !dropped.isEmpty {
      notes.append(
        "not checked: \(dropped.joined(separator: ", ")); a preview has the checks that look at ${services.NAME.url}"
      )
    }
  }

  private mutating func makePlatforms(_ name: String) {
    let used = Set(environment.services.map(\.platform))
    environment.platforms.encore = nil
    if !used.contains(.vercel) { environment.platforms.vercel = nil }
    guard used.contains(.railway), let railway = base.platforms.railway else {
      environment.platforms.railway = nil
      environment.databases = []
      return
    }
    let declared = Set(base.services.map { $0.name.lowercased() })
    var keeps = Set(environment.databases.compactMap(\.create?.service))
    let there = Set(environment.services.map { $0.name.lowercased() })
    for service in environment.services {
      for (variable, value) in service.variables.sorted(by: { $0.key < $1.key }) {
        guard case .text(let template) = value else { continue }
        for case .platformVariable(.railway, let other, _) in template.references {
          if !declared.contains(other.lowercased()) { keeps.insert(other) }
          if declared.contains(other.lowercased()), !there.contains(other.lowercased()) {
            notes.append(
              "\(service.key).\(variable) refers to \(other), which the preview leaves out: it is empty there"
            )
          }
        }
      }
    }
    environment.platforms.railway?.environment = name
    environment.platforms.railway?.fork = RailwayFork(
      source: railway.environment, keeps: keeps.sorted(),
      mark: PreviewMark.of(app: base.app, name: name))
  }

  private mutating func tell() {
    if !base.run.isEmpty {
      notes.append("not run: \(base.run.map(\.name).joined(separator: ", "))")
    }
    for service in base.services {
      guard case .prebuilt = service.source else { continue }
      notes.append("\(service.key) is left out: its output was built for production")
    }
    for service in base.services where service.platform == .encore {
      notes.append(
        "\(service.key) is on Encore, which makes a preview by itself for each pull request"
          + (encoreAddress.map { ": \($0)" } ?? ""))
    }
  }
}

extension Reference {
  /// The service whose address is meant.
  fileprivate var service: ServiceName? {
    switch self {
    case .serviceURL(let name), .serviceHost(let name): name
    case .commit, .release, .environment, .platformVariable: nil
    }
  }
}
