import Concurrency
import Foundation
import SQLite
import Testing

@Suite(.timeLimit(.minutes(5)))
final class SQLiteTests {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sqlite-\(UUID())")
  var path: String { directory.appendingPathComponent("state.db").path }

  init() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func open(_ options: DatabaseOptions = DatabaseOptions()) async throws -> Database {
    let database = try await Database.open(path, options)
    try await database.script("CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v ANY) STRICT")
    return database
  }

  private func code<Value>(_ body: () async throws -> Value) async -> SQLiteError.Code? {
    do {
      _ = try await body()
      return nil
    } catch {
      return (error as? SQLiteError)?.code
    }
  }

  // MARK: Values and durability

  @Test func everyKindOfValueSurvivesReopening() async throws {
    let values: [SQLValue] = [
      .null, .int(.min), .double(0.1), .text(""), .text("ä\0z"), .blob([]), .blob([0, 255]),
    ]
    let first = try await open()
    for (key, value) in values.enumerated() {
      #expect(try await first.execute("INSERT INTO t VALUES (?1, ?2)", [SQLValue(key), value]) == 1)
    }
    await first.close()
    let second = try await open()
    let rows = try await second.query("SELECT v, k FROM t ORDER BY k")
    #expect(rows.map { $0[0] } == values)
    #expect(rows.last?["k"] == 6)
    #expect(rows.last?["absent"] == .null)
    #expect(rows.last?.columns == ["v", "k"])
  }

  @Test func whatWasCommittedIsThereThoughTheFileWasNeverClosed() async throws {
    let first = try await open()
    try await first.transaction { try $0.execute("INSERT INTO t VALUES (1, 'kept')") }
    let second = try await open()
    #expect(try await second.query("SELECT v FROM t").map { $0[0] } == ["kept"])
    #expect(try await second.query("PRAGMA synchronous")[0][0] == 2)
    #expect(try await second.query("PRAGMA journal_mode")[0][0] == "wal")
    await first.close()
  }

  @Test func onlyTheOwnerCanReadTheFiles() async throws {
    let database = try await open()
    try await database.execute("INSERT INTO t VALUES (1, 2)")
    for suffix in ["", "-wal", "-shm"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
    }
  }

  // MARK: Transactions

  @Test func aTransactionThatThrowsLeavesNothing() async throws {
    struct Refusal: Error {}
    let database = try await open()
    await #expect(throws: Refusal.self) {
      try await database.transaction { connection in
        try connection.execute("INSERT INTO t VALUES (1, 1)")
        throw Refusal()
      }
    }
    #expect(try await database.query("SELECT * FROM t").isEmpty)
    try await database.transaction { try $0.execute("INSERT INTO t VALUES (1, 1)") }
    #expect(try await database.query("SELECT * FROM t").count == 1)
  }

  @Test func twoConnectionsCountingTogetherLoseNoCount() async throws {
    let databases = [try await open(), try await open()]
    try await databases[0].execute("INSERT INTO t VALUES (1, 0)")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for database in databases {
        group.addTask {
          for _ in 0..<50 {
            try await database.transaction { connection in
              let count = try connection.query("SELECT v FROM t WHERE k = 1")[0][0].int ?? 0
              try connection.execute("UPDATE t SET v = ?1 WHERE k = 1", [.int(count + 1)])
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await databases[1].query("SELECT v FROM t")[0][0] == 100)
  }

  @Test func tasksThatShareADatabaseAndWaitForALockElsewhereLoseNoCount() async throws {
    let (database, other) = (try await open(), try await open())
    try await database.execute("INSERT INTO t VALUES (1, 0)")
    // While it is held nobody gets on where it stands; all have to be queued, and get on together afterwards.
    try await other.execute("BEGIN IMMEDIATE")
    let counts = (0..<8).map { _ in
      Task {
        for _ in 0..<25 {
          try await database.transaction { connection in
            let count = try connection.query("SELECT v FROM t WHERE k = 1")[0][0].int ?? 0
            try connection.execute("UPDATE t SET v = ?1 WHERE k = 1", [.int(count + 1)])
          }
        }
      }
    }
    try await other.execute("COMMIT")
    for count in counts { try await count.value }
    #expect(try await other.query("SELECT v FROM t")[0][0] == 200)
  }

  @Test func aLockHeldTooLongIsReportedAsBusyAndBlocksNoOtherTask() async throws {
    let holder = try await open()
    // More waiters than the pool has threads here: if they waited on it, nothing else could run.
    var waiters: [Database] = []
    for _ in 0..<8 { waiters.append(try await open(DatabaseOptions(busyTimeout: .milliseconds(400)))) }
    try await holder.execute("BEGIN IMMEDIATE")
    let ticks = Locked(0)
    let ticking = Task {
      while !Task.isCancelled {
        try await Task.sleep(for: .milliseconds(5))
        ticks.withLock { $0 += 1 }
      }
    }
    let attempts = waiters.map { waiter in
      Task { try await waiter.transaction { try $0.execute("DELETE FROM t") } }
    }
    for attempt in attempts { #expect(await code { try await attempt.value } == .busy) }
    ticking.cancel()
    #expect(ticks.withLock { $0 } > 0)
    try await holder.execute("ROLLBACK")
    #expect(await code { try await waiters[0].execute("DELETE FROM t") } == nil)
  }

  @Test func aSnapshotDoesNotSeeLaterWrites() async throws {
    let writer = try await open()
    let path = self.path
    let reader = try await Database.open(path, DatabaseOptions(isReadOnly: true))
    try await writer.execute("INSERT INTO t VALUES (1, 1)")
    let second = try await open()
    try await second.execute("BEGIN")
    #expect(try await second.query("SELECT count(*) FROM t")[0][0] == 1)
    try await writer.execute("INSERT INTO t VALUES (2, 2)")
    #expect(try await second.query("SELECT count(*) FROM t")[0][0] == 1)
    #expect(try await reader.snapshot { try $0.query("SELECT count(*) FROM t")[0][0] } == 2)
    try await second.execute("COMMIT")
  }

  // MARK: Faults

  @Test func aBrokenConstraintIsToldWithoutTheValue() async throws {
    let database = try await open()
    try await database.script("CREATE TABLE u (secret TEXT UNIQUE) STRICT")
    try await database.execute("INSERT INTO u VALUES (?1)", ["hunter2hunter2"])
    let error = await #expect(throws: SQLiteError.self) {
      try await database.execute("INSERT INTO u VALUES (?1)", ["hunter2hunter2"])
    }
    #expect(error?.code == .constraint)
    #expect(error?.description == "\(path): UNIQUE constraint failed: u.secret")
  }

  @Test func anotherKindOfFileIsNotADatabase() async throws {
    try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: path))
    #expect(await code { _ = try await Database.open(path) } == .notADatabase)
    #expect(FileManager.default.contents(atPath: path)?.count == 5000)
  }

  @Test func aDamagedFileIsFoundCorrupt() async throws {
    let database = try await open()
    try await database.transaction { connection in
      for key in 0..<2000 {
        try connection.execute("INSERT INTO t VALUES (?1, ?2)", [SQLValue(key), .text("some text")])
      }
    }
    await database.close()
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seek(toOffset: 4096)
    try file.write(contentsOf: Data(repeating: 0xEE, count: 8192))
    try file.close()
    let again = try await Database.open(path)
    #expect(await code { _ = try await again.query("SELECT sum(length(v)) FROM t") } == .corrupt)
    #expect(try await again.damage() != [])
  }

  @Test func aFullDiskIsToldAndNothingIsHalfWritten() async throws {
    let database = try await open()
    try await database.execute("INSERT INTO t VALUES (1, 'before')")
    _ = try await database.query("PRAGMA max_page_count = 20")
    let result = await code {
      try await database.transaction { connection in
        for key in 2..<1000 {
          try connection.execute(
            "INSERT INTO t VALUES (?1, ?2)", [SQLValue(key), .blob(.init(repeating: 1, count: 999))])
        }
      }
    }
    #expect(result == .full)
    #expect(try await database.query("SELECT v FROM t").map { $0[0] } == ["before"])
    #expect(try await database.damage() == [])
  }

  @Test func aMissingDirectoryAndAClosedDatabaseAreErrors() async throws {
    #expect(
      await code { _ = try await Database.open(directory.path + "/none/state.db") } == .cannotOpen)
    #expect(
      await code { _ = try await Database.open(path, DatabaseOptions(isReadOnly: true)) } == .cannotOpen)
    let database = try await open()
    await database.close()
    #expect(await code { try await database.execute("DELETE FROM t") } == .other)
  }

  @Test func aReadOnlyDatabaseRefusesWrites() async throws {
    let writer = try await open()
    let reader = try await Database.open(path, DatabaseOptions(isReadOnly: true))
    #expect(await code { try await reader.execute("DELETE FROM t") } == .readOnly)
    await writer.close()
  }

  /// The journal of a writer that is gone: what it had begun is in the file already.
  @Test func whatAKilledWriterLeftHalfDoneIsTakenBackForAReader() async throws {
    let writer = try await open()
    try await writer.execute("INSERT INTO t VALUES (?1, ?2)", [1, "before"])
    try await writer.script("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN")
    try await writer.execute("UPDATE t SET v = 'half-done'")
    for key in 2..<50 {
      try await writer.execute(
        "INSERT INTO t VALUES (?1, ?2)", [SQLValue(key), .blob(.init(repeating: 1, count: 4000))])
    }
    let left = directory.path + "/left.db"
    for suffix in ["", "-journal"] {
      try FileManager.default.copyItem(atPath: path + suffix, toPath: left + suffix)
    }
    try await writer.script("ROLLBACK")
    let reader = try await Database.open(left, DatabaseOptions(isReadOnly: true))
    #expect(try await reader.query("SELECT v FROM t").map { $0[0] } == ["before"])
  }

  @Test func tooFewValuesAreAnError() async throws {
    let database = try await open()
    #expect(await code { try await database.execute("INSERT INTO t VALUES (?1, ?2)", [1]) } == .other)
    #expect(await code { try await database.execute("INSERT INTO nowhere VALUES (1)") } == .other)
  }
}
