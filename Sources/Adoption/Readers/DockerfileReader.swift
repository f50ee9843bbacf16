/// Dockerfiles, by any of the usual names.
struct DockerfileReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    return ["Dockerfile", "Containerfile"].contains(name) || name.hasPrefix("Dockerfile.")
      || name.hasPrefix(".Dockerfile") || name.hasSuffix(".Dockerfile") || name.hasSuffix(".dockerfile")
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var recipe = ImageRecipe(file: path)
    var entry: Sourced<String>?
    var command: Sourced<String>?
    var runs = 0
    for instruction in Script.shell(text, file: path).commands {
      let words = instruction.value.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      guard let keyword = words.first?.uppercased() else { continue }
      let rest = words.count > 1 ? String(words[1]).trimmed : ""
      switch keyword {
      case "FROM": (entry, command, runs) = (nil, nil, 0)
      case "RUN": runs += 1
      case "ENTRYPOINT": entry = Sourced(Self.command(rest), instruction.evidence)
      case "CMD": command = Sourced(Self.command(rest), instruction.evidence)
      case "HEALTHCHECK":
        if let found = HealthAddress.path(in: rest) {
          recipe.healthPath = Sourced(found, instruction.evidence)
        }
      case "ARG":
        let name = String(rest.prefix { $0 != "=" }).trimmed
        if VariableName.isPublic(name) {
          recipe.arguments.append(Variable(name, .unknown, instruction.evidence))
        }
      case "COPY", "ADD":
        guard !rest.contains("--from") else { continue }
        let sources = rest.split(separator: " ").filter { !$0.hasPrefix("--") }.dropLast()
        recipe.copies += sources.map { Path.normal(String($0)) }
      default: break
      }
    }
    switch (entry, command) {
    case (let entry?, let command?):
      recipe.command = Sourced(
        command.value, command.evidence, note: "handed to the entry point `\(entry.value)`")
    case (let entry?, nil): recipe.command = entry
    case (nil, let command): recipe.command = command
    }
    recipe.isIdle =
      runs == 0 && recipe.copies.isEmpty
      && ["echo ", "true", "sleep infinity"].contains { recipe.command?.value.hasPrefix($0) ?? false }
    return [Finding(.image(recipe), Evidence(path))]
  }

  /// A list of words as a line of a shell; `sh -c TEXT` keeps its text whole.
  static func command(_ text: String) -> String {
    guard text.hasPrefix("["), let words = try? CommentedJSON.read(text).texts, !words.isEmpty else {
      return text
    }
    return words.map { word in
      word.contains(where: \.isWhitespace) || word.isEmpty ? "\"\(word)\"" : word
    }.joined(separator: " ")
  }
}

/// The path of a health endpoint in a command that asks for it.
enum HealthAddress {
  /// Of `http://localhost:${PORT}/health`, `/health`; `/` where the address has no path.
  static func path(in command: String) -> String? {
    guard let start = command.firstRange(of: "://") else { return nil }
    let address = command[start.upperBound...].prefix { !" \t\"'|;)".contains($0) }
    guard let slash = address.firstIndex(of: "/") else { return address.isEmpty ? nil : "/" }
    let path = address[slash...].prefix { $0 != "?" && $0 != "`" }
    return path.contains("$") ? nil : String(path)
  }

  /// Of an address whose host stands in a variable: `$URL/api/health`.
  static func pathAfterVariable(in command: String) -> String? {
    guard let match = command.firstMatch(of: #/\$\{?[A-Za-z_][A-Za-z0-9_.]*\}?(\/[A-Za-z0-9_\/.-]+)/#) else {
      return nil
    }
    return String(match.1)
  }

  /// Whether a path is one that programs offer for this.
  static func isHealth(_ path: String) -> Bool {
    let words = path.lowercased()
    return ["health", "ready", "live", "status", "ping", "up"].contains { word in
      words.split(whereSeparator: { "/-_.".contains($0) }).contains { $0.hasPrefix(word) }
    }
  }
}
