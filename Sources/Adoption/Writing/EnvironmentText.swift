/// Writes a draft as an environment file: a line for each fact, and beside it where the fact stands.
package struct EnvironmentText {
  let draft: Draft
  var lines: [String] = []
  /// Where the mark of a comment stands before what nobody has decided yet; nil for what counts.
  var margin: Int?

  /// The text of the file. What nobody has decided yet stands in it behind `#`. Nil where nothing at all is known
  /// of what is deployed.
  package static func text(_ draft: Draft) -> String? {
    guard !draft.services.isEmpty else { return nil }
    var writer = EnvironmentText(draft: draft)
    writer.write()
    return Validity.assured(writer.lines.joined(separator: "\n") + "\n", environment: draft.environment)
  }

  private init(draft: Draft) { self.draft = draft }

  private mutating func write() {
    head()
    platforms()
    services()
    databases()
    open()
  }

  // MARK: - Lines

  /// One line, with a comment where it comes from.
  mutating func put(_ indent: Int, _ text: String, _ comment: String? = nil) {
    let line = begin(indent) + text
    lines.append(comment.map { "\(line)  # \(EnvironmentText.oneLine($0))" } ?? line)
  }

  /// The blanks before a line, with the mark of what does not count yet among them.
  private func begin(_ indent: Int) -> String {
    func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
    guard let margin else { return blanks(indent) }
    return blanks(margin) + "# " + blanks(max(0, indent - margin))
  }

  /// Writes what nobody has decided yet: with the marks in this column taken away it would count.
  mutating func undecided(_ margin: Int, _ write: (inout Self) -> Void) {
    let outer = self.margin
    self.margin = outer ?? margin
    write(&self)
    self.margin = outer
  }

  mutating func put(_ indent: Int, _ key: String, _ value: String, _ comment: String?) {
    put(indent, "\(key): \(value)", comment)
  }

  /// A comment of its own, folded at about 100 columns.
  mutating func say(_ indent: Int, _ text: String) {
    let margin = begin(indent) + "# "
    var line = margin
    for word in EnvironmentText.oneLine(text).split(separator: " ") {
      if line.count + word.count > 100, line != margin {
        lines.append(EnvironmentText.trimmedEnd(line))
        line = margin + "  "
      }
      line += word + " "
    }
    lines.append(EnvironmentText.trimmedEnd(line))
  }

  private static func trimmedEnd(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }

  /// Nothing of a foreign text ends a comment, or shows what looks like a secret.
  static func oneLine(_ text: String) -> String {
    var result = ""
    for scalar in Sensitive.shown(text).unicodeScalars {
      let isControl =
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        || [0x2028, 0x2029, 0xFEFF].contains(scalar.value)
      result.unicodeScalars.append(isControl ? " " : scalar)
    }
    return result
  }

  func comment(_ fact: Sourced<String>) -> String {
    let doubt = fact.certainty == .sure ? "" : fact.certainty == .likely ? ", likely" : ", a guess"
    return fact.evidence.description + doubt + (fact.note.map { ": \($0)" } ?? "")
  }

  // MARK: - Parts

  private mutating func head() {
    say(0, "Written by `shipit init` from the files of this repository; each line says where it comes from.")
    if draft.written.isEmpty {
      say(
        0,
        draft.open.isEmpty
          ? "No service runs on Railway, Vercel or Encore: shipit deploys nothing of this repository."
          : "No service is certain yet: what is known of each stands below behind `#`. Once its `?` are decided, take the marks away, then: shipit validate \(draft.environment)"
      )
    } else if !draft.questions.isEmpty {
      say(
        0,
        "What no file decides stands below as `?`. Look at those first, then: shipit validate \(draft.environment)"
      )
    }
    if draft.hasRailwayFiles {
      say(
        0,
        "Railway stops reading railway.json and railway.toml on 2026-12-01; this file carries their settings."
      )
    }
    if let line = draft.livePlaces { say(0, line) }
    put(0, "shipit", "1", nil)
    put(0, "environment", YAMLText.scalar(draft.environment), nil)
    put(0, "app", YAMLText.scalar(draft.app), "the repository's name")
    if draft.isLive { put(0, "provision", "adopt", "what is there is taken over; nothing is made") }
    put(
      0, "state", draft.hasRemote ? "git" : "local",
      draft.hasRemote
        ? "releases and the lock, under refs/shipit of `origin`"
        : "releases and the lock, on this machine alone; `git` once there is a remote")
  }

  private mutating func platforms() {
    guard !draft.targets.isEmpty else { return }
    lines.append("")
    if draft.written.isEmpty {
      undecided(0) { $0.platforms(Host.allCases) }
    } else {
      let used = Set(draft.written.map(\.host))
      platforms(Host.allCases.filter(used.contains))
      undecided(2) { $0.targets(Host.allCases.filter { !used.contains($0) }) }
    }
  }

  private mutating func platforms(_ hosts: [Host]) {
    guard hosts.contains(where: { draft.targets[$0] != nil }) else { return }
    put(0, "platforms:")
    targets(hosts)
  }

  private mutating func targets(_ hosts: [Host]) {
    for host in hosts {
      guard let target = draft.targets[host] else { continue }
      switch host {
      case .railway: railway(target)
      case .vercel: vercel(target)
      case .encore: encore(target)
      default: break
      }
    }
  }

  private mutating func railway(_ target: DraftTarget) {
    put(2, "railway:")
    if let workspace = target.workspace {
      put(4, "workspace", YAMLText.quoted(workspace.value), comment(workspace))
    }
    let project = target.project
    put(
      4, "project", YAMLText.quoted(project?.value ?? draft.app),
      project.flatMap { $0.certainty == .guess ? nil : comment($0) }
        ?? "? its name on Railway; no file says it")
    put(
      4, "environment", YAMLText.scalar(target.environment?.value ?? "production"),
      target.environment.flatMap { $0.certainty == .sure ? comment($0) : nil } ?? "Railway's own name for it")
    put(4, "token", "{secret: \(target.token)}", "the name of the secret, never the value")
  }

  private mutating func vercel(_ target: DraftTarget) {
    put(2, "vercel:")
    if let team = target.project {
      put(4, "team", YAMLText.quoted(team.value), team.certainty == .sure ? comment(team) : nil)
    } else if !target.isOwn {
      say(4, "? team: the team that owns the projects; without it the account's own")
    }
    put(4, "token", "{secret: \(target.token)}", nil)
  }

  private mutating func encore(_ target: DraftTarget) {
    put(2, "encore:")
    if let app = target.project {
      put(4, "app", YAMLText.scalar(app.value), app.evidence.description)
    } else {
      put(4, "app", "app-id", "? its id in Encore's cloud: encore.app has none")
    }
    put(
      4, "environment", YAMLText.scalar(target.environment?.value ?? "prod"),
      "? its name on Encore; no file says it")
    put(4, "client", "{id: {secret: ENCORE_CLIENT_ID}, secret: {secret: ENCORE_CLIENT_SECRET}}", nil)
  }

  /// Questions and what was left out, at the end.
  private mutating func open() {
    if !draft.questions.isEmpty {
      lines.append("")
      say(0, "Questions that no file answers:")
      for question in draft.questions {
        let places = question.evidence.prefix(2).map(\.description).joined(separator: ", ")
        say(0, "? \(question.text)\(places.isEmpty ? "" : " (\(places))")")
      }
    }
    let others = draft.services.filter { $0.standing != .written && !draft.open.contains($0) }
    if !others.isEmpty {
      lines.append("")
      say(0, "Not written:")
      for service in others { say(0, "- \(EnvironmentText.outcome(service))") }
    }
    if !draft.leftOut.isEmpty {
      lines.append("")
      say(0, "Names of the examples that are given to no service:")
      for (reason, names) in EnvironmentText.byReason(draft.leftOut) {
        say(0, "- \(names.joined(separator: ", ")): \(reason)")
      }
    }
  }

  /// What became of a service that is not written.
  package static func outcome(_ service: DraftService) -> String {
    switch service.standing {
    case .written: "\(service.key)"
    case .asked(let reason): "\(service.key): \(reason)"
    case .foreign:
      "\(service.key) (\(service.configs[0])): on \(service.host.title), where shipit does not deploy"
    case .off(let reason): "\(service.key): \(reason)"
    }
  }

  static func byReason(_ names: [Sourced<String>]) -> [(String, [String])] {
    var found: [(String, [String])] = []
    for name in names {
      let reason = name.note ?? ""
      if let index = found.firstIndex(where: { $0.0 == reason }) {
        if !found[index].1.contains(name.value) { found[index].1.append(name.value) }
      } else {
        found.append((reason, [name.value]))
      }
    }
    return found
  }
}
