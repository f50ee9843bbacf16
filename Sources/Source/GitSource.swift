import Concurrency
package import Model
package import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The git repository a project lies in. Only read; `fetch` brings missing history, and moves no branch.
package struct GitSource: Sendable {
  let git: Git
  /// From the repository's top to the project's root: empty, or ending in a slash.
  let prefix: String

  /// The repository around `root`; nil outside of one.
  /// - Parameter process: the variables of this process, of which git gets few.
  /// - Throws: `configuration` when there is a repository and git is missing or refuses it.
  package static func find(
    root: String, process: [String: String], launcher: Launcher = Launcher()
  ) async throws(Failure) -> GitSource? {
    guard hasRepository(above: root) else { return nil }
    let git = Git(root: root, process: process, launcher: launcher)
    let result = try await git.run(["rev-parse", "--show-prefix"])
    guard result.exit.isSuccess else {
      let words = Git.words(of: result)
      if words.contains("not a git repository") { return nil }
      throw Failure(.configuration, "git refuses the repository at \(root)", cause: words)
    }
    var prefix = result.text
    if prefix.hasSuffix("\n") { prefix.removeLast() }
    return GitSource(git: git, prefix: prefix)
  }

  private static func hasRepository(above root: String) -> Bool {
    guard let real = realpath(root, nil) else { return false }
    defer { free(real) }
    var directory = String(cString: real)
    while true {
      if access(directory + "/.git", F_OK) == 0 { return true }
      guard let slash = directory.lastIndex(of: "/"), directory != "/" else { return false }
      directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
    }
  }

  /// Resolves a branch, tag, abbreviated or full id.
  /// - Throws: `configuration` when it names no commit here.
  package func resolve(_ revision: String) async throws(Failure) -> Revision {
    guard !revision.isEmpty, !revision.hasPrefix("-"), !revision.contains("\0") else {
      throw unknown(revision, cause: "it is no name of a revision")
    }
    let found = try await git.run(["rev-parse", "--verify", revision + "^{commit}"])
    guard found.exit.isSuccess else { throw unknown(revision, cause: Git.words(of: found)) }
    let commit = found.text.trimmed
    let shown = try await git.output([
      "log", "-1", "--no-show-signature", "--no-decorate", "--encoding=UTF-8", "--format=%H%x00%s%x00%an",
      commit, "--",
    ])
    let parts = shown.text.trimmed.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, parts[0] == commit else {
      throw Failure(.failed, "git log gave an answer that cannot be read", cause: shown.text)
    }
    return Revision(commit: commit, subject: parts[1], author: parts[2])
  }

  private func unknown(_ revision: String, cause: String) -> Failure {
    Failure(
      .configuration, "there is no commit \(revision) in \(git.root)", cause: cause,
      hint: "name a branch, a tag or a commit that `git log` shows; make the first one with `git commit`, "
        + "fetch a missing one with `git fetch origin \(revision)`")
  }

  /// The branch that is checked out; nil for a detached head.
  package func branch() async throws(Failure) -> String? {
    let result = try await git.run(["symbolic-ref", "--quiet", "--short", "HEAD"])
    return result.exit.isSuccess ? result.text.trimmed : nil
  }

  /// Tracked files under `paths` (relative to the project's root) that differ from HEAD.
  package func changedFiles(under paths: [String]) async throws(Failure) -> [String] {
    // `diff` would write the index to remember what it found.
    let result = try await git.output(
      [
        "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames",
        "--ignore-submodules=dirty", "--",
      ] + paths)
    // XY PATH, from the repository's top.
    return nulSeparated(result.output).map { line in
      let path = String(decoding: line.dropFirst(3), as: UTF8.self)
      return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }.sorted()
  }

  /// Refuses a tree with changes that a deploy would silently leave out.
  /// - Throws: `configuration`, naming the files.
  package func requireClean(under paths: [String]) async throws(Failure) {
    let files = try await changedFiles(under: paths)
    guard !files.isEmpty else { return }
    let shown = files.prefix(8).joined(separator: ", ") + (files.count > 8 ? ", …" : "")
    throw Failure(
      .configuration,
      files.count == 1
        ? "1 tracked file is changed and not committed"
        : "\(files.count) tracked files are changed and not committed",
      cause: shown, hint: "commit them, or deploy them as they are with `--dirty`")
  }
}
