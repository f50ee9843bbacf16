import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Ends the twin's children and removes its directory when the twin itself is killed.
///
/// A small shell reads the process groups to watch from a named pipe of which the twin holds the writing
/// end; when the twin is gone, however it went, the shell reads the end of file and cleans up.
final class Keeper: Sendable {
  private let descriptor: Int32
  private let shell: RunningProcess
  /// Ends when the shell holds the pipe.
  private let ready: AsyncStream<Void>

  private static let script = """
    trap '' HUP INT TERM
    # For writing too at first: where nobody writes any more, to open for reading alone would wait for ever.
    exec 3<> "$1/keeper" 4< "$1/keeper" 3>&-
    echo ready
    groups=
    while read -r sign group; do
      if [ "$sign" = + ]; then
        groups="$groups $group"
      else
        rest=
        for known in $groups; do [ "$known" = "$group" ] || rest="$rest $known"; done
        groups=$rest
      fi
    done <&4
    for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
    rm -rf -- "$1"
    """

  /// - Parameter directory: removed in the end.
  init(directory: String) throws {
    let path = directory + "/keeper"
    guard mkfifo(path, 0o600) == 0 else {
      throw Refusal("cannot make \(path): \(String(cString: strerror(errno)))")
    }
    // For reading too: opening for writing alone would wait for the shell.
    descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Refusal("cannot open \(path): \(String(cString: strerror(errno)))") }
    let (ready, opened) = AsyncStream.makeStream(of: Void.self)
    self.ready = ready
    shell = try Launcher().start(
      ProcessSpecification(
        "/bin/sh", ["-c", Keeper.script, "shipit-twin-keeper", directory],
        environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"])
    ) { _ in opened.finish() }
    // One that could not even begin says nothing.
    Task { [shell] in
      _ = await shell.wait()
      opened.finish()
    }
  }

  func watch(_ group: Int32) { tell("+ \(group)\n") }
  func forget(_ group: Int32) { tell("- \(group)\n") }

  /// Lets the shell clean up and waits for its end.
  func end() async {
    // Before the shell holds the pipe, what was told is lost with our end of it.
    for await _ in ready {}
    close(descriptor)
    _ = await shell.wait()
  }

  private func tell(_ line: String) {
    let bytes = Array(line.utf8)
    _ = write(descriptor, bytes, bytes.count)
  }
}
