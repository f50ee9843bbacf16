extension Joiner {
  /// Takes up what stands on the platforms: names, settings, where things are. Where a platform and a file say
  /// something else, both are told.
  mutating func joinLive() {
    for project in platforms.projects {
      draft.isLive = true
      for service in project.services { take(service, of: project) }
      for index in draft.services.indices
      where draft.services[index].host == project.host && draft.services[index].live == nil
        && draft.services[index].standing == .written
      {
        draft.services[index].standing = .asked(
          "\(project.host.title) has no service of this name\(project.project.map { " in \($0)" } ?? ""); there are \(Joiner.list(project.services.map(\.name)))"
        )
      }
    }
    draft.remarks += platforms.notes.map { Sourced($0, Evidence("")) }
    draft.questions += platforms.questions
    guard draft.isLive else { return }
    let places = platforms.projects.map { project in
      let words = [project.account, project.project, project.environment].compactMap { $0 }
      return "\(project.host.title)\(words.isEmpty ? "" : " (\(words.joined(separator: " / ")))")"
    }
    draft.livePlaces =
      "What stands now on \(places.joined(separator: " and ")) was read too: names and settings, and of variables the names alone."
  }

  private static func evidence(_ host: Host) -> Evidence { Evidence("from \(host.title)") }

  private mutating func take(_ service: LiveService, of project: LiveProject) {
    if let kind = Joiner.store(service) {
      let evidence = Joiner.evidence(project.host)
      draft.stores.append(
        DraftStore(kind: kind, users: [], evidence: [evidence], certainty: .sure, name: service.name))
      return
    }
    let matching = matches(service, of: project)
    if matching.count == 1, let index = matching.first {
      adopt(service, at: index, project)
    } else if matching.count > 1 {
      let keys = matching.map { draft.services[$0].key }
      draft.questions.append(
        Question(
          "live \(service.name)",
          "which of \(keys.joined(separator: ", ")) is the service \(service.name) on \(project.host.title)?",
          evidence: [Joiner.evidence(project.host)], subjects: Set(keys + [service.name])))
    } else {
      draft.services.append(found(service, project))
      adopt(service, at: draft.services.count - 1, project)
    }
  }

  /// A database that the platform runs, and no program of the repository's.
  private static func store(_ service: LiveService) -> String? {
    guard let image = service.image, service.repository == nil else { return nil }
    let name = image.lowercased()
    if name.containsAny("postgres", "pgvector", "postgis", "timescale") { return "postgres" }
    if name.containsAny("redis", "valkey") { return "redis" }
    if name.contains("mongo") { return "mongodb" }
    return name.containsAny("mysql", "mariadb") ? "mysql" : nil
  }

  /// Services of the repository that it can be: by name, else by the folder it is built in, else the only ones.
  private func matches(_ service: LiveService, of project: LiveProject) -> [Int] {
    let open = draft.services.indices.filter { index in
      guard draft.services[index].host == project.host, draft.services[index].live == nil else {
        return false
      }
      if case .off = draft.services[index].standing { return false }
      return true
    }
    let name = Joiner.key(service.name)
    let named = open.filter {
      draft.services[$0].key == name || Joiner.key(draft.services[$0].name.value) == name
    }
    if !named.isEmpty { return named }
    guard let root = service.settings[.root].map(Path.normal), !root.isEmpty else { return [] }
    return open.filter { draft.services[$0].home == root }
  }

  /// A service that no file of the repository declares. Its folder is the one that is called like it, or that the
  /// platform builds in; else a person has to say.
  private func found(_ service: LiveService, _ project: LiveProject) -> DraftService {
    let evidence = Joiner.evidence(project.host)
    let root = service.settings[.root].map(Path.normal)
    let folder = root ?? (facts.tree.hasFolder(service.name) ? service.name : nil)
    var key = Joiner.key(service.name)
    if draft.services.contains(where: { $0.key == key }) {
      key = Joiner.key("\(key)-\(project.host.rawValue)")
    }
    var made = DraftService(
      key: key, name: Sourced(service.name, evidence), host: project.host,
      standing: .written, certainty: .likely, configs: [evidence.file], home: folder ?? "",
      // Where the platform itself steps into a folder, it gets the whole.
      context: root == nil ? folder ?? "" : "")
    made.isFrontend = project.host == .vercel
    if service.image != nil, service.repository == nil { made.image = service.image }
    if folder == nil, made.image == nil {
      made.standing = .asked(
        "it stands on \(project.host.title), and nothing here says which folder it is made from")
    }
    return made
  }

  private mutating func adopt(_ service: LiveService, at index: Int, _ project: LiveProject) {
    let evidence = Joiner.evidence(project.host)
    draft.services[index].live = service
    if draft.services[index].image == nil, case .asked = draft.services[index].standing,
      draft.services[index].configs != [evidence.file]
    {
      // The platform itself is the answer to where it runs.
      draft.services[index].standing = .written
    }
    draft.services[index].name = Sourced(service.name, evidence)
    draft.services[index].certainty = .sure
    if let root = service.settings[.root].map(Path.normal), !root.isEmpty {
      // The platform itself steps into the folder: it gets the whole.
      draft.services[index].home = root
      draft.services[index].context = ""
    }
    for (key, value) in service.settings.sorted(by: { $0.key < $1.key }) where key != .root {
      let old = draft.services[index].settings[key]
      let isSilent = draft.services[index].silent.contains(key)
      if let old, old.value != value, !isSilent {
        differ(old, key, "it is `\(Sensitive.shown(value))` there", index, project.host)
        // Railway's file wins over its dashboard with each deploy; Vercel goes on reading its own.
        if project.host == .railway { continue }
      }
      draft.services[index].settings[key] = Sourced(value, evidence)
      draft.services[index].silent.remove(key)
    }
    for (key, old) in draft.services[index].settings.sorted(by: { $0.key < $1.key })
    where service.settings[key] == nil && Joiner.isKept(key) && old.evidence != evidence {
      guard !draft.services[index].silent.contains(key), !Joiner.isStandard(key, old.value) else {
        draft.services[index].silent.insert(key)
        continue
      }
      if project.host == .vercel {
        draft.services[index].settings[key] = Sourced(
          old.value, old.evidence, old.certainty,
          note: "it stands in vercel.json, which Vercel goes on reading")
        draft.services[index].silent.insert(key)
      } else {
        differ(old, key, "it is not set there", index, project.host)
      }
    }
    if service.deploysPushes {
      draft.dangers.append(
        Danger(
          .twoDeployers, evidence,
          "\(project.host.title) deploys pushes of \(service.repository ?? "its repository") to \(service.name) by itself: shipit's first deploy turns that off after asking"
        ))
    }
  }

  private mutating func differ(
    _ old: Sourced<String>, _ key: SettingKey, _ there: String, _ index: Int, _ host: Host
  ) {
    draft.remarks.append(
      Sourced(
        "\(draft.services[index].key): \(key.rawValue) is `\(Sensitive.shown(old.value))` here, and \(there) on \(host.title)\(host == .railway ? ": the file counts, and the first plan shows the change" : "")",
        old.evidence))
  }

  /// Settings that a platform keeps, of all that files tell.
  private static func isKept(_ key: SettingKey) -> Bool {
    ![.watch, .gitDeploys, .crons, .appID, .root, .builder].contains(key)
  }

  /// What the platform does anyway where nothing is set.
  private static func isStandard(_ key: SettingKey, _ value: String) -> Bool {
    switch key {
    case .restart: value == "on-failure"
    case .restartLimit: value == "10"
    case .replicas: value == "1"
    case .healthTimeout: value == "300s"
    default: false
    }
  }

  /// What becomes of variables where the platform has told which there are.
  mutating func settleLive() {
    for index in draft.services.indices {
      guard let live = draft.services[index].live else { continue }
      let host = draft.services[index].host
      let evidence = Joiner.evidence(host)
      for place in draft.services[index].variables.indices {
        let name = draft.services[index].variables[place].name
        if !live.variables.contains(name) {
          draft.services[index].variables[place].value = .unknown
          draft.services[index].variables[place].note = "not set on \(host.title)"
        } else if draft.services[index].variables[place].value != .secret {
          draft.services[index].variables[place].value = .unknown
          draft.services[index].variables[place].note = "kept as it stands on \(host.title)"
        }
      }
      for name in live.variables.sorted() where !Joiner.isOwn(name, of: host) {
        let known = draft.services[index].variables.firstIndex { $0.name == name }
        if let target = live.references[name] {
          let variable = DraftVariable(name: name, value: .reference(target), evidence: evidence)
          if let known {
            draft.services[index].variables[known] = variable
          } else {
            draft.services[index].variables.append(variable)
          }
        } else if known == nil {
          let isSecret = VariableName.isSecret(name)
          draft.services[index].variables.append(
            DraftVariable(
              name: name, value: isSecret ? .secret : .unknown, evidence: evidence,
              note: isSecret ? nil : "kept as it stands on \(host.title)"))
        }
      }
      draft.services[index].variables.sort {
        ($0.isWritten ? 0 : 1, $0.name) < ($1.isWritten ? 0 : 1, $1.name)
      }
    }
  }

  /// What the platform, or shipit, sets by itself.
  private static func isOwn(_ name: String, of host: Host) -> Bool {
    name.hasPrefix("SHIPIT_") || !VariableName.isOne(name)
      || (host == .railway ? name.hasPrefix("RAILWAY_") : name == "VERCEL" || name.hasPrefix("VERCEL_"))
  }

  /// The places, where the platform has told them.
  mutating func targetLive() {
    for project in platforms.projects {
      let evidence = Joiner.evidence(project.host)
      draft.targets[project.host]?.isOwn = project.account == nil
      draft.targets[project.host]?.token = project.token
      if project.host == .railway {
        if let name = project.project { draft.targets[.railway]?.project = Sourced(name, evidence) }
        if let name = project.environment { draft.targets[.railway]?.environment = Sourced(name, evidence) }
        draft.targets[.railway]?.workspace = project.account.map { Sourced($0, evidence) }
        draft.questions.removeAll { $0.id == "project" }
      } else if project.host == .vercel {
        draft.targets[.vercel]?.project = project.account.map { Sourced($0, evidence) }
        draft.questions.removeAll { $0.id == "team" }
      }
    }
  }
}
