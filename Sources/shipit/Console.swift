import Concurrency
import Dispatch
import FoundationEssentials
import Interface
import Model
import Redaction
import Terminal

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where a command writes: results to standard output, everything else to standard error.
final class Console: Sendable {
  /// How people see it, on each stream.
  let resultCanvas: Canvas
  let noteCanvas: Canvas
  let wantsJSON: Bool
  let isQuiet: Bool
  /// Standard error is a terminal, so that lines may be redrawn.
  let isInteractive: Bool
  /// Both ways to a person are open: a question can be asked.
  let canAsk: Bool
  private let redaction: Locked<Redaction>
  private let trouble = Locked<String?>(nil)

  init(_ invocation: Invocation, environment: [String: String]) {
    wantsJSON = invocation.has("json")
    isQuiet = invocation.has("quiet")
    let redaction = Locked(Redaction())
    self.redaction = redaction
    let redact: @Sendable (String) -> String = { text in redaction.withLock { $0 }.redact(text) }
    let symbols = Symbols.suiting(environment)
    func canvas(_ descriptor: Int32) -> Canvas {
      let isTerminal = isatty(descriptor) == 1
      let isColoured = TerminalColour.isWanted(
        flag: invocation.has("no-color") ? false : nil, environment: environment, isTerminal: isTerminal)
      return Canvas(
        palette: isColoured ? .coloured : .plain, symbols: symbols,
        width: isTerminal ? TerminalSize.of(descriptor)?.columns ?? 80 : nil, redact: redact)
    }
    resultCanvas = canvas(STDOUT_FILENO)
    noteCanvas = canvas(STDERR_FILENO)
    isInteractive = isatty(STDERR_FILENO) == 1 && environment["CI"] == nil && environment["TERM"] != "dumb"
    canAsk = isInteractive && isatty(STDIN_FILENO) == 1
  }

  /// From here on these secrets are taken out of everything that is written.
  func redact(with redact: @escaping @Sendable (String) -> String) {
    redaction.withLock { $0.first = redact }
  }

  /// Takes further values out, beside what is taken out already.
  func redact(also secrets: [(String, String)]) {
    redaction.withLock { redaction in
      let fresh = secrets.filter { secret in !redaction.learned.contains { $0.value == secret.1 } }
      guard !fresh.isEmpty else { return }
      redaction.learned += fresh.map { (name: $0.0, value: $0.1) }
      redaction.second = Redactor(secrets: redaction.learned)
    }
  }

  /// What is taken out: what was known at the start, and what was learned since.
  private struct Redaction: Sendable {
    var first: @Sendable (String) -> String = { $0 }
    var learned: [(name: String, value: String)] = []
    var second: Redactor?

    func redact(_ text: String) -> String {
      let once = first(text)
      return second?.redact(once) ?? once
    }
  }

  /// The redaction in force.
  var redactor: @Sendable (String) -> String {
    let redaction = redaction
    return { text in redaction.withLock { $0 }.redact(text) }
  }

  /// The command's result: a document for programs or lines for people.
  func result(_ report: some Report) {
    if wantsJSON { write(report.json(redactor)) } else { result(report.text(resultCanvas)) }
  }

  func result(_ lines: [String]) { write(lines.joined(separator: "\n")) }

  /// One line of data on standard output, as it is.
  func write(_ text: String) {
    // A reader that has seen enough, as in `| head`, is no trouble.
    guard case .failure(let failure) = Output(descriptor: STDOUT_FILENO).write(text + "\n"),
      !failure.isBrokenPipe
    else { return }
    trouble.withLock { $0 = $0 ?? failure.description }
  }

  /// Something beside the result, for people, on standard error.
  func note(_ lines: [String]) {
    guard !isQuiet, !lines.isEmpty else { return }
    raw(lines.joined(separator: "\n") + "\n")
  }

  /// Bytes for the terminal on standard error.
  func raw(_ text: String) {
    _ = Output(descriptor: STDERR_FILENO).write(text)
  }

  /// An error; in JSON mode as a document on standard output, always for people on standard error.
  func failure(_ failure: Failure, exit: ExitCode? = nil) {
    let report = FailureReport(failure, exit: exit)
    if wantsJSON {
      write(report.json(redactor))
    } else {
      raw(report.text(noteCanvas).joined(separator: "\n") + "\n")
    }
  }

  /// A question with yes or no; no on end of input.
  func ask(_ question: String) async -> Bool {
    raw("\(question) [y/N] ")
    let pending = Locked<CheckedContinuation<String?, Never>?>(nil)
    let settle: @Sendable (String?) -> Void = { text in
      let waiting = pending.withLock { waiting in
        defer { waiting = nil }
        return waiting
      }
      waiting?.resume(returning: text)
    }
    // Reading waits for a person: on a thread of its own, so that the lease is renewed meanwhile and
    // Ctrl-C is an answer too.
    let text = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        pending.withLock { $0 = continuation }
        if Task.isCancelled { settle(nil) }
        DispatchQueue(label: "question").async { settle(readLine(strippingNewline: true)) }
      }
    } onCancel: {
      settle(nil)
    }
    if text == nil { raw("\n") }
    return ["y", "yes"].contains((text ?? "").lowercased())
  }

  /// The exit code to end with: a result that could not be written is an error of its own.
  func ended(_ code: ExitCode) -> Int32 {
    guard let trouble = trouble.withLock({ $0 }) else { return code.rawValue }
    failureOnStandardError(
      Failure(.internalError, "the result could not be written to standard output", cause: trouble))
    return code == .done ? ExitCode.internalError.rawValue : code.rawValue
  }

  private func failureOnStandardError(_ failure: Failure) {
    raw(FailureReport(failure).text(noteCanvas).joined(separator: "\n") + "\n")
  }
}
