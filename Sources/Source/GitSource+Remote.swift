import Concurrency
import Model
import Processes

extension GitSource {
  /// Whether a branch of a remote leads to a commit, as the remote says now. Objects may be fetched; no
  /// reference moves.
  /// - Throws: `Failure` when the remote does not answer.
  func holds(_ remote: String, _ commit: String) async throws(Failure) -> Bool {
    let arguments = ["ls-remote", "--heads", "--tags", remote]
    let listing = try await git.run(arguments, timeout: .seconds(30))
    guard listing.exit.isSuccess else { throw git.failed(arguments, listing) }
    let heads = listing.text.split(separator: "\n").compactMap {
      $0.split(separator: "\t").first.map(String.init)
    }
    if heads.contains(commit) { return true }
    guard try await has(commit) else { return false }
    var unknown: [String] = []
    for head in Set(heads) {
      guard try await has(head) else {
        unknown.append(head)
        continue
      }
      if try await leads(head, to: commit) { return true }
    }
    if !unknown.isEmpty {
      try await bring(unknown, from: remote)
      for head in unknown where try await has(head) {
        if try await leads(head, to: commit) { return true }
      }
    }
    // The cut of a shallow clone hides what leads to what; what was fetched came from there all the same.
    return try await isShallow() ? try await held(remote, commit) : false
  }

  /// Whether what was last seen of a remote leads to a commit.
  func held(_ remote: String, _ commit: String) async throws(Failure) -> Bool {
    let refs = try await git.run([
      "for-each-ref", "--contains", commit, "--format=%(refname)", "refs/remotes/\(remote)",
    ])
    return refs.exit.isSuccess && !refs.text.trimmed.isEmpty
  }

  func has(_ object: String) async throws(Failure) -> Bool {
    try await git.run(["cat-file", "-e", object + "^{commit}"]).exit.isSuccess
  }

  private func leads(_ head: String, to commit: String) async throws(Failure) -> Bool {
    try await git.run(["merge-base", "--is-ancestor", commit, head]).exit == .code(0)
  }

  /// Makes sure that a commit is here, fetched by its id when it is not. False: it is not to be had.
  func bring(_ commit: String) async throws(Failure) -> Bool {
    if try await has(commit) { return true }
    let names = try await git.output(["remote"]).text.split(separator: "\n").map(String.init)
    for remote in names {
      try await bring([commit], from: remote)
      if try await has(commit) { return true }
    }
    return false
  }

  private func bring(_ commits: [String], from remote: String) async throws(Failure) {
    let isShallow = try await isShallow()
    _ = try await git.run(
      ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        + (isShallow ? ["--depth=1"] : []) + ["--refmap=", remote] + commits, timeout: .seconds(120))
  }

  // MARK: Trees

  /// Paths of the files under a directory, relative to it; none when the commit has no such directory.
  func paths(of commit: String, under directory: String) async throws(Failure) -> [String] {
    let result = try await git.run([
      "ls-tree", "-r", "-z", "--name-only", "--full-tree", tree(commit, directory),
    ])
    return nulSeparated(result.output).compactMap { String(validating: $0, as: UTF8.self) }
  }

  /// Files under a directory whose text holds one of the words, with their text.
  func texts(
    of commit: String, under directory: String, holding words: [String]
  ) async throws(Failure) -> [(path: String, text: String)] {
    let found = try await git.run(
      ["grep", "-I", "-l", "-z", "-F", "--full-name"] + words.flatMap { ["-e", $0] }
        + [commit, "--", directory.isEmpty ? "." : directory])
    // COMMIT:PATH from the repository's top, each.
    let prefix = "\(commit):\(prefix)" + (directory.isEmpty ? "" : directory + "/")
    var texts: [(path: String, text: String)] = []
    for line in nulSeparated(found.output) {
      let name = String(decoding: line, as: UTF8.self)
      guard name.hasPrefix(prefix) else { continue }
      let path = String(name.dropFirst(prefix.count))
      let isSource = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".go"].contains { path.hasSuffix($0) }
      guard isSource else { continue }
      let blob = try await git.output(["cat-file", "blob", name], outputLimit: 4 << 20)
      texts.append((path, blob.text))
    }
    return texts
  }

  private func tree(_ commit: String, _ directory: String) -> String {
    var inner = prefix + directory
    while inner.hasSuffix("/") { inner.removeLast() }
    return inner.isEmpty ? commit : "\(commit):\(inner)"
  }

  // MARK: Reverts

  /// Makes the commit of a revert with an index of its own.
  func make(_ revert: Revert, index: String) async throws(Failure) -> String {
    let private_ = ["GIT_INDEX_FILE": index]
    _ = try await git.output(["read-tree", revert.target], variables: private_)
    var entries: [UInt8] = []
    for kept in revert.kept {
      let found = try await git.output(["ls-tree", "-z", "--full-tree", kept.commit, prefix + kept.from])
      // MODE TYPE ID<tab>PATH
      guard let line = nulSeparated(found.output).first, let tab = line.firstIndex(of: UInt8(ascii: "\t"))
      else {
        throw Failure(.failed, "\(kept.commit.prefix(12)) has no file \(kept.from)", place: "git ls-tree")
      }
      let fields = String(decoding: line[..<tab], as: UTF8.self).split(separator: " ")
      guard fields.count == 3 else {
        throw Failure(.failed, "git ls-tree gave an answer that cannot be read")
      }
      entries += Array("\(fields[0]) \(fields[2])\t\(prefix)\(kept.to)\0".utf8)
    }
    _ = try await git.output(["update-index", "-z", "--index-info"], input: entries, variables: private_)
    let tree = try await git.output(["write-tree"], variables: private_).text.trimmed
    let date = "@\(revert.at.milliseconds / 1000) +0000"
    let made = try await git.output(
      ["-c", "commit.gpgSign=false", "commit-tree", tree, "-p", revert.replaced, "-F", "-"],
      input: Array(revert.message.utf8),
      variables: [
        "GIT_AUTHOR_NAME": "shipit", "GIT_AUTHOR_EMAIL": "shipit@localhost", "GIT_COMMITTER_NAME": "shipit",
        "GIT_COMMITTER_EMAIL": "shipit@localhost", "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date,
      ])
    return made.text.trimmed
  }

  /// Pushes a commit to a branch, never by force; hooks of the working copy have no say in an emergency.
  func push(_ commit: String, to branch: String, at remote: String) async throws(Failure) {
    let arguments = ["push", "--porcelain", "--no-verify", remote, "\(commit):refs/heads/\(branch)"]
    let result = try await git.run(arguments, timeout: .seconds(120))
    guard result.exit.isSuccess else {
      throw Failure(
        .failed, "the commit \(commit.prefix(12)) could not be pushed to \(remote) as \(branch)",
        place: "git push \(remote)", cause: Git.words(of: result),
        hint:
          "git push \(remote) \(commit):refs/heads/\(branch), with credentials that may push; in GitHub Actions "
          + "`permissions: {contents: write}`")
    }
  }
}
