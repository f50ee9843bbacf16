import Concurrency
import Crypto
import FoundationEssentials
package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The directory with the copies of one database: `ID.dump` with `ID.json` beside it, each for its owner alone.
///
/// A file that is not finished ends in `.part`; it is no copy, and the next one removes it.
package struct BackupShelf: Sendable {
  package let directory: String
  let environment: String
  private let database: String

  /// - Parameters:
  ///   - root: the project's; a relative directory begins there.
  ///   - environment: its name; copies of several environments may share a directory.
  package init(_ rule: BackupRule, root: String, environment: String, database: String) {
    let path = rule.directory
    let clean = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    directory = path.hasPrefix("/") ? path : clean.isEmpty ? root : "\(root)/\(clean)"
    self.environment = environment
    self.database = database
  }

  package func file(_ id: String) -> String { "\(directory)/\(id).dump" }
  private func manifest(_ id: String) -> String { "\(directory)/\(id).json" }
  private var prefix: String { "\(environment)-\(database)-" }

  /// The name of a copy that a run makes.
  func id(_ call: StepCall) -> String {
    let stamp = call.beganAt.iso8601.prefix(19).filter { $0.isNumber || $0 == "T" }
    return "\(prefix)\(stamp)Z-r\(call.run.id)"
  }

  /// The finished copies, newest first.
  package func all() -> [BackupManifest] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let found = names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".json") }.compactMap { name in
      try? JSONDecoder().decode(
        BackupManifest.self, from: Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
    }
    // Another database's name may begin with this one's.
    return found.filter { $0.database == database && $0.environment == environment }
      .sorted { ($0.madeAt, $0.id) > ($1.madeAt, $1.id) }
  }

  /// Left by a process that was killed. Another database's name may begin with this one's, and be copied now.
  private func isUnfinished(_ name: String) -> Bool {
    guard name.hasPrefix(prefix) else { return false }
    return name.dropFirst(prefix.count).wholeMatch(of: #/[0-9]{8}T[0-9]{6}Z-r[0-9]+\.(dump|json)\.part/#)
      != nil
  }

  /// An empty file for a copy, for its owner alone.
  /// - Throws: `Failure` when it cannot be made.
  func begin(_ id: String) throws(Failure) -> String {
    let path = file(id) + ".part"
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for name in try FileManager.default.contentsOfDirectory(atPath: directory)
      where isUnfinished(name) {
        unlink("\(directory)/\(name)")
      }
    } catch {
      throw Failure(
        .failed, "the directory for backups cannot be made", place: directory,
        cause: "\(error)", hint: "correct databases.\(database).backup.to, or make it: mkdir -p \(directory)")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Failure(
        .failed, "a backup cannot be written here", place: directory, cause: String(cString: strerror(errno)),
        hint: "correct databases.\(database).backup.to")
    }
    close(descriptor)
    return path
  }

  /// Gives a finished copy its name, on the disk for good.
  /// - Throws: `Failure` when that fails.
  func finish(_ manifest: BackupManifest) throws(Failure) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let path = self.manifest(manifest.id)
      let data = try encoder.encode(manifest)
      let descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
      defer { close(descriptor) }
      let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written == data.count, fsync(descriptor) == 0, BackupShelf.sync(file(manifest.id) + ".part"),
        rename(file(manifest.id) + ".part", file(manifest.id)) == 0, rename(path + ".part", path) == 0,
        BackupShelf.sync(directory)
      else { throw CocoaError(.fileWriteUnknown) }
    } catch {
      throw Failure(
        .failed, "the backup \(manifest.id) cannot be finished", place: directory,
        cause: String(cString: strerror(errno)), hint: "df -h \(directory)")
    }
  }

  /// Removes what was begun.
  func discard(_ id: String) { unlink(file(id) + ".part") }

  /// Removes the oldest beyond those that are kept.
  /// - Returns: how many.
  func prune(keeping: Int) -> Int {
    let old = all().dropFirst(max(1, keeping))
    for manifest in old {
      // First what says that it is a copy.
      unlink(self.manifest(manifest.id))
      unlink(file(manifest.id))
    }
    return old.count
  }

  /// SHA-256 in hex and size of a file, read in pieces; nil when it cannot be read.
  static func checksum(of path: String) -> (hex: String, bytes: Int64)? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let hash = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var bytes: Int64 = 0
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return (hash.finish().hex, bytes) }
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
