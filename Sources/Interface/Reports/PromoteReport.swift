package import Concurrency
package import Model

/// What `promote` says before the plan: which release goes on, as which artefacts, and what is configured
/// otherwise where it goes.
package struct PromoteReport: Report {
  package static let kind = "promote"

  package struct ArtefactLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    /// `digest`, `image`, `build` or `commit`.
    package var kind: String
    package var words: String

    package init(service: ServiceName, kind: String, words: String) {
      self.service = service
      self.kind = kind
      self.words = words
    }
  }

  package var app: String
  package var from: String
  package var to: String
  package var release: ReleaseHead
  package var by: String
  package var since: Moment
  package var now: Moment
  package var artefacts: [ArtefactLine]
  package var difference: ConfigurationDifference?

  /// - Parameters:
  ///   - release: live in the environment it comes from.
  ///   - difference: nil when the release does not record its configuration.
  package init(
    _ release: Release, to: String, now: Timestamp, artefacts: [ArtefactLine],
    difference: ConfigurationDifference?
  ) {
    app = release.app
    from = release.environment
    self.to = to
    self.release = ReleaseHead(release)
    by = release.by
    since = Moment(release.endedAt)
    self.now = Moment(now)
    self.artefacts = artefacts
    self.difference = difference
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [
      Line(.strong("promote \(app) \(from) → \(to)")),
      .labelled(
        "release",
        ["\(release.release) of \(from)  ", .accent(short(release.commit)), Span(" \(release.subject)")],
        indent: 0),
      .labelled(
        "live there",
        ["since \(since.timestamp.minute) (\(since.timestamp.relative(to: now.timestamp))), by \(by)"],
        indent: 0),
      .empty, Line(.strong("what goes on")),
    ]
    let width = artefacts.map(\.service.rawValue.columns).max() ?? 0
    lines += artefacts.map { line in
      .labelled(
        line.service.rawValue,
        [Span(line.words, line.kind == "commit" || line.kind == "image" ? .warning : .good)],
        width: width + 2, role: .strong)
    }
    return lines + [.empty] + differenceLines(symbols)
  }

  private func differenceLines(_ symbols: Symbols) -> [Line] {
    guard let difference else {
      return [
        Line(.warning("release \(release.release) does not record its configuration: nothing to compare"))
      ]
    }
    var rows: [Line] = []
    for service in difference.services {
      for (index, entry) in (service.variables + service.settings).enumerated() {
        let isSetting = index >= service.variables.count
        rows.append(
          row(index == 0 ? service.service.rawValue : "", isSetting ? "setting " : "", entry, symbols))
      }
    }
    if !difference.onlyInFirst.isEmpty {
      rows.append(.labelled("only \(from)", [Span(list(difference.onlyInFirst.map(\.rawValue)))]))
    }
    if !difference.onlyInSecond.isEmpty {
      rows.append(.labelled("only \(to)", [Span(list(difference.onlyInSecond.map(\.rawValue)))]))
    }
    rows += difference.protect.enumerated().map { index, entry in
      row(index == 0 ? "protect" : "", "", entry, symbols)
    }
    guard !rows.isEmpty else { return [Line(.good("both environments are configured alike"))] }
    return [Line(.strong("what differs"), .faint(", \(from) → \(to)"))] + rows
  }

  private func row(
    _ label: String, _ prefix: String, _ entry: ConfigurationDifference.Entry, _ symbols: Symbols
  ) -> Line {
    .labelled(
      label,
      [
        Span("\(prefix)\(entry.name)  "), .faint(entry.from ?? symbols.none), " → ",
        entry.to.map { Span($0) } ?? .faint(symbols.none),
      ])
  }
}
