import Concurrency
import JSON
package import Model

/// Progress for programs: one JSON object a line, `{"shipit":1,"type":"step-ended",…}`.
///
/// Moments are ISO 8601, durations seconds. Readers ignore types and members they do not know.
package struct JSONFace: RunFace {
  private var picture: RunPicture
  private let redact: @Sendable (String) -> String

  package init(plan: Plan? = nil, redact: @escaping @Sendable (String) -> String = { $0 }) {
    self.redact = redact
    picture = RunPicture(plan: plan)
  }

  package mutating func handle(_ event: RunEvent) -> [String] {
    picture.handle(event)
    var members = members(event)
    members["shipit"] = .int(Int64(documentVersion))
    members["at"] = .string(event.at.iso8601)
    return [JSON.object(members).showable(redact).serialized()]
  }

  private func members(_ event: RunEvent) -> [String: JSON] {
    switch event.kind {
    case .started(let facts, let plan):
      return typed("run-started", facts.members) {
        $0["plan"] = try? JSON(encoding: PlanReport(plan, live: nil, next: facts.release))
      }
    case .resumed(let facts, let plan, let finished):
      return typed("run-resumed", facts.members) {
        $0["plan"] = try? JSON(encoding: PlanReport(plan, live: nil, next: facts.release))
        $0["finished"] = .array(finished.map { .string($0.rawValue) })
      }
    case .stepBegan(let step, let attempt):
      return typed("step-began", about(step.id)) { $0["attempt"] = .int(Int64(attempt)) }
    case .stepProgress(let id, let text):
      return typed("step-progress", about(id)) { $0["text"] = .string(text) }
    case .stepLog(let id, let text): return typed("step-log", about(id)) { $0["line"] = .string(text) }
    case .stepEnded(let id, let outcome):
      return typed("step-ended", about(id)) {
        $0.merge(outcome.members) { $1 }
        if let elapsed = picture.steps[id]?.elapsed(event.at) { $0["seconds"] = seconds(elapsed) }
      }
    case .stepRetries(let id, let failure, let wait):
      return typed("step-retries", about(id)) {
        $0["failure"] = failure.document
        $0["afterSeconds"] = seconds(wait)
      }
    case .stepProbing(let id): return typed("step-probing", about(id))
    case .stepProbed(let id, let finding):
      return typed("step-probed", about(id)) { $0.merge(finding.members) { $1 } }
    case .stepAbandoned(let id, let abandonment):
      return typed("step-abandoned", about(id)) { $0.merge(abandonment.members) { $1 } }
    case .turned(let reason, let failure, let undo):
      return typed("turned", ["reason": .string(reason.rawValue)]) {
        $0["failure"] = failure?.document
        $0["undo"] = .array(undo.map { .string($0.id.rawValue) })
      }
    case .interrupted(let interruption):
      return typed("interrupted", ["by": .string(interruption.rawValue)])
    case .cancelAsked(let request, let isHeeded):
      return typed(
        "cancel-asked",
        ["by": .string(request.by), "reason": .string(request.reason), "heeded": .bool(isHeeded)])
    case .leaseWaits(let text): return typed("lease-waits", ["text": .string(text)])
    case .finished(let result):
      let summary = RunSummary(picture).flatMap { try? JSON(encoding: $0) }?.object ?? [:]
      return typed("run-finished", summary) {
        $0["state"] = .string(result.state.rawValue)
        $0["exit"] = .int(Int64(result.exit.rawValue))
        if let summary = RunSummary(picture) { $0["next"] = .string(summary.next) }
      }
    }
  }

  private func typed(
    _ type: String, _ members: [String: JSON] = [:], _ more: (inout [String: JSON]) -> Void = { _ in }
  ) -> [String: JSON] {
    var members = members
    members["type"] = .string(type)
    more(&members)
    return members
  }

  private func about(_ id: StepID) -> [String: JSON] {
    var members: [String: JSON] = ["step": .string(id.rawValue), "title": .string(picture.title(of: id))]
    if let service = picture.steps[id]?.step.service { members["service"] = .string(service.rawValue) }
    return members
  }
}

private func seconds(_ duration: Duration) -> JSON {
  (try? JSON(encoding: Seconds(duration))) ?? .null
}

extension RunFacts {
  fileprivate var members: [String: JSON] {
    [
      "run": .int(Int64(id.number)), "release": .int(Int64(release)), "app": .string(app),
      "environment": .string(environment), "commit": .string(commit), "startedAt": .string(startedAt.iso8601),
    ]
  }
}

extension Failure {
  /// Kind, message and, where known, place, cause and hint.
  fileprivate var document: JSON { (try? JSON(encoding: self)) ?? .null }
}

extension StepResult {
  fileprivate var members: [String: JSON] {
    var members: [String: JSON] = ["summary": .string(summary)]
    if let externalID { members["externalID"] = .string(externalID) }
    if let proof { members["proof"] = .string(proof.rawValue) }
    if let liveSince { members["liveSince"] = .string(liveSince.iso8601) }
    if !facts.isEmpty { members["facts"] = .object(facts.mapValues { .string($0) }) }
    return members
  }
}

extension Outcome {
  fileprivate var members: [String: JSON] {
    switch self {
    case .done(let result): result.members.merging(["outcome": "done"]) { $1 }
    case .failed(let failure, let moved):
      ["outcome": "failed", "failure": failure.document, "moved": .bool(moved)]
    case .retry(let failure, _): ["outcome": "retry", "failure": failure.document]
    case .ambiguous(let failure): ["outcome": "ambiguous", "failure": failure.document]
    case .unknowable(let failure): ["outcome": "unknowable", "failure": failure.document]
    case .waiting(let text): ["outcome": "waiting", "text": .string(text)]
    case .cancelled(let moved): ["outcome": "cancelled", "moved": .bool(moved)]
    }
  }
}

extension Finding {
  fileprivate var members: [String: JSON] {
    switch self {
    case .absent: ["finding": "absent"]
    case .underWay(let id): ["finding": "under-way", "externalID": .string(id)]
    case .done(let result): result.members.merging(["finding": "done"]) { $1 }
    case .failed(let failure, let moved):
      ["finding": "failed", "failure": failure.document, "moved": .bool(moved)]
    case .unknown(let failure): ["finding": "unknown", "failure": failure.document]
    }
  }
}

extension Abandonment {
  fileprivate var members: [String: JSON] {
    switch self {
    case .cancelled: ["became": "cancelled"]
    case .tookEffect(let result): result.members.merging(["became": "took-effect"]) { $1 }
    case .tookEffectInPart(let result):
      result.members.merging(["became": "took-effect-in-part"]) { $1 }
    case .inFlight(let text): ["became": "in-flight", "text": .string(text)]
    }
  }
}
