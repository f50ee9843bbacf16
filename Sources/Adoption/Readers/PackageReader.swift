/// package.json, and the members of its workspace that stand elsewhere.
struct PackageReader: FileReader {
  func reads(_ path: String) -> Bool {
    ["package.json", "pnpm-workspace.yaml", "lerna.json"].contains(Path.name(path))
  }

  /// In the order they decide: a site built by Next with Vite's test runner is Next's.
  private static let frameworks: [(package: String, preset: String)] = [
    ("next", "nextjs"), ("nuxt", "nuxtjs"), ("@sveltejs/kit", "sveltekit"), ("@remix-run/react", "remix"),
    ("astro", "astro"), ("gatsby", "gatsby"), ("@angular/core", "angular"),
    ("@docusaurus/core", "docusaurus-2"),
    ("react-scripts", "create-react-app"), ("@vue/cli-service", "vue"), ("vite", "vite"),
  ]

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    if Path.name(path) != "package.json" { return try workspace(path, text) }
    let root = try CommentedJSON.read(text)
    var package = PackageFile(file: path)
    if let name = root["name"], let text = name.text {
      package.name = Sourced(text, Evidence(path, name.line), .likely)
    }
    for member in root["scripts"]?.members ?? [] {
      package.scripts[member.key] = Sourced(member.item.text ?? "", Evidence(path, member.line))
    }
    for table in ["dependencies", "devDependencies"] {
      for member in root[table]?.members ?? [] where package.dependencies[member.key] == nil {
        package.dependencies[member.key] = member.line
      }
    }
    package.workspaces = (root["workspaces"]?["packages"] ?? root["workspaces"])?.texts ?? []
    if let found = Self.frameworks.first(where: { package.dependencies[$0.package] != nil }),
      let line = package.dependencies[found.package]
    {
      package.framework = Sourced(found.preset, Evidence(path, line), .likely)
    }
    package.isMobile = package.dependencies["expo"] != nil || package.dependencies["react-native"] != nil
    return [Finding(.package(package), Evidence(path))] + Self.dangers(package)
  }

  private func workspace(_ path: String, _ text: String) throws(Unreadable) -> [Finding] {
    let root = try Item.yaml(text, file: path)
    var package = PackageFile(file: Path.join(Path.folder(path), "package.json"))
    package.workspaces = root["packages"]?.texts ?? []
    return package.workspaces.isEmpty ? [] : [Finding(.package(package), Evidence(path))]
  }

  /// Scripts that hide what went wrong in them.
  private static func dangers(_ package: PackageFile) -> [Finding] {
    package.scripts.sorted { $0.key < $1.key }.compactMap { name, script in
      guard ["build", "vercel-build", "start", "deploy", "release", "postinstall"].contains(name),
        let end = Shell.swallowed(script.value)
      else { return nil }
      let message = "the script `\(name)` ends in `\(end)`: whatever fails before it is taken for success"
      return Finding(.danger(Danger(.swallowedFailure, script.evidence, message)), script.evidence)
    }
  }
}

/// requirements.txt and pyproject.toml.
struct PythonReader: FileReader {
  func reads(_ path: String) -> Bool {
    let name = Path.name(path)
    return name == "pyproject.toml" || (name.hasPrefix("requirements") && name.hasSuffix(".txt"))
  }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var package = PackageFile(file: path)
    if path.hasSuffix(".toml") {
      let root = try TOML.read(text)
      if let name = root.at("project", "name") ?? root.at("tool", "poetry", "name"), let text = name.text {
        package.name = Sourced(text, Evidence(path, name.line), .likely)
      }
      let lists =
        [root.at("project", "dependencies")]
        + (root.at("project", "optional-dependencies")?.members ?? []).map(\.item)
      for item in lists.compactMap({ $0 }).flatMap({ $0.list ?? [] }) {
        add(item.text ?? "", item.line, to: &package)
      }
      for member in root.at("tool", "poetry", "dependencies")?.members ?? [] {
        add(member.key, member.line, to: &package)
      }
    } else {
      for (index, line) in text.lines.enumerated() where !line.trimmed.hasPrefix("-") {
        add(line, index + 1, to: &package)
      }
    }
    return [Finding(.package(package), Evidence(path))]
  }

  private func add(_ text: String, _ line: Int, to package: inout PackageFile) {
    let name = text.trimmed.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }.lowercased()
    guard !name.isEmpty, !text.trimmed.hasPrefix("#") else { return }
    let plain = name.replacing("_", with: "-")
    if package.dependencies[plain] == nil { package.dependencies[plain] = line }
    if text.contains("[asyncpg"), package.dependencies["asyncpg"] == nil {
      package.dependencies["asyncpg"] = line
    }
  }
}

/// Cargo.toml.
struct CargoReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "Cargo.toml" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    let root = try TOML.read(text)
    var package = PackageFile(file: path)
    if let name = root.at("package", "name"), let text = name.text {
      package.name = Sourced(text, Evidence(path, name.line), .likely)
    }
    var findings: [Finding] = []
    for table in [root["dependencies"], root.at("workspace", "dependencies")] {
      for member in table?.members ?? [] {
        package.dependencies[member.key] = member.line
        let features = member.item["features"]?.texts ?? []
        for feature in features { package.dependencies["\(member.key)/\(feature)"] = member.line }
        if member.key == "sqlx", features.contains("migrate") || tree.hasFolder("migrations") {
          let folder = Path.join(Path.folder(path), "migrations")
          var schema = SchemaSource(tool: "sqlx", config: folder, folder: folder)
          if features.contains("postgres") {
            schema.engine = Sourced("postgresql", Evidence(path, member.line))
          }
          findings.append(Finding(.schema(schema), Evidence(path, member.line), .guess))
        }
      }
    }
    return [Finding(.package(package), Evidence(path))] + findings
  }
}

/// go.mod.
struct GoReader: FileReader {
  func reads(_ path: String) -> Bool { Path.name(path) == "go.mod" }

  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding] {
    var package = PackageFile(file: path)
    for (index, line) in text.lines.enumerated() {
      let words = line.trimmed.split(separator: " ").map(String.init)
      if words.first == "module", words.count > 1 {
        package.name = Sourced(Path.name(words[1]), Evidence(path, index + 1), .likely)
      } else if let name = words.first(where: { $0.contains("/") }) {
        package.dependencies[name] = index + 1
      }
    }
    return [Finding(.package(package), Evidence(path))]
  }
}
