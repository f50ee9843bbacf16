package import Concurrency
package import Model

/// What `history` says: the releases of an environment, newest first.
package struct HistoryReport: Report {
  package static let kind = "history"

  package struct Entry: Codable, Sendable, Hashable {
    package var release: Int
    package var run: RunID
    package var action: Plan.Kind
    package var restores: Int?
    package var commit: String
    package var subject: String
    package var isDirty: Bool
    package var by: String
    package var startedAt: Moment
    package var took: Seconds
    package var state: RunResult.State
    package var exit: ExitCode
    package var failure: Failure?
    package var reason: String?
    /// Approvals, overrides and lifted holds that it relied upon.
    package var decisions: [Decision]
    /// It is what users get now, as far as the ledger knows.
    package var isLive: Bool
    /// It failed while it was staged: nobody saw any of it.
    package var isUnseen: Bool

    /// For people, in few words.
    var words: String {
      if isLive { return "live now" }
      if isUnseen { return "failed, seen by nobody" }
      return state == .released ? "was live" : state.words
    }
  }

  package var app: String
  package var environment: String
  package var now: Moment
  package var entries: [Entry]
  /// Holds that were set or lifted beside the releases, newest first.
  package var decisions: [Decision]

  /// - Parameters:
  ///   - releases: Newest first.
  ///   - decisions: The ledger's, newest first.
  package init(
    app: String, environment: String, now: Timestamp, releases: [Release], decisions: [Decision] = []
  ) {
    self.decisions = decisions.filter { $0.kind == .held || $0.kind == .holdLifted }
    self.app = app
    self.environment = environment
    self.now = Moment(now)
    let live = releases.first(where: \.isGood)?.number
    entries = releases.map { release in
      Entry(
        release: release.number, run: release.run, action: release.kind, restores: release.restores,
        commit: release.commit, subject: release.subject, isDirty: release.isDirty, by: release.by,
        startedAt: Moment(release.startedAt), took: Seconds(release.endedAt - release.startedAt),
        state: release.result.state, exit: release.result.exit, failure: release.result.failure,
        reason: release.reason, decisions: release.decisions ?? [], isLive: release.number == live,
        isUnseen: HistoryReport.isUnseen(release))
    }
  }

  /// Its failed step built or proved something that was to be promoted later.
  private static func isUnseen(_ release: Release) -> Bool {
    guard release.result.state == .unchanged, let step = release.result.failedStep?.rawValue else {
      return false
    }
    return release.services.contains { name, service in
      service.cutOver == .staged && [".deploy", ".verify", ".image"].contains { step == "\(name)\($0)" }
    }
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !entries.isEmpty else {
      return standing(after: nil, indent: 0) + [
        Line("\(app) \(environment) has no release yet"),
        .labelled("next", [.accent(NextCommand.plan(environment))], indent: 0, width: 6),
      ]
    }
    let numbers = entries.map { String($0.release).count }.max() ?? 1
    var lines = [Line(.strong("\(app) \(environment)"))]
    let margin = numbers + symbols.arrow.columns + 3
    var later: Timestamp?
    for entry in entries {
      lines += standing(after: entry.startedAt.timestamp, before: later, indent: margin)
      later = entry.startedAt.timestamp
      let number = String(entry.release)
      let blank = String(repeating: " ", count: numbers - number.count)
      let sign: Span =
        entry.isLive ? .good(symbols.arrow) : Span(String(repeating: " ", count: symbols.arrow.columns))
      var spans: [Span] = [
        sign, " \(blank)", .strong(number), "  ", .accent(short(entry.commit)), "  ",
        Span(entry.words, entry.state.role),
      ]
      if let restores = entry.restores { spans.append("  restores \(restores)") }
      if entry.isDirty { spans.append(.warning("  dirty")) }
      spans.append(Span(entry.subject.isEmpty ? "" : "  \(entry.subject)"))
      lines.append(Line(spans))
      let indent = numbers + symbols.arrow.columns + 3
      let ago = entry.startedAt.timestamp.relative(to: now.timestamp)
      lines.append(
        Line(
          .faint(
            String(repeating: " ", count: indent)
              + "\(entry.by), \(entry.startedAt.timestamp.minute) (\(ago)), took \(entry.took.duration.words), run \(entry.run)"
          )))
      if let text = entry.failure?.message ?? entry.reason {
        lines.append(
          Line([Span(String(repeating: " ", count: indent)), Span(text)], overflow: .wrap(hanging: indent)))
      }
      lines += entry.decisions.map { $0.line(indent: indent) }
    }
    return lines
  }

  /// The holds between two releases.
  private func standing(after: Timestamp?, before: Timestamp? = nil, indent: Int) -> [Line] {
    decisions.filter { decision in
      !entries.contains { $0.decisions.contains(decision) } && (after.map { decision.at >= $0 } ?? true)
        && (before.map { decision.at < $0 } ?? true)
    }.map { $0.line(indent: indent) }
  }
}
