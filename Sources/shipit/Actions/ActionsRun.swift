import Concurrency
import GitHub
import HTTP
import Interface
import Model
import Runner

/// What a job of GitHub Actions gets of one run: summary, outputs, and a deployment on GitHub.
final class ActionsRun: Sendable {
  private struct State {
    var picture = RunPicture()
    var plan: [String] = []
    var begin: Task<Void, Never>?
  }

  private let context: ActionsContext
  private let console: Console
  private let environment: String
  private let reporter: DeploymentReporter?
  private let state = Locked(State())

  /// Nil outside of Actions.
  init?(_ console: Console, environment: String, http: any HTTPTransport, clock: any TimeSource) {
    guard let context = console.actions else { return nil }
    self.context = context
    self.console = console
    self.environment = environment
    reporter = context.target.map { target in
      DeploymentReporter(target, http: http, clock: clock, version: shipitVersion) { failure in
        // The run is not concerned: a warning, and on.
        var annotation = Annotation(failure, title: "deployments on GitHub")
        annotation.severity = .warning
        console.annotate([annotation])
      }
    }
  }

  /// The plan as it is printed.
  func show(_ plan: [String]) { state.withLock { $0.plan = plan } }

  func watch(_ event: RunEvent) {
    state.withLock { $0.picture.handle(event) }
    switch event.kind {
    case .started(let facts, let plan), .resumed(let facts, let plan, _):
      guard let reporter, plan.kind != .provision else { return }
      let subject = DeploymentSubject(
        app: facts.app, environment: facts.environment, commit: facts.commit,
        description: "\(plan.kind == .rollback ? "rollback" : "deploy"), release \(facts.release)",
        run: facts.id.number, planDigest: plan.digest,
        isTransient: plan.configuration?.previewOf != nil)
      state.withLock { $0.begin = Task { await reporter.begin(subject) } }
    default: break
    }
  }

  /// The plan that was shown last.
  var shown: [String] { state.withLock(\.plan) }

  /// Writes that there was nothing to do.
  func endWithNothingToDo(live: ReleaseHead?) { write(live: live) }

  /// Writes what is left of the run; nothing when none was seen to its end.
  func end() async {
    guard state.withLock({ $0.picture.result != nil }) else { return }
    let report = write(live: nil)
    let (picture, begin) = state.withLock { ($0.picture, $0.begin) }
    guard let reporter, let result = picture.result, let facts = picture.facts else { return }
    await begin?.value
    await reporter.end(
      result.state.deployment, description: "release \(facts.release): \(result.state.word)",
      environmentURL: result.exit == .done ? report.url : nil)
  }

  @discardableResult
  private func write(live: ReleaseHead?) -> ActionsReport {
    let (picture, plan) = state.withLock { ($0.picture, $0.plan) }
    let report = ActionsReport(
      picture, environment: environment, plan: plan, live: live, redact: console.redactor)
    context.append(summary: report.markdown)
    context.append(outputs: report.outputs)
    return report
  }
}

extension RunResult.State {
  /// As GitHub says it: `error` is what shipit could not finish.
  fileprivate var deployment: DeploymentState {
    switch self {
    case .released, .restored: .success
    case .rolledBack, .unchanged, .mixed: .failure
    case .inFlight, .abandoned: .error
    }
  }
}
