extension Joiner {
  /// Where several platforms claim one application, at most one is written, and the rest is asked.
  mutating func resolveRivals() {
    doubtByWorkflows()
    doubtByCompose()
    let order: [Host] = [.railway, .vercel, .encore]
    for index in draft.services.indices {
      let service = draft.services[index]
      guard service.standing == .written || isAsked(service) else { continue }
      let rivals = draft.services.indices.filter {
        $0 != index && draft.services[$0].home == service.home && isAlive(draft.services[$0])
          && draft.services[$0].host != service.host
      }
      for rival in rivals where draft.services[rival].host.isCarried {
        guard let mine = order.firstIndex(of: service.host),
          let others = order.firstIndex(of: draft.services[rival].host), mine < others
        else { continue }
        yield(rival, to: index)
      }
      for rival in rivals where !draft.services[rival].host.isCarried {
        claim(by: draft.services[rival], of: service)
      }
    }
  }

  private func isAsked(_ service: DraftService) -> Bool {
    if case .asked = service.standing { true } else { false }
  }

  private func isAlive(_ service: DraftService) -> Bool {
    if case .off = service.standing { false } else { true }
  }

  /// Of two platforms that shipit deploys to, the one that says how to build and prove it is written.
  private mutating func yield(_ rival: Int, to index: Int) {
    let other = draft.services[rival]
    let winner = draft.services[index]
    let place = Joiner.title(winner.home, draft.app)
    if other.settings[.gitDeploys]?.value == "false" || isAsked(other) {
      draft.services[rival].standing = .off(
        "\(place) is deployed by \(winner.configs[0]), and Vercel is switched off")
      return
    }
    draft.services[rival].standing = .asked(
      "\(place) is also declared for \(winner.host.title) by \(winner.configs[0]): which of them serves people? Never both"
    )
    draft.services[rival].certainty = .likely
    if let crons = other.settings[.crons] {
      draft.remarks.append(
        Sourced("\(crons.value) scheduled calls (crons) exist on \(other.host.title) alone", crons.evidence))
    }
  }

  /// A platform that shipit does not deploy to claims what is written here.
  private mutating func claim(by rival: DraftService, of service: DraftService) {
    let place = Joiner.title(service.home, draft.app)
    let message =
      "\(rival.configs[0]) claims \(place) for \(rival.host.title), and \(service.configs[0]) for \(service.host.title): two deployers of one application"
    draft.dangers.append(
      Danger(.twoDeployers, Evidence(rival.configs[0]), message, others: [service.evidence]))
  }

  static func title(_ folder: String, _ app: String) -> String { folder.isEmpty ? app : folder }

  /// A platform's file that no workflow of that platform backs, while another platform is deployed to by itself.
  private mutating func doubtByWorkflows() {
    let automatic = facts.workflows.filter(\.isAutomatic)
    let rivals = automatic.flatMap { workflow in
      workflow.deploys.filter { ![.pages, .cloudflare].contains($0.value) }.map { ($0.value, $0.evidence) }
    }
    let deployed = Set(facts.workflows.flatMap { $0.deploys.map(\.value) })
    for index in draft.services.indices where draft.services[index].standing == .written {
      let host = draft.services[index].host
      // Vercel builds what is pushed by itself, unless it is told not to.
      let isByItself = host == .vercel && draft.services[index].settings[.gitDeploys] == nil
      guard !deployed.contains(host), host != .encore, !isByItself,
        let rival = rivals.first(where: { !$0.0.isCarried })
      else { continue }
      draft.services[index].standing = .asked(
        "\(rival.1.file) deploys this repository to \(rival.0.title), and nothing deploys it to \(host.title): where does it run?"
      )
      draft.services[index].certainty = .guess
    }
  }

  /// A file of Railway's that calls itself old, beside a compose file for a server.
  private mutating func doubtByCompose() {
    for index in draft.services.indices {
      let service = draft.services[index]
      guard case .off(let reason) = service.standing, service.host == .railway,
        reason.contains("calls itself"),
        let file = facts.compose.first(where: { isProduction($0.file) && $0.store == nil })?.file
      else { continue }
      draft.services[index].host = .selfHosted
      draft.services[index].certainty = .likely
      draft.services[index].configs.append(file)
      draft.services[index].standing = .asked("\(reason), and \(file) runs it on a server: is that so?")
      draft.services[index].settings = onServer(service, file)
    }
  }

  /// How a compose file runs the same code: by the image of its folder, with a command of its own.
  private func onServer(_ service: DraftService, _ file: String) -> Settings {
    var settings = service.settings
    let image = Path.join(service.home, "Dockerfile")
    guard let recipe = facts.images[image] else { return settings }
    settings[.builder] = Sourced("dockerfile", Evidence(image), .likely)
    settings[.dockerfile] = Sourced(
      service.context == service.home ? Path.name(image) : image, Evidence(image), .likely)
    let own = facts.compose.first { $0.file == file && $0.name == Path.name(service.home) }
    if let command = own?.command ?? recipe.command {
      settings[.start] = Sourced(command.value, command.evidence, .likely)
    }
    return settings
  }

  /// Several files, and a command to start in each.
  mutating func compareStarts() {
    for service in draft.services {
      guard let start = service.settings[.start], !service.silent.contains(.start) else { continue }
      let file = service.settings[.dockerfile].map { Path.join(service.context, $0.value) }
      guard let other = file.flatMap({ facts.images[$0]?.command }), Joiner.differs(start.value, other.value)
      else {
        continue
      }
      draft.remarks.append(
        Sourced(
          "\(service.key): two start commands; \(start.evidence) counts, the Dockerfile's own is another",
          other.evidence))
    }
  }

  /// Whether two commands are different for more than the shell around them.
  private static func differs(_ left: String, _ right: String) -> Bool {
    func plain(_ text: String) -> String { text.filter { !$0.isWhitespace && !"\"'".contains($0) } }
    let (one, two) = (plain(left), plain(right))
    return !one.hasSuffix(two) && !two.hasSuffix(one)
  }
}
