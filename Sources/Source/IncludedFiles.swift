import Model

/// Built files that `include` names though git does not track them. Blocks on the disk.
struct IncludedFiles: Sendable {
  let tree: WorkingTree
  let patterns: [String]

  /// - Throws: `configuration` for a pattern that leads out, or that matches nothing.
  func entries() throws -> [SourceEntry] {
    var found: [String: SourceEntry] = [:]
    for text in patterns {
      guard !text.hasPrefix("/"), !text.split(separator: "/").contains("..") else {
        throw Failure(
          .configuration, "`include: \(text)` leads out of \(tree.directory)",
          hint: "give a pattern relative to `source.directory`")
      }
      let names = text.split(separator: "/").filter { $0 != "." }
      let pattern = GlobPattern(names.joined(separator: "/"))
      let matches = try tree.files(below: pattern.literalPrefix).filter { pattern.matches($0.path) }
      guard !matches.isEmpty else {
        throw Failure(
          .configuration, "`include: \(text)` matches no file in \(tree.directory)",
          hint: "build it before the deploy, or correct the pattern: `**` stands for directories, "
            + "`*` for a part of a name")
      }
      for entry in matches { found[entry.path] = entry }
    }
    return Array(found.values)
  }
}

extension WorkingTree {
  /// Outside of git: every file that no `.gitignore` or `.railwayignore` excludes, nor shipit's own state.
  func unignoredFiles() throws -> [SourceEntry] {
    var rules = IgnoreRules()
    func read(_ base: String) throws {
      for name in [".gitignore", ".railwayignore"] {
        guard let entry = try entry(at: base + name), case .file = entry.kind,
          case .file(let path) = entry.content
        else { continue }
        rules.add(String(decoding: try WorkingTree.bytes(of: path, isLink: false), as: UTF8.self), base: base)
      }
    }
    try read("")
    let found = try files { path in
      if path == ".shipit" || path.hasSuffix("/.shipit") || rules.ignoresDirectory(path) { return true }
      try read(path + "/")
      return false
    }
    return found.filter { !rules.ignores($0.path) }
  }
}
