/// Writes a draft as an environment file: a line for each fact, and beside it where the fact stands.
package struct EnvironmentText {
  private let draft: Draft
  private var lines: [String] = []

  /// The text of the file, or nil where nothing is known that shipit could deploy.
  package static func text(_ draft: Draft) -> String? {
    guard !draft.written.isEmpty else { return nil }
    var writer = EnvironmentText(draft: draft)
    writer.write()
    return writer.lines.joined(separator: "\n") + "\n"
  }

  private init(draft: Draft) { self.draft = draft }

  private mutating func write() {
    head()
    platforms()
    lines += ["", "services:"]
    for service in draft.written { write(service) }
    databases()
    open()
  }

  // MARK: - Lines

  /// One line, with a comment where it comes from.
  private mutating func put(_ indent: Int, _ text: String, _ comment: String? = nil) {
    let line = String(repeating: " ", count: indent) + text
    lines.append(comment.map { "\(line)  # \(EnvironmentText.oneLine($0))" } ?? line)
  }

  private mutating func put(_ indent: Int, _ key: String, _ value: String, _ comment: String?) {
    put(indent, "\(key): \(value)", comment)
  }

  /// A comment of its own, folded at about 100 columns.
  private mutating func say(_ indent: Int, _ text: String) {
    let margin = String(repeating: " ", count: indent) + "# "
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

  private func comment(_ fact: Sourced<String>) -> String {
    let doubt = fact.certainty == .sure ? "" : fact.certainty == .likely ? ", likely" : ", a guess"
    return fact.evidence.description + doubt + (fact.note.map { ": \($0)" } ?? "")
  }

  // MARK: - Parts

  private mutating func head() {
    say(0, "Written by `shipit init` from the files of this repository; each line says where it comes from.")
    if !draft.questions.isEmpty {
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
    put(0, "shipit", "1", nil)
    put(0, "environment", YAMLText.scalar(draft.environment), nil)
    put(0, "app", YAMLText.scalar(draft.app), "the repository's name")
    put(
      0, "state", draft.hasRemote ? "git" : "local",
      draft.hasRemote
        ? "releases and the lock, under refs/shipit of `origin`"
        : "releases and the lock, on this machine alone; `git` once there is a remote")
  }

  private mutating func platforms() {
    lines += ["", "platforms:"]
    if let target = draft.targets[.railway] {
      put(2, "railway:")
      put(
        4, "project", YAMLText.quoted(target.project?.value ?? draft.app),
        "? its name on Railway; no file says it")
      put(
        4, "environment", YAMLText.scalar(target.environment?.value ?? "production"),
        "Railway's own name for it")
      put(4, "token", "{secret: \(target.token)}", "the name of the secret, never the value")
    }
    if let target = draft.targets[.vercel] {
      put(2, "vercel:")
      if let team = target.project {
        put(4, "team", YAMLText.quoted(team.value), nil)
      } else {
        say(4, "? team: the team that owns the projects; without it the account's own")
      }
      put(4, "token", "{secret: \(target.token)}", nil)
    }
    if let target = draft.targets[.encore], let app = target.project {
      put(2, "encore:")
      put(4, "app", YAMLText.scalar(app.value), app.evidence.description)
      put(
        4, "environment", YAMLText.scalar(target.environment?.value ?? "prod"),
        "? its name on Encore; no file says it")
      put(4, "client", "{id: {secret: ENCORE_CLIENT_ID}, secret: {secret: ENCORE_CLIENT_SECRET}}", nil)
    }
  }

  private mutating func write(_ service: DraftService) {
    put(2, "\(service.key):", service.configs.joined(separator: ", "))
    put(4, "platform", service.host.rawValue, nil)
    if service.name.value != service.key {
      put(4, "name", YAMLText.scalar(service.name.value), comment(service.name))
    }
    put(4, "source", source(service), nil)
    if !service.needs.isEmpty {
      let because = service.needs.map { "\($0.note ?? $0.value) \($0.evidence)" }
      let needs = service.needs.filter { need in draft.written.contains { $0.key == need.value } }
      if !needs.isEmpty {
        put(4, "needs", YAMLText.list(needs.map(\.value)), Joiner.list(because, most: 2))
      }
    }
    variables(service)
    settings(service)
    health(service)
    for leftover in service.leftovers { say(4, "not carried: \(leftover.value) (\(leftover.evidence))") }
    for key in [SettingKey.watch, .crons, .gitDeploys] { aside(service, key) }
  }

  private func source(_ service: DraftService) -> String {
    if service.host == .vercel, service.context != service.home {
      return
        "{directory: \(YAMLText.list([Path.written(service.context)]).dropFirst().dropLast()), root: \(YAMLText.list([service.home]).dropFirst().dropLast())}"
    }
    return "{directory: \(YAMLText.list([Path.written(service.context)]).dropFirst().dropLast())}"
  }

  private mutating func variables(_ service: DraftService) {
    let named = service.variables.filter(\.isWritten)
    let open = service.variables.filter { !$0.isWritten }
    guard !service.variables.isEmpty else { return }
    if named.isEmpty {
      say(4, "variables: none is certain; those on the platform are kept")
    } else {
      put(4, "variables:", "those on the platform that are not named here are kept")
    }
    for variable in named {
      let value =
        switch variable.value {
        case .plain(let text): YAMLText.variable(text)
        case .secret, .unknown: "{secret: \(variable.name)}"
        }
      put(6, variable.name, value, variable.evidence.description + (variable.note.map { ": \($0)" } ?? ""))
    }
    // What is doubtful about several of a file is said once.
    var groups: [(file: String, about: String, names: [String])] = []
    for variable in open {
      let doubts = (variable.isBuildTime ? ["baked into the build"] : []) + [variable.note].compactMap { $0 }
      let about = doubts.isEmpty ? "" : " (\(doubts.joined(separator: "; ")))"
      let name = "\(variable.name) :\(variable.evidence.line)"
      if let index = groups.firstIndex(where: { $0.file == variable.evidence.file && $0.about == about }) {
        groups[index].names.append(name)
      } else {
        groups.append((variable.evidence.file, about, [name]))
      }
    }
    for group in groups {
      say(6, "? no value is known, from \(group.file)\(group.about): \(group.names.joined(separator: ", "))")
    }
  }

  private mutating func settings(_ service: DraftService) {
    let beside: Set<SettingKey> = [.healthPath, .healthTimeout, .watch, .crons, .gitDeploys, .appID, .root]
    let known = service.settings.filter { !beside.contains($0.key) }.sorted { $0.key < $1.key }
    let written = known.filter { !service.silent.contains($0.key) && value($0.key, $0.value.value) != nil }
    if !written.isEmpty { put(4, "settings:") }
    for (key, fact) in known where !(key == .builder && service.silent.contains(key)) {
      guard !service.silent.contains(key), let value = value(key, fact.value) else {
        let said = EnvironmentText.oneLine(fact.value)
        let text = said.count > 90 ? String(said.prefix(87)) + "…" : said
        say(
          written.isEmpty ? 4 : 6,
          "\(key.rawValue) `\(text)` is not written: \(reason(service, key, fact)) (\(fact.evidence))")
        continue
      }
      put(6, key.rawValue, value, comment(fact))
    }
  }

  private func reason(_ service: DraftService, _ key: SettingKey, _ fact: Sourced<String>) -> String {
    if Sensitive.looksSecret(fact.value) { return "something in it looks like a secret" }
    return fact.note ?? "the platform finds it by itself"
  }

  /// As YAML; nil where the language has no such value.
  private func value(_ key: SettingKey, _ text: String) -> String? {
    if Sensitive.looksSecret(text) || text.isEmpty { return nil }
    switch key {
    case .builder: return ["railpack", "nixpacks", "heroku", "paketo"].contains(text) ? text : nil
    case .replicas: return Int(text).flatMap { (1...50).contains($0) ? text : nil }
    case .restartLimit: return Int(text).flatMap { (0...100).contains($0) ? text : nil }
    case .sleep: return ["true", "false"].contains(text) ? text : nil
    case .preDeploy: return YAMLText.list(text.lines)
    case .region: return text.contains(",") ? nil : YAMLText.scalar(text)
    case .cron: return YAMLText.quoted(text)
    case .dockerfile, .output: return isInside(text) ? YAMLText.scalar(text) : nil
    default: return YAMLText.scalar(text)
    }
  }

  private func isInside(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.hasPrefix("~") && !path.split(separator: "/").contains("..")
  }

  private mutating func health(_ service: DraftService) {
    if let path = service.settings[.healthPath], path.value.hasPrefix("/"), !path.value.contains(" ") {
      put(4, "health:")
      put(6, "path", YAMLText.scalar(path.value), comment(path))
      if let timeout = service.settings[.healthTimeout] {
        put(6, "within", YAMLText.scalar(timeout.value), timeout.evidence.description)
      }
      if service.host == .railway {
        say(6, "? identity: {json: MEMBER}, where the answer names the commit; until then nothing proves it")
      }
    } else if service.host == .railway {
      if service.isWorker || service.settings[.cron] != nil {
        put(4, "health", "{identity: platform}", "it runs on a schedule: the platform's own status")
      } else {
        say(
          4, "? health: {path: /…}; no file says which path answers, so Railway's own status is all there is")
      }
    }
  }

  /// Facts without a key of their own.
  private mutating func aside(_ service: DraftService, _ key: SettingKey) {
    guard let fact = service.settings[key] else { return }
    switch key {
    case .watch:
      let patterns = fact.value.lines
      say(
        4,
        "not carried: builds start when \(Joiner.list(patterns, most: 4)) change (\(fact.evidence)); shipit deploys when it is told to"
      )
      for pattern in patterns where isDangling(pattern) {
        say(4, "  `\(pattern)` matches nothing in this repository")
      }
    case .crons:
      say(
        4,
        "not carried: \(fact.value) scheduled calls stay in vercel.json, which Vercel goes on reading (\(fact.evidence))"
      )
    case .gitDeploys:
      say(
        4, "Vercel builds nothing from Git by itself: \(fact.note ?? "it is switched off") (\(fact.evidence))"
      )
    default: break
    }
  }

  private func isDangling(_ pattern: String) -> Bool {
    let folder = Path.normal(String(pattern.prefix { $0 != "*" }))
    return pattern.contains("**") && !folder.isEmpty && !(draft.folders.contains(folder))
  }

  // MARK: - Data

  private static let tools: Set<String> = ["alembic", "prisma", "supabase", "django", "dbmate", "sqitch"]

  private mutating func databases() {
    let usable = draft.schemas.first { schema in
      Self.tools.contains(schema.tool) && schema.position != nil && schema.address != nil
        && (schema.engine == nil || schema.engine == "postgres") && schema.certainty == .sure
        && draft.stores.contains { $0.kind == "postgres" }
        && (schema.service == nil || draft.written.contains { $0.key == schema.service })
    }
    lines.append("")
    if let schema = usable, let address = schema.address {
      put(0, "databases:")
      put(2, "main:")
      put(4, "engine", "postgres", evidence(of: "postgres"))
      put(
        4, "url", "{secret: \(address.value)}",
        "? an address that this machine reaches, without a pooler; \(address.evidence)")
      put(4, "migrations:")
      put(6, "tool", schema.tool, schema.config)
      put(6, "directory", YAMLText.scalar(Path.written(schema.folder)), nil)
      let place = schema.places.first
      put(
        6, "where", schema.position ?? "here",
        place.map { "`\(short($0.command))` \($0.evidence)" } ?? "as it was said")
    }
    for schema in draft.schemas where schema != usable {
      let place = schema.places.first.map { ", run by `\(short($0.command))` (\($0.evidence))" } ?? ""
      say(0, "? migrations of \(schema.tool): \(schema.config)\(place)")
    }
    for store in draft.stores where !(store.kind == "postgres" && usable != nil) {
      let users = store.users.sorted().joined(separator: ", ")
      let places = store.evidence.prefix(2).map(\.description).joined(separator: ", ")
      say(
        0,
        "\(store.kind)\(users.isEmpty ? "" : " of \(users)")\(store.certainty == .sure ? "" : ", if it is used at all"): \(places)"
      )
    }
  }

  private func short(_ command: String) -> String {
    let text = EnvironmentText.oneLine(command)
    return text.count > 60 ? String(text.prefix(57)) + "…" : text
  }

  private func evidence(of kind: String) -> String? {
    draft.stores.first { $0.kind == kind }?.evidence.prefix(2).map(\.description).joined(separator: ", ")
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
    let others = draft.services.filter { $0.standing != .written }
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
