extension Joiner {
  /// Who calls whom, by names of variables and by addresses that requests are passed on to.
  mutating func joinNeeds() {
    let live = draft.services.indices.filter {
      if case .off = draft.services[$0].standing { false } else { true }
    }
    // What pages are baked with comes first: it is never a way back.
    for publicFirst in [true, false] {
      for index in live {
        for variable in draft.services[index].variables where variable.isBuildTime == publicFirst {
          link(variable, of: index, among: live)
        }
      }
    }
    for index in live { rewrite(index, among: live) }
    generated(live)
    askShared(live)
  }

  /// Words of a name that leads to a service; nil for anything else.
  private static func words(_ name: String) -> [String]? {
    var plain = name
    for prefix in ["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_"]
    where plain.hasPrefix(prefix) {
      plain = String(plain.dropFirst(prefix.count))
    }
    var words = plain.split(separator: "_").map { $0.lowercased() }
    let ends: Set<String> = ["url", "uri", "origin", "base", "host", "endpoint", "service", "ws"]
    guard let last = words.last, ends.contains(last) else { return nil }
    while let last = words.last, ends.contains(last) { words.removeLast() }
    let others: Set<String> = [
      "frontend", "client", "site", "app", "cors", "allowed", "callback", "redirect", "supabase", "sentry",
      "database", "redis", "direct", "mongodb", "auth0", "horizon", "ollama", "openai", "webhook", "public",
      "posthog", "r2", "s3", "livekit", "broadcast", "docs",
    ]
    return words.isEmpty || words.contains(where: others.contains) ? nil : words
  }

  private mutating func link(_ variable: DraftVariable, of index: Int, among live: [Int]) {
    let service = draft.services[index]
    guard variable.note == nil || !(variable.note ?? "").contains("several services"),
      let words = Joiner.words(variable.name)
    else { return }
    let found = candidates(words, for: index, among: live)
    if found.count == 1, let target = found.first {
      need(target, by: index, Sourced(variable.name, variable.evidence, .likely))
    } else if found.count > 1 {
      let names = found.map { draft.services[$0].key }
      draft.questions.append(
        Question(
          "calls \(service.key) \(variable.name)",
          "\(variable.name) of \(service.key) leads to \(names.joined(separator: " or ")): which one?",
          evidence: [variable.evidence], subjects: Set(names + [service.key, variable.name])))
    }
  }

  /// Services that a name can mean: called so, or the only one that is no site where the name says `api`.
  private func candidates(_ words: [String], for index: Int, among live: [Int]) -> [Int] {
    let others = live.filter { $0 != index && !draft.services[$0].isFrontend }
    let exact = others.filter { other in
      let parts = Set(draft.services[other].key.split(separator: "-").map(String.init))
      return words.allSatisfy(parts.contains)
    }
    if !exact.isEmpty { return exact }
    let generic: Set<String> = ["api", "backend", "server", "gateway", "socket", "ws"]
    guard isSite(draft.services[index]), !generic.isDisjoint(with: words) else { return [] }
    let servers = others.filter {
      !isSite(draft.services[$0]) && !draft.services[$0].isWorker && draft.services[$0].host != .cloudflare
    }
    return servers
  }

  private mutating func need(_ target: Int, by index: Int, _ because: Sourced<String>) {
    let key = draft.services[target].key
    guard !draft.services[index].needs.contains(where: { $0.value == key }), !reaches(target, index) else {
      return
    }
    draft.services[index].needs.append(
      Sourced(key, because.evidence, because.certainty, note: because.value))
  }

  /// Whether one service already waits for another, directly or not.
  private func reaches(_ from: Int, _ to: Int) -> Bool {
    var open = [draft.services[from].key]
    var seen: Set<String> = []
    while let key = open.popLast() {
      guard seen.insert(key).inserted else { continue }
      if key == draft.services[to].key { return true }
      open += draft.services.first { $0.key == key }?.needs.map(\.value) ?? []
    }
    return false
  }

  /// A client that Encore generates for somebody calls its application.
  private mutating func generated(_ live: [Int]) {
    let applications = live.filter { draft.services[$0].host == .encore }
    guard applications.count == 1, let target = applications.first else { return }
    for index in live where index != target {
      guard
        let script = facts.node(in: draft.services[index].home)?.scripts.values
          .first(where: { $0.value.contains("encore gen client") })
      else { continue }
      need(target, by: index, Sourced("encore gen client", script.evidence, .likely))
    }
  }

  /// Sites that pass requests on to another address.
  private mutating func rewrite(_ index: Int, among live: [Int]) {
    let files = draft.services[index].configs
    guard let unit = facts.units.first(where: { files.contains($0.file) }), !unit.targets.isEmpty else {
      return
    }
    let servers = live.filter {
      $0 != index && !draft.services[$0].isFrontend && !draft.services[$0].isWorker
    }
    if unit.host == .vercel {
      if servers.count == 1 {
        need(servers[0], by: index, Sourced("a rewrite", unit.targets[0].evidence, .likely))
      } else if servers.count > 1 {
        let names = servers.map { draft.services[$0].key }
        draft.questions.append(
          Question(
            "calls \(draft.services[index].key)",
            "\(draft.services[index].key) passes requests on: to \(names.joined(separator: " or "))?",
            evidence: [unit.targets[0].evidence], subjects: Set(names + [draft.services[index].key])))
      }
      return
    }
    let others = live.filter { $0 != index }.map { draft.services[$0].key }
    draft.questions.append(
      Question(
        "routes \(draft.services[index].key)",
        "\(draft.services[index].key) (\(unit.host.title)) stands in front of \(Joiner.list(unit.targets.map(\.value))): which services are behind it? It has to lead to them after each move",
        evidence: [unit.targets[0].evidence], subjects: Set(others + [draft.services[index].key])))
  }

  /// Addresses of services in a list that belongs to nobody in particular.
  private mutating func askShared(_ live: [Int]) {
    var asked: Set<String> = []
    for list in facts.examples where !list.file.contains("/") {
      for name in list.names {
        guard let words = Joiner.words(name.name), !VariableName.isPublic(name.name) else { continue }
        let targets = live.filter { index in
          let parts = draft.services[index].key.split(separator: "-").map(String.init)
          return parts.count > 1 ? parts.allSatisfy(words.contains) : words == parts
        }
        guard targets.count == 1, let target = targets.first, asked.insert(name.name).inserted else {
          continue
        }
        let key = draft.services[target].key
        let readers = live.filter { isSite(draft.services[$0]) && $0 != target }.map {
          draft.services[$0].key
        }
        guard !readers.isEmpty,
          !live.contains(where: { draft.services[$0].needs.contains { $0.note == name.name } })
        else { continue }
        draft.questions.append(
          Question(
            "calls \(name.name)", "\(name.name) leads to \(key): which services read it?",
            evidence: [Evidence(list.file, name.line)], subjects: Set(readers + [key, name.name])))
      }
    }
  }
}
