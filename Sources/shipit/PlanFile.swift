import Engine
import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Saved plans on disk, readable by their owner alone.
enum PlanFile {
  /// In bytes; a plan of hundreds of services is far smaller.
  private static let limit = 64 << 20

  /// - Throws: `Failure` of kind configuration when there is no such file, or it is no whole saved plan.
  static func read(_ path: String, named environment: String? = nil) throws(Failure) -> SavedPlan {
    try SavedPlan(decoding: try text(path, for: environment), path: path, Session.digest)
  }

  /// A saved plan for an environment.
  /// - Throws: `configuration` also when it is another's.
  static func read(_ path: String, for environment: Model.Environment) throws(Failure) -> SavedPlan {
    let saved = try read(path, named: environment.name)
    guard saved.plan.environment == environment.name, saved.plan.app == environment.app else {
      throw Failure(
        .configuration,
        "\(path) is a plan for \(saved.plan.environment) of \(saved.plan.app), not for \(environment.name) of \(environment.app)",
        place: path, hint: "shipit deploy \(saved.plan.environment) --plan \(path)")
    }
    return saved
  }

  /// Writes a plan. Only an earlier saved plan is replaced.
  static func write(_ saved: SavedPlan, to path: String) throws(Failure) {
    if access(path, F_OK) == 0 {
      let earlier = (try? text(path)) ?? ""
      guard SavedPlan.isOne(earlier) else {
        throw Failure(
          .configuration, "\(path) is there already and is not a saved plan", place: "--out",
          hint: "name another file, or remove it")
      }
    }
    // Under another name first: whoever reads finds the whole plan or the earlier one.
    let draft = "\(path).\(getpid()).new"
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw unwritable(path) }
    let bytes = Array(saved.encoded(Session.digest).utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        writeSome(file, $0.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    let isWhole = done == bytes.count && fsync(file) == 0
    let isClosed = close(file) == 0
    guard isWhole, isClosed, rename(draft, path) == 0 else {
      let failure = unwritable(path)
      unlink(draft)
      throw failure
    }
  }

  private static func text(_ path: String, for environment: String? = nil) throws(Failure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      throw Failure(
        .configuration, "the plan \(path) cannot be read", place: path,
        cause: String(cString: strerror(errno)),
        hint: "shipit plan \(environment ?? "ENV") --out FILE makes one")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
      throw Failure(
        .configuration, "\(path) is not a saved plan", place: path,
        cause: "it is no regular file, or far too large")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = readSome(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unwritable(_ path: String) -> Failure {
    Failure(
      .configuration, "the plan cannot be written to \(path)", place: "--out",
      cause: String(cString: strerror(errno)), hint: "name a file in a directory that you may write to")
  }
}

/// `write(2)` and `read(2)`, whose names the methods above hide.
private func writeSome(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  guard let bytes else { return 0 }
  return write(file, bytes, count)
}

private func readSome(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(file, buffer, count)
}
