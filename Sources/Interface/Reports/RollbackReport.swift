package import Model

/// The table `rollback` prints first: per service what it restores, what it cannot, and what that means.
package struct RollbackReport: Report {
  package static let kind = "rollback"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
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
    package var settings: String
    /// What does not come back; nil: everything does.
    package var cannot: String?
    /// What that means for the users and the people on call.
    package var meaning: String
  }

  package var app: String
  package var environment: String
  package var from: ReleaseHead?
  package var to: ReleaseHead
  package var reason: String?
  package var services: [ServiceLine]
  package var steps: Int
  package var warnings: [String]
  package var overrides: [Override]

  /// - Parameters:
  ///   - plan: Of kind rollback.
  ///   - from: The release that is live.
  ///   - to: The release that is restored.
  package init(_ plan: Plan, from: Release?, to: Release, overrides: [Override] = []) {
    app = plan.app
    environment = plan.environment
    self.from = from.map(ReleaseHead.init)
    self.to = ReleaseHead(to)
    reason = plan.reason
    services = plan.services.map { ServiceLine($0, in: plan) }
    steps = plan.steps.count
    warnings = plan.warnings
    self.overrides = overrides
  }
}

extension RollbackReport.ServiceLine {
  init(_ planned: PlannedService, in plan: Plan) {
    let steps = plan.steps.filter { $0.service == planned.service }
    let restore = steps.lazy.compactMap { step in
      if case .restore(let restore) = step.action { restore } else { nil }
    }.first
    service = planned.service
    changes = !steps.isEmpty
    fromCommit = planned.previousCommit
    toCommit = restore?.commit ?? planned.record.commit
    deployment = restore?.deployment ?? planned.record.deployment
    mode = restore?.mode
    cutOver = planned.cutOver
    cannot = planned.cannotRestore
    let commit = short(toCommit)
    switch restore?.mode {
    case .codeAndVariables:
      code = "the image of \(commit), as it ran"
      variables = "those the deployment ran with"
    case .codeOnly:
      code = "the image of \(commit), as it ran"
      variables = Self.words(planned.variables) ?? "today’s stay"
    case .rebuild:
      code = "\(commit), built again: its image has expired"
      variables = Self.words(planned.variables) ?? "today’s stay"
    case .redeploy:
      code = "\(commit), rolled out again"
      variables = Self.words(planned.variables) ?? "today’s stay"
    case nil:
      code = steps.isEmpty ? "runs \(commit) already" : "\(commit), deployed again"
      variables = Self.words(planned.variables) ?? "as they are"
    }
    settings =
      planned.settings.isEmpty
      ? "as they are" : planned.settings.map { "\($0.name) → \($0.to)" }.joined(separator: ", ")
    meaning = Self.meaning(planned, commit, mode: restore?.mode, changes: !steps.isEmpty)
  }

  private static func words(_ changes: [VariableChange]) -> String? {
    guard !changes.isEmpty else { return nil }
    return list(changes.map(\.name)) + " as recorded"
  }

  private static func meaning(
    _ planned: PlannedService, _ commit: String, mode: Restore.Mode?, changes: Bool
  ) -> String {
    guard changes else { return "nothing happens to it" }
    var parts: [String] = []
    switch mode {
    case .rebuild: parts.append("takes as long as a build, and the result may differ from what ran")
    case .redeploy: parts.append("a rollout of the old commit: builds are used again where they can be")
    case .codeOnly: parts.append("old code meets today’s variables")
    case .codeAndVariables, nil: break
    }
    if planned.cutOver == .stopFirst { parts.append("users meet an outage while it restarts") }
    if planned.cannotRestore != nil { parts.append("look at what does not come back before you agree") }
    return parts.isEmpty ? "users get \(commit) again" : parts.joined(separator: "; ")
  }
}

extension RollbackReport {
  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [Line(.strong("rollback \(app) \(environment)"))]
    if let from {
      lines.append(
        .labelled(
          "from", ["release \(from.release)  ", .accent(short(from.commit)), Span(" \(from.subject)")],
          indent: 0))
    }
    lines.append(
      .labelled(
        "to", ["release \(to.release)  ", .accent(short(to.commit)), Span(" \(to.subject)")], indent: 0))
    if let reason { lines.append(.labelled("reason", [Span(reason)], indent: 0)) }
    lines += overrides.map(\.line)
    for line in services {
      lines.append(.empty)
      guard line.changes else {
        lines.append(Line(.faint("\(symbols.same) \(line.service)  \(line.code)")))
        continue
      }
      let from = line.fromCommit.map { "\(short($0)) → " } ?? ""
      lines.append(
        Line(
          Span("\(symbols.back) ", .change), .strong(line.service.rawValue),
          Span("  \(from)\(short(line.toCommit))")))
      let deployment = line.deployment.map { Span.faint("  deployment \($0)") } ?? ""
      lines.append(.labelled("code", [Span(line.code), deployment]))
      lines.append(.labelled("variables", [Span(line.variables)]))
      lines.append(.labelled("settings", [Span(line.settings)]))
      lines.append(.labelled("cannot", [line.cannot.map { .warning($0) } ?? .good("nothing is lost")]))
      lines.append(.labelled("means", [Span(line.meaning)]))
    }
    lines.append(.empty)
    lines += warnings.map { Line(.warning("\(symbols.warning) "), Span($0), overflow: .wrap(hanging: 2)) }
    lines.append(Line(.faint("databases are not touched: schema and data stay as they are")))
    let changing = services.count(where: \.changes)
    let verb = changing == 1 ? "goes" : "go"
    lines.append(Line(.strong("\(count(changing, "service")) \(verb) back, \(count(steps, "step"))")))
    return lines
  }
}
