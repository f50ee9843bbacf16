import Concurrency
package import Model
package import Processes

/// Runs the commands of an environment file: `run:` steps and command checks. Never through a shell.
package struct CommandPerformer: StepPerformer {
  private let launcher: Launcher
  private let root: String
  private let environment: CommandEnvironment
  private let redact: @Sendable (String) -> String
  private let running = RunningCommands()

  /// Giving up may take three seconds in all, so half of them are for a polite end.
  private static let ladder = StopLadder([.init(signal: 15, wait: .milliseconds(1500))])

  /// - Parameters:
  ///   - root: the project's root, where commands run.
  ///   - redact: takes secrets out of output lines that become part of a failure.
  package init(
    launcher: Launcher = Launcher(), root: String, environment: CommandEnvironment,
    redact: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.launcher = launcher
    self.root = root
    self.environment = environment
    self.redact = redact
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    guard let work = Work(step) else {
      return .failed(Failure(.internalError, "\(step.id) is no command", place: "\(step.id)"), moved: false)
    }
    guard let program = work.command.first, !program.isEmpty else {
      return .failed(
        Failure(
          .configuration, "\(work.name) names no program", place: "\(step.id)",
          hint: "write `run: [PROGRAM, ARGUMENT]` in environments/\(call.run.environment).yaml"),
        moved: false)
    }
    let key = RunningCommands.Key(run: call.run.id, step: step.id)
    running.begin(key)
    defer { running.end(key) }
    let tail = LastLines()
    let started = ContinuousClock.now
    do {
      let result = try await launcher.run(
        ProcessSpecification(
          program, Array(work.command.dropFirst()), environment: environment.variables(for: call.run),
          directory: root, stop: Self.ladder, outputLimit: 0),
        timeout: work.timeout
      ) { line in
        tail.add(line.text)
        call.report(.log(line.text))
      }
      return outcome(of: result, work, step, took: ContinuousClock.now - started, tail)
    } catch is CancellationError {
      return .cancelled(moved: false)
    } catch {
      return .failed(notStarted(error, work, step), moved: false)
    }
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    if step.isRepeatable || Work(step)?.isRepeatable == true { return .absent }
    let name = Work(step)?.name ?? step.title
    return .unknown(
      Failure(
        .unknown, "it is not known whether \(name) ended: shipit stopped while it ran", place: "\(step.id)",
        cause: "a command leaves nothing behind that could be asked",
        hint: "find out what it did; if it may simply run again, say `repeatable: true` beside it in "
          + "environments/\(call.run.environment).yaml"))
  }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    // The cancelled task stops the group by its ladder, within the three seconds there are.
    await running.waitForEnd(RunningCommands.Key(run: call.run.id, step: step.id))
    return .cancelled
  }

  // MARK: Endings

  private func outcome(
    of result: ProcessResult, _ work: Work, _ step: Step, took: Duration, _ tail: LastLines
  ) -> Outcome {
    let seconds = (took.inSeconds * 10).rounded() / 10
    if result.timedOut {
      return .failed(
        Failure(
          .timeout, "\(work.name) did not end within \(work.timeout.inSeconds.formattedSeconds)",
          place: "\(step.id)", cause: tail.text.map(redact),
          hint: "see why it takes so long, or raise its `timeout`"), moved: false)
    }
    let ending: String
    switch result.exit {
    case .code(0): return .done(StepResult(summary: "ended well after \(seconds.formattedSeconds)"))
    case .code(let code): ending = "ended with code \(code)"
    case .signal(let signal): ending = "was killed by signal \(signal)"
    }
    return .failed(
      Failure(
        .failed, "\(work.name) \(ending) after \(seconds.formattedSeconds)", place: "\(step.id)",
        cause: tail.text.map(redact), hint: "run it by itself: `\(work.line)` in \(root)"), moved: false)
  }

  private func notStarted(_ error: any Error, _ work: Work, _ step: Step) -> Failure {
    let program = work.command[0]
    guard let error = error as? ProcessError else {
      return Failure(.failed, "\(work.name) could not be run", place: "\(step.id)", cause: "\(error)")
    }
    let hint: String?
    switch error.code {
    case .notFound:
      hint =
        program.contains(" ") && work.command.count == 1
        ? "write program and arguments apart: [\(program.split(separator: " ").joined(separator: ", "))]"
        : "install \(program), or correct the name; commands run without a shell, in \(root)"
    case .notPermitted: hint = "make it executable: `chmod +x \(program)`"
    case .badDirectory: hint = "check the directory \(root)"
    case .resources, .other: hint = nil
    }
    return Failure(
      error.code == .resources ? .failed : .configuration, "\(work.name) could not be started",
      place: "\(step.id)", cause: error.description, hint: hint)
  }
}

/// What is to be run for a step.
private struct Work {
  var name: String
  var command: [String]
  var timeout: Duration
  var isRepeatable: Bool

  init?(_ step: Step) {
    switch step.action {
    case .command(let command):
      name = command.name
      self.command = command.command
      timeout = command.timeout
      isRepeatable = command.repeatable
    case .check(let check, _):
      guard case .command(let words) = check.kind else { return nil }
      name = "check \(check.name)"
      command = words
      timeout = check.timeout
      // A check only looks.
      isRepeatable = true
    default: return nil
    }
  }

  /// The command as one would type it.
  var line: String {
    command.map { word in
      let isPlain =
        !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:@%+,".contains($0) }
      return isPlain
        ? word
        : "'"
          + word.split(separator: "'", omittingEmptySubsequences: false)
          .joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
  }
}

extension Double {
  fileprivate var formattedSeconds: String {
    self == rounded() ? "\(Int(self)) s" : "\(self) s"
  }
}

/// The last lines of a command's output, for its failure.
private final class LastLines: Sendable {
  private static let kept = 12
  private let lines = Locked<[String]>([])

  func add(_ line: String) {
    lines.withLock { lines in
      lines.append(String(line.prefix(500)))
      if lines.count > Self.kept { lines.removeFirst() }
    }
  }

  /// Nil when there was no output.
  var text: String? {
    lines.withLock { $0.isEmpty ? nil : $0.joined(separator: "\n") }
  }
}
