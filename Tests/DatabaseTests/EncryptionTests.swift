import Concurrency
import Foundation
import HTTP
import Model
import Processes
import TestSupport
import Testing

@testable import Databases

/// Copies that are encrypted by the real program before they are written anywhere.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(if: BackupTools.isThere("age", "age-keygen"), "age is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct EncryptionTests {
  /// A pair of keys as `age-keygen` makes it.
  struct Pair {
    let key: String
    let recipient: String

    init() async throws {
      let made = try await Launcher().run(
        ProcessSpecification("age-keygen", environment: ["PATH": BackupTools.path, "HOME": "/"]))
      let lines = made.text.split(separator: "\n").map(String.init)
      key = try #require(lines.first { $0.hasPrefix("AGE-SECRET-KEY-") })
      recipient = try #require(
        lines.first { $0.contains("public key: ") }?.components(separatedBy: ": ").last)
    }
  }

  private func bench(
    _ pair: Pair, _ identity: BackupEncryption.Identity?, _ check: BackupRule.Check = .restore
  ) async throws -> BackupTests.Bench {
    signal(SIGPIPE, SIG_IGN)
    var bench = try await BackupTests.Bench(check)
    bench.rule.encryption = BackupEncryption(recipients: [pair.recipient], identity: identity)
    bench.more = ["BACKUP_KEY": Sensitive(pair.key)]
    return bench
  }

  private func drill(_ bench: BackupTests.Bench) async throws -> [String: Int64] {
    try await bench.performer.drill(
      bench.schema.target, bench.rule, environment: "prod", id: nil, limit: .seconds(60)
    ).rows
  }

  @Test("an encrypted copy is proven, tried out and put back by its key, and nobody else reads it")
  func wholeWay() async throws {
    let pair = try await Pair()
    for check in [BackupRule.Check.read, .restore] {
      let bench = try await bench(pair, .secret("BACKUP_KEY"), check)
      let outcome = await bench.backup(1)
      #expect(outcome.result?.summary.contains("encrypted") == true, "\(outcome)")
      let manifest = try #require(bench.shelf.all().first)
      #expect(manifest.recipients == [pair.recipient] && bench.files.contains { $0.hasSuffix(".dump.age") })
      let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.shelf.path(manifest.file)))
      #expect(bytes.starts(with: Data("age-encryption.org/v1".utf8)))
      #expect(bytes.range(of: Data("PGDMP".utf8)) == nil && bytes.range(of: Data("orders".utf8)) == nil)
      #expect(try await drill(bench)["public.orders"] == 2000)
      try await bench.schema.run("DELETE FROM orders")
      let restored = await bench.restore(manifest, run: 2)
      #expect(restored.result != nil, "\(restored)")
      #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["2000"])
      #expect(bench.files.allSatisfy { !$0.hasSuffix(".part") })
    }
  }

  @Test("without a key a copy is made and read back; it is not tried out, and that is told")
  func withoutKey() async throws {
    let pair = try await Pair()
    var bench = try await bench(pair, nil, .stored)
    let outcome = await bench.backup(1)
    #expect(outcome.result?.summary.contains("read back, not tried out") == true, "\(outcome)")
    let failure = await #expect(throws: Failure.self) { try await drill(bench) }
    #expect(failure?.kind == .configuration && failure?.hint?.contains("--identity FILE") == true)
    // A file with the key, as a person has one.
    try bench.scratch.write(pair.key + "\n", to: "key.txt")
    bench.rule.encryption?.identity = .file("key.txt")
    #expect(try await drill(bench)["public.orders"] == 2000)
    // Made before encryption was taken out of the file.
    bench.rule.encryption = nil
    let plain = await #expect(throws: Failure.self) { try await drill(bench) }
    #expect(plain?.cause?.contains(pair.recipient) == true)
  }

  @Test("another's key is told as that; so are a recipient that is none, and a missing program")
  func refusals() async throws {
    let (pair, other) = (try await Pair(), try await Pair())
    var bench = try await bench(pair, .secret("BACKUP_KEY"))
    _ = await bench.backup(1)
    bench.more = ["BACKUP_KEY": Sensitive(other.key)]
    let foreign = await #expect(throws: Failure.self) { try await drill(bench) }
    #expect(foreign?.kind == .authentication && foreign?.cause?.contains("no identity matched") == true)
    #expect(try await bench.beside() == [])
    bench.rule.encryption = BackupEncryption(recipients: ["age1nobody"], identity: nil)
    bench.rule.check = .stored
    let nobody = try #require(await bench.backup(2).failure)
    #expect(nobody.cause?.contains("malformed recipient") == true, "\(nobody)")
    #expect(bench.shelf.all().count == 1 && bench.files.count == 2)
    bench.more = [:]
    bench.rule.encryption = BackupEncryption(recipients: [pair.recipient], identity: .secret("BACKUP_KEY"))
    #expect(await bench.backup(3).failure?.message.contains("BACKUP_KEY") == true)
  }

  @Test("a dump that is empty, is none, or fails half-way is no copy, though its encryption is whole")
  func brokenDumps() async throws {
    let pair = try await Pair()
    for (script, words) in [
      ("exit 0", "is empty"), ("echo hello", "is empty"),
      ("\"$real\" \"$@\" | head -c 300; echo 'pg_dump: error: gone' >&2; exit 1", "copying main failed"),
    ] {
      var bench = try await bench(pair, nil, .stored)
      try bench.useDump(script)
      let failure = try #require(await bench.backup(1).failure)
      #expect(failure.message.contains(words), "\(failure)")
      #expect(bench.files == [])
    }
  }

  @Test("a changed byte is found, and what was cut off with its manifest forged too")
  func damage() async throws {
    let pair = try await Pair()
    let bench = try await bench(pair, .secret("BACKUP_KEY"))
    _ = await bench.backup(1)
    var manifest = try #require(bench.shelf.all().first)
    let path = bench.shelf.path(manifest.file)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try Data(bytes.dropLast(20)).write(to: URL(fileURLWithPath: path))
    var failure = try #require(await bench.restore(manifest, run: 2).failure)
    #expect(failure.message.contains("damaged"), "\(failure)")
    let sum = try #require(BackupShelf.checksum(of: path))
    (manifest.checksum, manifest.bytes) = (sum.hex, sum.bytes)
    try bench.shelf.finish(manifest, alone: true)
    failure = try #require(await bench.restore(manifest, run: 3).failure)
    #expect(failure.message == "decrypting the backup of main failed", "\(failure)")
    #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["2000"])
    #expect(try await bench.beside() == [])
  }
}

extension BackupShelf {
  /// Writes a manifest for a file that is there.
  func finish(_ manifest: BackupManifest, alone: Bool) throws {
    try FileManager.default.copyItem(
      atPath: path(manifest.file), toPath: path(manifest.file, isFinished: false))
    try finish(manifest)
  }
}
