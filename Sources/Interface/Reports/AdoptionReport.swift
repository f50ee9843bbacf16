import Model

/// What `init` read of a repository, what it wrote, and what only a person can say.
package struct AdoptionReport: Report {
  package static let kind = "adoption"

  package struct Service: Codable, Sendable, Hashable {
    package var name: String
    package var platform: String
    /// The file that declares it.
    package var evidence: String
    package var isWritten: Bool
    /// Why it is not written.
    package var reason: String?

    package init(name: String, platform: String, evidence: String, isWritten: Bool, reason: String? = nil) {
      self.name = name
      self.platform = platform
      self.evidence = evidence
      self.isWritten = isWritten
      self.reason = reason
    }
  }

  package struct Question: Codable, Sendable, Hashable {
    package var text: String
    package var evidence: [String]

    package init(text: String, evidence: [String]) {
      self.text = text
      self.evidence = evidence
    }
  }

  package struct Danger: Codable, Sendable, Hashable {
    package var kind: String
    package var message: String
    package var evidence: String
    /// Further places of the same.
    package var others: [String]

    package init(kind: String, message: String, evidence: String, others: [String] = []) {
      self.kind = kind
      self.message = message
      self.evidence = evidence
      self.others = others
    }
  }

  package struct Remark: Codable, Sendable, Hashable {
    package var text: String
    package var evidence: String

    package init(text: String, evidence: String) {
      self.text = text
      self.evidence = evidence
    }
  }

  package var environment: String
  /// The environment's file, and what became of it; nil where nothing can be written.
  package var file: InitReport.File?
  package var services: [Service]
  package var questions: [Question]
  package var dangers: [Danger]
  package var remarks: [Remark]
  /// Mistakes that `validate` found in what was written.
  package var mistakes: [String]
  /// Whether a file of Railway's is among what was read.
  package var hasRailwayFiles: Bool
  /// What was not checked of what was written, and why; nil: a plan was made, or there is nothing to plan.
  package var unchecked: String?
  /// How many services a person has to say something of first: they stand in the file behind `#`.
  package var undecided = 0
  /// How many services count in the file as it stands there; nil where it was not read back.
  package var counted: Int?
  /// How many steps the plan of it has.
  package var steps: Int?

  package init(
    environment: String, file: InitReport.File?, services: [Service], questions: [Question],
    dangers: [Danger],
    remarks: [Remark], mistakes: [String], hasRailwayFiles: Bool
  ) {
    self.environment = environment
    self.file = file
    self.services = services
    self.questions = questions
    self.dangers = dangers
    self.remarks = remarks
    self.mistakes = mistakes
    self.hasRailwayFiles = hasRailwayFiles
  }

  /// Nothing is in the way of a plan: the file stands there as shipit would write it, and is valid.
  package var isComplete: Bool {
    guard let file else { return false }
    return file.state != .kept && mistakes.isEmpty
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    for service in services {
      lines.append(
        service.isWritten
          ? item(Span.good(symbols.good), "\(service.name)  \(service.platform)", service.evidence)
          : item(Span.warning(symbols.warning), service.reason ?? service.name, service.evidence))
    }
    if services.isEmpty {
      lines.append(Line("No service was found: none of the files that are read is here."))
    }
    section(
      "To be said by you", questions.map { ($0.text, $0.evidence.prefix(2).joined(separator: ", ")) }, &lines)
    section(
      "Dangers in what is there",
      dangers.map { danger in
        // A few are named; of many the first is enough to begin.
        let named = danger.others.count <= 4 ? danger.others : []
        let more = named.isEmpty && !danger.others.isEmpty ? " and \(danger.others.count) more" : ""
        return (danger.message, ([danger.evidence] + named).joined(separator: ", ") + more)
      }, &lines)
    section("Good to know", remarks.map { ($0.text, $0.evidence) }, &lines)
    if hasRailwayFiles {
      lines.append(.empty)
      lines.append(
        Line(
          "Railway stops reading railway.json and railway.toml on 2026-12-01. shipit carries their settings from here on: remove them once a deploy has shown it.",
          overflow: .wrap(hanging: 0)))
    }
    lines.append(.empty)
    lines += outcome(symbols)
    return lines
  }

  private func section(_ title: String, _ items: [(String, String)], _ lines: inout [Line]) {
    guard !items.isEmpty else { return }
    lines.append(.empty)
    lines.append(Line("\(title):"))
    for (text, place) in items { lines.append(item(Span("-"), text, place)) }
  }

  private func item(_ mark: Span, _ text: String, _ place: String) -> Line {
    Line(
      ["  ", mark, " ", Span(text)] + (place.isEmpty ? [] : ["  ", .faint(place)]),
      overflow: .wrap(hanging: 4))
  }

  fileprivate func outcome(_ symbols: Symbols) -> [Line] {
    guard let file else {
      return [
        Line(.warning("\(symbols.warning) nothing written")),
        .labelled(
          "next",
          [
            .accent("shipit init"),
            " on a terminal asks; shipit explain services tells what may stand in a file",
          ], indent: 0),
      ]
    }
    var lines = InitReport.fileLines(file, symbols)
    lines += mistakes.map { Line(.warning("    \($0)"), overflow: .wrap(hanging: 4)) }
    let count = counted ?? services.count(where: \.isWritten)
    let isEmpty = count == 0
    if isComplete {
      lines.append(
        .labelled(
          "valid",
          [Span(isEmpty ? "no service counts yet" : "\(count) \(count == 1 ? "service" : "services")")],
          indent: 0))
    }
    if let unchecked {
      lines.append(Line(["unchecked  ", .warning(unchecked)], overflow: .wrap(hanging: 11)))
    }
    let next =
      file.state == .kept
      ? "shipit init \(environment) --force"
      : mistakes.isEmpty && !isEmpty ? "shipit plan \(environment)" : "shipit validate \(environment)"
    lines.append(
      .labelled(
        "next",
        (isEmpty && isComplete && undecided > 0 ? [Span("decide each ? in \(file.path), then ")] : [])
          + [.accent(next)], indent: 0))
    return lines
  }
}

/// The same in a few lines: what became of the file.
package struct BriefAdoption: Report {
  package static let kind = AdoptionReport.kind

  let report: AdoptionReport

  package init(_ report: AdoptionReport) { self.report = report }

  package func lines(_ symbols: Symbols) -> [Line] { report.outcome(symbols) }
}
