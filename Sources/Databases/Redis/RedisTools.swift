import Model
import Processes

/// Runs `redis-cli` and `redis-check-rdb` for one database. The password comes by the environment, which others cannot read;
/// never by an argument.
struct RedisTools: Sendable {
  let address: RedisAddress
  let database: String
  let launcher: Launcher
  /// `PATH`, `HOME` and the like, for the children.
  let surroundings: [String: String]

  private var place: String { "databases.\(database)" }

  /// What a server says of itself.
  struct Facts: Sendable, Hashable {
    var version: String
    /// It logs every write, and reads that log when it starts instead of a copy.
    var isAppendOnly: Bool
    /// About how many bytes its data are in memory.
    var bytes: Int64
  }

  /// - Throws: `Failure`, of kind authentication when it does not let us in; `CancellationError`.
  func facts() async throws -> Facts {
    let result = try await run(
      "redis-cli", connection + ["INFO"], doing: "asking \(database)", limit: .seconds(15))
    let values = RedisTools.values(result.text)
    guard result.exit.isSuccess, let version = values["redis_version"] else {
      throw failure(result, doing: "asking \(database)")
    }
    return Facts(
      version: version, isAppendOnly: values["aof_enabled"] == "1",
      bytes: values["used_memory"].flatMap(Int64.init) ?? 0)
  }

  /// Copies everything to a descriptor, as the server gives it to a replica.
  /// - Throws: `Failure`; `CancellationError`.
  func dump(to output: Int32, limit: Duration) async throws {
    let what = "copying \(database)"
    let result = try await run(
      "redis-cli", connection + ["--rdb", "-"], to: output, doing: what, limit: limit)
    guard result.exit.isSuccess else { throw failure(result, doing: what) }
  }

  /// What a copy holds.
  struct Contents: Sendable, Hashable {
    var keys: Int64
    /// Those that end by themselves.
    var expiring: Int64
  }

  /// Reads the whole of a copy: what was cut off is found, and what was changed by its check sum.
  /// - Throws: `Failure`; `CancellationError`.
  func check(_ input: Int32, limit: Duration) async throws -> Contents {
    let what = "reading the backup of \(database)"
    let result = try await run(
      "redis-check-rdb", ["/dev/stdin"], from: input, doing: what, limit: limit)
    func count(_ words: String) -> Int64? {
      result.text.split(separator: "\n").first { $0.hasPrefix("[info]") && $0.hasSuffix(words) }
        .flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int64($0) } }
    }
    guard result.exit.isSuccess, let keys = count("keys read"), let expiring = count("expires") else {
      let words = result.text.split(separator: "\n").map(String.init)
      throw Failure(
        .failed, "\(what) failed", place: "\(place).backup",
        cause: words.firstIndex { $0.contains("ERROR DETECTED") }.flatMap { index in
          index + 1 < words.count ? words[index + 1] : nil
        } ?? words.last ?? "\(result.exit)",
        hint: "nothing was changed in the database")
    }
    return Contents(keys: keys, expiring: expiring)
  }

  /// Host, port and user; the password stands in the environment.
  private var connection: [String] {
    var arguments = ["-h", address.host, "-p", address.port]
    if address.isSecure { arguments += ["--tls", "--sni", address.host] }
    if let user = address.user, address.password != nil { arguments += ["--user", user] }
    return arguments
  }

  private func run(
    _ program: String, _ arguments: [String], from input: Int32? = nil, to output: Int32? = nil,
    doing what: String, limit: Duration
  ) async throws -> ProcessResult {
    var variables = surroundings
    variables["LC_ALL"] = "C"
    if program == "redis-cli", let password = address.password {
      variables["REDISCLI_AUTH"] = password.reveal()
    }
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          program, arguments, environment: variables, inputDescriptor: input, outputDescriptor: output,
          outputLimit: 1 << 20), timeout: limit)
    } catch let error as ProcessError {
      throw Failure(
        .configuration, "\(what) cannot begin", place: place, cause: error.description,
        hint: error.code == .notFound ? "install it: apt-get install redis-tools, or brew install redis" : nil
      )
    }
    guard !result.timedOut else {
      throw Failure(
        .timeout, "\(what) took longer than \(limit.components.seconds) s", place: place,
        hint: "give it more time: protect.deadline")
    }
    return result
  }

  private func failure(_ result: ProcessResult, doing what: String) -> Failure {
    // A refusal is an answer like any other, and stands among what was printed.
    let lines = (result.errorText + "\n" + result.text).split(whereSeparator: \.isNewline).map(String.init)
    let words = ["WRONGPASS", "NOAUTH", "NOPERM", "ERR", "Could not connect", "Error"]
    let cause = lines.first { line in words.contains { line.contains($0) } } ?? lines.last ?? "\(result.exit)"
    let isAccess = ["WRONGPASS", "NOAUTH", "NOPERM"].contains { cause.contains($0) }
    let isReplica = ["SYNC", "sync", "replicat"].contains { cause.contains($0) }
    return Failure(
      isAccess ? .authentication : .failed, "\(what) failed", place: "\(place).url at \(address.place)",
      cause: cause,
      hint: isReplica
        ? "the server gives no copy to a replica, as managed ones often do not: use its provider's snapshots"
        : "see whether it runs and lets this machine in; copying needs the right to SYNC and PSYNC")
  }

  /// `name:value`, one a line.
  static func values(_ text: String) -> [String: String] {
    Dictionary(
      text.split(whereSeparator: \.isNewline).compactMap { line in
        let halves = line.split(separator: ":", maxSplits: 1)
        return halves.count == 2 ? (String(halves[0]), String(halves[1])) : nil
      }, uniquingKeysWith: { first, _ in first })
  }
}
