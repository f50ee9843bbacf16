import Crypto
import Dispatch
import HTTP
import JSON
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One file to upload: its name in the deployment, where it lies, and its digest. No bytes are held.
struct SourceFile: Sendable, Hashable {
  enum Content: Sendable, Hashable {
    case file(String)
    /// A symbolic link is its target's text.
    case link(String)
  }

  var name: String
  var content: Content
  /// Lower-case SHA-1 of its bytes (contract §2.1).
  var digest: String
  var size: Int
  /// Type and permissions, as `stat` tells them.
  var mode: UInt32

  var body: HTTPBody {
    switch content {
    case .file(let path): .file(path: path)
    case .link(let target): .bytes(Array(target.utf8))
    }
  }

  var json: JSON {
    ["file": .string(name), "sha": .string(digest), "size": .int(Int64(size)), "mode": .int(Int64(mode))]
  }
}

/// The files below a directory.
enum SourceFiles {
  /// The most files of one deployment (contract §2.4).
  static let most = 15_000

  /// Lists and digests everything below `directory`; names begin with `prefix`. Blocks on the disk.
  /// - Throws: `Failure` when something cannot be read or there are too many.
  static func list(_ directory: String, prefix: String = "") throws(Failure) -> [SourceFile] {
    var files: [SourceFile] = []
    try walk(directory, prefix, into: &files)
    guard files.count <= most else {
      throw Failure(
        .configuration, "the source has \(files.count) files; Vercel takes \(most) in a deployment",
        hint: "leave files out with .vercelignore or .gitignore, or deploy with `source.build: cli`")
    }
    return files
  }

  private static func walk(_ directory: String, _ prefix: String, into files: inout [SourceFile])
    throws(Failure)
  {
    guard let names = DirectoryListing.names(directory) else { throw unreadable(directory) }
    for name in names {
      let path = directory + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw unreadable(path) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try walk(path, prefix + name + "/", into: &files)
      case S_IFLNK: files.append(try link(path, prefix + name, status))
      case S_IFREG: files.append(try file(path, prefix + name, status))
      // Sockets and pipes are no part of a source.
      default: break
      }
    }
  }

  /// One file, whatever directory it lies in.
  static func file(_ path: String, _ name: String) throws(Failure) -> SourceFile {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw unreadable(path) }
    return status.st_mode & S_IFMT == S_IFLNK ? try link(path, name, status) : try file(path, name, status)
  }

  private static func file(_ path: String, _ name: String, _ status: stat) throws(Failure) -> SourceFile {
    guard let (digest, size) = SHA1.hex(ofFile: path) else { throw unreadable(path) }
    return SourceFile(
      name: name, content: .file(path), digest: digest, size: size, mode: UInt32(status.st_mode))
  }

  private static func link(_ path: String, _ name: String, _ status: stat) throws(Failure) -> SourceFile {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    guard count > 0 else { throw unreadable(path) }
    let bytes = buffer.prefix(count).map { UInt8(bitPattern: $0) }
    return SourceFile(
      name: name, content: .link(String(decoding: bytes, as: UTF8.self)), digest: SHA1.hex(of: bytes),
      size: count, mode: UInt32(status.st_mode))
  }

  private static func unreadable(_ path: String) -> Failure {
    Failure(
      .failed, "a file of the source cannot be read", place: path, cause: String(cString: strerror(errno)),
      hint: "run the command again")
  }
}

/// Where work that blocks on the disk is done.
package enum DiskWork: Sendable {
  /// On threads of their own, away from the few that everything else shares.
  case threads
  /// Where it is asked for: under a clock of a test, which must see that something is still being done.
  case inline

  /// Does the work and waits for it.
  func callAsFunction<Value: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> Value)
    async throws(Failure) -> Value
  {
    guard case .threads = self else { return try body() }
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }
}
