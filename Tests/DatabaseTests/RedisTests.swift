import Concurrency
import Foundation
import Model
import Processes
import TestSupport
import Testing

@testable import Databases

/// Copies of a real Redis: made, proven, damaged, refused, tried out.
@Suite(
  .enabled(
    if: BackupTools.isThere("redis-server", "redis-cli", "redis-check-rdb"), "redis-server is not installed"),
  .serialized, .timeLimit(.minutes(5))
)
struct RedisTests {
  struct Bench {
    let scratch: ScratchDirectory
    let port: UInt16
    var rule = BackupRule(directory: "./backups", keep: 2)
    var url: String
    var more: [String: Sensitive] = [:]
    /// Directories in front of the usual ones.
    var programs = ""

    static let password = "planted-p:@/w"

    var target: DatabaseTarget {
      DatabaseTarget(key: "cache", engine: .redis, url: .secret("CACHE_URL"), backup: rule)
    }

    var performer: BackupPerformer {
      BackupPerformer(
        secrets: SecretValues(values: ["CACHE_URL": Sensitive(url)].merging(more) { $1 }),
        stores: .of(scratch.path), clock: SystemClock(),
        process: [
          "PATH": programs + BackupTools.path, "HOME": scratch.path, "TMPDIR": scratch.path + "/tmp",
        ])
    }

    var shelf: BackupShelf {
      BackupShelf("./backups", root: scratch.path, BackupNames(environment: "prod", database: "cache"))
    }

    var files: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/backups")) ?? []).sorted()
    }

    var temporary: [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/tmp")) ?? []
    }

    func backup(_ run: Int) async -> Outcome {
      let now = SystemClock().now
      return await performer.perform(
        Step(
          id: target.backupStep, title: "back up cache",
          action: .backup(BackupRequest(database: target, rule: rule)), limit: .seconds(60)),
        StepCall(
          run: RunFacts(
            id: RunID(run), release: run, app: "shop", environment: "prod", commit: "c0ffee", startedAt: now),
          attempt: 1, beganAt: now, deadline: now + .seconds(60)))
    }

    func drill() async throws -> [String: Int64] {
      try await performer.drill(target, rule, environment: "prod", id: nil, limit: .seconds(60)).rows
    }

    @discardableResult
    func cli(_ arguments: String...) async throws -> String {
      try await Launcher().run(
        ProcessSpecification(
          "redis-cli", ["-p", "\(port)"] + arguments,
          environment: ["PATH": BackupTools.path, "REDISCLI_AUTH": Self.password])
      ).text
    }
  }

  static func with(_ body: (inout Bench) async throws -> Void) async throws {
    signal(SIGPIPE, SIG_IGN)
    let scratch = try ScratchDirectory()
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/tmp", withIntermediateDirectories: true)
    let port = try freeLoopbackPort()
    try scratch.write(
      "requirepass \(Bench.password)\nappendonly yes\nsave \"\"\nrepl-diskless-sync-delay 0\nbind 127.0.0.1\nport \(port)\ndir \(scratch.path)\n",
      to: "redis.conf")
    try await TestChild.with(
      ProcessSpecification(
        "redis-server", [scratch.path + "/redis.conf"], environment: ["PATH": BackupTools.path]),
      ready: { $0.contains("eady to accept connections") ? true : nil }
    ) { _ in
      var bench = Bench(
        scratch: scratch, port: port, url: "redis://:planted-p%3A%40%2Fw@127.0.0.1:\(port)/0")
      try await bench.cli("EVAL", "for i = 1, 2000 do redis.call('SET', 'key:' .. i, 'value') end", "0")
      try await bench.cli("-n", "3", "SET", "other", "x")
      try await body(&bench)
    }
  }

  @Test(
    "a copy is loaded and counted by a server of its own, private, kept in number, and the password is nowhere"
  )
  func wholeWay() async throws {
    try await Self.with { bench in
      let seen = Locked<Set<String>>([])
      let watcher = Task.detached {
        while !Task.isCancelled {
          for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard Int(process) != nil,
              let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
            else { continue }
            if words.range(of: Data("planted-p".utf8)) != nil { seen.withLock { _ = $0.insert(process) } }
          }
        }
      }
      for run in 1...3 {
        let outcome = await bench.backup(run)
        #expect(outcome.result?.summary.contains("loaded and counted: 2001 keys") == true, "\(outcome)")
      }
      watcher.cancel()
      await watcher.value
      #expect(seen.withLock { $0 } == [])
      let manifest = try #require(bench.shelf.all().first)
      #expect(bench.shelf.all().count == 2 && bench.files.count == 4)
      #expect(manifest.rows == ["db0": 2000, "db3": 1] && manifest.file.hasSuffix(".rdb"))
      #expect(manifest.engine == .redis && manifest.server.hasPrefix("7."))
      for name in bench.files {
        let path = bench.scratch.path + "/backups/" + name
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
      }
      try await bench.cli("FLUSHALL")
      #expect(try await bench.drill() == ["db0": 2000, "db3": 1])
      #expect(bench.temporary == [], "nothing of it stays on the disk")
    }
  }

  @Test("keys that ended since are not missed; others are")
  func expiry() async throws {
    try await Self.with { bench in
      try await bench.cli("SET", "short", "x", "PX", "1")
      try await bench.cli("SET", "long", "x", "EX", "1000")
      #expect(await bench.backup(1).result != nil)
      var manifest = try #require(bench.shelf.all().first)
      manifest.rows = ["db0": 2002, "db3": 1]
      try bench.shelf.finish(manifest, alone: true)
      #expect(try await bench.drill().values.reduce(0, +) == 2002, "one of them may have ended")
      manifest.rows = ["db0": 2005, "db3": 1]
      try bench.shelf.finish(manifest, alone: true)
      let failure = await #expect(throws: Failure.self) { try await bench.drill() }
      #expect(
        failure?.cause?.contains("2006 keys when it was made") == true, "\(String(describing: failure))")
    }
  }

  @Test("what was cut off, changed or is nothing is no copy")
  func broken() async throws {
    try await Self.with { bench in
      for (script, check, words) in [
        ("\"$real\" \"$@\" | head -c 300", BackupRule.Check.read, "reading the backup of cache failed"),
        ("\"$real\" \"$@\" | head -c 300", .restore, "reading the backup of cache failed"),
        ("\"$real\" \"$@\" | sed 's/key:1/kez:1/'", .read, "reading the backup of cache failed"),
        ("exit 0", .restore, "is empty"),
        ("\"$real\" \"$@\"; exit 1", .read, "copying cache failed"),
      ] {
        var bench = bench
        bench.rule.check = check
        try bench.shim(script)
        let failure = try #require(await bench.backup(1).failure, "\(script)")
        #expect(failure.message.contains(words), "\(script): \(failure)")
        #expect(bench.files == [] && bench.temporary == [], "\(script)")
      }
    }
  }

  @Test("an encrypted copy is loaded by its key, and no part of it was on the disk as it is")
  func encrypted() async throws {
    guard BackupTools.isThere("age", "age-keygen") else { return }
    let pair = try await EncryptionTests.Pair()
    try await Self.with { bench in
      bench.rule.encryption = BackupEncryption(recipients: [pair.recipient], identity: .secret("BACKUP_KEY"))
      bench.more = ["BACKUP_KEY": Sensitive(pair.key)]
      let outcome = await bench.backup(1)
      #expect(outcome.result?.summary.contains("encrypted, loaded and counted") == true, "\(outcome)")
      #expect(try await bench.drill()["db0"] == 2000)
      let manifest = try #require(bench.shelf.all().first)
      let target = bench.scratch.path + "/plain.rdb"
      try await bench.performer.export(
        manifest, of: bench.target, bench.rule, to: target, limit: .seconds(30))
      #expect(try Data(contentsOf: URL(fileURLWithPath: target)).starts(with: Data("REDIS00".utf8)))
    }
  }

  @Test("a wrong password, a server that is not there and an address that is none are told as that")
  func refusals() async throws {
    try await Self.with { bench in
      bench.url = "redis://:planted-other@127.0.0.1:\(bench.port)"
      let wrong = try #require(await bench.backup(1).failure)
      #expect(wrong.kind == .authentication && wrong.cause?.contains("WRONGPASS") == true, "\(wrong)")
      bench.url = "redis://127.0.0.1:\(bench.port)"
      #expect(await bench.backup(1).failure?.kind == .authentication)
      bench.url = "redis://:x@127.0.0.1:1"
      let gone = try #require(await bench.backup(1).failure)
      #expect(gone.kind == .failed && gone.cause?.contains("Could not connect") == true, "\(gone)")
      bench.url = "postgres://127.0.0.1"
      #expect(await bench.backup(1).failure?.kind == .configuration)
      try await bench.cli("ACL", "SETUSER", "reader", "on", ">planted-r", "+info", "+ping")
      bench.url = "redis://reader:planted-r@127.0.0.1:\(bench.port)"
      let denied = try #require(await bench.backup(1).failure)
      #expect(denied.message == "copying cache failed", "\(denied)")
    }
  }

  @Test(
    "an address is taken apart",
    arguments: [
      ("redis://h", "h", "6379", nil, nil, false),
      ("rediss://u:p%40@h.example:7000/2", "h.example", "7000", "u", "p@", true),
      ("redis://:p@[::1]:6380", "::1", "6380", nil, "p", false),
      ("redis://default:a:b@h?x=1", "h", "6379", "default", "a:b", false),
    ] as [(String, String, String, String?, String?, Bool)])
  func addresses(text: String, host: String, port: String, user: String?, password: String?, isSecure: Bool)
    throws
  {
    let address = try #require(RedisAddress(text))
    #expect(address.host == host && address.port == port && address.user == user)
    #expect(address.password?.reveal() == password && address.isSecure == isSecure)
    #expect(!address.place.contains("p@"))
  }

  @Test("the program copies it, tells the append-only trap when it is to be put back, and gives the file")
  func command() async throws {
    try await Self.with { bench in
      let project = try await GitProject(
        environment: """
          shipit: 1
          environment: demo
          app: shop
          state: local
          databases:
            cache:
              engine: redis
              url: {secret: CACHE_URL}
              backup: {to: ./backups}
          """)
      try project.write("backups/\n.shipit/\n", to: ".gitignore")
      try await project.commit("redis")
      let variables = ["CACHE_URL": bench.url]
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        let result = try await project.shipit(arguments, variables: variables)
        #expect(!result.text.contains("planted-p"), "\(result.text)")
        return result
      }
      let made = try await shipit("backup", "demo")
      #expect(made.code == 0 && made.text.contains("loaded and counted: 2001 keys"), "\(made.text)")
      #expect(try await shipit("backup", "list", "demo").output.contains("loaded: 2001 keys"))
      let drill = try await shipit("backup", "drill", "demo")
      #expect(drill.code == 0 && drill.output.contains("by a scratch server of its own"), "\(drill.text)")
      let refused = try await shipit("restore", "demo", "cache", "--confirm", "cache")
      #expect(refused.code == 2 && refused.text.contains("it has appendonly on"), "\(refused.text)")
      #expect(refused.text.contains("--into dump.rdb"), "\(refused.text)")
      let given = try await shipit("restore", "demo", "cache", "--into", "backups/dump.rdb")
      #expect(given.code == 0, "\(given.text)")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: project.path + "/backups/dump.rdb"))
      #expect(bytes.starts(with: Data("REDIS00".utf8)))
      #expect(try await shipit("restore", "demo", "cache", "--into", "backups/dump.rdb").code == 2)
    }
  }
}

extension RedisTests.Bench {
  /// A `redis-cli` in front of the real one, for copies alone.
  fileprivate mutating func shim(_ script: String) throws {
    let text = """
      #!/bin/bash
      real=$(command -v -p redis-cli)
      case "$*" in *--rdb*) ;; *) exec "$real" "$@";; esac
      \(script)

      """
    try scratch.write(text, to: "bin/redis-cli")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scratch.path + "/bin/redis-cli")
    programs = scratch.path + "/bin:"
  }
}
