import JSON
package import Model

/// What a job of GitHub Actions keeps of a run: its step summary and its outputs.
package struct ActionsReport: Sendable {
  private let picture: RunPicture
  private let summary: RunSummary?
  /// What is live when there was nothing to do.
  private let live: ReleaseHead?
  private let plan: [String]
  private let environment: String
  private let redact: @Sendable (String) -> String

  /// - Parameters:
  ///   - plan: the plan as it is printed, line by line.
  ///   - live: the release that was live when there was nothing to do.
  package init(
    _ picture: RunPicture, environment: String, plan: [String], live: ReleaseHead? = nil,
    redact: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.picture = picture
    self.environment = environment
    self.plan = plan
    self.live = live
    self.redact = redact
    summary = RunSummary(picture)
  }

  /// The most that a summary may take; GitHub drops one above 1 MiB whole (contract github §7.1).
  package static let summaryLimit = 900 << 10

  /// The step summary in Markdown, at most ``summaryLimit`` bytes.
  package var markdown: String {
    let markdown = Markdown(redact)
    var lines = heading(markdown)
    if let summary {
      lines += services(summary, markdown) + troubles(summary, markdown)
      lines += ["**next** \(markdown.code(summary.next))", ""]
      if let runbook = Runbook(summary) { lines += ["**runbook** \(markdown.code(runbook.command))", ""] }
    }
    lines = Markdown.bounded(lines, bytes: 250 << 10)
    if !plan.isEmpty { lines += markdown.details("plan", plan, bytes: 300 << 10) }
    lines += steps(markdown) + logs(markdown)
    return lines.joined(separator: "\n") + "\n"
  }

  private func heading(_ markdown: Markdown) -> [String] {
    guard let summary else {
      guard let live else {
        return ["### \(markdown.text(environment)): nothing to do", ""]
      }
      return [
        "### \(markdown.text(environment)): nothing to do, release \(live.release) is live", "",
        "\(markdown.code(short(live.commit))) \(markdown.text(live.subject))", "",
      ]
    }
    let sign = Self.sign(summary.exit)
    let lines = summary.lines(.unicode).first.map { Canvas(width: nil).draw($0).joined(separator: " ") } ?? ""
    let words = lines.drop { "✓✗!↩ ".contains($0) }
    return ["### \(sign) \(markdown.text(environment)): \(markdown.text(String(words)))", ""]
  }

  private static func sign(_ exit: ExitCode) -> String {
    switch exit {
    case .done: "✅"
    case .failedMixed: "🛑"
    case .waiting: "⏸️"
    default: "❌"
    }
  }

  private func services(_ summary: RunSummary, _ markdown: Markdown) -> [String] {
    guard !summary.services.isEmpty else { return [] }
    let rows = summary.services.map { line in
      let commit = line.state == .unknown ? "not known" : line.commit.map { markdown.code(short($0)) }
      let became =
        switch line.state {
        case .untouched: "not moved by this run"
        case .moved: "new"
        case .putBack: "put back"
        case .foreign: "somebody else’s, left alone"
        case .unknown: "find out first"
        }
      let exposed = line.exposed.map { "; users could get the new code for \($0.duration.words)" } ?? ""
      let note = line.note.map { "; \(markdown.text($0))" } ?? ""
      return Markdown.row([
        markdown.text(line.service.rawValue), commit ?? "nothing", line.proof?.words ?? "",
        became + exposed + note, line.address.map(markdown.link) ?? "",
      ])
    }
    return [
      Markdown.row(["service", "live now", "proof", "in this run", "address"]), "|---|---|---|---|---|",
    ]
      + rows + [""]
  }

  private func troubles(_ summary: RunSummary, _ markdown: Markdown) -> [String] {
    func told(_ label: String, _ failure: Failure) -> [String] {
      let parts = [
        ("", failure.message), ("where: ", failure.place ?? ""), ("because: ", failure.cause ?? ""),
      ]
      return ["**\(label)**  "]
        + parts.filter { !$0.1.isEmpty }.map { $0.0 + markdown.text($0.1, longest: 2000) + "  " } + [""]
    }
    var lines: [String] = []
    if let failure = summary.failure {
      lines += told("failed" + (summary.failedStep.map { ": \(markdown.text($0))" } ?? ""), failure)
    }
    if let failure = summary.rollbackFailure { lines += told("then putting back failed", failure) }
    if !summary.unattended.isEmpty {
      lines += ["**in flight** \(markdown.text(list(summary.unattended))): goes on without us", ""]
    }
    return lines
  }

  private func steps(_ markdown: Markdown) -> [String] {
    let rows = picture.order.compactMap { picture.steps[$0] }.filter { $0.beganAt != nil || $0.phase.isOver }
      .map { step in
        Markdown.row([
          Canvas(width: nil).draw(Line(step.sign(.unicode))).joined(), markdown.text(step.step.title),
          step.endedAt.flatMap { step.elapsed($0)?.words } ?? "", markdown.text(step.says),
        ])
      }
    guard !rows.isEmpty else { return [] }
    return ["<details><summary>\(count(rows.count, "step"))</summary>", ""]
      + ["| | step | took | |", "|---|---|---|---|"] + Markdown.bounded(rows, bytes: 150 << 10)
      + ["", "</details>", ""]
  }

  /// The last lines of what failed.
  private func logs(_ markdown: Markdown) -> [String] {
    picture.order.compactMap { picture.steps[$0] }.filter(\.hasFailed).prefix(5).flatMap { step in
      step.log.isEmpty
        ? []
        : markdown.details(
          "log of \(markdown.text(step.step.title))", step.log, bytes: 30 << 10, keepsEnd: true)
    }
  }
}

extension RunPicture.StepPicture {
  fileprivate var hasFailed: Bool {
    switch phase {
    case .failed, .unknown: true
    case .waiting, .running, .probing, .retrying, .done, .stopped, .cancelled: false
    }
  }
}

// MARK: Outputs

extension ActionsReport {
  /// Names and values for the steps that follow: `result`, `exit`, `release`, `run`, `commit`, `url`, `urls`,
  /// `next`.
  package var outputs: [(name: String, value: String)] {
    guard let summary else {
      return [
        ("result", "nothing-to-do"), ("exit", "0"), ("release", live.map { String($0.release) } ?? ""),
        ("commit", live?.commit ?? ""),
      ]
    }
    let addresses = summary.services.compactMap { line in line.address.map { (line.service.rawValue, $0) } }
    let urls = JSON.object(
      Dictionary(addresses.map { ($0.0, JSON.string($0.1)) }, uniquingKeysWith: { first, _ in first }))
    return [
      ("result", summary.state.word), ("exit", String(summary.exit.rawValue)),
      ("release", String(summary.release)), ("run", String(summary.run.number)),
      ("commit", liveCommit(summary)), ("url", url ?? ""), ("urls", urls.serialized()),
      ("next", summary.next),
    ].map { ($0.0, safe($0.1, redact)) }
  }

  /// Where users look: the address of what goes live last.
  package var url: String? { summary?.services.last { $0.address != nil }?.address }

  /// The one commit that is live; empty when services run different ones or it is not known.
  private func liveCommit(_ summary: RunSummary) -> String {
    let commits = Set(summary.services.map { $0.state == .unknown ? nil : $0.commit })
    return commits.count == 1 ? commits.first.flatMap(\.self) ?? "" : ""
  }

  /// One output as its file wants it (contract github §7.1).
  /// - Parameter delimiter: a random word.
  /// - Returns: nil when the value holds the delimiter.
  package static func entry(_ name: String, _ value: String, delimiter: String) -> String? {
    guard !value.contains(delimiter), !name.contains(delimiter) else { return nil }
    return "\(name)<<\(delimiter)\n\(value)\n\(delimiter)\n"
  }

  /// A plan alone, as a step summary.
  package static func markdown(plan: [String], environment: String, redact: @escaping (String) -> String)
    -> String
  {
    let markdown = Markdown(redact)
    return
      (["### \(markdown.text(environment)): plan", ""]
      + markdown.details("plan", plan, bytes: 800 << 10)).joined(separator: "\n") + "\n"
  }

  /// A failure before a run began, as a step summary.
  /// - Parameters:
  ///   - plan: what is to be looked at, where that is what somebody has to do; line by line.
  ///   - after: the command that follows once they have, such as the one that runs the job again.
  package static func markdown(
    _ failure: Failure, exit: ExitCode, plan: [String] = [], after: String? = nil,
    redact: @escaping (String) -> String
  ) -> String {
    let markdown = Markdown(redact)
    var lines = ["### \(sign(exit)) \(markdown.text(failure.message, longest: 2000))", ""]
    if let place = failure.place { lines.append("where: \(markdown.text(place))  ") }
    if let cause = failure.cause {
      lines.append("because: \(markdown.text(cause, longest: 4000))  ")
    }
    lines += ["exit \(exit.rawValue): \(exit.meaning)", ""]
    if let hint = failure.hint { lines += ["**next** \(markdown.code(hint))", ""] }
    if let after { lines += ["**then** \(markdown.code(after))", ""] }
    if let runbook = Runbook(failure) { lines += ["**runbook** \(markdown.code(runbook.command))", ""] }
    if !plan.isEmpty { lines += markdown.details("plan", plan, bytes: 800 << 10) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The outputs of a failure before a run began: `waiting` when somebody's word is all that is missing.
  package static func outputs(_ failure: Failure, exit: ExitCode) -> [(name: String, value: String)] {
    [
      ("result", exit == .waiting ? "waiting" : "refused"), ("exit", String(exit.rawValue)),
      ("next", failure.hint ?? ""),
    ]
  }
}

extension RunResult.State {
  /// The word for scripts.
  package var word: String {
    switch self {
    case .released: "released"
    case .restored: "restored"
    case .rolledBack: "rolled-back"
    case .unchanged: "unchanged"
    case .mixed: "mixed"
    case .inFlight: "in-flight"
    case .abandoned: "abandoned"
    }
  }
}
