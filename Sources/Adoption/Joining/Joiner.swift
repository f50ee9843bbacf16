/// Decides from the facts which services there are, and what is to be asked.
package struct Joiner {
  let facts: Facts
  let answers: Answers
  /// What the platforms were asked, and said.
  let platforms: LiveFacts
  var draft: Draft
  /// Folders that a service at the top builds.
  var covered: Set<String> = []

  /// - Parameters:
  ///   - environment: the name of the environment that is written.
  ///   - answers: what people have said so far.
  ///   - live: what stands on the platforms, where they were asked.
  package static func draft(
    _ findings: [Finding], of tree: FileTree, environment: String = "prod", answers: Answers = [:],
    live: LiveFacts = LiveFacts()
  ) -> Draft {
    var joiner = Joiner(Facts(findings, in: tree), environment, answers, live)
    joiner.join()
    return joiner.draft
  }

  private init(_ facts: Facts, _ environment: String, _ answers: Answers, _ live: LiveFacts) {
    platforms = live
    self.facts = facts
    self.answers = answers
    draft = Draft(
      environment: environment, app: Joiner.app(facts.tree.name), hasRemote: facts.tree.hasRemote)
  }

  private mutating func join() {
    for list in facts.examples { draft.examples[list.file] = list.names.map(\.name) }
    draft.remarks = facts.remarks
    draft.folders = facts.tree.directories
    draft.hasRailwayFiles = facts.units.contains { $0.host == .railway && !$0.isBare }
    joinWorkflows()
    joinRailway()
    joinVercel()
    joinEncore()
    joinForeign()
    joinPackages()
    resolveRivals()
    joinCommands()
    joinProcesses()
    nameServices()
    joinLive()
    joinVariables()
    settleLive()
    joinStores()
    joinSchemas()
    joinPushes()
    joinNeeds()
    compareStarts()
    remark()
    joinTargets()
    ask()
    draft.dangers = Joiner.grouped(draft.dangers + facts.dangers)
  }

  /// Of one kind and message in one file, the first place with the others beside it.
  static func grouped(_ dangers: [Danger]) -> [Danger] {
    var found: [Danger] = []
    for danger in dangers.sorted() {
      if let index = found.firstIndex(where: {
        $0.kind == danger.kind && $0.message == danger.message && $0.evidence.file == danger.evidence.file
      }) {
        guard found[index].evidence != danger.evidence else { continue }
        if !found[index].others.contains(danger.evidence) { found[index].others.append(danger.evidence) }
      } else {
        found.append(danger)
      }
    }
    return found
  }

  /// What may stand in `app`.
  static func app(_ name: String) -> String {
    var text = ""
    for character in name {
      let isGood =
        character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
      text.append(isGood ? character : "-")
    }
    while let first = text.first, !first.isLetter, !first.isNumber { text.removeFirst() }
    return text.isEmpty ? "app" : String(text.prefix(63))
  }

  /// A key of `services`.
  static func key(_ name: String) -> String {
    var text = ""
    for character in name.lowercased() {
      if character.isASCII && (character.isLetter || character.isNumber) {
        text.append(character)
      } else if text.last != "-" {
        text.append("-")
      }
    }
    while text.last == "-" { text.removeLast() }
    while let first = text.first, !first.isLetter { text.removeFirst() }
    return text.isEmpty ? "service" : String(text.prefix(63))
  }

  /// Folders whose names say what is in them, not what it is.
  static let generic: Set<String> = [
    "docker", "dockerfiles", "deploy", "deployment", "infrastructure", "infra", "build", "ops", "ci",
    ".docker", "cloudflare", "railway", "config", "container", "src", "app",
  ]
}
