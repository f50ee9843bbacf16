import FoundationEssentials
import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Encrypts and decrypts with the program `age`, from descriptor to descriptor. A key is never an argument: it stands in a
/// file of its owner's, or comes by a pipe that `age` opens as a file, and so is on no disk.
struct AgeCipher: Sendable {
  /// Where a key is.
  enum Key: Sendable {
    case file(String)
    case value(Sensitive)
  }

  let recipients: [String]
  let key: Key?
  let database: String
  let launcher: Launcher
  /// `PATH`, `HOME` and the like, for the children.
  let surroundings: [String: String]

  private var place: String { "databases.\(database).backup.encrypt" }

  /// - Throws: `Failure`; `CancellationError`.
  func encrypt(from input: Int32, to output: Int32, limit: Duration) async throws {
    try await run(
      ["--encrypt"] + recipients.flatMap { ["--recipient", $0] }, from: input, to: output, limit: limit,
      doing: "encrypting the backup of \(database)")
  }

  /// - Throws: `Failure`, of kind authentication when the key is not one of its recipients'; `CancellationError`.
  func decrypt(from input: Int32, to output: Int32, limit: Duration) async throws {
    let what = "decrypting the backup of \(database)"
    switch key {
    case nil: throw noKey
    case .file(let path):
      try await run(["--decrypt", "--identity", path], from: input, to: output, limit: limit, doing: what)
    case .value(let value):
      try await withFile(value) { path in
        try await run(["--decrypt", "--identity", path], from: input, to: output, limit: limit, doing: what)
      }
    }
  }

  /// Said when a copy is to be read and there is nothing to read it with.
  var noKey: Failure {
    Failure(
      .configuration, "the backup of \(database) is encrypted, and there is no key here to read it",
      place: place, cause: "it can be read by \(recipients.joined(separator: ", "))",
      hint: "give the key's file: --identity FILE; or name it: encrypt: {identity: {secret: NAME}}")
  }

  private func run(
    _ arguments: [String], from input: Int32, to output: Int32, limit: Duration, doing what: String
  ) async throws {
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          "age", arguments, environment: surroundings, inputDescriptor: input, outputDescriptor: output,
          outputLimit: 64 << 10), timeout: limit)
    } catch let error as ProcessError {
      throw Failure(
        .configuration, "\(what) cannot begin", place: place, cause: error.description,
        hint: error.code == .notFound ? "install it: apt-get install age, or brew install age" : nil)
    }
    if result.timedOut {
      throw Failure(.timeout, "\(what) took longer than \(limit.components.seconds) s", place: place)
    }
    guard result.exit.isSuccess else {
      // `age: error: no identity matched any of the recipients`, and a line about where to report it.
      let words = result.errorText.split(separator: "\n").first { $0.contains("error:") }.map(String.init)
      let isForeign = words?.contains("no identity matched") == true
      throw Failure(
        isForeign ? .authentication : .failed, "\(what) failed", place: place,
        cause: words ?? "age ended with \(result.exit)",
        hint: isForeign ? "the key must be of one of \(recipients.joined(separator: ", "))" : nil)
    }
  }

  /// A path that gives a key to who opens it once.
  private func withFile(_ key: Sensitive, _ body: (String) async throws -> Void) async throws {
    #if os(Linux)
      let pipe = try Pipe()
      // A key is shorter than what a pipe holds.
      let bytes = Array((key.reveal() + "\n").utf8)
      guard bytes.count <= 4096, await pipe.write(bytes) else {
        throw Failure(.configuration, "the key of backups is too long for one of age", place: place)
      }
      pipe.closeWriting()
      try await body("/proc/\(getpid())/fd/\(pipe.reading)")
    #else
      var template = Array("\(surroundings["TMPDIR"] ?? "/tmp")/shipit-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        throw Failure(.failed, "there is no room for the key of backups", place: place)
      }
      let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      defer {
        unlink("\(folder)/key")
        rmdir(folder)
      }
      let file = open("\(folder)/key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      let bytes = Array((key.reveal() + "\n").utf8)
      let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      close(file)
      guard count == bytes.count else {
        throw Failure(.failed, "there is no room for the key of backups", place: place)
      }
      try await body("\(folder)/key")
    #endif
  }
}
