import Analysis
package import Concurrency
import JSON
package import Model
package import Processes

/// A number that a program of the project prints: a number alone, or JSON `{"value": 97.2, "samples": 812}`, where a
/// value of null means that there is none. Never through a shell.
package struct CommandMetric: MetricSource {
  private let command: [String]
  private let environment: [String: String]
  private let directory: String
  private let timeout: Duration
  private let launcher: Launcher
  private let redact: @Sendable (String) -> String

  /// Bytes of each stream.
  private static let kept = 64 << 10
  private static let ladder = StopLadder([.init(signal: 15, wait: .milliseconds(500))])

  /// - Parameters:
  ///   - environment: all that the program sees: an allow-list, and the secrets it is given by name.
  ///   - directory: the project's root.
  ///   - redact: takes secrets out of what it printed before that is repeated anywhere.
  /// - Throws: `Failure` of kind `.configuration` without a program.
  package init(
    _ command: [String], environment: [String: String], directory: String, timeout: Duration = .seconds(10),
    launcher: Launcher = Launcher(), redact: @escaping @Sendable (String) -> String
  ) throws(Failure) {
    guard command.first?.isEmpty == false else {
      throw Failure(
        .configuration, "the metric's command names no program", place: "metrics",
        hint: "write `command: [PROGRAM, ARGUMENT]`")
    }
    self.command = command
    self.environment = environment
    self.directory = directory
    self.timeout = timeout
    self.launcher = launcher
    self.redact = redact
  }

  /// The program alone: an argument may be anything.
  package var name: String { "the command \(command.first ?? "")" }

  package func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          command[0], Array(command.dropFirst()),
          // A program with a history of its own can answer for the same moment as the stores.
          environment: environment.merging(["SHIPIT_METRIC_TIME": moment.iso8601]) { _, ours in ours },
          directory: directory, stop: Self.ladder, outputLimit: Self.kept),
        timeout: timeout)
    } catch let error as ProcessError {
      return failed(
        "command", .configuration, "could not be started", error.description,
        "install it, or correct the name")
    } catch { throw CancellationError() }
    if result.timedOut {
      return failed(
        "timeout", .timeout, "did not end within \(timeout.inSeconds) s", said(result),
        "see why it takes so long, or raise `timeout`")
    }
    guard result.exit.isSuccess else {
      let ending =
        switch result.exit {
        case .code(let code): "ended with code \(code)"
        case .signal(let signal): "was killed by signal \(signal)"
        }
      return failed("command", .failed, ending, said(result), "run it by itself in the project's root")
    }
    return printed(result)
  }

  private func printed(_ result: ProcessResult) -> MetricReading {
    let text = result.text
    let trimmed = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
    let word = String(trimmed)
    if !result.truncated {
      // The words that stores use for what is no number.
      if ["nan", "null"].contains(word.lowercased()) {
        return MetricReading(StoreAnswer(.noData(reason: "nan")))
      }
      if let value = Double(word) { return MetricReading(Self.answer(value)) }
      if let json = try? JSON(parsing: Array(word.utf8)), json.object != nil, let value = json["value"],
        let answer = value.isNull ? StoreAnswer(.noData(reason: "empty")) : value.double.map(Self.answer)
      {
        let samples = json["samples"]?.double
        guard samples.map({ $0 >= 0 && $0.isFinite }) ?? true else { return unreadable(word, isCut: false) }
        return MetricReading(answer, samples: samples)
      }
    }
    return unreadable(word, isCut: result.truncated)
  }

  private static func answer(_ value: Double) -> StoreAnswer {
    if value.isNaN { return StoreAnswer(.noData(reason: "nan")) }
    return StoreAnswer(value.isFinite ? .value(value) : .error(reason: "not_finite"))
  }

  private func unreadable(_ text: String, isCut: Bool) -> MetricReading {
    failed(
      "malformed", .configuration, "printed no number",
      isCut
        ? "it printed more than \(Self.kept >> 10) KiB"
        // Shortened last: of a secret that was cut nothing would be recognized.
        : text.isEmpty ? "it printed nothing" : "it printed: \(redact(text).prefix(200))",
      "let it print a number, or {\"value\": NUMBER, \"samples\": NUMBER}; notes belong on standard error")
  }

  /// The last of what it wrote on standard error.
  private func said(_ result: ProcessResult) -> String? {
    // What was not kept may have cut a secret in two, and the last lines are not there anyway.
    guard !result.truncated else { return "it wrote more than \(Self.kept >> 10) KiB" }
    let lines = redact(result.errorText).split(whereSeparator: \.isNewline).suffix(5).map { $0.prefix(300) }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  private func failed(
    _ reason: String, _ kind: Failure.Kind, _ what: String, _ cause: String?, _ hint: String
  ) -> MetricReading {
    MetricReading(
      StoreAnswer(
        .error(reason: reason),
        failure: Failure(kind, "\(name) \(what)", place: "metrics", cause: cause, hint: hint)))
  }
}
