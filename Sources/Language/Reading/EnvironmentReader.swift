import FoundationEssentials
package import Model
package import YAML
package import Zones

/// What reading an environment gave: the environment unless errors prevent it, and everything there is to say.
package struct ReadResult: Sendable {
  /// Nil when there is an error.
  package var environment: Environment?
  /// By place. What is not supported yet is a note.
  package var diagnostics: [Diagnostic]
  /// The files that were read, for printing.
  package var files: [SourceFile]

  package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  /// What the file asks for and no room acts on yet.
  package var unsupported: [Diagnostic] { diagnostics.filter { $0.code == .notSupported } }

  /// The diagnostics as plan and deploy see them: they act on the whole file or not at all.
  package var diagnosticsForActing: [Diagnostic] {
    diagnostics.map { diagnostic in
      guard diagnostic.code == .notSupported else { return diagnostic }
      var strict = diagnostic
      strict.severity = .error
      strict.help = "remove it until it is supported"
      return strict
    }.sorted()
  }
}

/// Reads `environments/NAME.yaml` over its bases.
package struct EnvironmentReader: Sendable {
  /// The project's root directory.
  package var root: String
  private let files: any FileSource
  private let zones: ZoneDatabase

  /// The directory of the environment files, relative to the root.
  package static let directory = "environments"

  package init(
    root: String, files: any FileSource = Disk(),
    zones: ZoneDatabase = .system(ProcessInfo.processInfo.environment)
  ) {
    self.root = root
    self.files = files
    self.zones = zones
  }

  /// Reads an environment by its name.
  package func read(name: String) -> ReadResult {
    var name = name
    for suffix in [".yaml", ".yml"] where name.hasSuffix(suffix) {
      name = String(name.dropLast(suffix.count))
    }
    if name.hasPrefix("\(Self.directory)/") { name = String(name.dropFirst(Self.directory.count + 1)) }
    let known = (try? files.names(in: join(root, Self.directory))) ?? []
    if let file = ["\(name).yaml", "\(name).yml"].first(where: known.contains) {
      return read(path: "\(Self.directory)/\(file)", name: name)
    }
    let environments = list()
    let mark = Mark(file: "\(Self.directory)/\(name).yaml", line: 0, column: 0)
    let help: String
    if let near = Suggestion.nearest(to: name, among: environments) {
      help = "did you mean `\(near)`?"
    } else if environments.isEmpty {
      help = "`shipit init` writes the first one"
    } else {
      help = "there are \(environments.joined(separator: ", "))"
    }
    return ReadResult(
      environment: nil,
      diagnostics: [
        Diagnostic(.error, .unknownEnvironment, "there is no environment `\(name)`", at: mark, help: help)
      ], files: [])
  }

  /// Reads an environment from a file.
  /// - Parameters:
  ///   - path: relative to the root.
  ///   - name: what `environment:` must say; nil for anything.
  package func read(path: String, name: String? = nil) -> ReadResult {
    var chain = Chain()
    let node = load(path, into: &chain, from: nil)
    var diagnostics = chain.diagnostics
    let sources = Dictionary(chain.files.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var environment: Environment?
    if let node {
      var decoder = EnvironmentDecoder(
        sources: sources, environments: list, zones: zones, example: { try files.read(join(root, $0)) })
      environment = decoder.decode(node, name: name, path: path)
      diagnostics += decoder.diagnostics
    }
    if diagnostics.contains(where: { $0.severity == .error }) { environment = nil }
    return ReadResult(environment: environment, diagnostics: unique(diagnostics), files: chain.files)
  }

  /// The names of the environments, sorted. A file without `environment:` that another one extends is a base.
  package func list() -> [String] {
    let names = ((try? files.names(in: join(root, Self.directory))) ?? []).filter {
      ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) && !$0.hasPrefix(".")
    }
    var bases: Set<String> = []
    var unnamed: Set<String> = []
    for name in names {
      guard let bytes = try? files.read(join(root, "\(Self.directory)/\(name)")),
        let mapping = Document(bytes: bytes, name: name).root?.mapping
      else { continue }
      if mapping["environment"] == nil { unnamed.insert(name) }
      if let base = mapping["extends"]?.value.scalar?.text { bases.insert(normalized(base)) }
    }
    return names.filter { !(unnamed.contains($0) && bases.contains($0)) }
      .map { String($0.dropLast($0.hasSuffix(".yml") ? 4 : 5)) }.sorted()
  }

  // MARK: - Bases

  private struct Chain {
    var files: [SourceFile] = []
    var diagnostics: [Diagnostic] = []
    /// The files that are being read, outermost first.
    var open: [String] = []
  }

  private func load(_ path: String, into chain: inout Chain, from place: Mark?) -> Node? {
    let bytes: [UInt8]
    do {
      bytes = try files.read(join(root, path))
    } catch {
      chain.diagnostics.append(missing(path, error, place))
      return nil
    }
    let document = Document(bytes: bytes, name: path)
    if !chain.files.contains(where: { $0.name == path }) { chain.files.append(document.source) }
    chain.diagnostics += document.problems.map(Diagnostic.init)
    guard let node = document.root else {
      if document.problems.isEmpty {
        chain.diagnostics.append(
          Diagnostic(
            .error, .wrongType, "the file is empty", at: Mark(file: path, line: 1, column: 1),
            help: "begin with `shipit: 1`; docs/environment.md has the keys"))
      }
      return nil
    }
    guard let mapping = node.mapping else {
      chain.diagnostics.append(
        Diagnostic(
          .error, .wrongType, "an environment file is a mapping", at: node.mark,
          help: "begin with `shipit: 1`"))
      return nil
    }
    guard let entry = mapping["extends"], let text = entry.value.scalar?.text, !entry.value.isNull,
      TextRule.base.mistake(in: text) == nil
    else { return node }
    return extended(node, by: text, at: entry.value.mark, path: path, into: &chain)
  }

  private func extended(
    _ node: Node, by text: String, at mark: Mark, path: String, into chain: inout Chain
  ) -> Node? {
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    let base = normalized(folder.isEmpty ? text : "\(folder)/\(text)")
    guard !base.hasPrefix("../") else {
      chain.diagnostics.append(
        Diagnostic(
          .error, .extendsOutside, "`\(text)` lies outside the project", at: mark, path: "extends",
          help: "move the base below the project's root"))
      return node
    }
    chain.open.append(path)
    defer { chain.open.removeLast() }
    if let first = chain.open.firstIndex(of: base) {
      let circle = chain.open[first...] + [base]
      chain.diagnostics.append(
        Diagnostic(
          .error, .extendsCycle, "this file extends itself: \(circle.joined(separator: " → "))", at: mark,
          path: "extends", help: "remove `extends` from one of them"))
      return node
    }
    guard let lower = load(base, into: &chain, from: mark) else { return node }
    var merge = Merge()
    let result = merge.merge(node, onto: lower)
    chain.diagnostics += merge.idle.map { idle in
      Diagnostic(
        .warning, .nothingRemoved, "`\(idle.path)` is null, but \(base) has no such key", at: idle.mark,
        path: idle.path, help: "remove the line")
    }
    return result
  }

  private func missing(_ path: String, _ error: any Error, _ place: Mark?) -> Diagnostic {
    let reason = (error as? FileFailure)?.reason ?? "\(error)"
    guard let place else {
      return Diagnostic(
        .error, .unreadableFile, "cannot read \(path): \(reason)", at: Mark(file: path, line: 0, column: 0))
    }
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    let near = Suggestion.nearest(
      to: String(path.split(separator: "/").last ?? ""),
      among: (try? files.names(in: join(root, folder))) ?? [])
    return Diagnostic(
      .error, .missingFile, "cannot read the base \(path): \(reason)", at: place, path: "extends",
      help: near.map { "did you mean `\($0)`?" } ?? "write its path relative to this file")
  }

  private func unique(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    var seen: Set<Diagnostic> = []
    return diagnostics.sorted().filter { seen.insert($0).inserted }
  }

  private func join(_ folder: String, _ path: String) -> String {
    folder.isEmpty ? path : folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// Without `.` and inner `..`; what leads out keeps its leading `..`.
  private func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else {
        parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }
}
