import Model

/// As an issue tells it: nothing in it depends on when it was written, so that an issue which says so already stays.
extension DriftReport {
  package var issueTitle: String {
    let number = services.reduce(0) { $0 + $1.changes.count }
    return "Drift: \(count(number, "change")) by hand in \(environment) of \(app)"
  }

  /// - Parameter redact: takes known secrets out.
  package func issueBody(redact: @escaping (String) -> String) -> String {
    let markdown = Markdown(redact)
    var lines = [
      "Somebody changed what shipit deploys to \(markdown.code(environment)) of \(markdown.code(app))"
        + (release.map { ", beside release \($0.release) (\(markdown.code(short($0.commit))))" } ?? "") + ".",
      "",
      Markdown.row(["service", "what", "shipit wrote", "stands there", "next deploy"]),
      Markdown.row(["---", "---", "---", "---", "---"]),
    ]
    for service in services {
      lines += service.changes.map { change in
        Markdown.row([
          markdown.text("\(service.service)"), markdown.text("\(change.kind.rawValue) \(change.name)"),
          cell(change.recorded, change, markdown), cell(change.observed, change, markdown),
          change.outlook == .putBack ? "puts it back" : "leaves it",
        ])
      }
    }
    if services.contains(where: { $0.changes.contains(where: \.isFingerprint) }) {
      lines += ["", "Of what may be secret, these are keyed fingerprints."]
    }
    lines += notes.flatMap { ["", "> \(markdown.text($0))"] }
    lines += [
      "", "- put back: \(markdown.code("shipit deploy \(environment)"))",
      "- keep, in the file: \(markdown.code("shipit drift \(environment) --adopt"))", "",
      "This issue is closed by itself when there is no drift any more.",
    ]
    return lines.joined(separator: "\n")
  }

  private func cell(_ text: String?, _ change: Change, _ markdown: Markdown) -> String {
    guard let text else { return "–" }
    if change.isFingerprint { return text.isEmpty ? "unreadable" : markdown.code(String(text.prefix(8))) }
    return text.isEmpty ? "(empty)" : markdown.text(text, longest: 200)
  }
}
