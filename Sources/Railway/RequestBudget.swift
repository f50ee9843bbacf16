package import Model

/// How many requests a plan takes, so that a quota that is too small is said beforehand (contract railway §4.3).
struct RequestBudget: Sendable, Hashable {
  /// On the high side of what the tests measure.
  var requests: Int

  init(_ plan: Plan) {
    var requests = 0
    for step in plan.steps {
      guard case .platform(.railway) = step.action.performer else { continue }
      switch step.action {
      // Looked for before and after, with what it stands in.
      case .create: requests += 6
      case .settings: requests += 4
      case .variables: requests += 2
      // All who wait share one question.
      default: requests += 5
      }
    }
    // A service that is made is deployed by the same command.
    requests += (plan.then ?? []).count { $0.platform == .railway } * 14
    self.requests = requests == 0 ? 0 : requests + 30
  }

  /// What to say when the announced quota does not last.
  /// - Parameter remaining: requests left of it now.
  func warning(limit: Int?, remaining: Int?) -> String? {
    guard let limit, requests > min(remaining ?? limit, limit) else { return nil }
    let plan = limit <= 100 ? ", as of the Free plan" : ""
    let left = remaining.map { ", \($0) left now" } ?? ""
    return "this takes about \(requests) requests to Railway, and the quota is \(limit)\(plan)\(left): "
      + (requests > limit
        ? "it does not do, and the run stands still until the quota is renewed"
        : "the run may stand still until it is renewed")
  }
}

extension RailwayPlatform {
  package func warnings(on plan: Plan) async -> [String] {
    let quota = await client.quota
    return [RequestBudget(plan).warning(limit: quota.limit, remaining: quota.remaining)].compactMap(\.self)
  }
}
