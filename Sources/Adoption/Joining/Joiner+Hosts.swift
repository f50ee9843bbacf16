extension Joiner {
  /// Applications of Encore: Encore's cloud where they are linked to it and nothing says otherwise.
  mutating func joinEncore() {
    for unit in facts.units where unit.host == .encore {
      var service = DraftService(
        key: "", name: Sourced("", Evidence(unit.file), .guess), host: .encore, standing: .written,
        certainty: .sure, configs: [unit.file], home: unit.home, context: unit.home,
        settings: unit.settings, leftovers: unit.leftovers)
      service.silent = [.appID, .build]
      service.variables = unit.variables.map {
        DraftVariable(name: $0.name, value: .secret, evidence: $0.evidence)
      }
      let infrastructure = facts.infrastructures.first { Path.isInside($0.file, unit.home) }
      if let infrastructure {
        for variable in infrastructure.variables
        where !service.variables.contains(where: { $0.name == variable.name }) {
          service.variables.append(
            DraftVariable(name: variable.name, value: .secret, evidence: variable.evidence))
        }
        service.settings[.build] = Sourced(
          "encore build docker --config \(Path.name(infrastructure.file))", Evidence(infrastructure.file),
          .likely, note: "how an image of it is made outside Encore's cloud")
        service.configs.append(infrastructure.file)
        service.certainty = .likely
        service.standing = .asked(
          "\(infrastructure.file) describes an image run outside Encore's cloud, and \(unit.settings[.appID] == nil ? "encore.app has no id" : "encore.app has an id of that cloud"): where does it run?"
        )
      } else if unit.settings[.appID] == nil {
        service.certainty = .likely
        service.standing = .asked(
          "encore.app has no id, so it is not linked to Encore's cloud: where does it run?")
      }
      draft.services.append(service)
    }
  }

  /// Services of platforms that shipit does not deploy to.
  mutating func joinForeign() {
    var found: [DraftService] = []
    for unit in facts.units where !unit.host.isCarried && !unit.isBare {
      var service = DraftService(
        key: "", name: unit.name ?? Sourced("", Evidence(unit.file), .guess), host: unit.host,
        standing: .foreign, certainty: .sure, configs: [unit.file], home: unit.home, context: unit.home,
        settings: unit.settings, leftovers: unit.leftovers)
      if case .off(let reason) = unit.standing {
        service.standing = .off("\(unit.file) calls itself \(reason)")
      }
      service.variables = unit.variables.map {
        DraftVariable(name: $0.name, value: Joiner.value($0), evidence: $0.evidence)
      }
      let folder = Path.name(unit.home)
      if !folder.isEmpty, !Joiner.generic.contains(folder) {
        service.name = Sourced(folder, Evidence(unit.file), .likely)
      }
      if unit.host != .fly { image(&service) }
      if service.settings[.build] == nil, let script = facts.node(in: unit.home)?.scripts["build"] {
        service.settings[.build] = script
      }
      // fly.staging.toml and fly.production.toml are one service in two environments.
      let same = found.firstIndex { $0.host == unit.host && $0.home == unit.home && unit.host == .fly }
      if let same {
        let isBetter = unit.file.contains("prod")
        service.configs =
          isBetter ? service.configs + found[same].configs : found[same].configs + service.configs
        if isBetter { found[same] = service } else { found[same].configs = service.configs }
      } else {
        found.append(service)
      }
    }
    draft.services += found
  }

  /// Applications that no platform's file speaks of.
  mutating func joinPackages() {
    let homes = Set(draft.services.flatMap { [$0.home, $0.context] }).union(covered)
    for package in facts.packages where Path.name(package.file) == "package.json" {
      let folder = package.folder
      if package.isMobile {
        draft.remarks.append(
          Sourced(
            "\(folder.isEmpty ? "." : folder) is an application for phones: no server deploys it",
            Evidence(package.file)))
        continue
      }
      guard !homes.contains(folder), !FileTree.isForeign(package.file) else { continue }
      let covered = homes.contains { !$0.isEmpty && Path.isInside(folder, $0) }
      let isTop = folder.isEmpty && (!package.workspaces.isEmpty || !draft.services.isEmpty)
      guard !covered, !isTop, isApplication(package) else { continue }
      var service = DraftService(
        key: "", name: Sourced("", Evidence(package.file), .guess), host: host(package),
        standing: .asked(reason(package)), certainty: .guess, configs: [package.file], home: folder,
        context: folder)
      service.isFrontend = package.framework != nil
      service.silent = Set(SettingKey.allCases)
      self.package(&service)
      image(&service)
      if let start = package.scripts["start"], service.settings[.start] == nil {
        service.settings[.start] = start
      }
      service.silent = Set(SettingKey.allCases)
      draft.services.append(service)
    }
    composeOnly()
  }

  /// A server, or a site that is built: not a library.
  private func isApplication(_ package: PackageFile) -> Bool {
    if package.folder.hasPrefix("packages/"), package.framework?.value == "vite" || package.framework == nil {
      return false
    }
    return package.framework != nil || package.scripts["start"] != nil || package.scripts["deploy"] != nil
  }

  private func host(_ package: PackageFile) -> Host {
    let sites: Set<String> = ["nextjs", "nuxtjs", "sveltekit", "remix", "astro", "gatsby", "vite"]
    if package.folder.isEmpty {
      let deployers = Set(facts.workflows.flatMap { $0.deploys.map(\.value) })
      if deployers.count == 1, let only = deployers.first { return only }
    }
    return sites.contains(package.framework?.value ?? "") ? .vercel : .railway
  }

  private func reason(_ package: PackageFile) -> String {
    let deployers = facts.workflows.flatMap { workflow -> [String] in
      workflow.isAutomatic ? workflow.deploys.map(\.value.title) : []
    }
    let names = Set(deployers).sorted()
    if package.folder.isEmpty, names.count > 1 {
      return
        "\(names.count) deploy targets for the same push, \(names.joined(separator: ", ")), no platform file\(facts.examples.isEmpty ? " and no .env.example" : ""): which of them serves people?"
    }
    return
      "no platform's file speaks of \(package.folder.isEmpty ? "it" : package.folder): is it deployed, and where?"
  }

  /// What only runs by a compose file for production, on a machine of somebody's own.
  private mutating func composeOnly() {
    guard draft.written.isEmpty else { return }
    for service in facts.compose where isProduction(service.file) && service.store == nil {
      guard let context = service.context, !context.isEmpty,
        !draft.services.contains(where: { $0.home == context })
      else { continue }
      draft.services.append(
        DraftService(
          key: "", name: Sourced(service.name, Evidence(service.file, service.line), .likely),
          host: .selfHosted, standing: .foreign, certainty: .likely, configs: [service.file],
          home: context, context: context))
    }
  }

  /// Whether a compose file is for a server, not for a developer's machine.
  func isProduction(_ file: String) -> Bool {
    let name = Path.name(file)
    if name.containsAny("dev", "test", "e2e", "smoke", "local") { return false }
    return name.containsAny("prod", "staging")
      || ["deploy", "vps", "production", "infra", "infrastructure", "server"].contains {
        Path.folder(file).split(separator: "/").map(String.init).contains($0)
      }
  }
}
