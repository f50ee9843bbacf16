package import Concurrency
package import Model

/// An error as people and programs read it: what happened, where, why, and what to type next.
package struct FailureReport: Report {
  package static let kind = "error"

  package var failure: Failure
  package var exit: ExitCode
  /// Further failures of the same command, such as the other unreachable services.
  package var others: [Failure]

  package init(_ failure: Failure, exit: ExitCode? = nil, others: [Failure] = []) {
    self.failure = failure
    self.exit = exit ?? failure.exitCode
    self.others = others
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    ([failure] + others).flatMap(FailureReport.lines)
  }

  /// One failure as `error: …` with where, because and next below.
  package static func lines(_ failure: Failure) -> [Line] {
    let runbook = Runbook(failure).map {
      Line.labelled("runbook", [.accent($0.command)], indent: 2, width: 9)
    }
    return [Line([.bad("error: "), .strong(failure.message)], overflow: .wrap(hanging: 7))]
      + details(failure, indent: 2) + [runbook].compactMap(\.self)
  }

  /// Where, why and what to do, without the sentence itself.
  static func details(_ failure: Failure, indent: Int) -> [Line] {
    var lines: [Line] = []
    if let place = failure.place { lines.append(.labelled("where", [Span(place)], indent: indent, width: 9)) }
    if let cause = failure.cause {
      // Causes come from others and can be long or have several lines.
      let pieces = cause.split(separator: "\n", omittingEmptySubsequences: true).prefix(12)
      for (index, piece) in pieces.enumerated() {
        lines.append(.labelled(index == 0 ? "because" : "", [Span(String(piece))], indent: indent, width: 9))
      }
    }
    if let hint = failure.hint {
      lines.append(.labelled("next", [.accent(hint)], indent: indent, width: 9))
    }
    return lines
  }
}

extension Failure {
  /// The failure of one who finds the environment taken.
  package static func leaseHeld(_ lease: Lease, environment: String, now: Timestamp) -> Failure {
    Failure(
      .leaseHeld, "\(environment) is being worked on: \(lease.holder.purpose), by \(lease.holder.name)",
      cause: """
        the lease is theirs since \(lease.since.minute) (\(lease.since.relative(to: now))) and \
        \(lease.expires > now ? "ends" : "ended") \(lease.expires.relative(to: now)) unless renewed
        """,
      hint: "wait for it, or look: \(NextCommand.status(environment))")
  }
}
