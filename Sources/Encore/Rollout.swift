import Concurrency
import JSON
import Model

/// One rollout as the public API shows it (contract §4).
struct Rollout: Sendable, Hashable {
  /// One of its three phases; absent before it begins.
  struct Phase: Sendable, Hashable {
    var status: String
    var conclusion: String
    var startedAt: Timestamp?
    var completedAt: Timestamp?
  }

  var id: String
  var status: String
  var conclusion: String
  var queuedAt: Timestamp?
  var completedAt: Timestamp?
  /// In the order they run.
  var build: Phase?
  var infra: Phase?
  var deploy: Phase?

  /// Nil when it is no rollout.
  init?(_ node: JSON) {
    guard let id = node["id"]?.string, !id.isEmpty, let status = node["status"]?.string else { return nil }
    self.id = RolloutID.full(id)
    self.status = status
    conclusion = node["conclusion"]?.string ?? "pending"
    queuedAt = node["queued_at"]?.string.flatMap { Timestamp(iso8601: $0) }
    completedAt = node["completed_at"]?.string.flatMap { Timestamp(iso8601: $0) }
    func phase(_ names: String...) -> Phase? {
      // The webhooks' name of the second phase is another than the API's.
      for name in names {
        guard let node = node[name], let status = node["status"]?.string else { continue }
        return Phase(
          status: status, conclusion: node["conclusion"]?.string ?? "unknown",
          startedAt: node["started_at"]?.string.flatMap { Timestamp(iso8601: $0) },
          completedAt: node["completed_at"]?.string.flatMap { Timestamp(iso8601: $0) })
      }
      return nil
    }
    build = phase("build")
    infra = phase("infra", "infra_provision")
    deploy = phase("deploy")
  }

  var phases: [(name: String, phase: Phase)] {
    [("build", build), ("infra", infra), ("deploy", deploy)].compactMap { name, phase in
      phase.map { (name, $0) }
    }
  }

  /// Infrastructure waits for a person's approval in the dashboard.
  var isProposed: Bool { infra?.status == "proposed" || infra?.status == "awaiting_approval" }

  var isCompleted: Bool { status == "completed" }

  /// The phase that ended it badly.
  var failedPhase: (name: String, phase: Phase)? {
    phases.first { ["failure", "rejected", "canceled"].contains($0.phase.conclusion) }
  }

  /// The common status of a deployment.
  var common: Deployment.Status {
    if isCompleted {
      switch conclusion {
      case "success": return .live
      case "canceled": return .skipped
      default: return .failed
      }
    }
    if isProposed { return .needsApproval }
    if deploy?.status == "running" { return .starting }
    if build?.status == "running" || infra != nil { return .building }
    switch status {
    case "pending", "queued": return .queued
    case "running": return .building
    default: return .unknown(status)
    }
  }

  /// One line on what it does now.
  var words: String {
    guard let (name, phase) = phases.last(where: { $0.phase.status != "completed" }) else {
      return phases.isEmpty ? status : "\(phases[phases.count - 1].name) done"
    }
    if isProposed { return "waits for a person to approve infrastructure in the dashboard" }
    let titles = [
      "build": "building and testing", "infra": "providing infrastructure", "deploy": "deploying",
    ]
    return phase.status == "running" ? titles[name] ?? name : "\(name): \(phase.status)"
  }
}
