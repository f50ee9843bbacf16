package import Model

/// The table `rollback` prints first: per service what it restores, what it cannot, and what that means.
package struct RollbackReport: Report {
  package static let kind = "rollback"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var platform: PlatformName
    /// False when it already runs what the release recorded.
    package var changes: Bool
    package var fromCommit: String?
    package var toCommit: String
    /// The deployment that is to serve again.
    package var deployment: String?
    package var mode: Restore.Mode?
    package var cutOver: CutOver
    /// In words: what comes back.
    package var code: String
    package var variables: String
    /// Nil: they stay as they are.
    package var settings: String?
    /// What does not come back; nil: everything does.
    package var cannot: String?
    /// What it leaves on the platform, such as a pin; nil: nothing.
    package var leaves: String?
    /// What that means for the users and the people on call; nil: they get the old code, no more.
    package var meaning: String?
    /// Without a ledger: what was guessed, and why.
    package var guess: String?
  }

  package var app: String
  package var environment: String
  package var from: ReleaseHead?
  /// What is live runs different commits, as after a rollback in part.
  package var isMix: Bool
  /// Nil: guessed from the platforms' own history.
  package var to: ReleaseHead?
  /// Why that release is restored.
  package var choice: String?
  package var reason: String?
  package var services: [ServiceLine]
  package var steps: Int
  /// Flags that go off before any code.
  package var rollouts: [PlannedRollout]
  package var warnings: [String]
  package var overrides: [Override]

  /// - Parameters:
  ///   - plan: Of kind rollback.
  ///   - from: The release that is live.
  ///   - to: The release that is restored; nil when the plan was guessed.
  package init(_ plan: Plan, from: Release?, to: Release?, overrides: [Override] = []) {
    app = plan.app
    environment = plan.environment
    self.from = from.map(ReleaseHead.init)
    isMix = from.flatMap(StatusReport.mix) != nil
    self.to = to.map(ReleaseHead.init)
    choice = plan.choice
    reason = plan.reason
    services = plan.services.map { ServiceLine($0, in: plan, isGuess: to == nil) }
    // Nothing is done to a service that is there already, or that was not asked for; both are said.
    for name in plan.order.reversed() where !plan.services.contains(where: { $0.service == name }) {
      guard let present = plan.before[name], let wanted = to?.services[name] else { continue }
      services.append(ServiceLine(present, wanted: wanted))
    }
    steps = plan.steps.count
    rollouts = plan.rollouts ?? []
    warnings = plan.warnings
    self.overrides = overrides
  }
}

extension RollbackReport.ServiceLine {
  init(_ planned: PlannedService, in plan: Plan, isGuess: Bool) {
    let steps = plan.steps.filter { $0.service == planned.service }
    let restore = steps.lazy.compactMap { step in
      if case .restore(let restore) = step.action { restore } else { nil }
    }.first
    service = planned.service
    platform = planned.platform
    changes = !steps.isEmpty
    fromCommit = planned.previousCommit
    toCommit = restore?.commit ?? planned.record.commit
    deployment = restore?.deployment ?? planned.record.deployment
    mode = restore?.mode
    cutOver = planned.cutOver
    cannot = Self.cannot(planned, restore?.mode)
    guess = isGuess ? planned.reasons.first : nil
    let thing = planned.platform == .vercel ? "build" : "image"
    let commit = short(toCommit)
    let today = Self.words(planned.variables) ?? "today’s variables"
    switch restore?.mode {
    case .codeAndVariables:
      code = "the \(thing) as it ran"
      // What is stored there is for the next build: it is put back beside what the old one carries.
      variables =
        planned.platform.buildReadsVariables
        ? "the variables it was built with" + (Self.words(planned.variables).map { "; stored \($0)" } ?? "")
        : "the variables it ran with"
    case .codeOnly: (code, variables) = ("the \(thing) as it ran", today)
    case .rebuild: (code, variables) = ("built again", today)
    case .redeploy: (code, variables) = ("rolled out again", today)
    case nil:
      code = steps.isEmpty ? "runs \(commit) already" : "its code stays"
      variables = Self.words(planned.variables) ?? "variables as they are"
    }
    settings =
      planned.settings.isEmpty
      ? nil : planned.settings.map { "\($0.name) → \($0.to)" }.joined(separator: ", ")
    leaves =
      planned.platform == .vercel && restore != nil && restore?.mode != .rebuild
      ? "production pinned: pushes stay staged until the next deploy promotes" : nil
    meaning = Self.meaning(planned, mode: restore?.mode, changes: !steps.isEmpty)
  }

  /// A service that the plan does nothing to.
  init(_ present: ReleasedService, wanted: ReleasedService) {
    service = present.target.service
    platform = present.target.platform
    changes = false
    (fromCommit, toCommit) = (present.commit, present.commit)
    deployment = present.deployment
    cutOver = present.cutOver
    let isThere = present.commit == wanted.commit && present.variables == wanted.variables
    code = isThere ? "runs \(short(present.commit)) already" : "stays at \(short(present.commit))"
    variables = "variables as they are"
  }

  /// What the plan lost, and what a platform never gives back (contract vercel §4.5).
  private static func cannot(_ planned: PlannedService, _ mode: Restore.Mode?) -> String? {
    var parts = planned.cannotRestore.map { [$0] } ?? []
    if planned.platform == .vercel, mode == .codeAndVariables {
      parts.append("Vercel’s flags and Global Config: they stay as they are")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  private static func words(_ changes: [VariableChange]) -> String? {
    guard !changes.isEmpty else { return nil }
    return list(changes.map(\.name)) + " as recorded"
  }

  private static func meaning(_ planned: PlannedService, mode: Restore.Mode?, changes: Bool) -> String? {
    guard changes else { return nil }
    var parts: [String] = []
    switch mode {
    case .rebuild: parts.append("takes as long as a build, and the result may differ from what ran")
    case .redeploy: parts.append("takes as long as a rollout; builds are used again where they can be")
    case .codeOnly: parts.append("old code meets today’s variables")
    case .codeAndVariables, nil: break
    }
    if planned.cutOver == .stopFirst { parts.append("users meet an outage while it restarts") }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}

extension RollbackReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [Line(.strong("rollback \(app) \(environment)"))]
    if let from {
      lines.append(
        .labelled(
          "from",
          isMix
            ? ["release \(from.release)  a mix of commits"]
            : ["release \(from.release)  ", .accent(short(from.commit)), Span(" \(from.subject)")],
          indent: 0))
    }
    lines.append(
      .labelled(
        "to",
        to.map { ["release \($0.release)  ", .accent(short($0.commit)), Span(" \($0.subject)")] }
          ?? [.warning("a guess, from the platforms’ own history: there is no ledger")],
        indent: 0))
    if let choice { lines.append(.labelled("why", [Span(choice)], indent: 0)) }
    if let reason { lines.append(.labelled("reason", [Span(reason)], indent: 0)) }
    lines += overrides.map(\.line) + [.empty]
    lines += rollouts.flatMap { $0.lines(symbols) }
    for line in services { lines += rows(line, symbols) }
    lines.append(.empty)
    lines += warnings.map { Line(.warning("\(symbols.warning) "), Span($0), overflow: .wrap(hanging: 2)) }
    lines.append(Line(.faint("databases are not touched: schema and data stay as they are")))
    let changing = services.count(where: \.changes)
    let verb = changing == 1 ? "goes" : "go"
    if steps == 0 {
      lines.append(Line(.good("nothing to do: what is asked for is live already")))
    } else {
      lines.append(Line(.strong("\(count(changing, "service")) \(verb) back, \(count(steps, "step"))")))
    }
    return lines
  }

  /// Few lines for each service: on call the whole answer has to fit one screen.
  private func rows(_ line: ServiceLine, _ symbols: Symbols) -> [Line] {
    let width = services.map(\.service.rawValue.columns).max() ?? 0
    let name = line.service.rawValue + String(repeating: " ", count: width - line.service.rawValue.columns)
    guard line.changes else {
      return [Line(.faint("\(symbols.same) \(name)  \(line.platform.rawValue)  \(line.code)"))]
    }
    let from = line.fromCommit.map { "\(short($0)) → " } ?? ""
    var lines = [
      Line(
        Span("\(symbols.back) ", .change), .strong(name), .faint("  \(line.platform.rawValue)"),
        Span("  \(from)\(short(line.toCommit))"),
        line.deployment.map { Span.faint("  deployment \($0)") } ?? "")
    ]
    if let guess = line.guess { lines.append(.labelled("why", [Span(guess)], indent: 4)) }
    let settings = line.settings.map { "; settings \($0)" } ?? ""
    lines.append(.labelled("restores", [Span("\(line.code), \(line.variables)\(settings)")], indent: 4))
    lines.append(
      .labelled("cannot", [line.cannot.map { .warning($0) } ?? .good("nothing is lost")], indent: 4))
    if let leaves = line.leaves { lines.append(.labelled("leaves", [.warning(leaves)], indent: 4)) }
    if let meaning = line.meaning { lines.append(.labelled("means", [Span(meaning)], indent: 4)) }
    return lines
  }
}
