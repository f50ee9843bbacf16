package import Model

/// What GitHub shows beside a line of a file, or on the run's page.
package struct Annotation: Sendable, Hashable {
  package enum Severity: String, Sendable, Hashable, CaseIterable {
    case error, warning, notice
  }

  package struct Place: Sendable, Hashable {
    package var file: String
    package var line: Int
    package var column: Int?

    package init(file: String, line: Int, column: Int?) {
      self.file = file
      self.line = line
      self.column = column
    }

    /// Reads `file:line` or `file:line:column`; nil for a place of another kind, such as a step.
    package init?(_ text: String) {
      var parts = text.split(separator: ":", omittingEmptySubsequences: false)
      var numbers: [Int] = []
      while numbers.count < 2, parts.count > 1, let number = Int(parts.last ?? ""), number > 0 {
        numbers.insert(number, at: 0)
        parts.removeLast()
      }
      guard let line = numbers.first, let file = parts.first, parts.count == 1, !file.isEmpty else {
        return nil
      }
      self.init(file: String(file), line: line, column: numbers.count > 1 ? numbers[1] : nil)
    }
  }

  package var severity: Severity
  package var title: String
  package var message: String
  package var place: Place?

  package init(_ severity: Severity, title: String, message: String, place: Place? = nil) {
    self.severity = severity
    self.title = title
    self.message = message
    self.place = place
  }

  /// A failure, at the file and line it names, with why and what to type. One that only waits for somebody is a
  /// warning: nothing is wrong.
  package init(_ failure: Failure, title: String? = nil) {
    let place = failure.place.flatMap(Place.init)
    var lines = [failure.message]
    if place == nil, let where_ = failure.place { lines.append("where: \(where_)") }
    if let cause = failure.cause { lines.append("because: \(cause)") }
    if let hint = failure.hint { lines.append("next: \(hint)") }
    self.init(
      failure.kind == .waiting ? .warning : .error, title: title ?? "shipit",
      message: lines.joined(separator: "\n"), place: place)
  }

  /// GitHub keeps this many of a kind in a step (contract github §7.2).
  package static let limit = 10
  /// And this much of a message.
  static let longestMessage = 4096

  /// The annotations that are shown, the most important first: at most ten of a kind. The order among
  /// equals is kept.
  package static func best(_ annotations: [Annotation]) -> [Annotation] {
    Severity.allCases.flatMap { severity in
      annotations.filter { $0.severity == severity }.prefix(limit)
    }
  }

  /// The command that shows it, without secrets and control characters, its message cut where GitHub cuts it.
  package func command(_ redact: (String) -> String) -> WorkflowCommand {
    var properties: [(key: String, value: String)] = []
    if let place {
      properties.append(("file", place.file))
      properties.append(("line", String(place.line)))
      if let column = place.column { properties.append(("col", String(column))) }
    }
    properties.append(("title", safe(title, redact)))
    let text = safe(message, redact)
    return WorkflowCommand(
      severity.rawValue, properties,
      text.count > Self.longestMessage ? text.prefix(Self.longestMessage - 1) + "…" : text)
  }
}
