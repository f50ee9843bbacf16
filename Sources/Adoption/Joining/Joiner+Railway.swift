extension Joiner {
  /// Services of Railway's files.
  mutating func joinRailway() {
    let units = facts.units.filter { $0.host == .railway }
    let builders = units.filter(\.isBare)
    var joined: [DraftService] = []
    for unit in units.filter({ !$0.isBare }) where !isShadowed(unit, units) {
      var service = railway(unit)
      merge(builders, into: &service)
      let same = joined.firstIndex { other in
        other.settings.mapValues(\.value) == service.settings.mapValues(\.value)
          && other.settings[.dockerfile] != nil && Path.isInside(service.home, other.home)
          && other.context == service.context && other.name.certainty == .guess
      }
      if let same {
        // The same said twice is one service.
        draft.remarks.append(
          Sourced(
            "\(joined[same].configs[0]) and \(unit.file) are identical config files: one service, not two",
            Evidence(unit.file)))
        joined[same].configs += service.configs
        joined[same].home = service.home
      } else {
        joined.append(service)
      }
    }
    draft.services += joined
  }

  /// Railway takes the TOML where both are in one folder.
  private func isShadowed(_ unit: Unit, _ units: [Unit]) -> Bool {
    Path.name(unit.file) == "railway.json"
      && units.contains { $0.file == Path.join(Path.folder(unit.file), "railway.toml") && !$0.isBare }
  }

  private func railway(_ unit: Unit) -> DraftService {
    var settings = unit.settings
    // What the platform's environment of this name changes.
    let name = Joiner.platformEnvironment(draft.environment)
    for (key, value) in unit.environments[name] ?? [:] { settings[key] = value }
    let (context, dockerfile) = place(unit, settings)
    if let dockerfile, let written = settings[.dockerfile] {
      settings[.dockerfile] = Sourced(dockerfile, written.evidence)
    }
    var service = DraftService(
      key: "", name: Sourced("", Evidence(unit.file), .guess), host: .railway, standing: .written,
      certainty: .sure, configs: [unit.file], home: unit.home, context: context, settings: settings,
      leftovers: unit.leftovers)
    if let name = unit.name { service.name = name }
    if case .off(let reason) = unit.standing {
      service.standing = .off("\(unit.file) calls itself \(reason)")
    }
    service.variables = unit.variables.map {
      DraftVariable(
        name: $0.name, value: kind($0.name), evidence: $0.evidence,
        note: "Railway does not read this table: the value has to be set as a variable")
    }
    if settings[.builder]?.value == "dockerfile" { service.silent.insert(.builder) }
    image(&service)
    service.home = ownHome(service, unit)
    service.isWorker = settings[.cron] != nil
    return service
  }

  /// What is built from where: a Dockerfile's path is relative to the folder that is uploaded.
  private func place(_ unit: Unit, _ settings: Settings) -> (context: String, dockerfile: String?) {
    let tree = facts.tree
    guard let path = settings[.dockerfile]?.value else {
      return (unit.home, nil)
    }
    let own = Path.join(unit.home, path)
    let top = Path.normal(path)
    if tree.has(top), unit.home.isEmpty || !tree.has(own) || own == top { return ("", top) }
    if tree.has(own) { return (unit.home, top) }
    return (tree.has(top) ? "" : unit.home, top)
  }

  /// What the Dockerfile says of the service it builds.
  func image(_ service: inout DraftService) {
    let file: String
    if let path = service.settings[.dockerfile]?.value {
      file = Path.join(service.context, path)
    } else {
      file = Path.join(service.context, "Dockerfile")
      let other = service.settings[.builder]?.value ?? "dockerfile"
      guard other == "dockerfile" else { return }
    }
    guard let recipe = facts.images[file] else { return }
    if service.settings[.dockerfile] == nil {
      service.settings[.dockerfile] = Sourced(
        Path.name(file), Evidence(file), .sure, note: "found by its name")
      service.silent.insert(.dockerfile)
    }
    if service.settings[.start] == nil, let command = recipe.command {
      service.settings[.start] = Sourced(
        command.value, command.evidence, .sure, note: command.note ?? "the Dockerfile's own command")
      service.silent.insert(.start)
    }
    if recipe.isIdle, service.standing == .written {
      service.standing = .off("\(file) only says something and ends")
    }
    for argument in recipe.arguments where !service.variables.contains(where: { $0.name == argument.name }) {
      service.variables.append(
        DraftVariable(name: argument.name, value: .own, evidence: argument.evidence))
    }
  }

  /// The folder of the service's own code, where its file stands at the top.
  private func ownHome(_ service: DraftService, _ unit: Unit) -> String {
    if !unit.home.isEmpty { return unit.home }
    if let path = service.settings[.dockerfile]?.value {
      let folder = Path.folder(Path.join(service.context, path))
      if !folder.isEmpty, !Joiner.generic.contains(Path.name(folder)) { return folder }
      if let recipe = facts.images[Path.join(service.context, path)], let only = onlyMember(recipe.copies) {
        return only
      }
      // `api.Dockerfile` and `Dockerfile.api` name what they build.
      if let stem = Joiner.stem(path), let found = self.folder(named: stem) { return found }
    }
    for key in [SettingKey.build, .start] where !service.silent.contains(key) {
      guard let command = service.settings[key]?.value else { continue }
      if let member = filtered(command) { return member }
      if let match = command.firstMatch(of: #/(?:^|&&\s*)cd\s+([A-Za-z0-9_.\/-]+)\s*&&/#) {
        let folder = Path.normal(String(match.1))
        if !facts.packages(in: folder).isEmpty, facts.packages(in: "").isEmpty { return folder }
      }
    }
    if service.name.certainty != .guess, let found = folder(named: service.name.value) { return found }
    return ""
  }

  /// The one member of a workspace that a Dockerfile copies.
  private func onlyMember(_ copies: [String]) -> String? {
    let members = Set(
      copies.compactMap { path -> String? in
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count >= 2, ["apps", "services"].contains(parts[0]) else { return nil }
        return "\(parts[0])/\(parts[1])"
      })
    return members.count == 1 ? members.first : nil
  }

  /// The member that `--filter NAME`, `--workspace NAME` and their like choose.
  func filtered(_ command: String) -> String? {
    let chosen = command.matches(
      of: #/(?:--filter|-F|--workspace|-w|workspace)[= ]\s*["']?([@A-Za-z0-9_.\/-]+)/#)
    guard let last = chosen.last else { return nil }
    let name = String(last.1)
    return facts.member(named: name) ?? folder(named: Path.name(name))
  }

  /// The only folder with a package that is called so.
  func folder(named name: String) -> String? {
    let found = Set(facts.packages.map(\.folder).filter { Path.name($0) == name })
    return found.count == 1 ? found.first : nil
  }

  /// `api` of `Dockerfile.api`, `api.Dockerfile`; nil of a plain one.
  static func stem(_ path: String) -> String? {
    let parts = Path.name(path).split(separator: ".").map(String.init)
    let rest = parts.filter { $0.lowercased() != "dockerfile" }
    return rest.count == 1 ? rest.first : nil
  }

  /// What nixpacks.toml and a Procfile say of the same folder.
  private func merge(_ builders: [Unit], into service: inout DraftService) {
    let others = facts.units.filter { $0.host == .heroku }
    for unit in builders + others where unit.home == service.context {
      for (key, value) in unit.settings where service.settings[key] == nil {
        if unit.host == .heroku, service.settings[.builder]?.value == "dockerfile" { continue }
        service.settings[key] = value
        service.silent.insert(key)
      }
      service.leftovers += unit.leftovers
    }
  }

  /// What Railway usually calls the environment of this name.
  static func platformEnvironment(_ name: String) -> String {
    ["prod", "production", "live"].contains(name) ? "production" : name
  }
}
