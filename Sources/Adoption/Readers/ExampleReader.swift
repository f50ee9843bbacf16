/// Examples of environment files: `.env.example`, `.env.production.sample`, `env.template` and their like.
struct ExampleReader: FileReader {
  private static let marks: Set<String> = ["example", "sample", "template", "dist", "tpl", "defaults"]

  func reads(_ path: String) -> Bool {
    let parts = Path.name(path).split(separator: ".").map(String.init)
    return parts.contains { $0 == "env" } && parts.contains(where: Self.marks.contains)
      && !["ts", "js", "md", "json", "yml", "yaml"].contains(parts.last ?? "")
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var names: [NameList.Name] = []
    for (index, line) in text.lines.enumerated() {
      guard let match = line.firstMatch(of: #/^\s*(#\s*)?(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/#)
      else { continue }
      let isCommentedOut = match.1 != nil
      let value = String(match.3).trimmed
      // A sentence with an equals sign in it is no variable.
      if isCommentedOut, String(match.2) != String(match.2).uppercased() || match.2.count < 3 { continue }
      var name = NameList.Name(name: String(match.2), line: index + 1, isCommentedOut: isCommentedOut)
      name.isLocal = value.containsAny("localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal")
      let plain = value.hasPrefix("#") ? "" : String(value.unquoted)
      name.isOpen = name.isLocal || VariableName.isPlaceholder(plain)
      if name.name == "RAILWAY_SERVICE" || name.name == "RAILWAY_SERVICE_NAME" {
        let word = String(value.prefix { $0 != "#" }).unquoted
        if !word.isEmpty, word.allSatisfy({ $0.isLetter || $0.isNumber || "-_".contains($0) }) {
          name.word = word
        }
      }
      if let first = names.firstIndex(where: { $0.name == name.name }) {
        if names[first].isCommentedOut && !isCommentedOut { names[first] = name }
      } else {
        names.append(name)
      }
    }
    return [Finding(.names(NameList(file: path, names: names)), Evidence(path))]
  }
}
