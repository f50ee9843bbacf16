import Archive
import Crypto
import Dispatch
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Writes a source's files to an archive and digests them, on a queue of its own: it blocks on the disk.
///
/// The digest covers paths, kinds, the executable bit and bytes, in the order they are added.
actor TreeArchive {
  nonisolated let file: String
  private let writer: ArchiveWriter
  private let hash = SHA256()
  private var files = 0
  private var refused: [RefusedFile] = []
  private nonisolated let executor: QueueExecutor

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Throws: `failed` when the file cannot be made.
  init(file: String) throws {
    self.file = file
    executor = QueueExecutor(label: "packing")
    do {
      writer = try ArchiveWriter(to: file)
    } catch {
      throw Failure.archive(error)
    }
  }

  /// Adds files in order.
  /// - Parameter objects: the bytes of those that are in git, one after another in the same order.
  func add(_ entries: [SourceEntry], objects: [ArraySlice<UInt8>]) throws {
    var next = objects.makeIterator()
    for entry in entries {
      let bytes: [UInt8]
      switch entry.content {
      case .object: bytes = Array(next.next() ?? [])
      case .file(let path): bytes = try WorkingTree.bytes(of: path, isLink: entry.kind == .link)
      }
      if let reason = FileRules.refusal(entry, bytes: bytes) {
        refused.append(RefusedFile(path: entry.path, reason: reason))
      }
      // What is refused in the end need not be written.
      if refused.isEmpty { try write(entry, bytes) }
    }
  }

  private func write(_ entry: SourceEntry, _ bytes: [UInt8]) throws {
    files += 1
    let kind: String
    do {
      switch entry.kind {
      case .file(let isExecutable):
        kind = isExecutable ? "x" : "f"
        try writer.addFile("./" + entry.path, mode: isExecutable ? 0o755 : 0o644, bytes: bytes)
      case .link, .submodule:
        kind = "l"
        try writer.addLink("./" + entry.path, target: String(decoding: bytes, as: UTF8.self))
      }
    } catch {
      throw Failure.archive(error)
    }
    hash.update(Array("\(kind) \(entry.path.utf8.count) \(entry.path) \(bytes.count) ".utf8))
    hash.update(bytes)
  }

  /// Ends the archive.
  /// - Throws: `configuration` when files were refused.
  func finish() throws -> PackedSource {
    guard refused.isEmpty else { throw Failure.refused(refused) }
    do {
      try writer.finish()
    } catch {
      throw Failure.archive(error)
    }
    var status = stat()
    let bytes = stat(file, &status) == 0 ? Int(status.st_size) : 0
    return PackedSource(file: file, bytes: bytes, files: files, digest: hash.finish().hex)
  }
}

/// Runs an actor on a dispatch queue; `DispatchSerialQueue` does not exist on Linux.
final class QueueExecutor: SerialExecutor {
  private let queue: DispatchQueue

  init(label: String) { queue = DispatchQueue(label: label) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
