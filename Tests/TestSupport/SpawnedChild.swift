#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A child of a test where nothing can be awaited: in `deinit`, in a condition of a test. Elsewhere the room
/// Processes starts children. Foundation's `Process` is not used: it lost the end of a child and waited for ever.
package final class SpawnedChild: @unchecked Sendable {
  // `@unchecked`: `ended` is touched by whoever waits, one after the other.
  package struct SpawnFailed: Error { package var code: Int32 }

  private let id: pid_t
  private var ended: Int32?
  /// Where its standard output is read, when it was asked for; else it goes nowhere.
  private let output: Int32

  /// - Parameter readsOutput: its standard output is for ``line()``; standard error goes nowhere in any case.
  package init(_ program: String, _ arguments: [String], readsOutput: Bool = false) throws {
    var ends: [Int32] = [-1, -1]
    if readsOutput, pipe(&ends) != 0 { throw SpawnFailed(code: errno) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if readsOutput {
      posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
      posix_spawn_file_actions_addclose(&actions, ends[0])
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var id = pid_t()
    let code = posix_spawn(&id, program, &actions, nil, &words, environ)
    if readsOutput { close(ends[1]) }
    guard code == 0 else {
      if readsOutput { close(ends[0]) }
      throw SpawnFailed(code: code)
    }
    self.id = id
    output = ends[0]
  }

  /// One line of its standard output, without its end; what there is when it ends.
  package func line() -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Waits for its end. Further calls give the same answer.
  /// - Returns: the exit code, or 128 plus the signal.
  @discardableResult package func wait() -> Int32 {
    if let ended { return ended }
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0 { guard errno == EINTR else { break } }
    let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    ended = code
    return code
  }

  /// Ends it at once, when it runs, and waits for it.
  package func end() {
    if ended == nil { kill(id, SIGKILL) }
    wait()
  }

  deinit {
    end()
    if output >= 0 { close(output) }
  }
}
