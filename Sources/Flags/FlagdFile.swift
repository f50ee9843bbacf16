package import Concurrency
import FoundationEssentials
package import JSON
package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A flag in a file that flagd, or a provider of OpenFeature, evaluates (contract flagd).
package struct FlagdFile: FlagProvider {
  private let path: String
  private let key: String
  private let serve: JSON
  private let clock: any TimeSource

  package init(path: String, key: String, serve: JSON, clock: any TimeSource) {
    self.path = path
    self.key = key
    self.serve = serve
    self.clock = clock
  }

  package var name: String { "flag \(key) in \(path)" }
  package var servesShares: Bool { true }

  package func read() async throws(Failure) -> FlagState { try look().state }

  package func set(
    _ share: FlagShare, expected: FlagState, note: FlagNote
  ) async throws(FlagRefusal) -> FlagState {
    try await write(expected: expected, note) { document, state in
      state.isOn && state.share == share && !state.draw.order.isEmpty
        ? nil : document.serving(share, order: state.draw.order, marker: note.marker)
    }
  }

  package func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await write(expected: expected, note) { document, state in
      state.isOn && state.share == .everybody && state.draw.order.isEmpty
        ? nil : document.serving(everybody: true, marker: note.marker)
    }
  }

  package func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await write(expected: nil, note) { document, state in
      !state.isOn && state.whenOff != nil ? nil : document.serving(everybody: false, marker: note.marker)
    }
  }

  private struct Look {
    var bytes: [UInt8]
    var document: FlagdDocument
    /// Nil when the targeting is not a share: then only switching off is possible.
    var found: Result<FlagState, Failure>
    var status: stat

    var state: FlagState { get throws(Failure) { try found.get() } }
  }

  private func look() throws(Failure) -> Look {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      throw Failure(
        .configuration, "the flag file cannot be read", place: path, cause: String(cString: strerror(errno)),
        hint: "`flag.file` names it, relative to the project")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(
        .configuration, "the flag file is no regular file", place: path,
        hint: "name the file itself: a link cannot be replaced in one step")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(
        .configuration, "the flag file cannot be read", place: path, hint: "check who may read it")
    }
    let bytes = Array(data)
    let document = try FlagdDocument(bytes, key: key, serve: serve, place: path)
    let modified = Timestamp(
      milliseconds: Int64(status.modified.tv_sec) * 1000 + Int64(status.modified.tv_nsec) / 1_000_000)
    let found: Result<FlagState, Failure>
    do throws(Failure) { found = .success(try document.state(at: modified, place: path)) } catch {
      found = .failure(error)
    }
    return Look(bytes: bytes, document: document, found: found, status: status)
  }

  /// - Parameter change: the new text; nil when the state is so already.
  private func write(
    expected: FlagState?, _ note: FlagNote, _ change: (FlagdDocument, FlagState) -> [UInt8]?
  ) async throws(FlagRefusal) -> FlagState {
    let lock = try await lockDirectory()
    defer { close(lock) }
    let before = try refusing { () throws(Failure) in try look() }
    guard case .success(let present) = before.found else {
      guard expected == nil else { return try refusing { () throws(Failure) in try before.state } }
      // Switched off whatever stands there.
      return try refusing { () throws(Failure) in
        try replace(before, with: before.document.serving(everybody: false, marker: note.marker), lock)
        return try look().state
      }
    }
    guard let text = change(before.document, present) else { return present }
    if let expected,
      expected.version != present.version || present.draw.difference(from: expected.draw) != nil
    {
      throw FlagRefusal.changed(name, expected, present)
    }
    let after = try refusing { () throws(Failure) in
      try replace(before, with: text, lock)
      return try look()
    }
    let state = try refusing { () throws(Failure) in try after.state }
    guard after.bytes == text else { throw FlagRefusal.changed(name, expected ?? present, state) }
    return state
  }

  private func refusing<Answer>(_ body: () throws(Failure) -> Answer) throws(FlagRefusal) -> Answer {
    do throws(Failure) { return try body() } catch {
      throw FlagRefusal(error.kind == .unknown ? .ambiguous : .invalid, error)
    }
  }

  /// Two writers on one machine come one after the other.
  private func lockDirectory() async throws(FlagRefusal) -> Int32 {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FlagRefusal(
        .unreachable,
        Failure(
          .configuration, "the directory of the flag file cannot be opened", place: directory,
          cause: String(cString: strerror(errno)), hint: "`flag.file` names the file"))
    }
    for _ in 0..<100 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      guard (try? await clock.sleep(for: .milliseconds(20))) != nil else { break }
    }
    close(descriptor)
    throw FlagRefusal(
      .unreachable,
      Failure(.failed, "somebody else is writing in \(directory)", place: path, hint: "run the command again")
    )
  }

  private var directory: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Beside it, durable, then in its place (contract §6): never half, and newer than before, for the providers look
  /// at the time.
  private func replace(_ before: Look, with text: [UInt8], _ directory: Int32) throws(Failure) {
    let temporary = "\(path).tmp"
    func failed(_ what: String) -> Failure {
      let cause = String(cString: strerror(errno))
      unlink(temporary)
      return Failure(
        .failed, "the flag file was not written: \(what)", place: path, cause: cause,
        hint: "check the disk and who may write to \(self.directory)")
    }
    guard LeaseGate.mayAct() else { throw Failure(.stale, LeaseGate.words, place: path) }
    unlink(temporary)
    let mode = before.status.st_mode & 0o7777
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw failed("no file beside it") }
    var isWritten = fchmod(descriptor, mode) == 0
    // Only root gives files away; for others it stays theirs, as it is when the owner writes.
    _ = fchown(descriptor, before.status.st_uid, before.status.st_gid)
    var rest = text[...]
    while isWritten, !rest.isEmpty {
      let count = rest.withUnsafeBytes { Self.write(descriptor, $0) }
      if count > 0 { rest = rest.dropFirst(count) } else { isWritten = errno == EINTR }
    }
    var status = stat()
    isWritten = isWritten && fstat(descriptor, &status) == 0
    if isWritten,
      (status.modified.tv_sec, status.modified.tv_nsec)
        <= (before.status.modified.tv_sec, before.status.modified.tv_nsec)
    {
      var later = before.status.modified
      later.tv_sec += 1
      let times = [later, later]
      isWritten = futimens(descriptor, times) == 0
    }
    isWritten = isWritten && fsync(descriptor) == 0
    close(descriptor)
    guard isWritten else { throw failed("its content") }
    guard rename(temporary, path) == 0 else { throw failed("its place") }
    guard fsync(directory) == 0 else {
      throw Failure(.unknown, "the flag file may not survive a crash of the machine", place: path)
    }
  }

  private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }
}

extension stat {
  fileprivate var modified: timespec {
    #if canImport(Darwin)
      st_mtimespec
    #else
      st_mtim
    #endif
  }
}
