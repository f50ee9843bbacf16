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
  /// The job of GitHub Actions this runs in; nil elsewhere.
  let actions: ActionsContext?
  private let redaction: Locked<Redaction>
  private let trouble = Locked<String?>(nil)
  private let masked = Locked<Set<String>>([])

  init(_ invocation: Invocation, environment: [String: String]) {
    actions = ActionsContext(environment)
    wantsJSON = invocation.has("json")
    isQuiet = invocation.has("quiet")
    let redaction = Locked(Redaction())
    self.redaction = redaction
    let redact: @Sendable (String) -> String = { text in redaction.withLock(\.redactor)?.redact(text) ?? text
    }
    let symbols = Symbols.suiting(environment)
    let isInActions = actions != nil
    func canvas(_ descriptor: Int32) -> Canvas {
      // Some runners hand out a terminal, which nobody looks at.
      let isTerminal = isatty(descriptor) == 1 && !isInActions
      let isColoured = TerminalColour.isWanted(
        flag: invocation.has("no-color") ? false : nil, environment: environment, isTerminal: isTerminal)
      return Canvas(
        palette: isColoured ? .coloured : .plain, symbols: symbols,
        width: isTerminal ? TerminalSize.of(descriptor)?.columns ?? 80 : nil, redact: redact)
    }
    resultCanvas = canvas(STDOUT_FILENO)
    noteCanvas = canvas(STDERR_FILENO)
    isInteractive =
      isatty(STDERR_FILENO) == 1 && environment["CI"] == nil && environment["TERM"] != "dumb" && !isInActions
    canAsk = isInteractive && isatty(STDIN_FILENO) == 1
    if let token = actions?.token { hide([("GITHUB_TOKEN", token)]) }
  }

  /// From here on these values too are taken out of everything that is written.
  func redact(also secrets: [(String, String)]) {
    redaction.withLock { redaction in
      let fresh = secrets.filter { secret in !redaction.known.contains { $0.value == secret.1 } }
      guard !fresh.isEmpty else { return }
      redaction.known += fresh.map { (name: $0.0, value: $0.1) }
      redaction.redactor = Redactor(secrets: redaction.known)
    }
  }

  private struct Redaction: Sendable {
    var known: [(name: String, value: String)] = []
    var redactor: Redactor?
  }

  /// The redaction in force.
  var redactor: @Sendable (String) -> String {
    let redaction = redaction
    return { text in redaction.withLock(\.redactor)?.redact(text) ?? text }
  }

  /// The command's result: a document for programs or lines for people.
  func result(_ report: some Report) {
    if wantsJSON { write(report.json(redactor)) } else { result(report.text(resultCanvas)) }
  }

  func result(_ lines: [String]) { write(lines.joined(separator: "\n")) }

  /// One line of data on standard output, as it is.
  func write(_ text: String) {
    // What stands in a file is nobody's command.
    let isRead = actions != nil && !Console.isFile(STDOUT_FILENO)
    let text =
      !isRead ? text : wantsJSON ? WorkflowCommand.neutralised(json: text) : WorkflowCommand.neutralised(text)
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

  /// Something that went wrong beside the matter itself, in one line on standard error.
  func warning(_ line: String) {
    let words = Line([.warning("warning: "), Span(line)], overflow: .wrap(hanging: 2))
    raw(noteCanvas.draw(words).joined(separator: "\n") + "\n")
  }

  /// Bytes for the terminal on standard error.
  func raw(_ text: String) {
    _ = Output(descriptor: STDERR_FILENO).write(
      actions == nil ? text : WorkflowCommand.neutralised(text))
  }

  /// An error; in JSON mode as a document on standard output, always for people on standard error.
  /// - Parameter plan: what is to be looked at, for the page of a job.
  func failure(_ failure: Failure, exit: ExitCode? = nil, plan: [String] = []) {
    if let actions {
      let exit = exit ?? failure.exitCode
      annotate([Annotation(failure)])
      actions.append(
        summary: ActionsReport.markdown(
          failure, exit: exit, plan: plan, after: exit == .waiting ? actions.rerun : nil, redact: redactor))
      actions.append(
        outputs: ActionsReport.outputs(failure, exit: exit).map { ($0.name, redactor($0.value)) })
    }
    let report = FailureReport(failure, exit: exit)
    if wantsJSON {
      write(report.json(redactor))
    } else {
      raw(report.text(noteCanvas).joined(separator: "\n") + "\n")
    }
  }

  /// A question with yes or no; no on end of input.
  func ask(_ question: String) async -> Bool {
    ["y", "yes"].contains(await answer("\(question) [y/N] ").lowercased())
  }

  /// A question that only this very word agrees to.
  func ask(_ question: String, expecting word: String) async -> Bool { await answer(question) == word }

  /// A question whose answer is any line; nothing on end of input.
  func text(_ question: String) async -> String { await answer(question) }

  /// What a person types; nothing on end of input.
  private func answer(_ question: String) async -> String {
    raw(question)
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
    return text ?? ""
  }

  /// Whether the runner has not been told this yet.
  func isNew(mask line: String) -> Bool { masked.withLock { $0.insert(line).inserted } }

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
