import FoundationEssentials
import Interface
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The version of this build.
let shipitVersion = "0.1.0"

@main
enum Shipit {
  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    // A file-size limit shows as an error of write, too.
    signal(SIGXFSZ, SIG_IGN)
    occupyStandardStreams()
    let arguments = Array(CommandLine.arguments.dropFirst())
    exit(await run(arguments))
  }

  /// A stream that the caller closed is opened on nothing, for reading only: otherwise the first file
  /// opened, perhaps the ledger, would take its number and get what is printed.
  private static func occupyStandardStreams() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Runs one command line and gives the exit code.
  static func run(_ arguments: [String]) async -> Int32 {
    let help = Help(table: commandTable)
    if arguments.isEmpty || arguments == ["--help"] || arguments == ["-h"] || arguments == ["help"] {
      print(help.overview, to: arguments.isEmpty ? STDERR_FILENO : STDOUT_FILENO)
      return arguments.isEmpty ? 2 : 0
    }
    if arguments == ["--version"] { return await run(["version"]) }
    if arguments.count == 2, arguments[0] == "help" { return await run([arguments[1], "--help"]) }
    do throws(UsageError) {
      let invocation = try ArgumentParser(table: commandTable).parse(arguments)
      if invocation.has("help") {
        print(help.page(invocation.command), to: STDOUT_FILENO)
        return 0
      }
      return await invocation.command.run(invocation)
    } catch {
      if arguments.contains("--json") {
        let help = error.command.map { "shipit \($0) --help" } ?? "shipit --help"
        let failure = Failure(
          .configuration, error.message, hint: error.suggestion.map { "did you mean \($0)? \(help)" } ?? help)
        print(FailureReport(failure).json(), to: STDOUT_FILENO)
      }
      print(error.description, to: STDERR_FILENO)
      return 2
    }
  }

  private static func print(_ text: String, to descriptor: Int32) {
    var bytes = Array((text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }
}
