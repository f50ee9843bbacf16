import Concurrency
package import Model

/// Where the copies of one database are kept: `FILE`, and `ID.json` beside it, which makes it a copy. What has none is
/// left by a process that was killed, and the next one removes it.
///
/// To add one: a case of `BackupPlace`, a conformance here, a line in `BackupStores`; and it passes the tests of stores.
package protocol BackupStore: Sendable {
  /// For messages: a directory, `s3://acme-backups/shop`.
  var place: String { get }

  /// The finished copies, newest first.
  /// - Throws: `Failure` when it cannot be told.
  func all() async throws(Failure) -> [BackupManifest]

  /// Makes sure that a copy can be written, and removes what killed processes left.
  /// - Throws: `Failure` when it cannot.
  func begin() async throws(Failure)

  /// Writes a file. It is no copy until it is finished.
  /// - Parameters:
  ///   - expected: about how many bytes there will be at most.
  ///   - produce: writes all of it to a descriptor.
  /// - Returns: what was stored; nothing is stored when nothing was written.
  /// - Throws: `Failure`; what `produce` throws. Then nothing of it stays.
  func write(
    _ file: String, expected: Int64, _ produce: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> StoredSum

  /// Reads a file.
  /// - Parameters:
  ///   - isFinished: false before it is a copy.
  ///   - sum: what was stored.
  ///   - consume: reads it from a descriptor.
  /// - Returns: what `consume` returns.
  /// - Throws: `Failure`, also when it is not what was stored; what `consume` throws.
  func read<Value: Sendable>(
    _ file: String, isFinished: Bool, expecting sum: StoredSum,
    _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value

  /// Makes a copy of what was written, for good.
  /// - Throws: `Failure` when that fails.
  func finish(_ manifest: BackupManifest) async throws(Failure)

  /// Removes a file that was written and not finished. Trouble is left to the next one.
  func discard(_ file: String) async

  /// Removes a copy.
  /// - Throws: `Failure` when that fails.
  func remove(_ manifest: BackupManifest) async throws(Failure)
}

/// What a file is known by.
package struct StoredSum: Sendable, Hashable {
  /// SHA-256 in hex.
  package var hex: String
  package var bytes: Int64

  package init(hex: String, bytes: Int64) {
    self.hex = hex
    self.bytes = bytes
  }
}

extension BackupManifest {
  /// What its file is known by.
  package var sum: StoredSum { StoredSum(hex: checksum, bytes: bytes) }
}

extension BackupStore {
  /// Removes the oldest beyond those that are kept.
  /// - Returns: how many. What cannot be removed stays for the next time.
  func prune(keeping: Int) async -> Int {
    var removed = 0
    for manifest in ((try? await all()) ?? []).dropFirst(max(1, keeping))
    where (try? await remove(manifest)) != nil { removed += 1 }
    return removed
  }

  /// The newest copy, or a certain one.
  /// - Parameters:
  ///   - id: nil: the newest.
  ///   - checksum: what it is known by; nil: what its manifest says.
  /// - Throws: `configuration` when there is none; `failed` when it is another.
  package func newest(
    _ id: String? = nil, checksum: String? = nil, _ names: BackupNames
  ) async throws(Failure) -> BackupManifest {
    let all = try await all()
    guard let manifest = id.map({ id in all.first { $0.id == id } }) ?? all.first else {
      throw Failure(
        .configuration, "there is no backup \(id.map { "“\($0)” " } ?? "")of \(names.database) there",
        place: place,
        cause: all.first.map { "the newest is \($0.id)" } ?? "there is none",
        hint: all.isEmpty
          ? "shipit backup \(names.environment) \(names.database)"
          : "shipit backup list \(names.environment) \(names.database)")
    }
    guard checksum == nil || checksum == manifest.checksum else {
      throw names.damaged(manifest.file, at: place, "another one has its name")
    }
    return manifest
  }
}

/// The names of the copies of one database of an environment. Several databases may share a place.
package struct BackupNames: Sendable, Hashable {
  package var environment: String
  package var database: String

  package init(environment: String, database: String) {
    self.environment = environment
    self.database = database
  }

  var prefix: String { "\(environment)-\(database)-" }

  /// The name of a copy that a run makes.
  package func id(_ call: StepCall) -> String {
    let stamp = call.beganAt.iso8601.prefix(19).filter { $0.isNumber || $0 == "T" }
    return "\(prefix)\(stamp)Z-r\(call.run.id)"
  }

  /// The copy that a file belongs to; nil: none of this database's. Another one's name may begin with this one's.
  func id(ofFile name: String) -> String? {
    guard name.hasPrefix(prefix) else { return nil }
    let rest = name.dropFirst(prefix.count)
    guard let match = rest.prefixMatch(of: #/([0-9]{8}T[0-9]{6}Z-r[0-9]+)\./#) else { return nil }
    return prefix + match.output.1
  }

  func damaged(_ file: String, at place: String, _ cause: String) -> Failure {
    Failure(
      .failed, "the backup \(file) is damaged", place: place, cause: cause,
      hint: "take another one: shipit backup list \(environment) \(database)")
  }

  func damaged(_ file: String, at place: String, is found: StoredSum?, was sum: StoredSum) -> Failure {
    damaged(
      file, at: place,
      found.map {
        $0.bytes == sum.bytes
          ? "its SHA-256 is \($0.hex.prefix(12)), and was \(sum.hex.prefix(12))"
          : "it has \($0.bytes) bytes, and had \(sum.bytes)"
      } ?? "its file cannot be read")
  }
}
