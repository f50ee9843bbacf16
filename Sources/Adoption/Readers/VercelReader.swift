/// vercel.json.
struct VercelReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "vercel.json" }

  private static let texts: [(String, SettingKey)] = [
    ("framework", .framework), ("installCommand", .install), ("buildCommand", .build),
    ("outputDirectory", .output),
  ]

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try CommentedJSON.read(text)
    guard root.members != nil else {
      throw Unreadable(line: root.line, message: "it holds no settings by name")
    }
    var unit = Unit(.vercel, file: path, home: Path.folder(path))
    for (name, key) in Self.texts {
      guard let member = root.member(name), let value = member.item.text else { continue }
      unit.settings[key] = Sourced(value, Evidence(path, member.line))
    }
    if let regions = root["regions"], !regions.texts.isEmpty {
      unit.settings[.region] = Sourced(regions.texts.joined(separator: ","), Evidence(path, regions.line))
    }
    readGit(root, path, &unit)
    if let crons = root["crons"], let list = crons.list, !list.isEmpty {
      unit.settings[.crons] = Sourced("\(list.count)", Evidence(path, crons.line))
    }
    for key in ["env", "build"] {
      let table = key == "env" ? root["env"] : root.at("build", "env")
      for member in table?.members ?? [] where VariableName.isOne(member.key) {
        unit.variables.append(variable(member, path))
      }
    }
    for item in (root["rewrites"]?.list ?? []) + (root["routes"]?.list ?? []) {
      let target = item["destination"] ?? item["dest"]
      guard let target, let text = target.text, text.hasPrefix("http") else { continue }
      unit.targets.append(Sourced(text, Evidence(path, target.line)))
    }
    let build: Set<SettingKey> = [.framework, .install, .build, .output, .crons, .region]
    unit.isBare =
      build.isDisjoint(with: unit.settings.keys) && root["functions"] == nil
      && root["rewrites"] == nil && root["routes"] == nil && root["headers"] == nil
      && root["builds"] == nil
    return [Finding(.unit(unit), Evidence(path))]
  }

  /// Whether Vercel's own Git integration builds.
  private func readGit(_ root: Item, _ path: String, _ unit: inout Unit) {
    if let item = root.at("git", "deploymentEnabled"), item.bool == false {
      unit.settings[.gitDeploys] = Sourced(
        "false", Evidence(path, item.line), note: "git.deploymentEnabled is false")
    }
    if let item = root["ignoreCommand"], let command = item.text?.trimmed {
      if command == "exit 0" {
        unit.settings[.gitDeploys] = Sourced(
          "false", Evidence(path, item.line), note: "ignoreCommand `exit 0` skips every build from Git")
      } else if command == "exit 1" {
        unit.leftovers.append(
          Sourced("`ignoreCommand` is `exit 1`: Vercel builds every push", Evidence(path, item.line)))
      } else {
        unit.leftovers.append(
          Sourced(
            "`ignoreCommand` decides which pushes Vercel builds: shipit deploys when it is told to",
            Evidence(path, item.line)))
      }
    }
  }

  /// `@name` is Vercel's old way to name a secret.
  private func variable(_ member: Item.Member, _ path: String) -> Variable {
    let evidence = Evidence(path, member.line)
    guard let text = member.item.text else { return Variable(member.key, .unknown, evidence) }
    if text.hasPrefix("@") { return Variable(member.key, .secret, evidence) }
    return Variable(member.key, .plain(text), evidence)
  }
}
