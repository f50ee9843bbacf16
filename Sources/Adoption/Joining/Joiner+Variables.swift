extension Joiner {
  /// Gives the names of the examples to the services that read them.
  mutating func joinVariables() {
    for index in draft.services.indices {
      if case .off = draft.services[index].standing { continue }
      let lists = own(draft.services[index])
      for list in lists { add(list, to: index, shared: false) }
      if lists.isEmpty { addShared(index) }
      addCompose(index, hasExample: !lists.isEmpty || !sharedLists(draft.services[index]).isEmpty)
    }
    addPublicNames()
    for list in facts.examples { explainLeftOut(list) }
    settleValues()
  }

  /// Examples in the service's own folder.
  private func own(_ service: DraftService) -> [NameList] {
    let folder = service.home
    guard !folder.isEmpty else { return [] }
    let nested = draft.services.map(\.home).filter { $0 != folder && Path.isInside($0, folder) }
    return facts.examples.filter { list in
      Path.isInside(list.file, folder) && !nested.contains { Path.isInside(list.file, $0) }
    }
  }

  /// Examples that belong to no service in particular: at the top, or in a folder that none claims.
  private func sharedLists(_ service: DraftService) -> [NameList] {
    let homes = draft.services.map(\.home).filter { !$0.isEmpty }
    let free = facts.examples.filter { list in !homes.contains { Path.isInside(list.file, $0) } }
    let top = free.filter { !$0.file.contains("/") }
    if !top.isEmpty { return top }
    // One service of the whole repository: its code may be in any folder.
    return service.home.isEmpty && live.count == 1 ? free : []
  }

  private var live: [DraftService] {
    draft.services.filter { if case .off = $0.standing { false } else { true } }
  }

  /// Names at the top: those that are baked into pages go to what serves pages; the rest to the only service that is
  /// none, or, of several, to those whose packages need such a name. What is left is asked.
  private mutating func addShared(_ index: Int) {
    let service = draft.services[index]
    let others = live.filter { !$0.isFrontend || $0.host == .railway }
    // Sites alone: they have servers of their own.
    let servers = others.isEmpty ? live : others
    // A site on a platform for servers has few names of its own: what is not baked in belongs to the others.
    let programs = servers.filter { !isSite($0) }
    let frontends = live.filter(\.isFrontend)
    for list in sharedLists(service) {
      for name in list.names where VariableName.exclusion(name.name) == nil {
        let isPublic = VariableName.isPublic(name.name)
        let fits: Bool
        if live.count == 1 {
          fits = true
        } else if isPublic {
          fits = isSite(service) && (frontends.count <= 1 || prefixFits(name.name, service))
        } else if servers.count == 1 {
          fits = servers[0].key == service.key
        } else if programs.count == 1 {
          fits = programs[0].key == service.key || needsStore(name.name, service)
        } else {
          fits = !isSite(service) || others.isEmpty || needsStore(name.name, service)
        }
        guard fits, !draft.services[index].variables.contains(where: { $0.name == name.name }) else {
          continue
        }
        let isShared = live.count > 1 && !isPublic && servers.count > 1 && programs.count != 1
        add(name, of: list, to: index, shared: isShared && !needsStore(name.name, service))
      }
    }
  }

  /// Whether it serves pages that are built.
  func isSite(_ service: DraftService) -> Bool {
    service.isFrontend || facts.packages(of: service).contains { $0.framework != nil }
  }

  private func prefixFits(_ name: String, _ service: DraftService) -> Bool {
    let framework = facts.node(in: service.home)?.framework?.value ?? service.settings[.framework]?.value
    switch framework {
    case "nextjs": return name.hasPrefix("NEXT_PUBLIC_")
    case "vite", "sveltekit": return name.hasPrefix("VITE_") || name.hasPrefix("PUBLIC_")
    case "create-react-app": return name.hasPrefix("REACT_APP_")
    case "astro": return name.hasPrefix("PUBLIC_")
    default: return true
    }
  }

  /// Whether the service's own packages talk to the kind of store that the name leads to.
  func needsStore(_ name: String, _ service: DraftService) -> Bool {
    guard let kind = VariableName.store(name) else { return false }
    return facts.packages(of: service).contains { package in
      switch kind {
      case "redis": package.depends(on: "redis", "ioredis", "bullmq", "@upstash/redis", "bull") != nil
      case "mongodb": package.depends(on: "mongoose", "mongodb") != nil
      default:
        package.depends(
          on: "pg", "postgres", "prisma", "@prisma/client", "drizzle-orm", "typeorm", "sequelize",
          "asyncpg", "psycopg", "psycopg2", "psycopg2-binary", "sqlalchemy", "sqlx", "knex") != nil
      }
    }
  }

  private mutating func add(_ list: NameList, to index: Int, shared: Bool) {
    for name in list.names where VariableName.exclusion(name.name) == nil {
      add(name, of: list, to: index, shared: shared)
    }
  }

  /// What may be said of a value of which only the name is known.
  func kind(_ name: String, isOpen: Bool = false) -> Variable.Value {
    if VariableName.isSecret(name) { return .secret }
    if VariableName.isPretence(name) { return .unknown }
    return isOpen || VariableName.isOwn(name) ? .own : .unknown
  }

  private mutating func add(_ name: NameList.Name, of list: NameList, to index: Int, shared: Bool) {
    guard !draft.services[index].variables.contains(where: { $0.name == name.name }) else { return }
    if VariableName.isMobile(name.name) { return }
    var variable = DraftVariable(
      name: name.name, value: kind(name.name, isOpen: name.isOpen),
      evidence: Evidence(list.file, name.line))
    if shared {
      variable.value = .unknown
      variable.note = "several services could read it"
    } else if name.isCommentedOut {
      variable.value = .unknown
      variable.note = "commented out in the example"
    } else if VariableName.isPretence(name.name) {
      variable.note = "a pretence: is it off where people are served?"
    }
    draft.services[index].variables.append(variable)
  }

  /// What a compose file gives to the same code.
  private mutating func addCompose(_ index: Int, hasExample: Bool) {
    let service = draft.services[index]
    let file = service.settings[.dockerfile].map { Path.join(service.context, $0.value) }
    for other in facts.compose where other.store == nil && !other.file.containsAny("test", "e2e", "smoke") {
      let isSame =
        (file != nil && other.dockerfile == file)
        || (other.context == service.home && (file == nil || other.dockerfile == nil || service.home != ""))
      guard isSame, !hasExample else { continue }
      for variable in other.variables where VariableName.exclusion(variable.name) == nil {
        guard !draft.services[index].variables.contains(where: { $0.name == variable.name }) else { continue }
        draft.services[index].variables.append(
          DraftVariable(name: variable.name, value: kind(variable.name), evidence: variable.evidence))
      }
    }
  }

  /// What workflows bake into pages, where one service alone can be meant.
  private mutating func addPublicNames() {
    for variable in facts.workflows.flatMap(\.publicNames) where !VariableName.isMobile(variable.name) {
      let fitting = draft.services.indices.filter {
        isSite(draft.services[$0]) && prefixFits(variable.name, draft.services[$0])
          && live.map(\.key).contains(draft.services[$0].key)
      }
      guard fitting.count == 1, let index = fitting.first,
        !draft.services[index].variables.contains(where: { $0.name == variable.name })
      else { continue }
      draft.services[index].variables.append(
        DraftVariable(name: variable.name, value: .own, evidence: variable.evidence))
    }
  }

  private mutating func explainLeftOut(_ list: NameList) {
    for name in list.names {
      let evidence = Evidence(list.file, name.line)
      if let reason = VariableName.exclusion(name.name) {
        draft.leftOut.append(Sourced(name.name, evidence, note: reason))
      } else if !draft.services.contains(where: { $0.variables.contains { $0.name == name.name } }) {
        draft.leftOut.append(
          Sourced(name.name, evidence, .guess, note: "no service reads it as far as files tell"))
      }
    }
  }

  /// `X` and `X_PROD` are one variable; nothing that looks like a secret is written.
  private mutating func settleValues() {
    for index in draft.services.indices {
      let names = Set(draft.services[index].variables.map(\.name))
      for place in draft.services[index].variables.indices {
        let name = draft.services[index].variables[place].name
        for suffix in ["_PROD", "_PRODUCTION", "_STAGING", "_DEV"] where name.hasSuffix(suffix) {
          let base = String(name.dropLast(suffix.count))
          guard names.contains(base) else { continue }
          draft.services[index].variables[place].value = .unknown
          draft.services[index].variables[place].note =
            "the value of \(base) in one environment, not a variable of its own"
        }
      }
      draft.services[index].variables.sort {
        ($0.isWritten ? 0 : 1, $0.name) < ($1.isWritten ? 0 : 1, $1.name)
      }
    }
  }
}
