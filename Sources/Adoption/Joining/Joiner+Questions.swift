extension Joiner {
  /// What the platforms themselves have to be told.
  mutating func joinTargets() {
    defer { targetLive() }
    let hosts = Set(draft.written.map(\.host))
    // What is undecided is written behind `#`, with what it would need.
    let open = Set(draft.open.map { $0.host.isCarried ? $0.host : .railway }).subtracting(hosts)
    let name = Joiner.platformEnvironment(draft.environment)
    if hosts.contains(.railway) || open.contains(.railway) {
      let project = answers["project"] ?? draft.app
      draft.targets[.railway] = DraftTarget(
        project: Sourced(project, Evidence(draft.app), .guess),
        environment: Sourced(name, Evidence(draft.app), .likely), token: token(.railway))
      if answers["project"] == nil, hosts.contains(.railway),
        !draft.questions.contains(where: { $0.id == "project" })
      {
        draft.questions.append(
          Question(
            "project",
            "what is the project called on Railway? No file says it; the repository's name is written",
            .text(standard: draft.app)))
      }
    }
    if hosts.contains(.vercel) || open.contains(.vercel) {
      let team = answers["team"].flatMap { $0.isEmpty ? nil : $0 }
      draft.targets[.vercel] = DraftTarget(
        project: team.map { Sourced($0, Evidence(draft.app), .likely) }, token: token(.vercel))
      if answers["team"] == nil, hosts.contains(.vercel) {
        draft.questions.append(
          Question(
            "team",
            "which team of Vercel owns the projects? Without a name they are looked for in the account itself",
            .text(standard: "")))
      }
    }
    if hosts.contains(.encore) || open.contains(.encore),
      let service = (draft.written + draft.open).first(where: { $0.host == .encore })
    {
      let environment = answers["encore-environment"] ?? name
      draft.targets[.encore] = DraftTarget(
        project: service.settings[.appID],
        environment: Sourced(environment, service.evidence, .guess), token: "ENCORE_CLIENT_ID")
      if answers["encore-environment"] == nil, hosts.contains(.encore) {
        draft.questions.append(
          Question(
            "encore-environment", "what is the environment called on Encore? `\(name)` is written",
            .text(standard: name), subjects: [service.key]))
      }
    }
  }

  /// The secret that the workflows already have, else the usual one.
  private func token(_ host: Host) -> String {
    let names = facts.workflows.filter { $0.deploys.contains { $0.value == host } }.flatMap(\.secrets.keys)
    let wanted = host == .railway ? ["RAILWAY_API_TOKEN", "RAILWAY_TOKEN"] : ["VERCEL_TOKEN"]
    return wanted.first(where: names.contains) ?? wanted[0]
  }

  /// Everything else that files leave open.
  mutating func ask() {
    for index in draft.services.indices { askPlace(index) }
    askUpload()
    askSchemas()
    askStores()
    askHealth()
    askVariables()
    askNames()
    askEnvironments()
    askRuntime()
  }

  private mutating func askPlace(_ index: Int) {
    let service = draft.services[index]
    guard case .asked(let reason) = service.standing else { return }
    let id = "platform \(service.key)"
    var hosts: [Host] = [service.host.isCarried ? service.host : .railway]
    // What serves pages can run on either.
    if service.isFrontend, service.host == .vercel { hosts.append(.railway) }
    if service.isFrontend, service.host == .railway { hosts.append(.vercel) }
    if let said = answers[id], let host = hosts.first(where: { $0.rawValue == said }),
      host != .encore || service.settings[.appID] != nil
    {
      draft.services[index].host = host
      draft.services[index].standing = .written
      draft.questions.removeAll { ["project", "team", "encore-environment"].contains($0.id) }
      joinTargets()
      return
    }
    let choices =
      [Question.Choice("leave out", "it stands in the file behind `#`")]
      + hosts.map { .init($0.rawValue, "it is written for \($0.title)") }
    guard answers[id] == nil else { return }
    var subjects: Set<String> = [service.key, service.home]
    subjects.formUnion(service.configs)
    subjects.formUnion(service.configs.map(Path.name))
    draft.questions.append(
      Question(
        id, "\(service.key): \(reason)", .choice(choices),
        evidence: [service.evidence], subjects: subjects))
  }

  /// Folders that a workflow uploads by themselves, while their Dockerfile is written from the top.
  private mutating func askUpload() {
    let folders = Set(
      facts.workflows.flatMap(\.jobs).flatMap(\.steps).filter { !$0.deploys.isEmpty }.compactMap(\.folder)
        .map(Path.normal))
    let torn = draft.services.indices.filter {
      draft.services[$0].host == .railway && draft.services[$0].context.isEmpty
        && !draft.services[$0].home.isEmpty && draft.services[$0].standing == .written
        && (folders.contains(draft.services[$0].home) || draft.services[$0].configs[0].contains("/"))
        && draft.services[$0].home == Path.folder(draft.services[$0].configs[0])
    }
    guard !torn.isEmpty else { return }
    if let said = answers["upload"] {
      guard said == "folder" else { return }
      for index in torn {
        draft.services[index].context = draft.services[index].home
        if let path = draft.services[index].settings[.dockerfile] {
          draft.services[index].settings[.dockerfile] = Sourced(Path.name(path.value), path.evidence)
        }
      }
      return
    }
    let keys = torn.map { draft.services[$0].key }
    let isUploaded = torn.contains { folders.contains(draft.services[$0].home) }
    draft.questions.append(
      Question(
        "upload",
        "what is uploaded for \(Joiner.list(keys))? dockerfilePath is written from the top of the repository\(isUploaded ? ", and a workflow uploads the folder alone: one of the two is wrong" : "; the root directory stands in Railway's dashboard alone")",
        .choice([
          .init("repository", "the whole repository, as dockerfilePath says"),
          .init("folder", "each service's own folder"),
        ]), evidence: torn.prefix(2).map { draft.services[$0].evidence },
        subjects: Set(keys + ["root directory", "dockerfilePath"])))
  }

  private mutating func askSchemas() {
    let supported: Set<String> = ["alembic", "prisma", "supabase", "django", "dbmate", "sqitch"]
    for schema in draft.schemas {
      let subjects: Set<String> = [schema.tool, schema.config, schema.service ?? "", "migrations"]
      let evidence = [Evidence(schema.config)] + schema.places.map(\.evidence)
      if !supported.contains(schema.tool) {
        draft.questions.append(
          Question(
            "schema \(schema.config)",
            "\(schema.tool) at \(schema.config): shipit does not run it yet, so its migrations stay where they are\(schema.places.first.map { " (`\(Sensitive.shown($0.command))`)" } ?? ", and no file says where that is")",
            evidence: evidence, subjects: subjects))
      } else if schema.position == nil, answers["migrations"] == nil {
        let start = draft.services.first { $0.key == schema.service }?.settings[.start]
        let script = start.map { ", unless `\(Sensitive.shown($0.value))` does" } ?? ""
        draft.questions.append(
          Question(
            "migrations",
            "where do the migrations of \(schema.tool) (\(schema.config)) run today? No file runs them\(script)",
            .choice([
              .init("leave out", "nothing is written, nothing changes"),
              .init("inside-deploy", "the service's own build or start runs them"),
              .init("pre-deploy", "a pre-deploy command runs them"),
              .init("here", "shipit shall run them, before the code"),
            ]), evidence: evidence, subjects: subjects))
      }
    }
    for service in draft.services where service.host == .encore {
      draft.questions.append(
        Question(
          "schema \(service.key)",
          "\(service.key): Encore applies the migrations of its own databases with each deploy, outside its cloud at each start. Does anything else run them?",
          evidence: [service.evidence], subjects: ["encore", "migrations", service.key]))
    }
    for service in draft.services where service.standing == .written && !service.isFrontend {
      guard
        let place = facts.packages(in: service.context).lazy.compactMap({
          $0.depends(on: "sqlalchemy", "sqlmodel")
        }).first,
        !draft.schemas.contains(where: { $0.tool == "alembic" })
      else { continue }
      draft.questions.append(
        Question(
          "schema \(place.file)",
          "\(place.file) brings SQLAlchemy without Alembic: does the program make its tables when it starts?",
          evidence: [place], subjects: ["sqlalchemy", "migrations", service.key]))
      break
    }
  }

  private mutating func askStores() {
    for store in draft.stores where store.certainty != .sure {
      draft.questions.append(
        Question(
          "store \(store.kind)",
          "\(store.kind) is spoken of\(store.users.isEmpty ? "" : " by \(store.users.sorted().joined(separator: ", "))"), but no service is given its address: is it used where people are served?",
          evidence: store.evidence, subjects: Set([store.kind]).union(store.users)))
    }
  }

  private mutating func askHealth() {
    let open = draft.written.filter {
      $0.host == .railway && $0.settings[.healthPath] == nil && $0.settings[.cron] == nil
    }
    guard !open.isEmpty else { return }
    var hints: [String] = []
    for service in open {
      let file = service.settings[.dockerfile].map { Path.join(service.context, $0.value) } ?? ""
      if let path = facts.images[file]?.healthPath { hints.append("\(path.value) by \(path.evidence)") }
    }
    let text = hints.isEmpty ? "" : "; a Dockerfile asks \(Joiner.list(hints, most: 2))"
    draft.questions.append(
      Question(
        "health",
        "which path of \(Joiner.list(open.map(\.key))) answers about health? No file says it\(text); until then Railway's own status is all there is",
        evidence: open.prefix(3).map(\.evidence), subjects: Set(open.map(\.key) + ["health path", "health"])))
  }

  private mutating func askVariables() {
    let pretences = draft.services.flatMap { service in
      service.variables.filter { VariableName.isPretence($0.name) && $0.evidence.file.contains("env") }
    }
    if !pretences.isEmpty {
      draft.questions.append(
        Question(
          "pretence",
          "\(Joiner.list(Array(Set(pretences.map(\.name))).sorted())): off where people are served?",
          evidence: [pretences[0].evidence], subjects: Set(pretences.map(\.name))))
    }
    for service in draft.written + draft.open {
      let silent = service.variables.filter {
        $0.note == "commented out in the example" && kind($0.name) != .unknown
      }
      guard let first = silent.first else { continue }
      let names = silent.map(\.name)
      draft.questions.append(
        Question(
          "silent \(service.key)",
          "\(Joiner.list(names)) of \(service.key) stand in the example behind `#`: are they set where people are served?",
          evidence: [first.evidence], subjects: Set(names + [service.key])))
    }
    let shared = draft.written.flatMap { service in
      service.variables.filter { ($0.note ?? "").contains("several services") }
    }
    if !shared.isEmpty {
      let names = Array(Set(shared.map(\.name))).sorted()
      draft.questions.append(
        Question(
          "shared", "which services read which names of \(shared[0].evidence.file) (\(Joiner.list(names)))?",
          evidence: [shared[0].evidence],
          subjects: Set(names).union(
            draft.written.filter { $0.variables.contains { names.contains($0.name) } }.map(\.key))))
    }
    let empty = draft.written.filter { $0.variables.isEmpty && $0.settings[.cron] == nil && $0.live == nil }
    if !empty.isEmpty {
      draft.questions.append(
        Question(
          "variables", "which variables do \(Joiner.list(empty.map(\.key))) get? No file names any",
          evidence: empty.prefix(3).map(\.evidence), subjects: Set(empty.map(\.key) + ["variables"])))
    }
    let halves = draft.services.flatMap { service in
      service.variables.filter { ($0.note ?? "").contains("in one environment") }
    }
    if !halves.isEmpty {
      draft.questions.append(
        Question(
          "halves",
          "\(Joiner.list(halves.map(\.name))): the value for one environment of a name that is there already. The secret of this environment's source shall hold it",
          evidence: [halves[0].evidence], subjects: Set(halves.map(\.name))))
    }
  }

  private mutating func askNames() {
    let written = draft.written.filter { $0.host != .encore && $0.live == nil }
    guard !written.isEmpty else { return }
    draft.questions.append(
      Question(
        "names",
        "are \(Joiner.list(written.map(\.name.value))) the names on the platform? They come from files; only the dashboard knows",
        evidence: written.prefix(3).map(\.name.evidence), subjects: Set(written.map(\.key) + ["names"])))
  }

  private mutating func askEnvironments() {
    var others: [String: Evidence] = [:]
    for unit in facts.units {
      for name in unit.environments.keys where others[name] == nil { others[name] = Evidence(unit.file) }
    }
    let words = ["staging", "development", "training", "preview", "demo", "qa", "uat"]
    let files = facts.examples.map(\.file) + facts.workflows.map(\.file) + facts.units.map(\.file)
    for word in words where others[word] == nil {
      if let file = files.first(where: { Path.name($0).lowercased().contains(word) }) {
        others[word] = Evidence(file)
      } else if let place = spoken(word) {
        others[word] = place
      }
    }
    others[Joiner.platformEnvironment(draft.environment)] = nil
    draft.others = others
    guard let first = others.keys.sorted().first, let place = others[first] else { return }
    let next = draft.written.isEmpty ? "" : "; shipit init \(first) writes another file"
    draft.remarks.append(
      Sourced("the files also speak of \(others.keys.sorted().joined(separator: ", "))\(next)", place))
  }

  /// Two copies of what may run once only.
  private mutating func askRuntime() {
    for service in draft.written where service.settings[.overlap]?.value == "0s" {
      draft.remarks.append(
        Sourced(
          "\(service.key): overlapSeconds is 0 on purpose, and kept; two copies of it never run together",
          service.settings[.overlap]?.evidence ?? service.evidence))
    }
  }

  /// Where a workflow that deploys names an environment.
  private func spoken(_ word: String) -> Evidence? {
    for workflow in facts.workflows where !workflow.deploys.isEmpty || !workflow.calls.isEmpty {
      for (index, line) in workflow.lines.enumerated() where !line.trimmed.hasPrefix("#") {
        let words = line.lowercased().split { !$0.isLetter && $0 != "_" }
        if words.contains(where: { $0 == word }),
          line.containsAny("environment", "options", "branches", "ENV", "env")
            || line.lowercased().containsAny("deploy", "promot")
        {
          return Evidence(workflow.file, index + 1)
        }
      }
    }
    return nil
  }
}
