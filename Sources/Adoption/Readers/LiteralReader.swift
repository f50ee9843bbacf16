import Model

/// Secrets that stand as text in the files of deploys. Only what they are and their places are told.
struct LiteralReader: FileReader {
  private enum Kind { case workflow, recipe, compose, migrations, platform, script }

  func reads(_ path: String) -> Bool { Self.kind(path) != nil }

  private static func kind(_ path: String) -> Kind? {
    if WorkflowReader().reads(path) { return .workflow }
    if DockerfileReader().reads(path) { return .recipe }
    if ComposeReader().reads(path) { return .compose }
    if AlembicReader().reads(path) { return .migrations }
    let platforms: [any FileReader] = [
      RailwayReader(), VercelReader(), FlyReader(), NetlifyReader(), WranglerReader(), RenderReader(),
      NixpacksReader(), ProcfileReader(),
    ]
    if platforms.contains(where: { $0.reads(path) }) { return .platform }
    return FileTree.isScript(path) ? .script : nil
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var found = Found(file: path)
    switch Self.kind(path) {
    case .workflow: workflow(try Item.yaml(text, file: path), &found)
    case .recipe: recipe(text, &found)
    case .compose: compose(try Item.yaml(text, file: path), &found)
    case .migrations: migrations(text, &found)
    case .platform:
      if Path.name(path) == "Procfile" {
        for (index, line) in text.lines.enumerated() { found.look(line, index + 1) }
      } else {
        // What cannot be read, its own reader tells.
        guard let root = try? Self.root(path, text) else { return [] }
        table(root, &found)
      }
    case .script:
      for command in Script.shell(text, file: path).commands {
        found.look(command.value, command.evidence.line)
      }
    case nil: break
    }
    return found.dangers.map { Finding(.danger($0), $0.evidence) }
  }

  private static func root(_ path: String, _ text: String) throws(Unreadable) -> Item {
    if path.hasSuffix(".toml") { return try TOML.read(text) }
    if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { return try Item.yaml(text, file: path) }
    return try CommentedJSON.read(text)
  }

  private func workflow(_ root: Item, _ found: inout Found) {
    variables(root["env"], &found)
    for job in root["jobs"]?.members ?? [] {
      // Databases that a job brings along are thrown away with it.
      let neighbours = Set((job.item["services"]?.members ?? []).map(\.key))
      found.neighbours = neighbours
      variables(job.item["env"], &found)
      for step in job.item["steps"]?.list ?? [] {
        variables(step["env"], &found)
        variables(step["with"], &found)
        guard let run = step.member("run"), let script = run.item.text else { continue }
        let first = script.contains("\n") ? run.item.line + 1 : run.item.line
        for command in Script.shell(script, file: found.file, from: first).commands {
          found.look(command.value, command.evidence.line)
        }
      }
      found.neighbours = []
    }
  }

  private func variables(_ item: Item?, _ found: inout Found) {
    for member in item?.members ?? [] { found.look(member.item.text ?? "", member.line, name: member.key) }
  }

  private func recipe(_ text: String, _ found: inout Found) {
    for instruction in Script.shell(text, file: found.file).commands {
      let words = instruction.value.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
      guard let keyword = words.first?.uppercased(), words.count > 1 else { continue }
      let line = instruction.evidence.line
      if keyword == "ENV", !words[1].contains("="), words.count > 2 {
        found.look(String(words[2]), line, name: String(words[1]))
      } else if !["FROM", "COPY", "ADD", "LABEL"].contains(keyword) {
        found.look(String(instruction.value.dropFirst(keyword.count)), line)
      }
    }
  }

  /// A compose file of a developer's machine may have any password but a real service's token.
  private func compose(_ root: Item, _ found: inout Found) {
    let isReal = Path.name(found.file).containsAny("prod", "staging")
    found.isLenient = !isReal
    found.neighbours = Set((root["services"]?.members ?? []).map(\.key))
    for service in root["services"]?.members ?? [] {
      for key in ["environment", "command", "entrypoint"] {
        let item = service.item[key]
        variables(item, &found)
        for entry in item?.list ?? [] { found.look(entry.text ?? "", entry.line) }
        if let text = item?.text { found.look(text, item?.line ?? service.line) }
      }
      variables(service.item.at("build", "args"), &found)
    }
  }

  private func migrations(_ text: String, _ found: inout Found) {
    for (index, line) in text.lines.enumerated() where line.trimmed.hasPrefix("sqlalchemy.url") {
      found.look(line, index + 1)
    }
  }

  /// Every text of a platform's file, by its key; `{key: NAME, value: …}` is one too.
  private func table(_ item: Item, _ found: inout Found, key: String = "") {
    switch item.value {
    case .scalar(let text, _): found.look(text, item.line, name: key)
    case .list(let items): for inner in items { table(inner, &found, key: key) }
    case .table(let members):
      if let name = item["key"]?.text, let value = item.member("value"), let text = value.item.text {
        found.look(text, value.line, name: name)
        return
      }
      for member in members { table(member.item, &found, key: member.key) }
    case .null: break
    }
  }
}

/// What was found in one file.
private struct Found {
  let file: String
  var dangers: [Danger] = []
  /// Names of other containers, which are no addresses of anything real.
  var neighbours: Set<String> = []
  /// Only tokens of known services count.
  var isLenient = false

  init(file: String) { self.file = file }

  /// Looks at a text, which is a command or the value of a name.
  mutating func look(_ text: String, _ line: Int, name: String? = nil) {
    for part in SecretLooks.parts(of: text) where isReal(part, text) { tell(part.what, line) }
    guard let name, !isLenient, !VariableName.isPublic(name), SecretLooks.name(name),
      SecretLooks.value(text, of: name), !SecretLooks.isPretence(text), !text.contains("$"),
      !text.contains(" "), !text.contains("://")
    else { return }
    tell("the value of `\(name)`", line)
  }

  private func isReal(_ part: SecretLooks.Part, _ text: String) -> Bool {
    let value = text[part.range]
    switch part.kind {
    case .random: return false
    case .token: return !value.lowercased().contains("xxx") && !value.lowercased().contains("example")
    case .assignment, .option, .header:
      // A name's value that is an address is judged as one.
      return !isLenient && !SecretLooks.isPretence(value) && !value.contains("://")
    case .address:
      let host = part.host ?? ""
      let isLocal =
        ["", "localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal", "postgres", "redis", "mysql"]
        .contains(host) || neighbours.contains(host)
      return !isLenient && !isLocal && !SecretLooks.isPretence(value)
    }
  }

  private mutating func tell(_ what: String, _ line: Int) {
    let message =
      "\(what) stands here as text: whoever can read the repository has it. Make it a secret, and rotate it"
    let danger = Danger(.literalCredential, Evidence(file, line), message)
    if !dangers.contains(where: { $0.evidence == danger.evidence }) { dangers.append(danger) }
  }
}
