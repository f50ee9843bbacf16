/// encore.app: JSON with comments.
struct EncoreReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "encore.app" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try CommentedJSON.read(text)
    var unit = Unit(.encore, file: path, home: Path.folder(path))
    if let id = root["id"], let text = id.text, !text.isEmpty {
      unit.settings[.appID] = Sourced(text, Evidence(path, id.line))
    }
    if let base = root.at("build", "docker", "base_image"), let image = base.text {
      unit.leftovers.append(
        Sourced("its images are built on \(image): one without it may not run", Evidence(path, base.line)))
    }
    // Names of secrets that older Encore applications list here.
    for member in root["secrets"]?.members ?? [] where VariableName.isOne(member.key) {
      unit.variables.append(Variable(member.key, .secret, Evidence(path, member.line)))
    }
    return [Finding(.unit(unit), Evidence(path))]
  }
}

/// The infrastructure configuration of an Encore application that runs outside Encore's cloud.
struct InfrastructureReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    return name.hasPrefix("infra") && name.hasSuffix(".json") && name != "infrastructure.json"
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try CommentedJSON.read(text)
    guard
      root["$schema"]?.text?.contains("encore.dev") == true || root["sql_servers"] != nil
        || (root["metadata"] != nil && root["secrets"] != nil)
    else { return [] }
    var infrastructure = Infrastructure(file: path)
    for server in root["sql_servers"]?.list ?? [] {
      for member in server["databases"]?.members ?? [] {
        infrastructure.databases.append(Sourced(member.key, Evidence(path, member.line)))
      }
    }
    for member in root["redis"]?.members ?? [] {
      infrastructure.caches.append(Sourced(member.key, Evidence(path, member.line)))
    }
    for (key, what) in [("pubsub", "messages"), ("object_storage", "object storage")] {
      for item in root[key]?.list ?? [] {
        infrastructure.others.append(
          Sourced("\(what) (\(item["type"]?.text ?? "unknown"))", Evidence(path, item.line)))
      }
    }
    if let address = root.at("metadata", "base_url"), let text = address.text {
      infrastructure.address = Sourced(text, Evidence(path, address.line))
    }
    infrastructure.hosts = root.member("service_discovery").map { Evidence(path, $0.line) }
    var findings: [Finding] = []
    for (keys, item) in root.leaves() {
      guard let last = keys.last, let value = item.text else { continue }
      if last == "$env", VariableName.isOne(value) {
        infrastructure.variables.append(Variable(value, .secret, Evidence(path, item.line)))
        if keys.first == "secrets", keys.count > 2, keys[1] != value, infrastructure.renamed == nil {
          infrastructure.renamed = Evidence(path, item.line)
        }
      } else if VariableName.isCredential(last) || keys.first == "secrets" && keys.count == 2, !value.isEmpty
      {
        let message =
          "`\(keys.joined(separator: "."))` holds a credential as text: write {\"$env\": NAME}, and rotate it"
        findings.append(
          Finding(.danger(Danger(.literalCredential, Evidence(path, item.line), message)), Evidence(path)))
      }
    }
    findings.append(Finding(.infrastructure(infrastructure), Evidence(path)))
    return findings
  }
}

/// Names of secrets an Encore application in Go or TypeScript asks for cannot be read from configuration; a list
/// that people keep beside it can.
struct EncoreSecretsReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == ".secrets.local.cue.example" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let names = text.lines.enumerated().compactMap { index, line -> NameList.Name? in
      guard let match = line.firstMatch(of: #/^\s*([A-Za-z_][A-Za-z0-9_]*)\s*:/#) else { return nil }
      return NameList.Name(name: String(match.1), line: index + 1)
    }
    return [Finding(.names(NameList(file: path, names: names)), Evidence(path))]
  }
}
