import Concurrency
import Engine
package import Model

/// What a deploy is asked to do.
package struct DeployRequest: Sendable {
  package var revision: Revision
  package var isDirty: Bool
  /// Replace a newer or diverged commit.
  package var allowsOlder: Bool
  /// Deploy a commit although a release of it was rolled back by itself.
  package var again: Bool
  /// Images to deploy instead of what is declared, by service: the artefacts of a promotion.
  package var images: [ServiceName: String]
  /// Stands in the release: "promoted from staging, release 6".
  package var reason: String?

  package init(
    revision: Revision, isDirty: Bool = false, allowsOlder: Bool = false, again: Bool = false,
    images: [ServiceName: String] = [:], reason: String? = nil
  ) {
    self.revision = revision
    self.isDirty = isDirty
    self.allowsOlder = allowsOlder
    self.again = again
    self.images = images
    self.reason = reason
  }
}

/// `shipit deploy`: lease, settle, observe, plan, agree, run, record.
package struct DeployOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning
  private let request: DeployRequest

  package init(_ context: OperationContext, planning: Planning, request: DeployRequest) {
    self.context = context
    self.planning = planning
    self.request = request
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      let digest = try await planning.digest(request)
      // First, or its own mark would refuse the command that has to close it.
      if let ended = try await operation.closeEnded(), ended.plan?.digest == digest { return ended }
      try await refuse()
      if let continued = try await operation.settle(unlessSame: digest) { return continued }
      // What was settled may have left a hold or a bad mark.
      try await refuse()
      return try await operation.carryOut(try await planning.plan(request), agree: agree)
    }
  }

  /// Holds and bad marks (DESIGN §2, §10).
  private func refuse() async throws(Failure) {
    let name = planning.environment.name
    if let hold = try await context.ledger.hold() {
      throw Failure(
        .policy, "\(name) is on hold since \(hold.at.iso8601), by \(hold.by): \(hold.reason)",
        hint: "shipit unhold \(name), when the reason is gone")
    }
    let bad = try await context.ledger.badCommits()
    if let release = bad[request.revision.commit] {
      guard request.again else {
        throw Failure(
          .policy,
          "commit \(request.revision.commit.prefix(7)) is marked bad: release \(release) of it was rolled back",
          hint: "shipit why, for the cause; deploy a newer commit, or shipit deploy \(name) --again")
      }
    }
  }
}
