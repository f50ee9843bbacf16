/// Compose files. They tell of neighbours and names; what they run is a machine of somebody's own.
struct ComposeReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    guard name.hasSuffix(".yml") || name.hasSuffix(".yaml") else { return false }
    return name.hasPrefix("docker-compose") || name.hasPrefix("compose.") || name.hasPrefix("compose-")
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try Item.yaml(text, file: path)
    return (root["services"]?.members ?? []).map { member in
      let item = member.item
      var service = ComposeService(file: path, line: member.line, name: member.key)
      service.image = item["image"]?.text
      let folder = Path.folder(path)
      if let build = item["build"] {
        let context = Path.join(folder, build.text ?? build["context"]?.text ?? ".")
        service.context = context
        service.dockerfile = Path.join(context, build["dockerfile"]?.text ?? "Dockerfile")
        service.variables += variables(build["args"], path)
      }
      service.variables += variables(item["environment"], path)
      if let test = item.at("healthcheck", "test") {
        let command = test.texts.joined(separator: " ")
        if let found = HealthAddress.path(in: command) {
          service.healthPath = Sourced(found, Evidence(path, test.line))
        }
      }
      if let command = item["command"] {
        service.command = Sourced(command.texts.joined(separator: " "), Evidence(path, command.line))
      }
      return Finding(.compose(service), Evidence(path, member.line))
    }
  }

  /// A mapping, or a list of `NAME=value`.
  private func variables(_ item: Item?, _ path: String) -> [Variable] {
    guard let item else { return [] }
    if let members = item.members {
      return members.filter { VariableName.isOne($0.key) }
        .map { Variable($0.key, .unknown, Evidence(path, $0.line)) }
    }
    return (item.list ?? []).compactMap { entry in
      guard let text = entry.text else { return nil }
      let name = String(text.prefix { $0 != "=" })
      return VariableName.isOne(name) ? Variable(name, .unknown, Evidence(path, entry.line)) : nil
    }
  }
}

extension ComposeService {
  /// What kind of store its image is; nil for anything else.
  var store: String? {
    guard let image, let tail = image.split(separator: "/").last else { return nil }
    let name = tail.prefix { $0 != ":" && $0 != "@" }
    let whole = image.lowercased()
    if name.hasPrefix("postgres")
      || whole.containsAny("pgvector", "postgis", "timescale", "supabase/postgres")
    {
      return "postgres"
    }
    if name.hasPrefix("redis") || name.hasPrefix("valkey") { return "redis" }
    if name.hasPrefix("mongo") { return "mongodb" }
    if name.hasPrefix("mysql") || name.hasPrefix("mariadb") { return "mysql" }
    return nil
  }
}
