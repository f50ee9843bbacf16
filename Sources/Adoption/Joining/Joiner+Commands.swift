extension Joiner {
  /// What workflows put on a platform of shipit's whose files are not there: each is a service that a person has to
  /// say more of.
  mutating func joinCommands() {
    var added: [(service: DraftService, place: Evidence)] = []
    for host in [Host.railway, .vercel, .encore] where !isKnown(host) {
      var seen: Set<String> = []
      for workflow in facts.workflows {
        for step in workflow.jobs.flatMap(\.steps) {
          for command in step.commands where Shell.host(command.value) == host {
            let service = commanded(command, step, host)
            guard seen.insert("\(service.name.value) \(service.home)").inserted else { continue }
            added.append((service, command.evidence))
          }
        }
      }
    }
    for (service, place) in added {
      rivalry(service, place, beside: added)
      draft.services.append(service)
    }
  }

  /// Whether something is written or asked for a platform already, or was and is off.
  private func isKnown(_ host: Host) -> Bool {
    draft.services.contains { $0.host == host } || facts.units.contains { $0.host == host && !$0.isBare }
  }

  private func commanded(_ command: Sourced<String>, _ step: Workflow.Step, _ host: Host) -> DraftService {
    var folder = step.folder.map(Path.normal) ?? ""
    if folder.contains("$") { folder = "" }
    if let match = command.value.firstMatch(of: #/\s--cwd[= ]\s*["']?([A-Za-z0-9_.\/-]+)/#) {
      folder = Path.join(folder, String(match.1))
    }
    var name = Sourced(Path.name(folder), command.evidence, .guess)
    if host == .railway,
      let match = command.value.firstMatch(of: #/\s(?:--service|-s)[= ]\s*["']?([A-Za-z0-9_.-]+)/#)
    {
      name = Sourced(String(match.1), command.evidence, .likely)
    }
    let isElsewhere = host == .encore ? "encore.app" : "file of \(host.title)'s"
    var service = DraftService(
      key: "", name: name, host: host,
      standing: .asked(
        "\(command.evidence) deploys to \(host.title), and no \(isElsewhere) says what: is it in use?"),
      certainty: .guess, configs: [command.evidence.file], home: folder, context: folder)
    service.isFrontend = host == .vercel
    service.silent = Set(SettingKey.allCases)
    return service
  }

  /// The same folder on two platforms.
  private mutating func rivalry(
    _ service: DraftService, _ place: Evidence, beside added: [(service: DraftService, place: Evidence)]
  ) {
    let others =
      draft.services.filter { other in
        if case .off = other.standing { return false }
        return other.home == service.home && other.host != service.host
          && !added.contains { $0.service == other }
      }.map { ($0.host, $0.evidence) }
      + added.prefix { $0.service != service }.filter {
        $0.service.home == service.home && $0.service.host != service.host
      }.map { ($0.service.host, $0.place) }
    guard let (host, evidence) = others.first else { return }
    let title = Joiner.title(service.home, draft.app)
    draft.dangers.append(
      Danger(
        .twoDeployers, place,
        "\(title) goes to \(service.host.title) here, and to \(host.title) by \(evidence): which one serves people?",
        others: others.map(\.1)))
  }

  /// Processes of a Procfile in a folder that nothing else speaks of.
  mutating func joinProcesses() {
    for unit in facts.units where unit.host == .heroku {
      let isKnown = draft.services.contains { service in
        if service.home != unit.home && service.context != unit.home { return false }
        // What workflows alone speak of has no settings: the Procfile has.
        return !service.configs.allSatisfy { $0.hasPrefix(".github/") }
      }
      guard !isKnown else { continue }
      for process in unit.processes {
        guard let name = process.note, name != "release" else { continue }
        let isMain = name == "web"
        var service = DraftService(
          key: "", name: Sourced(name, process.evidence, isMain ? .guess : .likely), host: .railway,
          standing: .asked(
            "\(process.evidence) runs it as the process `\(name)`, and no file says on which platform: is it deployed, and where?"
          ), certainty: .guess, configs: [unit.file], home: unit.home, context: unit.home)
        service.settings[.start] = Sourced(process.value, process.evidence)
        if isMain { service.settings[.preDeploy] = unit.settings[.preDeploy] }
        service.isWorker = !isMain
        draft.services.append(service)
      }
    }
  }
}
