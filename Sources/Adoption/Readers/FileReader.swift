/// Reads one kind of file.
package protocol FileReader: Sendable {
  /// Whether the file at this path is of its kind, by name.
  func reads(_ path: String) -> Bool

  /// The facts of one file. Pure: the tree is only asked what else there is.
  /// - Throws: `Unreadable` where the file is not what its name says.
  func read(_ path: String, _ text: String, in tree: FileTree) throws(Unreadable) -> [Finding]
}

/// Every kind of file that is read. To add one: a file beside this one, and its line here.
package let readers: [any FileReader] = [
  RailwayReader(), RailwayCodeReader(), VercelReader(), EncoreReader(), InfrastructureReader(),
  FlyReader(), NetlifyReader(), WranglerReader(), RenderReader(), ProcfileReader(), NixpacksReader(),
  DockerfileReader(), ComposeReader(), PackageReader(), PythonReader(), CargoReader(), GoReader(),
  ExampleReader(), AlembicReader(), PrismaReader(), SupabaseReader(), DrizzleReader(), WorkflowReader(),
  EncoreSecretsReader(), LiteralReader(),
]

/// All facts of a repository.
package enum Survey {
  package static func findings(_ tree: FileTree) -> [Finding] {
    var findings: [Finding] = []
    for path in tree.paths where !FileTree.isForeign(path) {
      if let danger = trackedSecrets(path) { findings.append(danger) }
      if let reason = tree.unread[path] {
        findings.append(
          Finding(.remark("\(path) \(reason)"), Evidence(path), .guess))
      }
      guard let text = tree.text(path) else { continue }
      for reader in readers where reader.reads(path) {
        do throws(Unreadable) {
          findings += try reader.read(path, text, in: tree)
        } catch {
          findings.append(
            Finding(
              .remark("\(path) cannot be read: \(error.message)"), Evidence(path, error.line), .guess))
        }
      }
      if FileTree.isScript(path) {
        findings.append(Finding(.script(Script.shell(text, file: path)), Evidence(path)))
      }
    }
    return findings
  }

  /// A `.env` that git tracks: its text is never looked at.
  private static func trackedSecrets(_ path: String) -> Finding? {
    let name = Path.name(path)
    guard FileTree.isEnvironmentFile(path) else { return nil }
    // Frameworks read these for defaults of a developer's machine or of tests.
    guard ![".env.test", ".env.development", ".env.defaults", ".env.ci"].contains(name) else { return nil }
    let message = "git tracks \(name): whoever can read the repository has its values; rotate what is secret"
    return Finding(.danger(Danger(.trackedSecrets, Evidence(path), message)), Evidence(path))
  }
}

extension Script {
  /// The lines of a shell script, continued lines joined, comments left out.
  static func shell(_ text: String, file: String, from first: Int = 1) -> Script {
    var commands: [Sourced<String>] = []
    var pending = ""
    var start = first
    for (offset, line) in text.lines.enumerated() {
      let words = line.trimmed
      if pending.isEmpty { start = first + offset }
      if words.hasPrefix("#") { continue }
      if words.hasSuffix("\\") {
        pending += words.dropLast() + " "
        continue
      }
      let whole = (pending + words).trimmed
      pending = ""
      if !whole.isEmpty { commands.append(Sourced(whole, Evidence(file, start))) }
    }
    if !pending.trimmed.isEmpty { commands.append(Sourced(pending.trimmed, Evidence(file, start))) }
    return Script(file: file, commands: commands)
  }
}

extension StringProtocol where SubSequence == Substring {
  /// Without white space at both ends.
  var trimmed: String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text = text.dropFirst() }
    while let last = text.last, last.isWhitespace { text = text.dropLast() }
    return String(text)
  }

  /// Every line, without line ends.
  var lines: [String] {
    split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }).map { String($0) }
  }

  /// Without one pair of quotes around it.
  var unquoted: String {
    let text = trimmed
    guard text.count > 1, let first = text.first, first == text.last, first == "\"" || first == "'" else {
      return text
    }
    return String(text.dropFirst().dropLast())
  }

  func containsAny(_ parts: String...) -> Bool { parts.contains { contains($0) } }
}
