/// fly.toml, also as fly.NAME.toml.
struct FlyReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    return name == "fly.toml" || (name.hasPrefix("fly.") && name.hasSuffix(".toml"))
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try TOML.read(text)
    guard root["app"] != nil || root["http_service"] != nil || root["build"] != nil else { return [] }
    var unit = Unit(.fly, file: path, home: Path.folder(path))
    if let app = root["app"], let text = app.text {
      unit.name = Sourced(text, Evidence(path, app.line), .likely)
    }
    unit.settings[.builder] = Sourced("dockerfile", Evidence(path))
    if let file = root.at("build", "dockerfile"), let text = file.text {
      unit.settings[.dockerfile] = Sourced(text, Evidence(path, file.line))
    }
    if let command = root.at("deploy", "release_command"), let text = command.text {
      unit.settings[.preDeploy] = Sourced(text, Evidence(path, command.line))
    }
    if let strategy = root.at("deploy", "strategy"), let text = strategy.text {
      unit.leftovers.append(Sourced("deploys by the strategy \(text)", Evidence(path, strategy.line)))
    }
    let checks =
      (root.at("http_service", "checks")?.list ?? [])
      + (root["services"]?.list ?? []).flatMap { $0["http_checks"]?.list ?? [] }
      + (root["checks"]?.members ?? []).map(\.item)
    for check in checks {
      guard let found = check.member("path"), let text = found.item.text else { continue }
      unit.settings[.healthPath] = Sourced(text, Evidence(path, found.line))
      if let timeout = check["timeout"], let text = timeout.text {
        unit.settings[.healthTimeout] = Sourced(text, Evidence(path, timeout.line))
      }
      break
    }
    for member in root["env"]?.members ?? [] where VariableName.isOne(member.key) {
      let value = member.item.text ?? ""
      unit.variables.append(Variable(member.key, .plain(value), Evidence(path, member.line)))
    }
    return [Finding(.unit(unit), Evidence(path))]
  }
}

/// netlify.toml.
struct NetlifyReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "netlify.toml" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try TOML.read(text)
    let base = root.at("build", "base")?.text ?? ""
    var unit = Unit(.netlify, file: path, home: Path.join(Path.folder(path), base))
    for (name, key) in [("command", SettingKey.build), ("publish", .output)] {
      guard let item = root["build"]?[name], let text = item.text else { continue }
      unit.settings[key] = Sourced(text, Evidence(path, item.line))
    }
    for member in root.at("build", "environment")?.members ?? [] where VariableName.isOne(member.key) {
      unit.variables.append(
        Variable(member.key, .plain(member.item.text ?? ""), Evidence(path, member.line)))
    }
    return [Finding(.unit(unit), Evidence(path))]
  }
}

/// wrangler.toml, wrangler.json and wrangler.jsonc of Cloudflare.
struct WranglerReader: FileReader {
  func reads(_ path: String) -> Bool {
    ["wrangler.toml", "wrangler.json", "wrangler.jsonc"].contains(Path.name(path))
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = path.hasSuffix(".toml") ? try TOML.read(text) : try CommentedJSON.read(text)
    var unit = Unit(.cloudflare, file: path, home: Path.folder(path))
    if let name = root["name"], let text = name.text {
      unit.name = Sourced(text, Evidence(path, name.line), .likely)
    }
    for route in (root["routes"]?.list ?? []) + [root["route"]].compactMap({ $0 }) {
      guard let text = route.text ?? route["pattern"]?.text else { continue }
      unit.targets.append(Sourced(text, Evidence(path, route.line)))
    }
    for member in root["vars"]?.members ?? [] where VariableName.isOne(member.key) {
      unit.variables.append(Variable(member.key, .unknown, Evidence(path, member.line)))
    }
    return [Finding(.unit(unit), Evidence(path))]
  }
}

/// render.yaml.
struct RenderReader: FileReader {
  func reads(_ path: String) -> Bool { ["render.yaml", "render.yml"].contains(Path.name(path)) }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try Item.yaml(text, file: path)
    return (root["services"]?.list ?? []).map { service in
      let folder = Path.join(Path.folder(path), service["rootDir"]?.text ?? "")
      // A file inside a service's folder may name that folder from the top.
      let home = tree.hasFolder(folder) ? folder : Path.normal(service["rootDir"]?.text ?? "")
      var unit = Unit(.render, file: path, home: home)
      if let name = service["name"], let text = name.text {
        unit.name = Sourced(text, Evidence(path, name.line), .likely)
      }
      for (name, key) in [
        ("buildCommand", SettingKey.build), ("startCommand", .start), ("healthCheckPath", .healthPath),
        ("dockerfilePath", .dockerfile), ("preDeployCommand", .preDeploy),
      ] {
        guard let item = service[name], let text = item.text else { continue }
        unit.settings[key] = Sourced(text, Evidence(path, item.line))
      }
      for item in service["envVars"]?.list ?? [] {
        guard let key = item["key"]?.text, VariableName.isOne(key) else { continue }
        unit.variables.append(Variable(key, .unknown, Evidence(path, item.line)))
      }
      if text.lines.prefix(12).joined(separator: " ").lowercased().containsAny("legacy", "deprecated") {
        unit.standing = .off("legacy")
      }
      return Finding(.unit(unit), Evidence(path, service.line))
    }
  }
}

/// A Procfile: process types with their commands.
struct ProcfileReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "Procfile" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var unit = Unit(.heroku, file: path, home: Path.folder(path))
    for (index, line) in text.lines.enumerated() {
      guard let match = line.firstMatch(of: #/^([A-Za-z0-9_-]+):\s*(.+)$/#) else { continue }
      let command = Sourced(String(match.2).trimmed, Evidence(path, index + 1))
      unit.processes.append(Sourced(command.value, command.evidence, note: String(match.1)))
      switch match.1 {
      case "web": unit.settings[.start] = command
      case "release": unit.settings[.preDeploy] = command
      default:
        unit.leftovers.append(
          Sourced(
            "the process `\(match.1)` runs `\(Sensitive.shown(command.value))`: a service of its own",
            command.evidence))
      }
    }
    unit.isBare = true
    return [Finding(.unit(unit), Evidence(path))]
  }
}

/// nixpacks.toml: how Nixpacks builds, without a word on where.
struct NixpacksReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "nixpacks.toml" }

  private static let phases: Set<String> = ["setup", "install", "build"]

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try TOML.read(text)
    var unit = Unit(.railway, file: path, home: Path.folder(path))
    unit.isBare = true
    for member in root["phases"]?.members ?? [] {
      if member.key == "build", let commands = member.item["cmds"], !commands.texts.isEmpty {
        unit.settings[.build] = Sourced(
          commands.texts.joined(separator: " && "), Evidence(path, commands.line))
      }
      if !Self.phases.contains(member.key) {
        let commands = member.item["cmds"]?.texts.joined(separator: " && ") ?? ""
        unit.leftovers.append(
          Sourced(
            "Nixpacks has no phase `\(member.key)`: `\(Sensitive.shown(commands))` never runs",
            Evidence(path, member.line)))
      }
    }
    if let start = root.at("start", "cmd"), let text = start.text {
      unit.settings[.start] = Sourced(text, Evidence(path, start.line))
    }
    return [Finding(.unit(unit), Evidence(path))]
  }
}
