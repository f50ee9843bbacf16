import Concurrency
import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A Redis server of our own that reads a copy, to see that one can. It listens on a socket in a private directory alone, and
/// gets the copy by a named pipe: what is in it is on no disk.
struct ScratchRedis: Sendable {
  let database: String
  let launcher: Launcher
  /// `PATH`, `TMPDIR` and the like, for the children.
  let surroundings: [String: String]

  private var place: String { "databases.\(database).backup" }

  /// Starts it with a copy, counts its keys, and ends it.
  /// - Parameter feed: writes the copy into a file of this name.
  /// - Returns: keys by database, such as `db0`.
  /// - Throws: `Failure`; `CancellationError`.
  func keys(limit: Duration, _ feed: @escaping @Sendable (String) async throws -> Void) async throws
    -> [String: Int64]
  {
    let folder = try folder()
    defer {
      for name in ["dump.rdb", "socket"] { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
    guard mkfifo("\(folder)/dump.rdb", 0o600) == 0 else { throw noRoom }
    let (lines, line) = AsyncStream.makeStream(of: String.self)
    return try await withThrowingTaskGroup(of: [String: Int64]?.self) { group in
      group.addTask {
        defer { line.finish() }
        return try await serve(folder, limit: limit) { line.yield($0) }
      }
      group.addTask {
        try await feed("\(folder)/dump.rdb")
        for await text in lines where text.contains("eady to accept connections") {
          return try await count(folder)
        }
        // Its end says why.
        return nil
      }
      for try await keys in group {
        guard let keys else { continue }
        group.cancelAll()
        return keys
      }
      throw CancellationError()
    }
  }

  private func serve(
    _ folder: String, limit: Duration, _ report: @escaping @Sendable (String) -> Void
  ) async throws -> [String: Int64]? {
    let said = Locked<[String]>([])
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          "redis-server",
          [
            "--port", "0", "--unixsocket", "\(folder)/socket", "--unixsocketperm", "700", "--dir", folder,
            "--dbfilename", "dump.rdb", "--appendonly", "no", "--save", "", "--databases", "1024",
            "--maxmemory", "0", "--daemonize", "no",
          ], environment: surroundings, directory: folder, stop: StopLadder([]), outputLimit: 64 << 10),
        timeout: limit
      ) { line in
        said.withLock { $0.append(line.text) }
        report(line.text)
      }
    } catch let error as ProcessError {
      throw Failure(
        .configuration, "the backup of \(database) cannot be tried out", place: place,
        cause: error.description,
        hint: error.code == .notFound
          ? "install it: apt-get install redis-server, or brew install redis; or write verify: read" : nil)
    }
    let words = said.withLock { lines in
      lines.first {
        ["Can't handle RDB", "Short read", "FATAL", "Bad file format", "ERROR"].contains(where: $0.contains)
      }
        ?? lines.last
    }
    let isNewer = words?.contains("Can't handle RDB") == true
    throw Failure(
      result.timedOut ? .timeout : .failed, "the backup of \(database) cannot be loaded", place: place,
      cause: words ?? "redis-server ended with \(result.exit)",
      hint: isNewer ? "it is of a newer Redis than redis-server here: install that one's" : nil)
  }

  private func count(_ folder: String) async throws -> [String: Int64] {
    let result = try await launcher.run(
      ProcessSpecification(
        "redis-cli", ["-s", "\(folder)/socket", "INFO", "keyspace"], environment: surroundings,
        outputLimit: 1 << 20), timeout: .seconds(30))
    guard result.exit.isSuccess, result.text.contains("# Keyspace") else {
      throw Failure(
        .failed, "the backup of \(database) cannot be counted", place: place,
        cause: String(result.errorText.prefix(200)))
    }
    // `db0:keys=301,expires=0,avg_ttl=0`
    return RedisTools.values(result.text).compactMapValues { value in
      value.split(separator: ",").first { $0.hasPrefix("keys=") }.flatMap { Int64($0.dropFirst(5)) }
    }
  }

  private var noRoom: Failure {
    Failure(
      .failed, "there is no room to try out the backup of \(database)", place: place,
      cause: String(cString: strerror(errno)), hint: "TMPDIR names a directory that shipit may write to")
  }

  /// A new directory for its owner alone. The name of a socket is at most 103 bytes long.
  private func folder() throws(Failure) -> String {
    var parent = surroundings["TMPDIR"] ?? "/tmp"
    if parent.utf8.count > 70 { parent = "/tmp" }
    var template = Array("\(parent)/shipit-redis-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw noRoom }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
