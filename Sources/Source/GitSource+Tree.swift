package import Model
import Processes

extension GitSource {
  /// The files of a commit under `path`, in no order to rely on.
  /// - Throws: `configuration` when the commit has no such directory.
  func entries(of path: String, commit: String) async throws(Failure) -> [SourceEntry] {
    let tree = tree(of: path, commit: commit)
    let result = try await git.run(["ls-tree", "-r", "-z", "-l", "--full-tree", tree])
    guard result.exit.isSuccess else {
      throw Failure(
        .configuration, "commit \(commit.prefix(12)) has no directory \(path.isEmpty ? "." : path)",
        cause: Git.words(of: result),
        hint: "commit it, or correct `source.directory`, which counts from the project's root")
    }
    // MODE TYPE ID SIZE<tab>PATH
    return try parse(result.output) { fields in
      fields.count == 4 ? .object(String(fields[2]), size: Int(fields[3]) ?? 0) : nil
    }
  }

  /// Those of the directories that a commit does not have, each once, in their order. One question for all.
  package func missing(directories paths: [String], in commit: String) async throws(Failure) -> [String] {
    var distinct: [String] = []
    for path in paths where !distinct.contains(path) { distinct.append(path) }
    // A line is a question: no directory of a project is called so.
    let broken = distinct.filter { $0.contains(where: \.isNewline) }
    distinct.removeAll(where: broken.contains)
    guard !distinct.isEmpty else { return broken }
    let names = distinct.map { tree(of: $0, commit: commit) + "\n" }.joined()
    let result = try await git.output(
      ["cat-file", "--batch-check=%(objecttype)"], input: Array(names.utf8))
    // A file at the path is no tree; a name that leads nowhere is answered with itself and `missing`.
    let kinds = result.text.split(separator: "\n", omittingEmptySubsequences: true)
    guard kinds.count == distinct.count else {
      throw Failure(
        .failed, "git did not say what the commit holds", place: "git cat-file --batch-check",
        hint: "check the repository with `git fsck`")
    }
    return broken + zip(distinct, kinds).filter { $0.1 != "tree" && $0.1 != "commit" }.map(\.0)
  }

  /// What git calls the directory `path` of a commit.
  private func tree(of path: String, commit: String) -> String {
    let names = (prefix + path).split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    return names.isEmpty ? commit : "\(commit):\(names)"
  }

  /// The tracked files under `path` as they lie in the working tree; deleted ones are left out.
  func workingEntries(of path: String) async throws -> [SourceEntry] {
    let listed = try await git.output(["ls-files", "-z", "--stage", "--", path.isEmpty ? "." : path])
    let base = path.isEmpty ? "" : path + "/"
    let tree = WorkingTree(directory: path.isEmpty ? git.root : "\(git.root)/\(path)")
    // MODE ID STAGE<tab>PATH
    let tracked = try parse(listed.output) { fields in
      fields.count == 3 ? .object(String(fields[1]), size: 0) : nil
    }
    return try await offPool {
      var found: [String: SourceEntry] = [:]
      for entry in tracked where entry.path.hasPrefix(base) {
        let path = String(entry.path.dropFirst(base.count))
        if entry.kind == .submodule {
          found[path] = SourceEntry(path: path, kind: .submodule, content: entry.content)
        } else if let present = try tree.entry(at: path) {
          found[path] = present
        }
      }
      return Array(found.values)
    }
  }

  private func parse(
    _ output: [UInt8], _ content: ([Substring]) -> SourceEntry.Content?
  ) throws(Failure) -> [SourceEntry] {
    var entries: [SourceEntry] = []
    for line in nulSeparated(output) {
      guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { continue }
      let fields = String(decoding: line[..<tab], as: UTF8.self).split(separator: " ")
      guard let path = String(validating: line[(tab + 1)...], as: UTF8.self) else {
        throw Failure(
          .configuration,
          "the file \(String(decoding: line[(tab + 1)...], as: UTF8.self)) has a name that is not UTF-8",
          hint: "rename it: platforms take no such names")
      }
      guard let mode = fields.first, let content = content(fields) else { continue }
      let kind: SourceEntry.Kind =
        switch mode {
        case "120000": .link
        case "160000": .submodule
        default: .file(isExecutable: mode == "100755")
        }
      entries.append(SourceEntry(path: path, kind: kind, content: content))
    }
    return entries
  }

  /// Leaves out what the `.railwayignore` files among the entries exclude.
  func applyingIgnoreFiles(_ entries: [SourceEntry]) async throws -> [SourceEntry] {
    let name = ".railwayignore"
    let files = entries.filter { $0.path == name || $0.path.hasSuffix("/" + name) }
      .sorted { $0.path.utf8.count < $1.path.utf8.count }
    guard !files.isEmpty else { return entries }
    var objects = try await objects(of: files).makeIterator()
    var rules = IgnoreRules()
    for file in files {
      let text: [UInt8]
      switch file.content {
      case .object: text = Array(objects.next() ?? [])
      case .file(let path):
        text = try await offPool { try WorkingTree.bytes(of: path, isLink: file.kind == .link) }
      }
      rules.add(String(decoding: text, as: UTF8.self), base: String(file.path.dropLast(name.count)))
    }
    return entries.filter { !rules.ignores($0.path) }
  }

  /// The bytes of those entries that are in git, in their order, as they were committed.
  func objects(of entries: [SourceEntry]) async throws(Failure) -> [ArraySlice<UInt8>] {
    var ids = ""
    var count = 0
    var size = 0
    for entry in entries {
      guard case .object(let id, let bytes) = entry.content else { continue }
      ids += id + "\n"
      count += 1
      size += bytes
    }
    guard count > 0 else { return [] }
    let output = try await git.output(
      ["cat-file", "--batch"], input: Array(ids.utf8), outputLimit: size + count * 128 + 4096
    ).output
    // ID TYPE SIZE<newline>BYTES<newline>, each.
    var objects: [ArraySlice<UInt8>] = []
    objects.reserveCapacity(count)
    var position = 0
    while objects.count < count {
      guard let end = output[position...].prefix(256).firstIndex(of: UInt8(ascii: "\n")) else { break }
      let header = String(decoding: output[position..<end], as: UTF8.self).split(separator: " ")
      guard header.count == 3, header[1] == "blob", let length = Int(header[2]),
        end + 1 + length < output.count
      else { break }
      objects.append(output[(end + 1)..<(end + 1 + length)])
      position = end + length + 2
    }
    guard objects.count == count else {
      throw Failure(
        .failed, "git could not give all files of the commit", place: "git cat-file --batch",
        hint: "check the repository with `git fsck`; a partial clone needs its remote")
    }
    return objects
  }
}
