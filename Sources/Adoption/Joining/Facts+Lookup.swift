/// All facts of a repository, sorted by kind.
struct Facts {
  let tree: FileTree
  var units: [Unit] = []
  var images: [String: ImageRecipe] = [:]
  var packages: [PackageFile] = []
  var examples: [NameList] = []
  var compose: [ComposeService] = []
  var schemas: [SchemaSource] = []
  var infrastructures: [Infrastructure] = []
  var workflows: [Workflow] = []
  var scripts: [String: Script] = [:]
  var dangers: [Danger] = []
  var remarks: [Sourced<String>] = []
  /// Of schemas whose files only suggest them.
  var guessed: Set<String> = []

  init(_ findings: [Finding], in tree: FileTree) {
    self.tree = tree
    for finding in findings {
      switch finding.fact {
      case .unit(let unit): units.append(unit)
      case .image(let recipe): images[recipe.file] = recipe
      case .package(let package): add(package)
      case .names(let list): examples.append(list)
      case .compose(let service): compose.append(service)
      case .schema(let schema):
        schemas.append(schema)
        if finding.certainty == .guess { guessed.insert(schema.config) }
      case .infrastructure(let infrastructure): infrastructures.append(infrastructure)
      case .workflow(let workflow): workflows.append(workflow)
      case .script(let script): scripts[script.file] = script
      case .danger(let danger): dangers.append(danger)
      case .remark(let text): remarks.append(Sourced(text, finding.evidence, finding.certainty))
      }
    }
  }

  /// A workspace's list stands in a file of its own beside package.json.
  private mutating func add(_ package: PackageFile) {
    if let index = packages.firstIndex(where: { $0.file == package.file }) {
      packages[index].workspaces += package.workspaces
      if package.name != nil {
        let workspaces = packages[index].workspaces
        packages[index] = package
        packages[index].workspaces = workspaces
      }
    } else {
      packages.append(package)
    }
  }

  /// The packages of one folder, of any language.
  func packages(in folder: String) -> [PackageFile] { packages.filter { $0.folder == folder } }

  /// The packages of a service: those of its folder, else those its Dockerfile copies.
  func packages(of service: DraftService) -> [PackageFile] {
    let own = packages(in: service.home)
    guard own.isEmpty, let path = service.settings[.dockerfile]?.value,
      let recipe = images[Path.join(service.context, path)]
    else { return own }
    return packages.filter { package in
      guard Path.isInside(package.file, service.context) else { return false }
      let inner =
        service.context.isEmpty ? package.file : String(package.file.dropFirst(service.context.count + 1))
      return recipe.copies.contains(inner)
    }
  }

  func node(in folder: String) -> PackageFile? {
    packages.first { $0.folder == folder && Path.name($0.file) == "package.json" }
  }

  /// Whether the packages of the root belong together, so that one of them is built with the others at hand.
  var isWorkspace: Bool {
    packages.contains { $0.folder.isEmpty && !$0.workspaces.isEmpty } || tree.has("turbo.json")
      || tree.has("nx.json") || tree.has("lerna.json")
  }

  /// The folder of the workspace's member with this name.
  func member(named name: String) -> String? {
    packages.first { $0.name?.value == name && !$0.folder.isEmpty }?.folder
  }

  /// Every command behind one: scripts of package.json and shell scripts are followed.
  func behind(_ command: Sourced<String>, in folder: String, depth: Int = 0) -> [Sourced<String>] {
    var found = [command]
    guard depth < 4 else { return found }
    for match in command.value.matches(
      of: #/(?:^|[\s;&|(])(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?([A-Za-z][A-Za-z0-9:_-]*)/#)
    {
      let name = String(match.1)
      if let script = node(in: folder)?.scripts[name] ?? node(in: "")?.scripts[name], script != command {
        found += behind(script, in: folder, depth: depth + 1)
      }
    }
    for match in command.value.matches(
      of: #/(?:^|[\s;&|(])(?:\.\/|bash\s+|sh\s+)?([A-Za-z0-9_.\/-]+\.(?:sh|bash))\b/#)
    {
      let file = Path.name(String(match.1))
      let places = [
        Path.join(folder, String(match.1)), Path.normal(String(match.1)), Path.join(folder, file),
      ]
      if let script = places.lazy.compactMap({ scripts[$0] }).first {
        found += script.commands.flatMap { behind($0, in: folder, depth: depth + 1) }
      }
    }
    return found
  }
}
