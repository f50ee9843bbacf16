import Concurrency
import JSON
import Model

extension RailwayClient {
  /// One deployment; nil when it is not found, as for a moment after its creation.
  func deployment(_ id: String, _ manner: Manner = .read) async throws(APIError) -> Deployment? {
    do {
      return Deployment(
        railway: try await read(Documents.deployment, ["id": .string(id)], manner)["deployment"])
    } catch {
      if error.kind == .notFound { return nil }
      throw error
    }
  }

  /// The deployments of a service created since a moment of the server's clock, newest first.
  func deployments(of target: ServiceTarget, since: Timestamp? = nil, _ manner: Manner = .read)
    async throws(APIError) -> [Deployment]
  {
    var found: [Deployment] = []
    var page: Page = .first
    var pages = 0
    // Without a moment the newest page is enough: what is asked then is which ids are known.
    while page != .exhausted, pages < 10 {
      let data = try await read(
        Documents.deployments,
        [
          "input": [
            "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
            "serviceId": .string(target.serviceID),
          ], "first": 100, "after": page.cursor,
        ], manner)
      let listing = data["deployments"]
      let batch = (listing?["edges"]?.array ?? []).compactMap { Deployment(railway: $0["node"]) }
      found += batch
      pages += 1
      page = page.next(listing?["pageInfo"])
      guard let since, let oldest = batch.map(\.createdAt).min(), oldest >= since else { break }
    }
    // The order of the listing is documented for the CLI only.
    return found.filter { since == nil || $0.createdAt >= since ?? $0.createdAt }
      .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
  }

  /// The moment on the server's clock, less a margin for what is not known about it.
  func serverMoment(_ moment: Timestamp, margin: Duration) -> Timestamp {
    moment + (skew ?? .zero) - margin
  }

  /// The step a failed deployment failed in, in Railway's word, and why.
  func failedEvent(of id: String) async -> (step: String, error: String)? {
    guard
      let data = try? await read(
        Documents.deploymentEvents, ["id": .string(id), "first": 50], .quick(.seconds(10)))
    else { return nil }
    let events = (data["deploymentEvents"]?["edges"]?.array ?? []).compactMap { $0["node"] }
    let failed = events.last { ($0["payload"]?["error"]?.string ?? "").isEmpty == false }
    guard let event = failed ?? events.last(where: { $0["completedAt"]?.string == nil }) else { return nil }
    let payload = event["payload"]
    let words = [payload?["error"], payload?["reason"], payload?["detail"]].compactMap { $0?.string }
    return (event["step"]?.string ?? "", scrub(words.first ?? "", []))
  }
}
