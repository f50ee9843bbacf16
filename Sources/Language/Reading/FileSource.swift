import FoundationEssentials

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where files are read from.
package protocol FileSource: Sendable {
  /// The bytes of a file.
  /// - Throws: `FileFailure`, or anything whose description is the reason.
  func read(_ path: String) throws -> [UInt8]
  /// The names in a directory.
  func names(in directory: String) throws -> [String]
}

/// Why a file could not be read.
package struct FileFailure: Error, Sendable, Hashable {
  package var reason: String
  package init(reason: String) { self.reason = reason }
}

/// The file system. Reads a little more than an environment file may have, so that too large is told apart.
package struct Disk: FileSource {
  package init() {}

  package func read(_ path: String) throws -> [UInt8] {
    // Not blocking, so that a pipe in place of the file cannot hang the command.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw FileFailure(reason: Disk.reason()) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileFailure(reason: "it is not a regular file")
    }
    var bytes: [UInt8] = []
    let limit = (1 << 20) + 1
    var chunk = [UInt8](repeating: 0, count: 65536)
    while bytes.count < limit {
      let count = readSome(file, &chunk, min(chunk.count, limit - bytes.count))
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure(reason: Disk.reason())
      }
      bytes += chunk[..<count]
    }
    return bytes
  }

  package func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  private static func reason() -> String {
    switch errno {
    case ENOENT: "there is no such file"
    case EACCES: "permission denied"
    default: String(cString: strerror(errno))
    }
  }
}

/// `read(2)`, whose name the method above hides.
private func readSome(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(file, buffer, count)
}
