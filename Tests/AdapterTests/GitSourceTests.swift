import Foundation
import Model
import Source
import Testing

@Suite(.timeLimit(.minutes(5)))
struct GitSourceTests {
  @Test func revisionsResolveToFullCommitsWithSubjectAndAuthor() async throws {
    let repository = try await ScratchRepository()
    let first = try await repository.commit(["a": "1"], "first: ünïcode \"quoted\"\n\nbody")
    try await repository.git("tag", "-a", "v1", "-m", "tag")
    let second = try await repository.commit(["a": "2"])
    let source = try #require(try await repository.source())
    let wanted = Revision(commit: first, subject: "first: ünïcode \"quoted\"", author: "Ann")
    for name in ["HEAD~1", "v1", first, String(first.prefix(8))] {
      #expect(try await source.resolve(name) == wanted)
    }
    #expect(try await source.resolve("main").commit == second)
    #expect(try await source.branch() == "main")
    try await repository.git("checkout", "--quiet", "--detach")
    #expect(try await source.branch() == nil)
  }

  @Test(arguments: ["nowhere", "", "--upload-pack=x", "HEAD:a", String(repeating: "0", count: 40)])
  func whatIsNoCommitIsRefused(_ name: String) async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    let source = try #require(try await repository.source())
    let refusal = await failure { try await source.resolve(name) }
    #expect(refusal?.kind == .configuration)
    #expect(refusal?.hint?.contains("git log") == true)
  }

  @Test func variablesOfTheCallerDoNotReachGit() async throws {
    let repository = try await ScratchRepository()
    let commit = try await repository.commit(["a": "1"])
    let process = ScratchRepository.environment.merging([
      "GIT_DIR": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent", "LC_ALL": "de_DE.UTF-8",
    ]) { _, new in new }
    let source = try #require(try await repository.source(process: process))
    #expect(try await source.resolve("HEAD").commit == commit)
  }

  @Test func outsideOfARepositoryThereIsNoSource() async throws {
    let scratch = try Scratch("plain")
    #expect(try await GitSource.find(root: scratch.path, process: [:]) == nil)
  }

  @Test func aRepositoryWithoutGitIsAMistakeOfTheMachine() async throws {
    let repository = try await ScratchRepository()
    let refusal = await failure { try await repository.source(process: ["PATH": "/nonexistent"]) }
    #expect(refusal?.kind == .configuration)
    #expect(refusal?.hint?.contains("install git") == true)
  }

  @Test func aDirectoryThatACommitLacksIsNamed() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["app/a": "1", "file": "1"])
    let source = try #require(try await repository.source())
    let commit = try await source.resolve("HEAD").commit
    try repository.scratch.write("later/b", "untracked")
    for (path, isThere) in [
      (".", true), ("", true), ("./app", true), ("app/", true), ("later", false), ("file", false),
      ("nope", false),
    ] {
      #expect(try await source.missing(directories: [path], in: commit).isEmpty == isThere, "\(path)")
    }
  }

  // MARK: Changes

  @Test func onlyChangesOfTrackedFilesUnderTheGivenPathsCount() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["app/a": "1", "app/-b": "1", "app/*": "1", "docs/c": "1"])
    let source = try #require(try await repository.source())
    try repository.scratch.write("app/new", "untracked")
    try repository.scratch.write("docs/c", "2")
    #expect(try await source.changedFiles(under: ["app", "environments"]).isEmpty)
    try await source.requireClean(under: ["app"])
    #expect(try await source.changedFiles(under: ["docs"]) == ["docs/c"])
    // Patterns are names.
    try repository.scratch.write("app/a", "2")
    #expect(try await source.changedFiles(under: ["app/*"]).isEmpty)

    try repository.scratch.write("app/-b", "2")
    try await repository.git("add", "app/-b")
    #expect(try await source.changedFiles(under: ["app"]) == ["app/-b", "app/a"])
    let refusal = await failure { try await source.requireClean(under: ["."]) }
    #expect(refusal?.kind == .configuration)
    #expect(refusal?.message.contains("3 tracked files") == true)
    #expect(refusal?.cause?.contains("docs/c") == true)
    #expect(refusal?.hint?.contains("--dirty") == true)
  }

  @Test func aTouchedFileIsNotChangedAndTheIndexIsNotWritten() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    let source = try #require(try await repository.source())
    let index = repository.scratch.read(".git/index")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: repository.path + "/a")
    #expect(try await source.changedFiles(under: ["."]).isEmpty)
    #expect(repository.scratch.read(".git/index") == index)
  }

  // MARK: Ancestry

  @Test func commitsStandBeforeAfterOrBesideEachOther() async throws {
    let repository = try await ScratchRepository()
    let first = try await repository.commit(["a": "1"])
    let second = try await repository.commit(["a": "2"])
    try await repository.git("checkout", "--quiet", "-b", "side", first)
    let side = try await repository.commit(["b": "1"])
    let source = try #require(try await repository.source())
    #expect(try await source.relation(of: first, to: first) == .same)
    #expect(try await source.relation(of: first, to: second) == .ancestor)
    #expect(try await source.relation(of: second, to: first) == .descendant)
    #expect(try await source.relation(of: side, to: second) == .diverged)
    #expect(try await source.isCommit(first, on: "main"))
    #expect(try await source.isCommit(side, on: "side"))
    #expect(try await !source.isCommit(side, on: "main"))
  }

  @Test func aCommitNobodyHasIsStale() async throws {
    let repository = try await ScratchRepository()
    let commit = try await repository.commit(["a": "1"])
    let source = try #require(try await repository.source())
    let missing = String(repeating: "1", count: 40)
    let refusal = await failure { try await source.relation(of: missing, to: commit) }
    #expect(refusal?.kind == .stale)
    #expect(refusal?.exitCode == .stale)
    #expect(refusal?.hint?.contains("fetch-depth: 0") == true)
    #expect(await failure { try await source.isCommit(commit, on: "nowhere") }?.kind == .stale)
  }

  @Test func aShallowCloneFetchesTheHistoryItLacks() async throws {
    let origin = try await ScratchRepository()
    let first = try await origin.commit(["a": "0"])
    for number in 1...6 { try await origin.commit(["a": "\(number)"]) }
    let last = try await origin.git("rev-parse", "HEAD")
    try await origin.git("checkout", "--quiet", "-b", "side", first)
    let side = try await origin.commit(["b": "1"])
    try await origin.git("checkout", "--quiet", "main")

    for (other, wanted) in [(first, CommitRelation.ancestor), (side, .diverged)] {
      let clone = try await ScratchRepository(cloning: origin, "--depth=1")
      let head = try await clone.git("rev-parse", "HEAD")
      #expect(head == last)
      let source = try #require(try await clone.source())
      #expect(try await source.relation(of: other, to: last) == wanted)
      #expect(try await clone.git("rev-parse", "HEAD") == last)
      #expect(try await clone.git("status", "--porcelain").isEmpty)
    }
    let clone = try await ScratchRepository(cloning: origin, "--depth=1")
    let source = try #require(try await clone.source())
    #expect(try await source.isCommit(last, on: "main"))
    #expect(try await !source.isCommit(side, on: "main"))
    #expect(try await source.isCommit(side, on: "side"))
  }

  @Test func lookingAtTheRemoteMovesNoReference() async throws {
    let origin = try await ScratchRepository()
    try await origin.commit(["a": "0"])
    let clone = try await ScratchRepository(cloning: origin, "--depth=1")
    let references = try await clone.git("for-each-ref")
    // The remote goes on, and the clone has the new commits from elsewhere.
    let next = try await origin.commit(["a": "1"])
    try await clone.git("fetch", "--quiet", "--refmap=", "origin", next)
    let source = try #require(try await clone.source())
    #expect(try await source.isCommit(next, on: "main"))
    #expect(try await clone.git("for-each-ref") == references)
    // A server that gives no commits by id gives its branches, of which nothing stays here either.
    try await origin.git("config", "uploadpack.allowAnySHA1InWant", "false")
    let later = try await origin.commit(["a": "2"])
    let missing = String(repeating: "1", count: 40)
    #expect(await failure { try await source.relation(of: missing, to: later) }?.kind == .stale)
    #expect(try await clone.git("for-each-ref") == references)
  }

  @Test func aShallowCloneThatCannotFetchIsStale() async throws {
    let origin = try await ScratchRepository()
    let first = try await origin.commit(["a": "0"])
    try await origin.commit(["a": "1"])
    let last = try await origin.commit(["a": "2"])
    let clone = try await ScratchRepository(cloning: origin, "--depth=2")
    let middle = try await clone.git("rev-parse", "HEAD~1")
    let source = try #require(try await clone.source())
    try await clone.git("remote", "set-url", "origin", "file:///nonexistent")
    let broken = await failure { try await source.relation(of: first, to: last) }
    #expect(broken?.kind == .stale)
    #expect(broken?.cause?.contains("could not be fetched") == true)
    // What it has is enough here.
    #expect(try await source.relation(of: middle, to: last) == .ancestor)
    try await clone.git("remote", "remove", "origin")
    let alone = await failure { try await source.relation(of: first, to: last) }
    #expect(alone?.kind == .stale)
    #expect(alone?.cause?.contains("no remote") == true)
    #expect(alone?.hint?.contains("fetch-depth: 0") == true)
  }
}
