package import Concurrency

/// Carries out steps of one kind against one outside system.
///
/// `perform` with a known `externalID` continues waiting for that object and triggers nothing new.
package protocol StepPerformer: Sendable {
  /// Carries the step out. Reports ids through `call.identify` as soon as they are known.
  func perform(_ step: Step, _ call: StepCall) async -> Outcome

  /// Finds out what became of a step that was begun and whose end is not known. Changes nothing.
  func probe(_ step: Step, _ call: StepCall) async -> Finding

  /// Asks the system to give up what is not live yet, and says what became of it.
  /// Called after the task that performs has been cancelled; has three seconds.
  func abandon(_ step: Step, _ call: StepCall) async -> Abandonment
}

/// Everything one call of a performer may use beside the step itself.
package struct StepCall: Sendable {
  package var run: RunFacts
  package var attempt: Int
  /// When the step was begun, by shipit's clock.
  package var beganAt: Timestamp
  /// The object the step is known to have made, from an earlier attempt or a probe.
  package var externalID: String?
  /// Results of steps that have ended, by id.
  package var results: [StepID: StepResult]
  /// When the step's limit runs out.
  package var deadline: Timestamp
  /// Records the external id; durable when it returns.
  package var identify: @Sendable (String) async throws -> Void
  /// Tells people what happens; never blocks.
  package var report: @Sendable (StepReport) -> Void

  package init(
    run: RunFacts, attempt: Int, beganAt: Timestamp, externalID: String? = nil,
    results: [StepID: StepResult] = [:], deadline: Timestamp,
    identify: @escaping @Sendable (String) async throws -> Void = { _ in },
    report: @escaping @Sendable (StepReport) -> Void = { _ in }
  ) {
    self.run = run
    self.attempt = attempt
    self.beganAt = beganAt
    self.externalID = externalID
    self.results = results
    self.deadline = deadline
    self.identify = identify
    self.report = report
  }

  /// The command that shows a deployment's build log.
  package func buildLogs(of service: ServiceName?, deployment: String) -> String {
    "shipit logs \(run.environment) \(service?.rawValue ?? "SERVICE") --build --deployment \(deployment)"
  }

  /// The marker of a step of this run.
  package func marker(of step: Step) -> Marker {
    Marker(app: run.app, environment: run.environment, run: run.id, step: step.id)
  }
}

/// What a step tells while it runs.
package enum StepReport: Sendable, Hashable {
  /// What it does now: "building", "waiting for /health, 503 so far".
  case progress(String)
  /// A line of a build, deploy or command log. Untrusted text.
  case log(String)
}

/// The run a step belongs to.
package struct RunFacts: Sendable, Hashable, Codable {
  package var id: RunID
  package var release: Int
  package var app: String
  package var environment: String
  package var commit: String
  package var startedAt: Timestamp

  package init(
    id: RunID, release: Int, app: String, environment: String, commit: String, startedAt: Timestamp
  ) {
    self.id = id
    self.release = release
    self.app = app
    self.environment = environment
    self.commit = commit
    self.startedAt = startedAt
  }
}
