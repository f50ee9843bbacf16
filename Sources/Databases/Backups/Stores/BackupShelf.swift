import Concurrency
import Crypto
import FoundationEssentials
package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The directory with the copies of one database, each file for its owner alone. What is not finished ends in `.part`.
package struct BackupShelf: BackupStore {
  package let directory: String
  private let names: BackupNames

  package var place: String { directory }

  /// - Parameters:
  ///   - path: relative to `root`, or absolute.
  ///   - root: the project's.
  package init(_ path: String, root: String, _ names: BackupNames) {
    let clean = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    directory = path.hasPrefix("/") ? path : clean.isEmpty ? root : "\(root)/\(clean)"
    self.names = names
  }

  package func path(_ file: String, isFinished: Bool = true) -> String {
    "\(directory)/\(file)" + (isFinished ? "" : ".part")
  }
  private func manifest(_ id: String) -> String { "\(directory)/\(id).json" }

  package func all() -> [BackupManifest] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let found = files.filter { $0.hasPrefix(names.prefix) && $0.hasSuffix(".json") }.compactMap { name in
      try? JSONDecoder().decode(
        BackupManifest.self, from: Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
    }
    return names.own(found)
  }

  package func begin() throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for name in try FileManager.default.contentsOfDirectory(atPath: directory)
      where name.hasSuffix(".part") && names.id(ofFile: name) != nil {
        unlink("\(directory)/\(name)")
      }
    } catch {
      throw Failure(
        .failed, "the directory for backups cannot be made", place: directory,
        cause: "\(error)",
        hint: "correct databases.\(names.database).backup.to, or make it: mkdir -p \(directory)")
    }
  }

  package func write(
    _ file: String, expected: Int64, _ produce: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> StoredSum {
    let path = path(file, isFinished: false)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Failure(
        .failed, "a backup cannot be written here", place: directory, cause: String(cString: strerror(errno)),
        hint: "correct databases.\(names.database).backup.to")
    }
    do {
      defer { close(descriptor) }
      try await produce(descriptor)
      guard fsync(descriptor) == 0 else { throw cannotFinish(file) }
    } catch {
      unlink(path)
      throw error
    }
    guard let sum = BackupShelf.checksum(of: path) else { throw cannotFinish(file) }
    if sum.bytes == 0 { unlink(path) }
    return sum
  }

  package func read<Value: Sendable>(
    _ file: String, isFinished: Bool, expecting sum: StoredSum,
    _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value {
    let path = path(file, isFinished: isFinished)
    let found = BackupShelf.checksum(of: path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard found == sum, descriptor >= 0 else { throw names.damaged(file, at: path, is: found, was: sum) }
    return try await consume(descriptor)
  }

  package func finish(_ manifest: BackupManifest) throws(Failure) {
    let path = self.manifest(manifest.id)
    guard let data = try? manifest.encoded() else { throw cannotFinish(manifest.file) }
    let descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw cannotFinish(manifest.file) }
    defer { close(descriptor) }
    let written = data.withUnsafeBytes { systemWrite(descriptor, $0) }
    guard written == data.count, fsync(descriptor) == 0,
      rename(self.path(manifest.file, isFinished: false), self.path(manifest.file)) == 0,
      rename(path + ".part", path) == 0, BackupShelf.sync(directory)
    else { throw cannotFinish(manifest.file) }
  }

  private func cannotFinish(_ file: String) -> Failure {
    Failure(
      .failed, "the backup \(file) cannot be finished", place: directory,
      cause: String(cString: strerror(errno)), hint: "df -h \(directory)")
  }

  package func discard(_ file: String) { unlink(path(file, isFinished: false)) }

  package func remove(_ manifest: BackupManifest) {
    // First what says that it is a copy.
    unlink(self.manifest(manifest.id))
    unlink(path(manifest.file))
  }

  /// SHA-256 and size of a file, read in pieces; nil when it cannot be read.
  static func checksum(of path: String) -> StoredSum? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let hash = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var bytes: Int64 = 0
    while true {
      let count = systemRead(descriptor, buffer)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return StoredSum(hex: hash.finish().hex, bytes: bytes) }
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      bytes += Int64(count)
    }
  }

  private static func sync(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return fsync(descriptor) == 0
  }
}

// `read` and `write` under names that do not clash with methods of the same name.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

extension BackupNames {
  /// This database's, newest first. Another one's name may begin with this one's.
  func own(_ manifests: [BackupManifest]) -> [BackupManifest] {
    manifests.filter { $0.database == database && $0.environment == environment }
      .sorted { ($0.madeAt, $0.id) > ($1.madeAt, $1.id) }
  }
}

extension BackupManifest {
  /// As it stands beside its file.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
