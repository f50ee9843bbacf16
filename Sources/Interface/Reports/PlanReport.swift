package import Model

/// What `plan` says, and `deploy` before it asks.
package struct PlanReport: Report {
  package static let kind = "plan"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var platform: PlatformName
    package var cutOver: CutOver
    /// How long and in which way users can meet old and new code, in words.
    package var mixedWindow: String
    package var address: String?
    package var changes: Bool
    package var reasons: [String]
    package var settings: [SettingChange]
    package var variables: [VariableChange]
    package var previousDeployment: String?
    package var previousCommit: String?
    package var cannotRestore: String?
  }

  package struct StepLine: Codable, Sendable, Hashable {
    package var id: StepID
    package var title: String
    package var service: ServiceName?
    package var needs: [StepID]
    package var isCutOver: Bool
    package var limit: Seconds
    package var expected: Seconds
    /// Of a check: where it looks and what it wants.
    package var wants: String?
    /// It is the last look at a service before the release is called live.
    package var isConfirmation: Bool
  }

  package struct GitHubLine: Codable, Sendable, Hashable {
    package var place: ActionsSecretsPlace
    package var secrets: [VariableChange]
  }

  package var action: Plan.Kind
  package var app: String
  package var environment: String
  package var commit: String
  package var subject: String
  package var isDirty: Bool
  /// The release that is live and good; nil before the first one.
  package var live: ReleaseHead?
  /// The number the run would get.
  package var next: Int?
  package var restores: Int?
  /// Of a rollback: why that release.
  package var choice: String?
  package var reason: String?
  package var overrides: [Override]
  package var services: [ServiceLine]
  /// What it does to schemas.
  package var schemas: [SchemaLine]
  /// What it writes for GitHub Actions; nil: nothing.
  package var github: GitHubLine?
  package var steps: [StepLine]
  /// How long users can meet services of both releases together, in words; nil when one alone goes over.
  package var mixedWindow: String?
  /// What each rule of `protect` says now.
  package var protect: [PolicyNote]
  /// What it does with the environment's rollouts once the release is proven.
  package var rollouts: [PlannedRollout]
  /// What no API can do, for a person.
  package var manual: [ManualTask]
  /// Of a plan that makes what is missing: what the deploy right after it does, as far as it is known.
  package var then: [ServiceLine]
  package var warnings: [String]
  package var deadline: Seconds
  package var digest: String
  package var hasPrevious: Bool

  /// - Parameters:
  ///   - live: The release that is live and good; nil before the first one.
  ///   - next: The number the run would get.
  ///   - protect: What each rule of `protect` says now.
  package init(
    _ plan: Plan, live: ReleaseHead?, next: Int? = nil, overrides: [Override] = [], protect: [PolicyNote] = []
  ) {
    self.protect = protect
    action = plan.kind
    app = plan.app
    environment = plan.environment
    commit = plan.commit
    subject = plan.subject
    isDirty = plan.isDirty
    self.live = live
    // What is missing is made by a run that takes a number too.
    self.next = plan.kind == .provision ? next.map { $0 + 1 } : next
    restores = plan.restores
    choice = plan.choice
    reason = plan.reason
    self.overrides = overrides
    let byService = Dictionary(grouping: plan.steps, by: \.service)
    services = plan.services.map { ServiceLine($0, byService[$0.service] ?? []) }
    schemas = plan.schemaChanges.map(SchemaLine.init)
    github = plan.actions.flatMap {
      $0.changes.isEmpty ? nil : GitHubLine(place: $0.before.place, secrets: $0.changes)
    }
    steps = plan.steps.map {
      StepLine(
        id: $0.id, title: $0.title, service: $0.service, needs: $0.needs, isCutOver: $0.isCutOver,
        limit: Seconds($0.limit), expected: Seconds($0.expected), wants: $0.wants,
        isConfirmation: $0.isConfirmation)
    }
    mixedWindow = MixedWindow(plan)?.words
    rollouts = plan.rollouts ?? []
    manual = plan.manual ?? []
    then = (plan.then ?? []).map { ServiceLine($0, []) }
    warnings = plan.warnings
    deadline = Seconds(plan.deadline)
    digest = plan.digest
    hasPrevious = plan.hasPrevious
  }

  /// Services that the plan does something to.
  package var changing: [ServiceLine] { services.filter(\.changes) }

  /// The steps as people see them: the last looks are one.
  var shown: [StepLine] {
    let looks = steps.filter(\.isConfirmation)
    guard looks.count > 1 else { return steps }
    return steps.compactMap { step in
      guard step.isConfirmation else { return step }
      guard step.id == looks[0].id else { return nil }
      var step = step
      step.title = Confirmations.title
      return step
    }
  }
}

extension Step {
  fileprivate var wants: String? {
    if case .check(let check, let addresses) = action { check.words(addresses) } else { nil }
  }
}

extension PlanReport.ServiceLine {
  /// - Parameter steps: The plan's that are the service's.
  init(_ planned: PlannedService, _ steps: [Step]) {
    service = planned.service
    platform = planned.platform
    cutOver = planned.cutOver
    address = planned.address
    changes =
      !steps.isEmpty || !planned.reasons.isEmpty || !planned.settings.isEmpty || !planned.variables.isEmpty
    reasons = planned.reasons
    settings = planned.settings
    variables = planned.variables.map { change in
      var shown = change
      if change.isSecret {
        shown.from = nil
        shown.to = nil
        shown.recorded = nil
      }
      return shown
    }
    previousDeployment = planned.previous
    previousCommit = planned.previousCommit
    cannotRestore = planned.cannotRestore
    mixedWindow = Self.window(planned, cutOver: steps.first { $0.isCutOver })
  }

  /// What users can meet while the service goes over to the new code.
  private static func window(_ planned: PlannedService, cutOver step: Step?) -> String {
    if planned.cutOver == .beside { return "each deployment keeps its own address" }
    if planned.previous == nil { return "first deployment: nothing answers before it" }
    let settings = planned.record.settings
    switch planned.cutOver {
    case .staged:
      return "switches at once; pages opened before keep the old code"
    case .beside: return ""
    case .gated:
      var text =
        if let overlap = settings.overlap, overlap > .zero {
          "old and new answer side by side for about \(overlap.words)"
        } else {
          "old and new answer side by side for a moment"
        }
      if let drain = settings.drain, drain > .zero { text += ", open requests for up to \(drain.words)" }
      return text
    case .stopFirst:
      guard let step else { return "down from the stop until the new one is healthy" }
      return "down from the stop until the new one is healthy, about \(step.expected.words)"
    }
  }
}

/// From the first cut-over of a plan to its last: while old and new services work together.
struct MixedWindow {
  let first: Step
  let last: Step
  let duration: Duration

  /// Nil when fewer than two services go from old to new code.
  init?(_ plan: Plan) {
    let firsts = Set(plan.services.filter { $0.previous == nil }.map(\.service))
    let moving = plan.steps.filter { step in
      step.isCutOver && !(step.service.map(firsts.contains) ?? false)
    }
    guard moving.count > 1 else { return nil }
    // Every step ends as early as what it needs allows, by the durations that are expected.
    var ends: [StepID: Duration] = [:]
    for step in plan.steps {
      ends[step.id] = (step.needs.compactMap { ends[$0] }.max() ?? .zero) + step.expected
    }
    let cutOvers = moving.map { (step: $0, end: ends[$0.id] ?? .zero) }
    guard cutOvers.count > 1, let first = cutOvers.min(by: { $0.end < $1.end }),
      let last = cutOvers.max(by: { $0.end < $1.end }), first.step.id != last.step.id
    else { return nil }
    self.first = first.step
    self.last = last.step
    duration = last.end - first.end
  }

  var words: String {
    "old and new services work together from \(MixedWindow.moment(first)) to \(MixedWindow.moment(last)), "
      + "about \(duration.words)"
  }

  private static func moment(_ step: Step) -> String {
    let name = step.service?.rawValue ?? step.title
    if case .promote = step.action { return "\(name) promoted" }
    if case .restore = step.action { return "\(name) back" }
    return "\(name) live"
  }
}
