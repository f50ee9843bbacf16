import Concurrency
package import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The project's repository and its remotes, for platforms that build pushed commits.
package struct ProjectRepository: CommitRepository {
  private let source: GitSource?
  private let temporaryDirectory: String

  /// - Parameters:
  ///   - source: nil outside of a repository.
  ///   - temporaryDirectory: where an index of its own is kept while a commit is made.
  package init(source: GitSource?, temporaryDirectory: String = "/tmp") {
    self.source = source
    self.temporaryDirectory = temporaryDirectory
  }

  private func repository() throws(Failure) -> GitSource {
    if let source { return source }
    throw Failure(
      .configuration, "the project lies in no git repository, and only pushed commits can be built",
      hint: "git init, git remote add origin URL, git push")
  }

  package func remotes() async throws(Failure) -> [(name: String, url: String)] {
    let git = try repository().git
    let names = try await git.output(["remote"]).text.split(separator: "\n").map(String.init)
    var remotes: [(name: String, url: String)] = []
    for name in names.filter({ $0 == "origin" }) + names.filter({ $0 != "origin" }) {
      let url = try await git.run(["remote", "get-url", name]).text.trimmed
      remotes.append((name, withoutCredentials(url)))
    }
    return remotes
  }

  /// An address as it may be printed.
  private func withoutCredentials(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return url }
    return url[..<scheme.upperBound] + String(rest[rest.index(after: at)...])
  }

  package func remote(holding commit: String) async throws(Failure) -> String? {
    let source = try repository()
    let remotes = try await remotes()
    guard !remotes.isEmpty else {
      throw Failure(
        .configuration, "the repository has no remote, and only pushed commits can be built",
        hint: "git remote add origin URL, then git push -u origin HEAD")
    }
    var trouble: Failure?
    for remote in remotes.map(\.name) {
      do throws(Failure) {
        if try await source.holds(remote, commit) { return remote }
      } catch {
        if error.kind == .cancelled { throw error }
        // Offline, or a remote that needs a helper: what was last seen of it has to do.
        if try await source.held(remote, commit) { return remote }
        trouble = error
      }
    }
    if let trouble {
      throw Failure(
        .configuration, "it cannot be told whether the commit \(commit.prefix(7)) is pushed",
        place: trouble.place,
        cause: trouble.cause, hint: "git push; and see why the remote does not answer: git ls-remote")
    }
    return nil
  }

  package func files(of commit: String, under directory: String) async throws(Failure) -> [String]? {
    guard let source, try await source.bring(commit) else { return nil }
    return try await source.paths(of: commit, under: normalised(directory))
  }

  package func texts(
    of commit: String, under directory: String, holding words: [String]
  ) async throws(Failure) -> [(path: String, text: String)] {
    guard let source, try await source.bring(commit) else { return [] }
    return try await source.texts(of: commit, under: normalised(directory), holding: words)
  }

  package func checkOut(_ commit: String, to directory: String) async throws(Failure) -> String {
    let source = try repository()
    guard try await source.bring(commit) else {
      throw Failure(
        .configuration, "the commit \(commit.prefix(12)) is not here", hint: "git fetch origin \(commit)")
    }
    return try await source.checkOut(commit, to: directory)
  }

  package func commit(ofRemoteBranch branch: String) async throws(Failure) -> String? {
    let git = try repository().git
    for remote in try await remotes().map(\.name) {
      let result = try await git.run(["ls-remote", remote, "refs/heads/\(branch)"], timeout: .seconds(30))
      if let line = result.text.split(separator: "\n").first, let id = line.split(separator: "\t").first {
        return String(id)
      }
    }
    return nil
  }

  package func publish(_ revert: Revert) async throws(Failure) -> String {
    let source = try repository()
    var remote = try await remote(holding: revert.replaced)
    if remote == nil { remote = try await remotes().first?.name }
    guard let remote else {
      throw Failure(
        .configuration, "the repository has no remote to push to", hint: "git remote add origin URL")
    }
    for commit in Set([revert.target, revert.replaced] + revert.kept.map(\.commit)) {
      guard try await source.bring(commit) else {
        throw Failure(
          .failed, "the commit \(commit.prefix(12)) is not to be had here",
          hint: "git fetch \(remote) \(commit), then the same command again")
      }
    }
    let commit = try await withPrivateIndex { index async throws(Failure) in
      try await source.make(revert, index: index)
    }
    try await source.push(commit, to: revert.branch, at: remote)
    return commit
  }

  private func normalised(_ directory: String) -> String {
    directory.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  /// An index file of its own in a directory that only this user can enter; gone afterwards.
  private func withPrivateIndex<Value>(
    _ body: (String) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    var template = Array("\(temporaryDirectory)/shipit-index-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure(
        .failed, "no private directory can be made in \(temporaryDirectory)",
        cause: String(cString: strerror(errno)), hint: "set TMPDIR to a directory you can write to")
    }
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      unlink(directory + "/index")
      unlink(directory + "/index.lock")
      rmdir(directory)
    }
    return try await body(directory + "/index")
  }
}
