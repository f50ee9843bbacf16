/// railway.json and railway.toml, also under names that a workflow or the dashboard gives them:
/// `railway.NAME.json`, `railway/NAME.toml`.
struct RailwayReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    guard name.hasSuffix(".json") || name.hasSuffix(".toml") else { return false }
    return name.hasPrefix("railway.") || name.hasSuffix(".railway.json") || name.hasSuffix(".railway.toml")
      || ["railway", ".railway"].contains(Path.name(Path.folder(path)))
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = path.hasSuffix(".toml") ? try TOML.read(text) : try CommentedJSON.read(text)
    guard root.members != nil else {
      throw Unreadable(line: root.line, message: "it holds no settings by name")
    }
    guard root["build"] != nil || root["deploy"] != nil || root["environments"] != nil else { return [] }
    let folder = Path.folder(path)
    let isNamed = ["railway", ".railway"].contains(Path.name(folder))
    var unit = Unit(.railway, file: path, home: isNamed ? Path.folder(folder) : folder)
    unit.name = name(path, root)
    unit.settings = settings(root, path)
    for member in root["environments"]?.members ?? [] {
      unit.environments[member.key] = settings(member.item, path)
    }
    unit.leftovers = leftovers(root, path)
    unit.variables = variables(root, path)
    if let word = legacy(text) { unit.standing = .off(word) }
    return [Finding(.unit(unit), Evidence(path))]
  }

  /// The service's name as the file or its own name gives it.
  private func name(_ path: String, _ root: Item) -> Sourced<String>? {
    for item in [root.at("deploy", "serviceName"), root["serviceName"]] {
      if let item, let text = item.text { return Sourced(text, Evidence(path, item.line), .likely) }
    }
    let file = Path.name(path)
    let stem = String(file.dropLast(5))
    if stem.hasPrefix("railway.") { return Sourced(String(stem.dropFirst(8)), Evidence(path), .likely) }
    if stem.hasSuffix(".railway") { return Sourced(String(stem.dropLast(8)), Evidence(path), .likely) }
    if stem != "railway" { return Sourced(stem, Evidence(path), .likely) }
    return nil
  }

  private static let known: [String: SettingKey] = [
    "build.builder": .builder, "build.buildCommand": .build, "build.dockerfilePath": .dockerfile,
    "deploy.startCommand": .start, "deploy.preDeployCommand": .preDeploy,
    "deploy.healthcheckPath": .healthPath, "deploy.healthcheckTimeout": .healthTimeout,
    "deploy.restartPolicyType": .restart, "deploy.restartPolicyMaxRetries": .restartLimit,
    "deploy.numReplicas": .replicas, "deploy.overlapSeconds": .overlap, "deploy.drainingSeconds": .drain,
    "deploy.cronSchedule": .cron, "deploy.sleepApplication": .sleep, "deploy.region": .region,
  ]

  /// Keys of Railway's format that shipit has no word for, with what becomes of them.
  private static let silent: [String: String] = [
    "build.watchPatterns": "which paths start a build: shipit deploys when it is told to",
    "build.nixpacksConfigPath": "Nixpacks finds nixpacks.toml by itself",
    "build.nixpacksPlan": "a plan of Nixpacks, which Railway has deprecated",
    "build.nixpacksVersion": "a version of Nixpacks, which Railway has deprecated",
    "build.railpackVersion": "a version of Railpack",
    "deploy.runtime": "Railway has one runtime",
    "deploy.multiRegionConfig": "several regions: shipit sets one region, or leaves what is there",
    "deploy.limitOverride": "limits of an instance: settings.memory and settings.cpu",
    "deploy.requiredMountPath": "a volume that must be mounted",
    "deploy.registryCredentials": "credentials of a registry stay in Railway's dashboard",
    "deploy.ipv6EgressEnabled": "IPv6 for outgoing connections stays in Railway's dashboard",
    "deploy.useLegacyStacker": "an old way of stacking",
    "deploy.serviceName": "a name that Railway ignores",
  ]

  private func settings(_ root: Item, _ path: String) -> Settings {
    var settings: Settings = [:]
    for (name, key) in Self.known {
      let parts = name.split(separator: ".").map(String.init)
      guard parts.count == 2, let item = root[parts[0]]?[parts[1]], !item.isNull else { continue }
      let evidence = Evidence(path, root[parts[0]]?.member(parts[1])?.line ?? item.line)
      if let value = value(item, of: key) { settings[key] = Sourced(value, evidence) }
    }
    if let patterns = root.at("build", "watchPatterns"), !patterns.texts.isEmpty {
      settings[.watch] = Sourced(patterns.texts.joined(separator: "\n"), Evidence(path, patterns.line))
    }
    return settings
  }

  /// In the words of the environment file.
  private func value(_ item: Item, of key: SettingKey) -> String? {
    guard let text = key == .preDeploy ? item.texts.joined(separator: "\n") : item.text, !text.isEmpty else {
      return nil
    }
    switch key {
    case .builder: return text.lowercased()
    case .restart:
      let word = text.lowercased().replacing("_", with: "-")
      return ["on-failure", "always", "never"].contains(word) ? word : nil
    case .healthTimeout, .overlap, .drain: return Int(text).map { "\($0)s" }
    default: return text
    }
  }

  private func leftovers(_ root: Item, _ path: String) -> [Sourced<String>] {
    var found: [Sourced<String>] = []
    let tables = ["build", "deploy"]
    for member in root.members ?? [] where !["$schema", "environments"].contains(member.key) {
      guard tables.contains(member.key) else {
        found.append(
          Sourced(
            "`\(member.key)` is no key of Railway's format: Railway ignores it", Evidence(path, member.line)))
        continue
      }
      for inner in member.item.members ?? [] {
        let name = "\(member.key).\(inner.key)"
        let evidence = Evidence(path, inner.line)
        if let reason = Self.silent[name] {
          if name != "build.watchPatterns" { found.append(Sourced("`\(name)`: \(reason)", evidence)) }
        } else if let key = Self.known[name] {
          if !inner.item.isNull, value(inner.item, of: key) == nil {
            found.append(Sourced("`\(name)` has a value that Railway does not take", evidence))
          }
        } else {
          found.append(Sourced("`\(name)` is no key of Railway's format: Railway ignores it", evidence))
        }
      }
    }
    return found
  }

  /// Tables of variables that people write although Railway reads none: their names are a hint, no more.
  private func variables(_ root: Item, _ path: String) -> [Variable] {
    var found: [Variable] = []
    for item in [
      root.at("deploy", "env"), root.at("deploy", "envs"), root.at("build", "buildArgs"), root["variables"],
    ] {
      for member in item?.members ?? [] where VariableName.isOne(member.key) {
        found.append(Variable(member.key, .unknown, Evidence(path, member.line)))
      }
    }
    return found
  }

  /// The comment before the first table that says that the file is a thing of the past.
  private func legacy(_ text: String) -> String? {
    let comments = text.lines.prefix { !$0.trimmed.hasPrefix("[") && !$0.trimmed.hasPrefix("{") }
      .filter { $0.trimmed.hasPrefix("#") }
    let words = comments.joined(separator: " ").lowercased()
    let marks = ["legacy", "deprecated", "no longer used", "not used any", "rollback reference", "unused"]
    return marks.first { words.contains($0) }
  }
}

/// `.railway/railway.ts`: noticed; a value is taken only where it is written out.
struct RailwayCodeReader: FileReader {
  func reads(_ path: String) -> Bool {
    Path.name(Path.folder(path)) == ".railway" && ["railway.ts", "railway.js"].contains(Path.name(path))
  }

  private static let known: [String: SettingKey] = [
    "startCommand": .start, "buildCommand": .build, "healthcheckPath": .healthPath,
    "dockerfilePath": .dockerfile, "cronSchedule": .cron, "preDeployCommand": .preDeploy,
  ]

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var found: [Finding] = [
      Finding(
        .remark(
          "\(path) is a program: shipit does not run it, and takes from it only what is written out. What it computes has to be said by you"
        ), Evidence(path))
    ]
    for (index, line) in text.lines.enumerated() {
      guard let match = line.firstMatch(of: #/^\s*([A-Za-z]+)\s*:\s*["'`]([^"'`$]+)["'`]\s*,?\s*$/#),
        Self.known[String(match.1)] != nil
      else { continue }
      found.append(
        Finding(
          .remark("\(path) says \(match.1): \(Sensitive.shown(String(match.2)))"), Evidence(path, index + 1),
          .likely))
    }
    return found
  }
}
