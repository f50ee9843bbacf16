package import Concurrency
package import Model

/// What `unlock` says of whoever holds the lease, before anything is done and after.
package struct UnlockReport: Report {
  package static let kind = "unlock"

  package enum Outcome: String, Codable, Sendable, Hashable {
    /// Nobody holds it.
    case free
    /// It was taken from its holder.
    case freed
    /// It is being renewed, or nobody agreed: nothing was changed.
    case refused
    /// Shown before the question.
    case asked
  }

  package var environment: String
  package var outcome: Outcome
  package var holder: String?
  package var purpose: String?
  package var process: Int32?
  package var fence: Int64?
  package var since: Moment?
  package var renewedAt: Moment?
  package var heartbeat: Seconds?
  /// It was seen to renew its lease just now.
  package var renews: Bool
  /// A run is open and has to be settled.
  package var isOpen: Bool
  package var now: Moment
  package var exit: ExitCode

  package init(
    environment: String, outcome: Outcome, lease: Lease?, renews: Bool, isOpen: Bool, now: Timestamp,
    exit: ExitCode = .done
  ) {
    self.environment = environment
    self.outcome = outcome
    holder = lease?.holder.name
    purpose = lease?.holder.purpose
    process = lease?.holder.process
    fence = lease?.fence
    since = (lease?.since).map { Moment($0) }
    renewedAt = (lease?.renewedAt).map { Moment($0) }
    heartbeat = (lease?.heartbeat).map { Seconds($0) }
    self.renews = renews
    self.isOpen = isOpen
    self.now = Moment(now)
    self.exit = exit
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    switch outcome {
    case .free: lines.append(Line(.good("\(symbols.good) "), "nobody holds \(environment): it is free"))
    case .freed:
      lines.append(
        Line(
          .good("\(symbols.good) "),
          Span(
            "\(environment) is free: \(holder ?? "its holder") is fenced out, and what it writes is refused"),
          overflow: .wrap(hanging: 2)))
    case .refused where renews:
      lines.append(
        Line(
          .bad("\(symbols.bad) "),
          Span(
            "\(environment) stays held: \(holder ?? "its holder") renewed its lease just now, so it lives"),
          overflow: .wrap(hanging: 2)))
    case .refused: lines.append(Line(.warning("\(symbols.warning) "), "nothing was changed"))
    case .asked: break
    }
    if outcome == .asked || outcome == .refused, renews || outcome == .asked { lines += holderLines }
    if let next { lines.append(.labelled("next", [.accent(next)])) }
    return lines
  }

  private var holderLines: [Line] {
    guard let holder, let process, let fence, let since, let renewedAt, let heartbeat else { return [] }
    return [
      .labelled("holder", [.strong(holder), Span(", \(purpose ?? "")")]),
      .labelled("where", [Span("process \(process) there, fence \(fence)")]),
      .labelled(
        "since", [Span("\(since.timestamp.minute) (\(since.timestamp.relative(to: now.timestamp)))")]),
      .labelled(
        "heartbeat",
        [
          Span(
            "last seen \(renewedAt.timestamp.relative(to: now.timestamp)); one is due each \(heartbeat.duration.words)"
          )
        ]),
    ]
  }

  private var next: String? {
    switch outcome {
    case .free, .freed: isOpen ? NextCommand.settle(environment) : nil
    case .refused where renews:
      "shipit cancel \(environment), which asks it to stop; shipit unlock \(environment) --force, if you know better"
    case .refused, .asked: nil
    }
  }
}

/// What `state move` says.
package struct MoveReport: Report {
  package static let kind = "state-move"

  package var environment: String
  package var from: String
  package var to: String
  package var runs: Int
  package var releases: Int
  /// It had been moved before.
  package var wasThere: Bool
  /// The file and the line that names the ledger.
  package var file: String?
  package var line: Int?
  package var old: String?
  package var new: String?
  /// The line was changed in the file.
  package var isWritten: Bool

  package init(
    environment: String, from: StateStore, to: StateStore, runs: Int, releases: Int, wasThere: Bool
  ) {
    self.environment = environment
    self.from = from.yaml
    self.to = to.yaml
    self.runs = runs
    self.releases = releases
    self.wasThere = wasThere
    isWritten = false
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    let what = "\(count(runs, "run")) and \(count(releases, "release"))"
    var lines = [
      Line(
        .good("\(symbols.good) "),
        Span(
          wasThere
            ? "the ledger of \(environment) had been moved to `state: \(to)` before: \(what) are there"
            : "the ledger of \(environment) is in `state: \(to)` now: \(what), read back and compared"),
        overflow: .wrap(hanging: 2)),
      .labelled("old", [Span("`state: \(from)` keeps a note of where it went, and refuses every command")]),
    ]
    let place = file.map { "\($0):\(line ?? 1)" } ?? "environments/\(environment).yaml"
    if isWritten {
      lines.append(.labelled("written", [Span(place), .accent("  \(new ?? "")")]))
      lines.append(
        .labelled("next", [.accent("commit \(file ?? "the file") and push it: others need the line too")]))
    } else {
      if let old { lines.append(.labelled("change", [Span(place), .bad("  - \(old)")])) }
      lines.append(
        .labelled(old == nil ? "change" : "", [Span(place), .good("  + \(new ?? "state: \(to)")")]))
      lines.append(.labelled("next", [.accent("change the line, commit it and push it: others need it too")]))
    }
    return lines
  }
}
