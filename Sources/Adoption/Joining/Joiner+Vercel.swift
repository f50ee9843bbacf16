import Model

extension Joiner {
  /// Projects of Vercel's files.
  mutating func joinVercel() {
    let units = facts.units.filter { $0.host == .vercel }
    let isDeployed = facts.workflows.contains { $0.deploys.contains { $0.value == .vercel } }
    let isOff = units.contains { $0.home.isEmpty && $0.settings[.gitDeploys]?.value == "false" }
    for unit in units {
      if isOnlyTop(unit, units) {
        top(unit)
        continue
      }
      var service = vercel(unit)
      let isSilent = service.settings[.gitDeploys]?.value == "false" || isOff
      if isSilent, !isDeployed {
        service.standing = .asked(
          "its builds from Git are switched off, and no workflow deploys it: is it still in use?")
      }
      draft.services.append(service)
    }
  }

  /// Whether a file at the top only serves the projects below it.
  private func isOnlyTop(_ unit: Unit, _ units: [Unit]) -> Bool {
    guard unit.home.isEmpty else { return unit.isBare && facts.packages(in: unit.home).isEmpty }
    if units.count > 1 {
      return unit.isBare || (facts.isWorkspace && facts.node(in: "")?.framework == nil)
    }
    return unit.isBare && facts.node(in: "")?.framework == nil
  }

  private mutating func top(_ unit: Unit) {
    let evidence = Evidence(unit.file)
    draft.remarks.append(
      Sourced("\(unit.file) holds settings for the whole repository, not a project of its own", evidence))
    draft.remarks += unit.leftovers
    let names = unit.variables.map(\.name)
    guard !names.isEmpty else { return }
    draft.questions.append(
      Question(
        "top \(unit.file)",
        "\(unit.file) gives \(Joiner.list(names)) to no project in particular: which services read them?",
        evidence: [evidence], subjects: Set(names + [unit.file, "vercel.json"])))
  }

  private mutating func vercel(_ unit: Unit) -> DraftService {
    var service = DraftService(
      key: "", name: Sourced("", Evidence(unit.file), .guess), host: .vercel, standing: .written,
      certainty: .sure, configs: [unit.file], home: unit.home, context: unit.home,
      settings: unit.settings, leftovers: unit.leftovers)
    let climbs = unit.settings.values.contains { $0.value.contains("cd ..") }
    if facts.isWorkspace || climbs { service.context = "" }
    service.variables = unit.variables.map {
      DraftVariable(name: $0.name, value: Joiner.value($0), evidence: $0.evidence)
    }
    service.isFrontend = true
    package(&service)
    for key in [SettingKey.gitDeploys, .crons] { service.silent.insert(key) }
    service.settings[.healthPath] = asked(of: .vercel)
    return service
  }

  /// The one path that workflows ask about health after they have put something live on a platform.
  private func asked(of host: Host) -> Sourced<String>? {
    guard facts.units.filter({ $0.host == host && !$0.isBare }).count == 1 else { return nil }
    var found: [Sourced<String>] = []
    for workflow in facts.workflows where workflow.deploys.map(\.value) == [host] {
      for command in workflow.jobs.flatMap(\.steps).flatMap(\.commands) where Shell.asks(command.value) {
        guard !Shell.isLocal(command.value),
          let path = HealthAddress.pathAfterVariable(in: command.value)
            ?? HealthAddress.path(in: command.value),
          HealthAddress.isHealth(path)
        else { continue }
        found.append(Sourced(path, command.evidence, .likely, note: "a workflow asks it"))
      }
    }
    return Set(found.map(\.value)).count == 1 ? found.first : nil
  }

  /// What package.json adds to a project of Vercel.
  mutating func package(_ service: inout DraftService) {
    guard let own = facts.node(in: service.home) else { return }
    var package = own
    // The top of a workspace builds one of its members.
    if own.framework == nil || service.home.isEmpty,
      let script = own.scripts["build"],
      let match = script.value.firstMatch(of: #/cd\s+([A-Za-z0-9_.\/-]+)\s*&&/#),
      let member = facts.node(in: Path.join(service.home, String(match.1)))
    {
      if member.framework != nil { package = member }
      covered.insert(member.folder)
    }
    if service.settings[.framework] == nil, let framework = package.framework {
      service.settings[.framework] = framework
    }
    if service.settings[.build] == nil, let script = own.scripts["vercel-build"] ?? own.scripts["build"] {
      let name = own.scripts["vercel-build"] == nil ? "build" : "vercel-build"
      service.settings[.build] = Sourced(
        script.value, script.evidence, .likely, note: "Vercel runs the script `\(name)` by itself")
      service.silent.insert(.build)
    }
    let outputs = ["vite": "dist", "create-react-app": "build", "nextjs": ".next"]
    if service.settings[.output] == nil, let framework = service.settings[.framework],
      let output = outputs[framework.value]
    {
      service.settings[.output] = Sourced(
        output, framework.evidence, .likely, note: "where \(framework.value) builds to by itself")
      service.silent.insert(.output)
    }
  }

  /// A literal value is kept, unless it looks like a secret or its name says that it is one.
  static func value(_ variable: Variable) -> Variable.Value {
    guard case .plain(let text) = variable.value else { return variable.value }
    // Browsers get what frameworks put into a build, whatever it is called.
    let isPublic = VariableName.isPublic(variable.name)
    if VariableName.isSecret(variable.name) || Sensitive.looksSecret(text)
      || !isPublic && SecretLooks.value(text, of: variable.name)
    {
      return .secret
    }
    return text.isEmpty ? .unknown : .plain(text)
  }

  /// Some words of a list, for a sentence.
  static func list(_ words: [String], most: Int = 6) -> String {
    guard words.count > most else { return words.joined(separator: ", ") }
    return words.prefix(most).joined(separator: ", ") + " and \(words.count - most) more"
  }
}
