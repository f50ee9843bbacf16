import Concurrency
import Model
import Processes
import Redaction

/// A program that is asked for secrets: never through a shell, with the variables it needs and no others, its messages
/// without the values that are known.
struct SecretProgram: Sendable {
  /// What every program may see (contract secrets §1.2).
  private static let inherited: Set<String> = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE",
    "SSL_CERT_DIR",
  ]

  let access: SecretAccess
  /// The source, for messages.
  let description: String
  let command: [String]
  /// Further variables of this process it sees.
  var alsoInherited: @Sendable (String) -> Bool = { _ in false }
  /// Variables it is given, and what its messages must not show.
  var given: [String: Sensitive] = [:]
  var plain: [String: String] = [:]
  var input: [UInt8] = []
  var timeout: Duration = .seconds(30)

  /// What a program printed, and how it ended.
  struct Ending {
    var code: Int32
    var output: [UInt8]
    /// The last lines of its messages, without values.
    var said: String?
  }

  /// - Throws: `configuration` when it cannot be started; `timeout`; `failed` when a signal ended it.
  func run() async throws(Failure) -> Ending {
    var variables = access.process.filter {
      SecretProgram.inherited.contains($0.key) || alsoInherited($0.key)
    }
    for (name, value) in plain { variables[name] = value }
    for (name, value) in given { variables[name] = value.reveal() }
    let limit = access.patience.map { min($0, timeout) } ?? timeout
    let result: ProcessResult
    do {
      result = try await access.launcher.run(
        ProcessSpecification(
          command[0], Array(command.dropFirst()), environment: variables, directory: access.root,
          input: input,
          outputLimit: SecretProgram.limit), timeout: limit)
    } catch let error as ProcessError {
      throw Failure(
        .configuration, "\(description) cannot be asked: \(error.description)",
        hint: error.code == .notFound ? "install \(command[0]), or correct its name" : nil)
    } catch {
      throw Failure(.cancelled, "\(description) was not asked to the end: shipit was interrupted")
    }
    let said = words(of: result)
    if result.timedOut {
      throw Failure(
        .timeout, "\(description) did not answer within \(limit.wholeMilliseconds / 1000) s", cause: said,
        hint: "run it by itself: a program that asks for a password waits for ever")
    }
    guard !result.truncated else {
      throw Failure(.failed, "\(description) printed more than \(SecretProgram.limit >> 20) MB")
    }
    switch result.exit {
    case .code(let code): return Ending(code: code, output: result.output, said: said)
    case .signal(let signal):
      throw Failure(.failed, "\(description) was killed by signal \(signal)", cause: said)
    }
  }

  private static let limit = 8 << 20

  /// The last lines it said on stderr, without what it was given and without what it printed.
  private func words(of result: ProcessResult) -> String? {
    var known = given.map { ($0.key, $0.value.reveal()) }
    // A key that the program finds in its environment by itself.
    known += access.process.filter { alsoInherited($0.key) && $0.value.utf8.count >= 16 }.map {
      ($0.key, $0.value)
    }
    let printed = result.text.split(whereSeparator: \.isNewline).map(String.init)
    for line in printed.prefix(200) {
      known.append(("output", line))
      // Words within quotes of what is perhaps JSON or NAME=value.
      for piece in line.split(whereSeparator: { "\"'=,: ".contains($0) }) where piece.utf8.count >= 4 {
        known.append(("output", String(piece)))
      }
    }
    let redactor = Redactor(secrets: known, style: .stars)
    let lines = result.errorText.split(whereSeparator: \.isNewline).suffix(8).map { line in
      String(
        redactor.redact(String(line)).unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
          .map(Character.init))
    }
    let text = lines.map { $0.trimmingSpaces }.filter { !$0.isEmpty }.joined(separator: "; ")
    return text.isEmpty ? nil : String(text.prefix(600))
  }
}

extension String {
  /// Without blanks and line ends at both ends.
  var trimmingSpaces: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    return String(text)
  }
}
