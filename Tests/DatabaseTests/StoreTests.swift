import AWS
import Concurrency
import Crypto
import Foundation
import HTTP
import Model
import TestSupport
import Testing

@testable import Databases

/// What every place for copies has to do, whichever it is.
@Suite(.timeLimit(.minutes(5)))
struct StoreTests {
  enum Kind: String, CaseIterable, Sendable {
    case directory, bucket
    static let here = allCases.filter { $0 == .directory || BackupTools.isThere("moto_server") }
  }

  /// A place, and what is in it, by the names of files.
  struct Bench: Sendable {
    let root: String
    let to: String
    let files: @Sendable () async throws -> [String]
    let put: @Sendable (String, String) async throws -> Void
    let server: ObjectServer?

    func store(_ database: String = "main") async throws -> any BackupStore {
      try await BackupStores.of(root).store(
        BackupRule(directory: to), BackupNames(environment: "prod", database: database))
    }
  }

  private func with(_ kind: Kind, _ body: (Bench) async throws -> Void) async throws {
    let scratch = try ScratchDirectory()
    switch kind {
    case .directory:
      try await body(
        Bench(
          root: scratch.path, to: "./backups",
          files: {
            ((try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/backups")) ?? []).sorted()
          }, put: { try scratch.write($1, to: "backups/" + $0) }, server: nil))
    case .bucket:
      try await ObjectServer.with { server in
        try await body(
          Bench(
            root: scratch.path, to: server.to,
            files: {
              try await server.keys().map { String($0.split(separator: "/").last ?? "") }.sorted()
            }, put: { try await server.storage.put("shop/prod/athlete/" + $0, Array($1.utf8)) },
            server: server))
      }
    }
  }

  static func manifest(
    _ number: Int, _ sum: StoredSum, database: String = "main", at moment: Timestamp = SystemClock().now
  ) -> BackupManifest {
    BackupManifest(
      id: "prod-\(database)-20260101T00000\(number)Z-r\(number)", app: "shop", environment: "prod",
      database: database, server: "17.4", tool: "pg_dump 17.4", run: RunID(number), release: number,
      commit: "c0ffee", madeAt: moment, seconds: 1, bytes: sum.bytes, checksum: sum.hex,
      rows: ["public.a": 1],
      check: .read)
  }

  /// Writes bytes as `pg_dump` does.
  private func write(_ bytes: [UInt8], _ file: String, _ store: any BackupStore) async throws -> StoredSum {
    try await store.write(file, expected: 0) { descriptor in
      try await Task.detached {
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(bytes))
      }.value
    }
  }

  private func read(_ manifest: BackupManifest, _ store: any BackupStore, isFinished: Bool = true)
    async throws
    -> [UInt8]
  {
    try await store.read(manifest.file, isFinished: isFinished, expecting: manifest.sum) { descriptor in
      try await Task.detached {
        Array(try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data())
      }.value
    }
  }

  @discardableResult
  private func keep(
    _ number: Int, _ bytes: [UInt8], _ store: any BackupStore, database: String = "main",
    at moment: Timestamp = SystemClock().now
  ) async throws -> BackupManifest {
    try await store.begin()
    let name = Self.manifest(number, StoredSum(hex: "", bytes: 0), database: database).file
    let sum = try await write(bytes, name, store)
    let manifest = Self.manifest(number, sum, database: database, at: moment)
    try await store.finish(manifest)
    return manifest
  }

  @Test("what was written is read as it was, however long it is", arguments: Kind.here)
  func roundTrip(kind: Kind) async throws {
    try await with(kind) { bench in
      let store = try await bench.store()
      #expect(try await store.all() == [])
      // A byte more than two parts, with every value in it.
      for (number, count) in [1, 1000, (16 << 20) + 1].enumerated() {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let manifest = try await keep(number, bytes, store)
        #expect(manifest.checksum == SHA256.digest(of: bytes).hex && manifest.bytes == Int64(count))
        #expect(try await read(manifest, store) == bytes, "\(count)")
        // Who wants nothing of it still waits for the comparison.
        try await store.read(manifest.file, isFinished: true, expecting: manifest.sum) { _ in }
      }
      #expect(try await store.all().count == 3)
    }
  }

  @Test(
    "a file is no copy until it is finished, can be read before, and goes when it is discarded",
    arguments: Kind.here)
  func unfinished(kind: Kind) async throws {
    try await with(kind) { bench in
      let store = try await bench.store()
      try await store.begin()
      let name = Self.manifest(1, StoredSum(hex: "", bytes: 0)).file
      let manifest = Self.manifest(1, try await write([1, 2, 3], name, store))
      #expect(try await store.all() == [])
      #expect(try await read(manifest, store, isFinished: false) == [1, 2, 3])
      await store.discard(name)
      #expect(try await bench.files() == [])
    }
  }

  @Test("what failed on the way leaves nothing, and what wrote nothing neither", arguments: Kind.here)
  func failing(kind: Kind) async throws {
    struct Trouble: Error {}
    try await with(kind) { bench in
      let store = try await bench.store()
      try await store.begin()
      let name = Self.manifest(1, StoredSum(hex: "", bytes: 0)).file
      await #expect(throws: Trouble.self) {
        try await store.write(name, expected: 0) { descriptor in
          try await Task.detached {
            try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(
              contentsOf: Data(count: 9 << 20))
          }.value
          throw Trouble()
        }
      }
      #expect(try await write([], name, store).bytes == 0)
      #expect(try await bench.files() == [])
      if let server = bench.server { #expect(try await server.storage.uploads("").isEmpty) }
    }
  }

  @Test(
    "copies are told newest first, and the oldest beyond what is kept go; another database's stay",
    arguments: Kind.here)
  func pruning(kind: Kind) async throws {
    try await with(kind) { bench in
      let (store, other) = (try await bench.store(), try await bench.store("main-two"))
      let moment = SystemClock().now
      for number in 1...4 { try await keep(number, [1], store, at: moment + .seconds(number)) }
      try await keep(1, [1], other, database: "main-two", at: moment)
      #expect(await store.prune(keeping: 2) == 2)
      #expect(try await store.all().map(\.run) == [RunID(4), RunID(3)])
      #expect(try await other.all().count == 1)
      #expect(try await bench.files().count == 6)
      let newest = try await store.newest(nil, BackupNames(environment: "prod", database: "main"))
      #expect(newest.run == RunID(4))
    }
  }

  @Test(
    "what a killed process left goes with the next copy, and another database's stays", arguments: Kind.here)
  func leftovers(kind: Kind) async throws {
    try await with(kind) { bench in
      let end = kind == .directory ? ".part" : ""
      let ours = "prod-main-20250101T000000Z-r1.dump\(end)"
      let others = ["prod-main-two-20250101T000000Z-r1.dump\(end)", "prod-main-notes.txt"]
      for name in [ours] + others { try await bench.put(name, "half") }
      if let server = bench.server {
        for name in [ours, others[0]] {
          var upload = try await ObjectUpload("shop/prod/athlete/" + name, in: server.storage)
          try await upload.add([1])
        }
      }
      try await bench.store().begin()
      #expect(try await bench.files() == others.sorted())
      if let server = bench.server {
        #expect(try await server.storage.uploads("").map(\.key) == ["shop/prod/athlete/" + others[0]])
      }
    }
  }

  @Test("a file that is not what its manifest says is damaged, whoever reads it", arguments: Kind.here)
  func damage(kind: Kind) async throws {
    try await with(kind) { bench in
      let store = try await bench.store()
      for (number, text) in ["abcX", "abc", ""].enumerated() {
        let manifest = try await keep(number, Array("abcd".utf8), store)
        try await bench.put(manifest.file, text)
        let failure = await #expect(throws: Failure.self) { try await read(manifest, store) }
        #expect(
          failure?.message == "the backup \(manifest.file) is damaged", "\(String(describing: failure))")
      }
      let names = BackupNames(environment: "prod", database: "main")
      let other = await #expect(throws: Failure.self) {
        try await store.newest(nil, checksum: "0", names)
      }
      #expect(other?.cause == "another one has its name")
      let none = await #expect(throws: Failure.self) { try await store.newest("prod-main-x", names) }
      #expect(none?.kind == .configuration && none?.hint == "shipit backup list prod main")
    }
  }
}

/// What can go wrong with a bucket alone.
@Suite(
  .enabled(
    if: BackupTools.isThere("moto_server"), "moto_server is not there: make setup puts it into build/venv"),
  .timeLimit(.minutes(5)))
struct BucketTests {
  private func with(_ body: (ObjectServer, any BackupStore) async throws -> Void) async throws {
    try await ObjectServer.with { server in
      try await body(
        server,
        try await BackupStores.of("/").store(
          BackupRule(directory: server.to), BackupNames(environment: "prod", database: "main")))
    }
  }

  private func write(_ count: Int, _ store: any BackupStore) async throws -> StoredSum {
    try await store.write("prod-main-20260101T000000Z-r0.dump", expected: 0) { descriptor in
      try await Task.detached {
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(
          contentsOf: Data(repeating: 7, count: count))
      }.value
    }
  }

  private static let slow = "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"

  @Test("a store that is slow, broken or gone for a moment is asked again, for each request")
  func retries() async throws {
    try await with { server, store in
      server.misbehave("GET", "list-type", .answer(503, Self.slow))
      server.misbehave("POST", "uploads", .cut)
      server.misbehave("PUT", "partNumber=1", times: 2, .answer(503, Self.slow))
      server.misbehave("PUT", "partNumber=2", .cut)
      server.misbehave("POST", "uploadId", .answer(200, "<Error><Code>InternalError</Code></Error>"))
      server.misbehave("GET", ".dump", .cut)
      try await store.begin()
      let sum = try await write((8 << 20) + 5, store)
      try await store.finish(StoreTests.manifest(0, sum))
      #expect(try await store.all().count == 1)
      let read = try await store.read(
        "prod-main-20260101T000000Z-r0.dump", isFinished: true, expecting: sum
      ) { descriptor in
        try await Task.detached {
          try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd()?.count
        }.value
      }
      #expect(read == (8 << 20) + 5)
      #expect(server.seen.withLock { $0.count { $0.contains("partNumber=1") } } == 3)
    }
  }

  @Test("a completed upload whose answer was lost is there")
  func lostAnswer() async throws {
    try await with { server, store in
      server.misbehave("POST", "uploadId", .lostAnswer)
      // As some stores say then; others answer as before.
      server.misbehave("POST", "uploadId", .answer(404, "<Error><Code>NoSuchUpload</Code></Error>"))
      let sum = try await write(1000, store)
      #expect(sum.bytes == 1000)
      #expect(server.seen.withLock { $0.count { $0.contains("POST") && $0.contains("uploadId") } } == 2)
      #expect(try await server.keys().count == 1)
    }
  }

  @Test("what a store refuses for good stops the upload, takes it back, and is told")
  func refused() async throws {
    try await with { server, store in
      server.misbehave(
        "PUT", "partNumber=2", times: 9,
        .answer(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"))
      let failure = await #expect(throws: Failure.self) { _ = try await write(40 << 20, store) }
      #expect(failure?.kind == .authentication && failure?.cause == "AccessDenied: Access Denied")
      #expect(failure?.place == "s3://acme-backups/shop/prod/athlete")
      let (keys, uploads) = (try await server.keys(), try await server.storage.uploads(""))
      #expect(keys == [] && uploads.isEmpty)
    }
  }

  @Test("a store that stays away is told, and asked so often alone")
  func away() async throws {
    try await with { server, store in
      server.misbehave("PUT", "partNumber=1", times: 99, .answer(503, Self.slow))
      let failure = await #expect(throws: Failure.self) { _ = try await write(10, store) }
      #expect(failure?.kind == .failed && failure?.cause == "SlowDown: Reduce your rate")
      #expect(server.seen.withLock { $0.count { $0.contains("partNumber=1") } } == 5)
      let uploads = try await server.storage.uploads("")
      #expect(uploads.isEmpty)
    }
  }

  @Test("applications that share a bucket and name things alike see and remove each their own")
  func applications() async throws {
    try await with { server, ours in
      let theirs = try await BackupStores.of("/", app: "other").store(
        BackupRule(directory: server.to), BackupNames(environment: "prod", database: "main"))
      try await ours.finish(StoreTests.manifest(0, try await write(5, ours)))
      // Not finished yet: it is written at this moment.
      _ = try await write(6, theirs)
      try await ours.begin()
      #expect(await ours.prune(keeping: 1) == 0)
      let all = try await theirs.all()
      #expect(all == [])
      let keys = try await server.keys()
      #expect(keys.count == 3, "\(keys)")
    }
  }

  @Test("no bucket, another region and no credentials are told as that, before anything is copied")
  func missing() async throws {
    try await with { server, _ in
      let names = BackupNames(environment: "prod", database: "main")
      func begin(_ to: String, _ credentials: BackupCredentials? = nil) async -> Failure? {
        var rule = BackupRule(directory: to)
        rule.credentials = credentials
        do throws(Failure) { try await BackupStores.of("/").store(rule, names).begin() } catch {
          return error
        }
        return nil
      }
      let bucket = await begin("s3://no-such-bucket?endpoint=\(server.endpoint)")
      #expect(bucket?.kind == .configuration && bucket?.message.contains("no bucket no-such-bucket") == true)
      server.misbehave(
        "GET", "list-type",
        .answer(301, "<Error><Code>PermanentRedirect</Code><Region>eu-north-1</Region></Error>"))
      let region = await begin(server.to)
      #expect(region?.hint?.contains("region=") == true && region?.cause?.contains("eu-north-1") == true)
      server.misbehave(
        "GET", "list-type", .answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"))
      #expect(await begin(server.to)?.kind == .authentication)
      let secret = await begin(server.to, BackupCredentials(id: "KEY_ID", secret: "KEY"))
      #expect(secret?.kind == .configuration && secret?.message.contains("KEY_ID") == true)
    }
  }

  @Test("every request is signed as AWS wants it: a store that compares takes them, and none of a wrong key")
  func signatures() async throws {
    try await ObjectServer.with(isStrict: true) { server in
      let names = BackupNames(environment: "prod", database: "main")
      // Past the door: it is not the host that is signed.
      let rule = BackupRule(directory: "s3://\(ObjectServer.bucket)/shop/prod?endpoint=\(server.moto)")
      let store = try await BackupStores.of("/", credentials: server.credentials).store(rule, names)
      try await store.begin()
      let sum = try await write((8 << 20) + 5, store)
      let manifest = StoreTests.manifest(0, sum)
      try await store.finish(manifest)
      let all = try await store.all()
      #expect(all == [manifest])
      try await store.remove(manifest)
      let wrong = Credentials(keyID: server.credentials.keyID, secret: "planted-other-key")
      let refused = try await BackupStores.of("/", credentials: wrong).store(rule, names)
      let failure = await #expect(throws: Failure.self) { try await refused.begin() }
      #expect(failure?.kind == .authentication, "\(String(describing: failure))")
    }
  }
}
