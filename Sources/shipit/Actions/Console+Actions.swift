import Interface
import Model
import Terminal

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What a console does in a job of GitHub Actions, and nowhere else.
extension Console {
  /// Lines that are commands to the runner, or were kept from being one already.
  func commands(_ lines: [String]) {
    guard actions != nil, !lines.isEmpty else { return }
    _ = Output(descriptor: STDERR_FILENO).write(lines.joined(separator: "\n") + "\n")
  }

  /// Shows the ten best of each kind beside the files, or on the run's page.
  func annotate(_ annotations: [Annotation]) {
    commands(Annotation.best(annotations).map { $0.command(redactor).line })
  }

  /// Takes values out of everything that is printed, here and by the runner.
  func hide(_ secrets: [(name: String, value: Sensitive)]) {
    redact(also: secrets.map { ($0.name, $0.value.reveal()) })
    mask(secrets.map(\.value))
  }

  /// Has the runner hide these values, every line of those that have several. Never said into a file.
  func mask(_ secrets: [Sensitive]) {
    guard actions != nil, !Console.isFile(STDERR_FILENO) else { return }
    let lines = secrets.flatMap { WorkflowCommand.masks($0.reveal()) }.map(\.line)
    commands(lines.filter { isNew(mask: $0) })
  }

  static func isFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && (status.st_mode & S_IFMT) == S_IFREG
  }
}
