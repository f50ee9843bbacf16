import Concurrency
import Crypto
import Model
import Processes

/// The chain of a ledger's commits on the remote, seen through a bare repository of our own: shallow,
/// without blobs until one is read. The project's repository, index and work tree are not touched.
///
/// Not safe for two callers at once.
struct LedgerChain: Sendable {
  let remote: LedgerRemote
  /// `refs/shipit/ENV`.
  let reference: String
  private let environment: String
  private let git: LedgerGit
  private let place: PrivateDirectory

  /// - Parameter directory: where the repository of our own may lie.
  /// - Throws: `configuration` when the project has no such remote; `failed` when the directory cannot be used.
  init(
    remote: LedgerRemote, environment: String, directory: String, git: LedgerGit
  ) async throws(Failure) {
    self.remote = remote
    self.git = git
    self.environment = environment
    reference = "refs/shipit/\(environment)"
    place = try PrivateDirectory(in: directory, name: environment, suffix: Hex.encode(randomBytes(8)))
    let made = try await git.run(
      ["init", "--quiet", "--bare", "--template=", "--", place.path], in: directory)
    guard made.exit.isSuccess else { throw failed("no repository can be made for the ledger", made) }
  }

  // MARK: Reading

  /// Where the chain ends on the remote; nil when there is no ledger yet.
  /// - Throws: `failed` or `authentication` when the remote does not tell.
  func tip(limit: Duration = .seconds(20)) async throws(Failure) -> String? {
    let result = try await run(["ls-remote", "--quiet", "ledger", reference], limit: limit)
    guard result.exit.isSuccess else { throw unreachable(result) }
    for line in result.text.split(separator: "\n") {
      let fields = line.split(separator: "\t")
      if fields.count == 2, fields[1] == reference { return String(fields[0]) }
    }
    return nil
  }

  /// Brings the end of the chain here, without its files.
  /// - Returns: the commit; nil when there is no ledger any more.
  func fetch() async throws(Failure) -> String? {
    let result = try await run([
      "fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head",
      "--no-auto-maintenance", "ledger", "+\(reference):\(reference)",
    ])
    guard result.exit.isSuccess else {
      if result.errorText.contains("couldn't find remote ref") { return nil }
      throw unreachable(result)
    }
    let found = try await run(["rev-parse", "--verify", "--quiet", reference])
    guard found.exit.isSuccess else { throw failed("the fetched ledger cannot be found", found) }
    return found.text.split(separator: "\n").first.map(String.init)
  }

  /// The files below these paths at a commit that is here, by their paths.
  func files(_ paths: [String], at commit: String) async throws(Failure) -> [String: [UInt8]] {
    let blobs = try await blobs(paths, at: commit)
    guard !blobs.isEmpty else { return [:] }
    let wanted = blobs.map(\.id).joined(separator: "\n") + "\n"
    if blobs.count > 1 {
      // All at once; without it each missing one would be fetched by itself. When it fails, that is how they come.
      _ = try await run(
        [
          "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
          "--no-auto-maintenance", "--recurse-submodules=no", "--filter=blob:none", "--stdin", "ledger",
        ], input: wanted)
    }
    let result = try await run(["cat-file", "--batch"], input: wanted)
    guard result.exit.isSuccess else { throw unreachable(result) }
    var contents: [String: [UInt8]] = [:]
    var rest = result.output[...]
    for blob in blobs {
      // ID blob SIZE\nBYTES\n
      guard let end = rest.firstIndex(of: 10),
        let size = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ").last.flatMap({
          Int($0)
        }),
        rest.endIndex - end > size + 1
      else { throw failed("a file of the ledger is missing: \(blob.path)", result) }
      contents[blob.path] = Array(rest[(end + 1)...(end + size)])
      rest = rest[(end + size + 2)...]
    }
    return contents
  }

  /// The paths of the files below `paths`.
  func list(_ paths: [String], at commit: String) async throws(Failure) -> [String] {
    try await blobs(paths, at: commit).map(\.path)
  }

  private func blobs(_ paths: [String], at commit: String) async throws(Failure) -> [(
    id: String, path: String
  )] {
    guard !paths.isEmpty else { return [] }
    let result = try await run(["ls-tree", "-r", "-z", "--full-tree", commit, "--"] + paths)
    guard result.exit.isSuccess else { throw failed("the ledger's files cannot be listed", result) }
    return result.text.split(separator: "\0").compactMap { line in
      // MODE blob ID\tPATH
      let parts = line.split(separator: "\t", maxSplits: 1)
      let fields = parts[0].split(separator: " ")
      return parts.count == 2 && fields.count == 3 ? (String(fields[2]), String(parts[1])) : nil
    }
  }

  // MARK: Writing

  /// Makes a commit here: the files of `parent` with these replaced.
  /// - Parameters:
  ///   - message: its first line; a nonce follows, or two holders could make the same commit and both win.
  ///   - isWhole: these are all files; what else the parent has goes.
  func commit(
    on parent: String?, _ files: [(path: String, bytes: [UInt8])], message: String, at now: Timestamp,
    isWhole: Bool = false
  ) async throws(Failure) -> String {
    let subject = String(message.map { $0.isNewline || $0 == "\0" ? " " : $0 })
    let text = Array("\(subject)\n\nnonce: \(Hex.encode(randomBytes(16)))\n".utf8)
    var stream = Array("commit \(reference)\nmark :1\n".utf8)
    stream +=
      Array("committer shipit <shipit> \(now.milliseconds / 1000) +0000\ndata \(text.count)\n".utf8) + text
    if let parent { stream += Array("from \(parent)\n".utf8) }
    if isWhole { stream += Array("deleteall\n".utf8) }
    for (path, bytes) in files {
      stream += Array("M 100644 inline \(path)\ndata \(bytes.count)\n".utf8) + bytes + [10]
    }
    stream += Array("\nget-mark :1\ndone\n".utf8)
    let result = try await run(["fast-import", "--quiet", "--done", "--force"], bytes: stream)
    guard result.exit.isSuccess, let id = result.text.split(separator: "\n").last else {
      throw failed("the ledger's commit could not be made", result)
    }
    return String(id)
  }

  /// Moves the chain's end on the remote from `old` to `commit`, or not at all.
  ///
  /// A cancelled task does not cut it short, for it would not be known what it did.
  /// - Throws: `failed` or `authentication` when the remote did not judge it: then it may have moved all the same.
  func push(_ commit: String, replacing old: String?, limit: Duration) async throws(Failure) -> PushReport {
    let arguments = [
      "push", "--porcelain", "--no-verify", "--force-with-lease=\(reference):\(old ?? "")", "ledger",
      "\(commit):\(reference)",
    ]
    let result = try await unstoppable { () async throws(Failure) in try await run(arguments, limit: limit) }
    let report = PushReport(result.text)
    if report == .unheard { throw unreachable(result) }
    return report
  }

  /// A commit that the remote does not want.
  func refused(_ reason: String) -> Failure {
    Failure(
      .authentication, "the remote \(remote.name) does not accept the ledger's commit",
      place: remote.shownURL,
      cause: reason,
      hint: "allow pushes to \(reference): in GitHub Actions `permissions: {contents: write}`, elsewhere a "
        + "token or key that may write; no branch is touched")
  }

  // MARK: Git

  private func run(
    _ arguments: [String], input: String = "", bytes: [UInt8] = [], limit: Duration = .seconds(20)
  ) async throws(Failure) -> ProcessResult {
    let settings =
      remote.settings + [
        ("remote.ledger.promisor", "true"), ("remote.ledger.partialclonefilter", "blob:none"),
        ("core.hookspath", "/dev/null"), ("core.fsmonitor", "false"), ("gc.auto", "0"),
        ("maintenance.auto", "false"), ("push.gpgsign", "false"), ("push.followtags", "false"),
        ("push.recursesubmodules", "no"), ("fetch.recursesubmodules", "no"), ("fetch.prune", "false"),
        ("fetch.writecommitgraph", "false"), ("http.lowspeedlimit", "1"),
        ("http.lowspeedtime", "15"), ("advice.pushupdaterejected", "false"), ("core.fsync", "none"),
      ]
    return try await git.run(
      ["--git-dir=\(place.path)"] + arguments, in: remote.directory, settings: settings,
      input: bytes.isEmpty ? Array(input.utf8) : bytes, timeout: limit)
  }

  private func failed(_ message: String, _ result: ProcessResult) -> Failure {
    Failure(.failed, message, place: place.path, cause: LedgerGit.words(of: result))
  }

  /// The remote did not answer, or not us.
  private func unreachable(_ result: ProcessResult) -> Failure {
    let words = LedgerGit.words(of: result)
    let isAboutUser = [
      "Authentication failed", "could not read Username", "could not read Password", "Permission denied",
      "Repository not found", "error: 401", "error: 403", "terminal prompts disabled",
    ].contains { words.contains($0) }
    if isAboutUser {
      return Failure(
        .authentication, "the remote \(remote.name), which keeps the ledger, refuses us",
        place: remote.shownURL,
        cause: words,
        hint: "give git its credentials as for a push: `git ls-remote \(remote.name)` must work by itself, "
          + "without a question")
    }
    return Failure(
      .failed, "the remote \(remote.name), which keeps the ledger, cannot be reached", place: remote.shownURL,
      cause: words,
      hint: "nothing is started without the lease; try `git ls-remote \(remote.name)`. In an emergency: "
        + "`shipit rollback \(environment) --without-ledger`")
  }
}

/// Runs `body` to its end, also in a cancelled task, where every child process would be stopped at once.
func unstoppable<Value: Sendable>(
  _ body: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
  let task = Task<Result<Value, Failure>, Never> {
    do throws(Failure) {
      return .success(try await body())
    } catch {
      return .failure(error)
    }
  }
  return try await task.value.get()
}
