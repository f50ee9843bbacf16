import Foundation
import Model
import Source
import Testing

@Suite(.timeLimit(.minutes(5)))
struct PackingTests {
  let temporary: Scratch

  init() throws { temporary = try Scratch("packing") }

  private func pack(
    _ repository: ScratchRepository, _ path: String = ".", project: String = "", root: String? = nil,
    include: [String] = [], commit: String = "HEAD", dirty: Bool = false
  ) async throws -> PackedSource {
    let source = try #require(try await repository.source(project))
    return try await CommitPacker(
      root: project.isEmpty ? repository.path : "\(repository.path)/\(project)", source: source,
      dirty: dirty, temporaryDirectory: temporary.path
    ).pack(path: path, root: root, include: include, commit: commit)
  }

  private var leftovers: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: temporary.path + "/shipit-\(geteuid())")) ?? []
  }

  // MARK: What is packed

  @Test func theCommitIsPackedAndNeverTheWorkingTree() async throws {
    let repository = try await ScratchRepository()
    let first = try await repository.commit(["main.py": "1", "lib/x.py": "x", "crlf.txt": "a\r\nb\n"])
    try await repository.commit(["main.py": "2"])
    try repository.scratch.write("main.py", "changed")
    try repository.scratch.write("untracked", "u")
    try FileManager.default.removeItem(atPath: repository.path + "/lib/x.py")
    let packed = try await pack(repository)
    let wanted = ["./main.py": "2", "./lib/x.py": "x", "./crlf.txt": "a\r\nb\n"]
    #expect(try contents(of: packed) == wanted)
    #expect(packed.files == 3 && packed.digest.count == 64)
    #expect(packed.bytes == FileManager.default.contents(atPath: packed.file)?.count)
    #expect(try contents(of: try await pack(repository, commit: first))["./main.py"] == "1")
  }

  @Test func executablesAndLinksStayWhatTheyAre() async throws {
    let repository = try await ScratchRepository()
    try repository.scratch.write("bin/run", "#!/bin/sh\n")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: repository.path + "/bin/run")
    try FileManager.default.createSymbolicLink(
      atPath: repository.path + "/bin/link", withDestinationPath: "../main")
    try await repository.commit(["main": "m"])
    #expect(
      try contents(of: try await pack(repository)) == [
        "./bin/run": "*#!/bin/sh\n", "./bin/link": "→ ../main", "./main": "m",
      ])
  }

  @Test func oddNamesArriveUnchanged() async throws {
    let repository = try await ScratchRepository()
    let names = [
      "new\nline", "-rf", "ünï/çødé 🚢", "tab\there", "quote\"'`$x", "back\\slash", " blank ", "a:b", "*?[x]",
      String(repeating: "long", count: 50) + "/" + String(repeating: "name", count: 50),
    ]
    try await repository.commit(Dictionary(uniqueKeysWithValues: names.map { ($0, "of " + $0) }))
    let found = try contents(of: try await pack(repository))
    #expect(found == Dictionary(uniqueKeysWithValues: names.map { ("./" + $0, "of " + $0) }))
  }

  @Test func aDirectoryIsPackedFromItsOwnTop() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["backend/a": "a", "backend/sub/b": "b", "backend2/c": "c", "d": "d"])
    for path in ["backend", "./backend/", "backend/."] {
      #expect(try contents(of: try await pack(repository, path)) == ["./a": "a", "./sub/b": "b"])
    }
    #expect(try contents(of: try await pack(repository, "sub", project: "backend")) == ["./b": "b"])
    #expect(
      try contents(of: try await pack(repository, ".", project: "backend")) == ["./a": "a", "./sub/b": "b"])
  }

  @Test func theSameFilesGiveTheSameArchiveAnywhere() async throws {
    let repository = try await ScratchRepository()
    let commit = try await repository.commit(["a": "1", "b/c": "2", "b.d": "3"])
    let first = try await pack(repository)
    let clone = try await ScratchRepository(cloning: repository)
    let second = try await pack(clone, commit: commit)
    #expect(first.digest == second.digest)
    let bytes = FileManager.default.contents(atPath: first.file)
    #expect(bytes == FileManager.default.contents(atPath: second.file))

    try await repository.git("update-index", "--chmod=+x", "a")
    try await repository.git("commit", "--quiet", "-m", "mode")
    #expect(try await pack(repository).digest != first.digest)
  }

  @Test func onlyTheOwnerCanReadTheArchive() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    let packed = try await pack(repository)
    #expect(packed.file.hasPrefix(temporary.path + "/"))
    let relative = String(packed.file.dropFirst(temporary.path.count + 1))
    #expect(temporary.mode(relative) == 0o600)
    #expect(temporary.mode("shipit-\(geteuid())") == 0o700)
  }

  // MARK: Left out and added

  @Test func railwayIgnoreLeavesOutAndBringsBack() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit([
      ".railwayignore": "*.log\n!keep.log\n/docs\nbuild/\n", "a.log": "", "keep.log": "k", "docs/x": "",
      "src/docs/y": "y", "build/z": "", "src/.railwayignore": "*.tmp\n", "src/q.tmp": "", "r.tmp": "r",
      "node_modules/m/index.js": "", "src/node_modules/n": "",
    ])
    let found = try contents(of: try await pack(repository))
    #expect(
      Set(found.keys) == [
        "./.railwayignore", "./keep.log", "./src/docs/y", "./src/.railwayignore", "./r.tmp",
      ])
  }

  @Test func builtFilesComeFromTheWorkingTree() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["web/.gitignore": "dist\n", "web/index.html": "tracked"])
    try repository.scratch.write("web/dist/app.js", "built")
    try repository.scratch.write("web/dist/deep/er/x.js", "deep")
    try repository.scratch.write("web/dist/node_modules/no.js", "no")
    try repository.scratch.write("web/index.html", "changed")
    let found = try contents(of: try await pack(repository, "web", include: ["./dist/**", "*.html"]))
    #expect(
      found == [
        "./.gitignore": "dist\n", "./index.html": "tracked", "./dist/app.js": "built",
        "./dist/deep/er/x.js": "deep",
      ])
  }

  @Test(arguments: [("dist/**", "matches no file"), ("../x", "leads out"), ("/etc/passwd", "leads out")])
  func anIncludeThatBringsNothingIsRefused(_ pattern: String, _ text: String) async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    let refusal = await failure { try await pack(repository, include: [pattern]) }
    #expect(refusal?.kind == .configuration)
    #expect(refusal?.message.contains(pattern) == true && refusal?.message.contains(text) == true)
    #expect(leftovers.isEmpty)
  }

  @Test func anIncludeDoesNotFollowLinksOut() async throws {
    let outside = try Scratch("outside")
    try outside.write("secret", "planted")
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    try FileManager.default.createSymbolicLink(
      atPath: repository.path + "/dist", withDestinationPath: outside.path)
    #expect(await failure { try await pack(repository, include: ["dist/**"]) }?.kind == .configuration)
    let refusal = await failure { try await pack(repository, include: ["dist"]) }
    #expect(refusal?.cause?.contains("lead out") == true)
  }

  // MARK: Refused

  @Test func secretsAreRefusedAllAtOnceWithTheWayOut() async throws {
    let repository = try await ScratchRepository()
    let secret = "-----BEGIN RSA PRIVATE KEY-----\nplanted\n"
    try await repository.commit([
      ".env": "A=planted", "app/.env.production": "B=planted", ".env.example": "A=", ".env.sample": "A=",
      "x/.env.local.template": "A=", "keys/id_rsa": "planted", "keys/a.p12": "planted",
      "keys/b.key": "planted",
    ])
    let refusal = await failure { try await pack(repository) }
    #expect(refusal?.kind == .configuration)
    let text = refusal?.description ?? ""
    #expect(text.contains("5 files cannot be packed"))
    for name in [".env,", "app/.env.production", "keys/id_rsa", "keys/a.p12", "keys/b.key", ".railwayignore"]
    {
      #expect(text.contains(name), "\(name) is missing in: \(text)")
    }
    #expect(refusal?.cause?.contains("example") == false && !text.contains("planted"))

    try await repository.commit([".railwayignore": ".env*\n!.env.*.template\nkeys/\n", "tls/k.pem": secret])
    let second = await failure { try await pack(repository) }
    #expect(second?.message.contains("1 file") == true)
    #expect(second?.cause?.contains("tls/k.pem") == true)
    #expect(leftovers.isEmpty)

    try await repository.commit(["tls/k.pem": "-----BEGIN CERTIFICATE-----\n"])
    #expect(
      try Set(contents(of: try await pack(repository)).keys) == [
        "./.railwayignore", "./tls/k.pem", "./x/.env.local.template",
      ])
  }

  @Test func builtSecretsAreRefusedToo() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    try repository.scratch.write("dist/.env.local", "planted")
    let refusal = await failure { try await pack(repository, include: ["dist/**"]) }
    #expect(refusal?.cause?.contains("dist/.env.local") == true)
  }

  @Test func submodulesPointersAndOutwardLinksAreRefused() async throws {
    let other = try await ScratchRepository()
    try await other.commit(["x": "1"])
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    try await repository.git(
      "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.path, "sub")
    try await repository.commit([:])
    let submodule = await failure { try await pack(repository) }
    #expect(submodule?.kind == .configuration)
    #expect(submodule?.cause?.contains("submodules, whose files the commit does not hold: sub") == true)

    try FileManager.default.createSymbolicLink(
      atPath: repository.path + "/out", withDestinationPath: "../elsewhere")
    try await repository.commit([
      ".railwayignore": "sub\n.gitmodules\n",
      "model.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    ])
    let rest = await failure { try await pack(repository) }
    #expect(rest?.message.contains("2 files") == true)
    #expect(rest?.cause?.contains("Git LFS instead of the files themselves: model.bin") == true)
    #expect(rest?.cause?.contains("lead out of the packed directory: out") == true)
    #expect(rest?.hint?.contains("git lfs pull") == true)
  }

  @Test func whatIsNotThereIsNamed() async throws {
    let repository = try await ScratchRepository()
    let commit = try await repository.commit(["app/a": "1"])
    let missing = await failure { try await pack(repository, "backend", commit: commit) }
    #expect(missing?.kind == .configuration)
    #expect(missing?.message == "commit \(commit.prefix(12)) has no directory backend")
    #expect(await failure { try await pack(repository, "app/a") }?.kind == .configuration)
    #expect(await failure { try await pack(repository, "../x") }?.message.contains("leads out") == true)
    let root = await failure { try await pack(repository, root: "frontend") }
    #expect(root?.message.contains("no directory frontend") == true)
    _ = try await pack(repository, root: "app")
    try await repository.commit(["app/.railwayignore": "*\n"])
    #expect(await failure { try await pack(repository, "app") }?.message.contains("nothing to pack") == true)
  }

  // MARK: Dirty, outside of git, large

  @Test func dirtyPacksTrackedFilesAsTheyLie() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["app/a": "1", "app/gone": "1", "other": "1"])
    try repository.scratch.write("app/a", "2")
    try repository.scratch.write("app/added", "new")
    try repository.scratch.write("app/untracked", "no")
    try await repository.git("add", "app/added")
    try FileManager.default.removeItem(atPath: repository.path + "/app/gone")
    #expect(
      try contents(of: try await pack(repository, "app", dirty: true)) == ["./a": "2", "./added": "new"])
    #expect(
      try contents(of: try await pack(repository, dirty: true)) == [
        "./app/a": "2", "./app/added": "new", "./other": "1",
      ])
  }

  @Test func outsideOfGitTheRevisionIsThatOfTheFiles() async throws {
    let scratch = try Scratch("plain")
    for (name, text) in [
      ("app/main.py", "1"), ("app/.gitignore", "*.pyc\n"), ("app/x.pyc", "no"), (".shipit/prod.db", "no"),
      ("app/node_modules/m", "no"), ("app/cache/.gitignore", "*\n"), ("app/cache/c", "no"),
    ] {
      try scratch.write(name, text)
    }
    let packer = CommitPacker(root: scratch.path, source: nil, temporaryDirectory: temporary.path)
    let packed = try await packer.pack(path: ".", root: nil, include: [], commit: "")
    #expect(try contents(of: packed) == ["./app/main.py": "1", "./app/.gitignore": "*.pyc\n"])
    try FileManager.default.removeItem(atPath: packed.file)
    let revision = try await packer.revision(of: [("app", [])])
    #expect(revision.count == 64)
    #expect(try await packer.revision(of: [("./app", [])]) != packer.revision(of: [("app", ["x.pyc"])]))
    try scratch.write("app/x.pyc", "other")
    #expect(try await packer.revision(of: [("app", [])]) == revision)
    try scratch.write("app/main.py", "2")
    #expect(try await packer.revision(of: [("app", [])]) != revision)
    #expect(leftovers.isEmpty)
  }

  @Test func whatAKilledProcessLeftIsRemovedAndWhatAnotherUploadsIsKept() async throws {
    let repository = try await ScratchRepository()
    try await repository.commit(["a": "1"])
    try FileManager.default.removeItem(atPath: try await pack(repository).file)
    let directory = temporary.path + "/shipit-\(geteuid())"
    for (name, age) in [
      ("source-old001.tar.gz", 3700.0), ("source-new001.tar.gz", 600), ("other.tar.gz", 9000),
    ] {
      try Data([1]).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: "\(directory)/\(name)")
    }
    try FileManager.default.removeItem(atPath: try await pack(repository).file)
    #expect(leftovers.sorted() == ["other.tar.gz", "source-new001.tar.gz"])
  }

  @Test func fiveThousandFilesArePackedInSeconds() async throws {
    let repository = try await ScratchRepository()
    // Straight into a pack: thousands of loose files would measure the disk.
    var stream = "commit refs/heads/main\ncommitter Ann <ann@example.com> 1700000000 +0000\ndata 1\nx\n"
    for number in 0..<5000 {
      let text = String(repeating: "\(number) ", count: 100)
      stream += "M 644 inline d\(number % 50)/f\(number)\ndata \(text.utf8.count)\n\(text)\n"
    }
    try await repository.git(["fast-import", "--quiet"], input: stream)
    let start = ContinuousClock.now
    let packed = try await pack(repository)
    let took = ContinuousClock.now - start
    #expect(packed.files == 5000)
    #expect(took < .seconds(10), "took \(took)")
    print("packed 5000 files in \(took)")
  }
}
