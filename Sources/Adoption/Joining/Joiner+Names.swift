extension Joiner {
  /// Gives every service its name: said by a file, else that of its folder, its package or the repository.
  mutating func nameServices() {
    for index in draft.services.indices where draft.services[index].name.certainty == .guess {
      draft.services[index].name = name(draft.services[index])
    }
    var taken: Set<String> = []
    let order = draft.services.indices.sorted { rank(draft.services[$0]) < rank(draft.services[$1]) }
    for index in order {
      var key = Joiner.key(draft.services[index].name.value)
      if taken.contains(key) { key = Joiner.key("\(key)-\(draft.services[index].host.rawValue)") }
      if taken.contains(key) {
        key = Joiner.key(draft.services[index].home.replacing("/", with: "-") + "-" + key)
      }
      var number = 2
      let base = key
      while taken.contains(key) {
        key = "\(base)-\(number)"
        number += 1
      }
      taken.insert(key)
      draft.services[index].key = key
    }
  }

  /// What is written has the first word on a name.
  private func rank(_ service: DraftService) -> Int {
    switch service.standing {
    case .written: 0
    case .asked: 1
    case .foreign: 2
    case .off: 3
    }
  }

  private func name(_ service: DraftService) -> Sourced<String> {
    let evidence = service.evidence
    if service.host == .railway, service.context.isEmpty, service.home.isEmpty || isOnlyRailway(service),
      let word = facts.examples.lazy.flatMap({ list in
        list.names.compactMap { name in name.word.map { Sourced($0, Evidence(list.file, name.line), .likely) }
        }
      }).first
    {
      return word
    }
    let folder = Path.name(service.home)
    if !folder.isEmpty, !Joiner.generic.contains(folder.lowercased()) || service.home.contains("/") {
      return Sourced(folder, evidence, .likely, note: "its folder")
    }
    if let path = service.settings[.dockerfile]?.value, let stem = Joiner.stem(path),
      stem.lowercased() != "noop"
    {
      return Sourced(
        stem, service.settings[.dockerfile]?.evidence ?? evidence, .likely, note: "its Dockerfile")
    }
    // A package at the top that is no more than a collection has the repository's name or a worse one.
    if service.home.isEmpty, service.host != .encore {
      let own = facts.packages(in: "").filter { $0.name != nil }
        .sorted { Path.name($0.file) == "package.json" && Path.name($1.file) != "package.json" }
      if let name = own.first?.name, !name.value.hasPrefix("@"), !Joiner.isStarter(name.value) {
        let isSimilar = Joiner.key(name.value).contains(Joiner.key(draft.app))
        if Path.name(own[0].file) == "package.json" || isSimilar { return name }
      }
    }
    return Sourced(draft.app.lowercased(), evidence, .likely, note: "the repository's name")
  }

  private func isOnlyRailway(_ service: DraftService) -> Bool {
    draft.services.filter { $0.host == .railway }.count == 1
  }

  /// Names that templates come with.
  private static func isStarter(_ name: String) -> Bool {
    ["root", "app", "monorepo", "my-app", "vite_react_shadcn_ts", "web", "nextjs", "workspace", "project"]
      .contains(name.lowercased())
  }
}
