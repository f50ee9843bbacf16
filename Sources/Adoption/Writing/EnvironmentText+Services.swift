extension EnvironmentText {
  mutating func services() {
    let open = draft.open
    guard !draft.written.isEmpty || !open.isEmpty else { return }
    lines.append("")
    if draft.written.isEmpty {
      undecided(0) { writer in
        writer.put(0, "services:")
        for service in open { writer.write(undecided: service) }
      }
    } else {
      put(0, "services:")
      for service in draft.written { write(service) }
      undecided(2) { writer in for service in open { writer.write(undecided: service) } }
    }
  }

  /// A service that a person has to say something of first, with all that is known of it.
  private mutating func write(undecided service: DraftService) {
    if case .asked(let reason) = service.standing { say(2, "? \(service.key): \(reason)") }
    write(service)
  }

  mutating func write(_ service: DraftService) {
    put(2, "\(service.key):", service.configs.joined(separator: ", "))
    let isOpen = service.standing != .written
    put(
      4, "platform", service.host.isCarried ? service.host.rawValue : "railway",
      isOpen
        ? "? \(service.host.isCarried ? "or where it runs" : "now \(service.host.title); shipit deploys to railway, vercel or encore")"
        : nil)
    if service.name.value != service.key {
      put(4, "name", YAMLText.scalar(service.name.value), comment(service.name))
    }
    put(4, "source", source(service), nil)
    if !service.needs.isEmpty {
      let because = service.needs.map { "\($0.note ?? $0.value) \($0.evidence)" }
      let shown = isOpen ? draft.written + draft.open : draft.written
      let needs = service.needs.filter { need in shown.contains { $0.key == need.value } }
      if !needs.isEmpty {
        put(4, "needs", YAMLText.list(needs.map(\.value)), Joiner.list(because, most: 2))
      }
    }
    variables(service)
    settings(service)
    if service.host == .railway, let root = service.live?.settings[.root] {
      say(4, "Railway builds in \(root) of what it gets, and goes on doing so")
    }
    domains(service)
    health(service)
    for leftover in service.leftovers { say(4, "not carried: \(leftover.value) (\(leftover.evidence))") }
    for key in [SettingKey.watch, .crons, .gitDeploys] { aside(service, key) }
  }

  private func source(_ service: DraftService) -> String {
    if let image = service.image { return "{image: \(YAMLText.quoted(image))}" }
    if service.host == .vercel, service.context != service.home {
      return
        "{directory: \(YAMLText.list([Path.written(service.context)]).dropFirst().dropLast()), root: \(YAMLText.list([service.home]).dropFirst().dropLast())}"
    }
    return "{directory: \(YAMLText.list([Path.written(service.context)]).dropFirst().dropLast())}"
  }

  private mutating func variables(_ service: DraftService) {
    let named = service.variables.filter(\.isWritten)
    let open = service.variables.filter { !$0.isWritten }
    guard !service.variables.isEmpty else { return }
    if named.isEmpty {
      say(
        4, service.live == nil ? "variables: none is certain; those on the platform are kept" : "variables:")
    } else {
      put(4, "variables:", "those on the platform that are not named here are kept")
    }
    for variable in named {
      let value =
        switch variable.value {
        case .plain(let text): YAMLText.variable(text)
        case .reference(let target): YAMLText.quoted("${railway.\(target)}")
        case .secret, .own, .unknown: "{secret: \(variable.name)}"
        }
      let own = variable.value == .own ? ["no secret: may be written here"] : []
      let notes = own + [variable.note].compactMap { $0 }
      put(
        6, variable.name, value,
        variable.evidence.description + (notes.isEmpty ? "" : ": " + notes.joined(separator: "; ")))
    }
    // What is doubtful about several of a file is said once.
    let isLive = service.live != nil
    var groups: [(file: String, about: String, names: [String])] = []
    for variable in open {
      let doubts =
        (variable.isBuildTime && !isLive ? ["baked into the build"] : []) + [variable.note].compactMap { $0 }
      let about = doubts.joined(separator: "; ")
      let line = variable.evidence.line
      let name = line > 0 ? "\(variable.name) :\(line)" : variable.name
      if let index = groups.firstIndex(where: { $0.file == variable.evidence.file && $0.about == about }) {
        groups[index].names.append(name)
      } else {
        groups.append((variable.evidence.file, about, [name]))
      }
    }
    for group in groups {
      let names = group.names.joined(separator: ", ")
      let place = group.file.hasPrefix("from ") ? "" : ", of \(group.file)"
      let about = group.about.isEmpty ? "" : " (\(group.about))"
      say(
        6,
        isLive
          ? "\(group.about)\(place): \(names)" : "? no value is known, from \(group.file)\(about): \(names)")
    }
  }

  private mutating func settings(_ service: DraftService) {
    let beside: Set<SettingKey> = [.healthPath, .healthTimeout, .watch, .crons, .gitDeploys, .appID, .root]
    let known = service.settings.filter { !beside.contains($0.key) }.sorted { $0.key < $1.key }
    let written = known.filter { isWritten($0.key, $0.value, service) }
    if !written.isEmpty { put(4, "settings:") }
    for (key, fact) in known where !(key == .builder && service.silent.contains(key)) {
      guard isWritten(key, fact, service), let value = EnvironmentText.value(key, fact.value) else {
        let said = EnvironmentText.oneLine(fact.value)
        let text = said.count > 90 ? String(said.prefix(87)) + "…" : said
        say(
          written.isEmpty ? 4 : 6,
          "\(key.rawValue) `\(text)` is not written: \(reason(service, key, fact)) (\(fact.evidence))")
        continue
      }
      put(6, key.rawValue, value, comment(fact))
    }
  }

  /// Whether a setting becomes a line: it is not what the platform finds by itself, and the platform has it.
  private func isWritten(_ key: SettingKey, _ fact: Sourced<String>, _ service: DraftService) -> Bool {
    !service.silent.contains(key) && EnvironmentText.has(service.host, key)
      && EnvironmentText.value(key, fact.value) != nil
  }

  /// Whether the platform has the setting: what its part of the language says.
  private static func has(_ host: Host, _ key: SettingKey) -> Bool {
    switch key {
    case .build, .region: host != .encore
    case .framework, .install, .output, .node: host != .railway && host != .encore
    default: host != .vercel && host != .encore
    }
  }

  private func reason(_ service: DraftService, _ key: SettingKey, _ fact: Sourced<String>) -> String {
    if !EnvironmentText.has(service.host, key) { return "\(service.host.title) has no such setting" }
    if Sensitive.looksSecret(fact.value) { return "something in it looks like a secret" }
    if !service.silent.contains(key), EnvironmentText.value(key, fact.value) == nil {
      return EnvironmentText.wanted(key)
    }
    return fact.note ?? "the platform finds it by itself"
  }

  /// As YAML; nil where the language has no such value.
  static func value(_ key: SettingKey, _ text: String) -> String? {
    if Sensitive.looksSecret(text) || text.isEmpty { return nil }
    switch key {
    case .builder: return ["railpack", "nixpacks", "heroku", "paketo"].contains(text) ? text : nil
    case .replicas: return Int(text).flatMap { (1...50).contains($0) ? text : nil }
    case .restartLimit: return Int(text).flatMap { (0...100).contains($0) ? text : nil }
    case .sleep: return ["true", "false"].contains(text) ? text : nil
    case .preDeploy: return YAMLText.list(text.lines)
    case .region: return text.contains(",") ? nil : YAMLText.scalar(text)
    case .cron: return YAMLText.quoted(text)
    case .dockerfile, .output: return isInside(text) ? YAMLText.scalar(text) : nil
    default: return YAMLText.scalar(text)
    }
  }

  /// What the language wants where it has no such value.
  private static func wanted(_ key: SettingKey) -> String {
    switch key {
    case .replicas: "replicas are a whole number from 1 to 50"
    case .restartLimit: "a limit of restarts is a whole number from 0 to 100"
    case .sleep: "it is true or false"
    case .builder: "a builder is railpack, nixpacks, heroku or paketo"
    case .region: "shipit sets one region, not several"
    case .dockerfile, .output: "it leads out of what is built"
    default: "there is no such value"
    }
  }

  private static func isInside(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.hasPrefix("~") && !path.split(separator: "/").contains("..")
  }

  /// Hosts of its own. Those on Railway are made with `provision: create` alone, and kept in any case.
  private mutating func domains(_ service: DraftService) {
    let own = (service.live?.domains ?? []).filter { !$0.hasSuffix(".vercel.app") && !$0.contains(":") }
    guard !own.isEmpty else { return }
    if service.host == .vercel {
      put(4, "domains", YAMLText.list(own), "from Vercel")
    } else {
      say(4, "domains: \(YAMLText.list(own)), from \(service.host.title): they stay as they are")
    }
    if service.live?.hasVolume == true {
      say(4, "it has a volume on \(service.host.title), which stays: each deploy has a downtime")
    }
  }

  private mutating func health(_ service: DraftService) {
    if let path = service.settings[.healthPath], !Sensitive.looksSecret(path.value) {
      put(4, "health:")
      put(6, "path", YAMLText.scalar(path.value), comment(path))
      if let timeout = service.settings[.healthTimeout] {
        put(6, "within", YAMLText.scalar(timeout.value), timeout.evidence.description)
      }
      if service.host == .railway {
        say(6, "? identity: {json: MEMBER}, where the answer names the commit; until then nothing proves it")
      }
    } else if service.host == .railway {
      if service.isWorker || service.settings[.cron] != nil {
        let why = service.settings[.cron] == nil ? "nothing asks it" : "it runs on a schedule"
        put(4, "health", "{identity: platform}", "\(why): the platform's own status")
      } else {
        say(
          4, "? health: {path: /…}; no file says which path answers, so Railway's own status is all there is")
      }
    }
  }

  /// Facts without a key of their own.
  private mutating func aside(_ service: DraftService, _ key: SettingKey) {
    guard let fact = service.settings[key] else { return }
    switch key {
    case .watch:
      let patterns = fact.value.lines
      say(
        4,
        "not carried: builds start when \(Joiner.list(patterns, most: 4)) change (\(fact.evidence)); shipit deploys when it is told to"
      )
      for pattern in patterns where isDangling(pattern) {
        say(4, "  `\(pattern)` matches nothing in this repository")
      }
    case .crons:
      say(
        4,
        "not carried: \(fact.value) scheduled calls stay in vercel.json, which Vercel goes on reading (\(fact.evidence))"
      )
    case .gitDeploys:
      say(
        4, "Vercel builds nothing from Git by itself: \(fact.note ?? "it is switched off") (\(fact.evidence))"
      )
    default: break
    }
  }

  private func isDangling(_ pattern: String) -> Bool {
    let folder = Path.normal(String(pattern.prefix { $0 != "*" }))
    return pattern.contains("**") && !folder.isEmpty && !(draft.folders.contains(folder))
  }
}
