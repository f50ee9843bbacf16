import Concurrency
package import Model

/// What `approve` shows before it asks, and says once it is done.
package struct ApprovalReport: Report {
  package static let kind = "approval"

  package var environment: String
  package var commit: String
  package var subject: String
  /// Of the plan that is meant.
  package var digest: String
  /// Who asks for it, or who gave it.
  package var by: String
  /// The name under which it counts; nil: not given yet.
  package var person: String?
  package var reason: String?
  package var changes: [String]
  package var expires: Moment?
  /// How many more approvals the plan needs; nil: not given yet.
  package var missing: Int?

  /// - Parameters:
  ///   - decision: an approval that is wanted, or given.
  ///   - missing: how many more are needed after it.
  package init(_ decision: Decision, rule: ApprovalRule, environment: String, missing: Int? = nil) {
    self.environment = environment
    commit = decision.commit ?? ""
    subject = decision.subject ?? ""
    digest = decision.digest ?? ""
    by = decision.by
    person = decision.kind == .approved ? decision.person : nil
    reason = decision.reason
    changes = decision.changes ?? []
    expires = decision.expires.map { Moment($0) }
    self.missing = missing
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    let what: [Span] = [.accent(short(commit)), Span(subject.isEmpty ? "" : " \(subject)")]
    guard let person else {
      var lines = [
        Line([.strong("deploy of "), .strong(environment), Span(", asked for by \(by)")]),
        .labelled("commit", what, indent: 0), .labelled("plan", [Span(String(digest.prefix(12)))], indent: 0),
      ]
      lines += changes.enumerated().map { .labelled($0 == 0 ? "changes" : "", [Span($1)], indent: 0) }
      return lines + [.empty]
    }
    let end = expires.map { ", until \($0.timestamp.minute)" } ?? ""
    let next =
      (missing ?? 0) > 0
      ? Line(.warning("\(count(missing ?? 0, "more approval")) needed"))
      : Line.labelled(
        "next", [.accent("\(NextCommand.deploy(environment)) --commit \(short(commit))")], indent: 0, width: 6
      )
    return [
      Line(.good("approved by \(person)"), Span(": deploy of \(environment), "), what[0], Span(end)),
      Line(.faint("a record in the ledger, not a proof of who it was"), overflow: .wrap(hanging: 0)), next,
    ]
  }
}
