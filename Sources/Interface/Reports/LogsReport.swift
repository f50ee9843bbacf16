import Concurrency
package import Model

/// What `logs` says: lines of a service's build or running deployment, oldest first.
package struct LogsReport: Report {
  package static let kind = "logs"

  package struct Entry: Codable, Sendable, Hashable {
    package var at: Moment?
    package var severity: String
    package var text: String

    package init(_ line: LogLine) {
      at = line.at.map { Moment($0) }
      severity = line.severity
      text = line.text
    }
  }

  package var environment: String
  package var service: ServiceName
  package var deployment: String?
  package var entries: [Entry]

  package init(environment: String, service: ServiceName, deployment: String?, _ lines: [LogLine]) {
    self.environment = environment
    self.service = service
    self.deployment = deployment
    entries = lines.map(Entry.init)
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !entries.isEmpty else {
      let of = deployment.map { " of deployment \($0)" } ?? ""
      return [Line(.faint("no log lines\(of) of \(service)"))]
    }
    return entries.map { entry in
      var spans: [Span] = []
      if let at = entry.at { spans.append(.faint("\(at.timestamp.iso8601.dropFirst(11).prefix(12)) ")) }
      let role: Role =
        switch entry.severity.lowercased() {
        case "error", "err", "fatal", "critical": .bad
        case "warn", "warning": .warning
        default: .plain
        }
      spans.append(Span(entry.text, role))
      // Log lines are read as a whole: they go on below instead of being cut.
      return Line(spans, overflow: .wrap(hanging: entry.at == nil ? 2 : 13))
    }
  }
}
