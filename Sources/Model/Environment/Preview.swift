/// What the previews of an environment have of their own: `preview:` of its file.
package struct PreviewSettings: Sendable, Hashable, Codable {
  /// Which services a preview has; empty: every one that shipit can put beside production.
  package var services: [ServiceName]
  /// By service, what its variables are in a preview: over the environment's own plain ones. Of the environment's
  /// secrets a preview gets none that does not stand here.
  package var variables: [String: [String: VariableValue]]

  package init(services: [ServiceName] = [], variables: [String: [String: VariableValue]] = [:]) {
    self.services = services
    self.variables = variables
  }
}

/// Of an environment that has no file: which one's preview it is.
package struct PreviewOrigin: Sendable, Hashable, Codable {
  /// The environment whose file it was made from.
  package var base: String
  /// The branch, as platforms are told it; nil where there is none, as with a detached commit.
  package var branch: String?

  package init(base: String, branch: String? = nil) {
    self.base = base
    self.branch = branch
  }
}

/// An environment on Railway that is made out of another one (contract railway §9, `environmentCreate`).
package struct RailwayFork: Sendable, Hashable, Codable {
  /// Name or id of the other one.
  package var source: String
  /// Services beside the declared ones that run in it too: the databases that variables refer to. They keep their
  /// variables, with passwords of their own; all others are left without variables and are not started.
  package var keeps: [String]
  /// What stands in the environment once it is ready, so that it is known again.
  package var mark: String

  package init(source: String, keeps: [String], mark: String) {
    self.source = source
    self.keeps = keeps
    self.mark = mark
  }
}

/// The mark of a preview, which stands in the shared variables of its environment on Railway: no environment can carry
/// a description.
package enum PreviewMark {
  /// The name of the shared variable.
  package static let variable = "SHIPIT_PREVIEW"

  package static func of(app: String, name: String) -> String { "shipit/\(app)/\(name)" }
}

/// How a preview is called.
package enum PreviewName {
  /// As names of environments are in this language, and short enough for hosts that are made from it.
  package static let longest = 40

  /// - Returns: `pr-123`.
  package static func of(pullRequest number: Int) -> String { "pr-\(number)" }

  /// A branch's name with every other character as a hyphen; `branch` when nothing is left of it.
  ///
  /// Names that differ in those characters alone, or beyond the limit, get an ending of their own.
  package static func of(branch: String, digest: (String) -> String) -> String {
    var name = ""
    for character in branch.lowercased() {
      let isPlain = character.isASCII && (character.isLetter || character.isNumber)
      if isPlain { name.append(character) } else if name.last != "-", !name.isEmpty { name.append("-") }
    }
    while name.last == "-" { name.removeLast() }
    if name.isEmpty { name = "branch" }
    if name.first?.isLetter != true { name = "preview-" + name }
    guard name != branch || name.count > longest else { return name }
    var short = String(name.prefix(longest - 7))
    while short.last == "-" { short.removeLast() }
    return "\(short)-\(digest(branch).prefix(6))"
  }

  /// Why a preview cannot be called so; nil: it can.
  /// - Parameter taken: the names of real environments, here and on the platforms.
  package static func mistake(in name: String, taken: Set<String>) -> String? {
    let isPlain = name.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-"
    }
    guard isPlain, name.first?.isLetter == true, name.last != "-" else {
      return "it takes lower-case letters, digits and hyphens, a letter first and no hyphen last"
    }
    if name.count > longest { return "it has more than \(longest) characters" }
    if taken.contains(where: { $0.lowercased() == name }) { return "it is the name of a real environment" }
    if reserved.contains(name) { return "it is what real environments are called" }
    return nil
  }

  private static let reserved: Set<String> = [
    "prod", "production", "live", "main", "master", "staging", "stage", "default",
  ]
}

/// One thing that a preview put onto a platform, found there by its mark: what `shipit preview --delete` removes.
package struct PreviewPart: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable { case environment, service, deployment }

  package var kind: Kind
  package var platform: PlatformName
  /// As the platform shows it.
  package var name: String
  package var id: String
  /// The adapter's own ids of where it is.
  package var ids: [String: String]

  package init(
    _ kind: Kind, on platform: PlatformName, name: String, id: String, ids: [String: String] = [:]
  ) {
    self.kind = kind
    self.platform = platform
    self.name = name
    self.id = id
    self.ids = ids
  }

  /// For people: `the Railway environment pr-7`.
  package var words: String { "the \(platform.title) \(kind.rawValue) \(name)" }
}
