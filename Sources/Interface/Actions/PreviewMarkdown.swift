package import Model

/// The sections of a pull request's comment, out of text that others wrote.
package struct PreviewMarkdown: Sendable {
  private let redact: @Sendable (String) -> String
  /// The page of the job that wrote it; nil: none is known.
  private let run: String?

  package init(run: String?, redact: @escaping @Sendable (String) -> String) {
    self.run = run
    self.redact = redact
  }

  /// Where the preview answers.
  package func live(_ report: PreviewReport) -> String {
    let markdown = Markdown(redact)
    var lines = [
      "### Preview \(markdown.code(report.name)) of \(markdown.text(report.base))", "",
      "\(markdown.code(short(report.commit))) \(markdown.text(report.subject))", "",
      Markdown.row(["service", "address", "proof"]), "|---|---|---|",
    ]
    lines += report.services.map { line in
      Markdown.row([
        markdown.text(line.service.rawValue), line.url.map(markdown.link) ?? "none", line.proof.words,
      ])
    }
    lines.append("")
    if !report.notes.isEmpty { lines += markdown.details("what it has not", report.notes, bytes: 8 << 10) }
    return joined(lines)
  }

  /// It could not be brought to a commit; what was there before may still answer.
  package func failed(_ name: String, commit: String?, exit: ExitCode, _ failure: Failure?) -> String {
    let markdown = Markdown(redact)
    var lines = [
      "### Preview \(markdown.code(name)): failed" + (commit.map { " at \(markdown.code(short($0)))" } ?? ""),
      "",
    ]
    if let failure {
      lines.append("\(markdown.text(failure.message, longest: 1000))  ")
      if let cause = failure.cause { lines.append("because: \(markdown.text(cause, longest: 1000))  ") }
    }
    lines += ["exit \(exit.rawValue): \(exit.meaning)", ""]
    return joined(lines)
  }

  package func gone(_ report: PreviewRemovalReport) -> String {
    let markdown = Markdown(redact)
    return joined(["### Preview \(markdown.code(report.name)): deleted", ""])
  }

  /// What a deploy of the commit would change.
  package func plan(
    _ lines: [String], environment: String, commit: String, isEmpty: Bool
  ) -> String {
    let markdown = Markdown(redact)
    let title =
      "### Deploy to \(markdown.text(environment)): \(isEmpty ? "nothing to do" : "plan") at \(markdown.code(short(commit)))"
    return joined(
      [
        title, "",
        "By the ledger alone: no platform was asked, no secret compared, and nothing was executed.", "",
      ] + markdown.details("plan", lines, bytes: 24 << 10))
  }

  private func joined(_ lines: [String]) -> String {
    let markdown = Markdown(redact)
    return (lines + (run.map { ["<sub>\(markdown.link($0))</sub>"] } ?? [])).joined(separator: "\n") + "\n"
  }
}
