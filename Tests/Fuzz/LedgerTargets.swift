import Concurrency
import FoundationEssentials
import JSON
import Model

@testable import Ledgers

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The files of a git ledger and a saved plan: a record, or none; and a record is stored as it was read.
enum LedgerTarget: FuzzTarget {
  static func read(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let text = Data(bytes.dropFirst())
    switch kind {
    case UInt8(ascii: "h"): again(GitHead.self, text)
    case UInt8(ascii: "j"): for line in text.split(separator: 10) { again(JournalEntry.self, Data(line)) }
    case UInt8(ascii: "r"): again(Release.self, text)
    case UInt8(ascii: "u"): again(RunRecord.self, text)
    case UInt8(ascii: "p"): again(Plan.self, text)
    default: break
    }
  }

  private static func again<Record: Codable & Equatable>(_ type: Record.Type, _ data: Data) {
    guard let record = try? JSONDecoder().decode(type, from: data) else { return }
    guard let stored = try? JSONEncoder().encode(record) else {
      return require(false, "a record that cannot be stored")
    }
    require((try? JSONDecoder().decode(type, from: stored)) == record, "stored and read again it is another")
  }
}

/// The database of a local ledger: read, or refused with words.
enum DatabaseTarget: FuzzTarget {
  private static let root: String = {
    let path = "/tmp/shipit-fuzz-\(getpid())"
    mkdir(path, 0o700)
    mkdir(path + "/.shipit", 0o700)
    atexit { try? FileManager.default.removeItem(atPath: "/tmp/shipit-fuzz-\(getpid())") }
    return path
  }()

  static func read(_ bytes: [UInt8]) {
    let path = root + "/.shipit/prod.db"
    for rest in ["-wal", "-shm", "-journal"] { unlink(path + rest) }
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { return }
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    close(file)
    waitFor { await look() }
  }

  private static func look() async {
    do throws(Failure) {
      let ledger = try await LocalLedger.open(
        root: root, environment: "prod", time: FuzzClock(), busyTimeout: .milliseconds(100))
      _ = try await ledger.holder()
      let lease = try await ledger.acquire(
        holder: Holder(name: "fuzz", purpose: "fuzz", process: 1, nonce: "fuzz"))
      if let run = try await ledger.openRun() { _ = try await ledger.journal(of: run.id) }
      for run in try await ledger.runs(limit: 3) { _ = try await ledger.journal(of: run.id) }
      _ = try await ledger.releases(limit: 5)
      _ = try await ledger.hold()
      _ = try await ledger.badCommits()
      try await ledger.markBad("abc", release: 1, lease: lease)
      await ledger.release(lease)
    } catch {
      require(!error.message.isEmpty, "a refusal without words")
    }
  }
}
