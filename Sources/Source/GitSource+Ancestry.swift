package import Model
import Processes

extension GitSource {
  /// How `commit` stands to `other`. Brings history that a shallow clone lacks from the remote.
  /// - Throws: `stale` when it stays unknown.
  package func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation {
    if commit == other { return .same }
    var wasTried: Failure?
    if let known = try await localRelation(of: commit, to: other) { return known }
    if let remote = try await remote() {
      let steps: [[String]] =
        try await isShallow() ? [["--deepen=200"], ["--unshallow"]] : [[]]
      for step in steps {
        do {
          try await fetch(step, [commit, other], from: remote)
        } catch {
          wasTried = error
        }
        if let known = try await localRelation(of: commit, to: other) { return known }
      }
    }
    throw unknownAncestry(
      "it is not known whether \(commit.prefix(12)) comes before or after \(other.prefix(12))",
      wasTried)
  }

  /// Whether `commit` is on the branch, here or on a remote.
  /// - Throws: `stale` when it stays unknown.
  package func isCommit(_ commit: String, on branch: String) async throws(Failure) -> Bool {
    if try await isContained(commit, in: branch) { return true }
    let isShallow = try await isShallow()
    if !isShallow, try await !heads(of: branch).isEmpty { return false }
    var wasTried: Failure?
    if let remote = try await remote() {
      do {
        if let head = try await remoteHead(of: branch, at: remote) {
          try await fetch(isShallow ? ["--unshallow"] : [], ["refs/heads/\(branch)"], from: remote)
          if try await isHere(commit), try await isHere(head) {
            if try await isAncestor(commit, of: head) { return true }
            if try await !self.isShallow() { return false }
          }
        }
      } catch {
        wasTried = error
      }
      if try await isContained(commit, in: branch) { return true }
      if try await !heads(of: branch).isEmpty, try await !self.isShallow() { return false }
    }
    throw unknownAncestry("it is not known whether \(commit.prefix(12)) is on \(branch)", wasTried)
  }

  private func unknownAncestry(_ message: String, _ wasTried: Failure?) -> Failure {
    Failure(
      .stale, message,
      cause: wasTried.map { "the history could not be fetched: \($0.cause ?? $0.message)" }
        ?? "this clone lacks the history between them and has no remote to fetch it from",
      hint: "in GitHub Actions give actions/checkout `fetch-depth: 0`; elsewhere `git fetch --unshallow`")
  }

  // MARK: What is here

  /// Nil when a commit is missing, or when the cut of a shallow clone could hide the answer.
  private func localRelation(of commit: String, to other: String) async throws(Failure) -> CommitRelation? {
    for id in [commit, other] {
      guard try await isHere(id) else { return nil }
    }
    if try await isAncestor(commit, of: other) { return .ancestor }
    if try await isAncestor(other, of: commit) { return .descendant }
    return try await isShallow() ? nil : .diverged
  }

  private func isHere(_ commit: String) async throws(Failure) -> Bool {
    try await git.run(["cat-file", "-e", commit + "^{commit}"]).exit.isSuccess
  }

  private func isAncestor(_ commit: String, of other: String) async throws(Failure) -> Bool {
    let arguments = ["merge-base", "--is-ancestor", commit, other]
    let result = try await git.run(arguments)
    switch result.exit {
    case .code(0): return true
    case .code(1): return false
    default: throw git.failed(arguments, result)
    }
  }

  func isShallow() async throws(Failure) -> Bool {
    try await git.output(["rev-parse", "--is-shallow-repository"]).text.trimmed == "true"
  }

  /// The branch's references, here and on remotes.
  private func heads(of branch: String) async throws(Failure) -> [String] {
    let suffix = "/" + branch
    return try await git.output(["for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes"]).text
      .split(separator: "\n").map(String.init)
      .filter { name in
        if name == "refs/heads" + suffix { return true }
        // refs/remotes/REMOTE/BRANCH
        guard name.hasPrefix("refs/remotes/"), name.hasSuffix(suffix) else { return false }
        return !name.dropFirst("refs/remotes/".count).dropLast(suffix.count).contains("/")
      }
  }

  private func isContained(_ commit: String, in branch: String) async throws(Failure) -> Bool {
    guard try await isHere(commit) else { return false }
    for head in try await heads(of: branch) where try await isAncestor(commit, of: head) { return true }
    return false
  }

  // MARK: What the remote has

  private func remote() async throws(Failure) -> String? {
    let names = try await git.output(["remote"]).text.split(separator: "\n").map(String.init)
    return names.contains("origin") ? "origin" : names.first
  }

  /// The commit at the head of a branch of the remote; nil when it has no such branch.
  private func remoteHead(of branch: String, at remote: String) async throws(Failure) -> String? {
    let arguments = ["ls-remote", "--quiet", remote, "refs/heads/\(branch)"]
    let result = try await git.run(arguments, timeout: .seconds(60))
    guard result.exit.isSuccess else { throw git.failed(arguments, result) }
    return result.text.split(whereSeparator: \.isWhitespace).first.map(String.init)
  }

  /// Fetches objects alone: no reference of the repository moves, the remote's branches here included.
  private func fetch(_ depth: [String], _ wanted: [String], from remote: String) async throws(Failure) {
    let arguments = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    let exact = arguments + depth + ["--refmap=", remote] + wanted
    let result = try await git.run(exact, timeout: .seconds(120))
    if result.exit.isSuccess { return }
    // A server that gives no commits by id still gives its branches.
    let seen = "refs/shipit/seen"
    let all = try await git.run(
      arguments + depth + ["--refmap=", remote, "+refs/heads/*:\(seen)/*"], timeout: .seconds(120))
    let left = try await git.output(["for-each-ref", "--format=delete %(refname)", seen])
    _ = try await git.output(["update-ref", "--stdin"], input: left.output)
    guard all.exit.isSuccess else { throw git.failed(exact, result) }
  }
}
