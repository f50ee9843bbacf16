/// The files of a repository that say how it is deployed: which paths there are, and some of their texts.
package struct FileTree: Sendable {
  /// The repository's name, of its remote or its directory.
  package var name: String
  /// Whether other machines can reach what git pushes.
  package var hasRemote: Bool
  /// `acme/shop`, of the remote.
  package var repository: String?
  /// Paths relative to the root, sorted.
  package let paths: [String]
  private let known: Set<String>
  /// Every folder, at any depth.
  package let directories: Set<String>
  private let texts: [String: String]
  /// Files whose text is wanted and was not taken, with the reason, as the rest of a sentence about the path.
  let unread: [String: String]

  /// - Parameters:
  ///   - paths: every tracked file.
  ///   - texts: of those that `isRead`.
  ///   - unread: those that could not be read, with the reason.
  package init(
    name: String, hasRemote: Bool = false, repository: String? = nil, paths: [String] = [],
    texts: [String: String], unread: [String: String] = [:]
  ) {
    self.name = name
    self.hasRemote = hasRemote
    self.repository = repository
    self.texts = texts.mapValues(FileTree.withoutMark)
    self.unread = unread
    known = Set(paths).union(texts.keys).union(unread.keys)
    self.paths = known.sorted()
    var directories: Set<String> = [""]
    for path in known {
      var folder = Path.folder(path)
      while !folder.isEmpty, directories.insert(folder).inserted { folder = Path.folder(folder) }
    }
    self.directories = directories
  }

  /// Without the mark of the byte order, which some editors put first.
  private static func withoutMark(_ text: String) -> String {
    guard text.unicodeScalars.first == "\u{FEFF}" else { return text }
    return String(text.unicodeScalars.dropFirst())
  }

  package func text(_ path: String) -> String? { texts[Path.normal(path)] }
  package func has(_ path: String) -> Bool { known.contains(Path.normal(path)) }
  package func hasFolder(_ path: String) -> Bool { directories.contains(Path.normal(path)) }

  /// Whether some file is in this folder, at any depth; the root holds all.
  package func files(below folder: String) -> [String] {
    folder.isEmpty ? paths : paths.filter { $0.hasPrefix(folder + "/") }
  }

  /// The largest file whose text is looked at, in bytes.
  package static let largest = 512 * 1024

  /// Whether the text of a file is wanted. A real `.env` file never is: its values are nobody's business.
  package static func isRead(_ path: String) -> Bool {
    !isForeign(path) && (readers.contains { $0.reads(path) } || isScript(path))
  }

  /// Whether a path is that of a real environment file, whose text is never looked at.
  package static func isEnvironmentFile(_ path: String) -> Bool {
    let name = Path.name(path)
    return name == ".env" || (name.hasPrefix(".env.") && !ExampleReader().reads(path))
  }

  /// Folders of other people's code, and of what is made.
  package static func isForeign(_ path: String) -> Bool {
    path.split(separator: "/").dropLast().contains { foreign.contains(String($0)) }
  }

  static func isScript(_ path: String) -> Bool { path.hasSuffix(".sh") || path.hasSuffix(".bash") }

  private static let foreign: Set<String> = [
    "node_modules", "vendor", "third_party", ".git", ".next", ".venv", "venv", "dist", "target", ".vercel",
    "Pods", "fixtures", "testdata", "__fixtures__", ".shipit",
  ]
}

/// Paths with `/`, relative to the root, without a leading `./`.
enum Path {
  static func folder(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  static func name(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  static func join(_ folder: String, _ path: String) -> String {
    normal(folder.isEmpty ? path : "\(folder)/\(path)")
  }

  /// Without `.` and inner `..`; what leads out is cut off at the root.
  static func normal(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  static func isInside(_ path: String, _ folder: String) -> Bool {
    folder.isEmpty || path == folder || path.hasPrefix(folder + "/")
  }

  /// How a directory is written in an environment file.
  static func written(_ folder: String) -> String { folder.isEmpty ? "." : "./\(folder)" }
}
