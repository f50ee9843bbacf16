import Concurrency
import JSON
package import Model

extension RailwayPlatform {
  package func logs(_ query: LogQuery) async throws(Failure) -> [LogLine] {
    let doing = "reading the logs of \(query.target.name)"
    do throws(APIError) {
      var id = query.deployment
      if id == nil {
        let service = try await client.state(of: query.target.place).services[query.target.serviceID]
        id = (service?.live ?? service?.newest)?.id
      }
      guard let id else {
        throw APIError(.notFound, "the service has no deployment", operation: Documents.environment.name)
      }
      return try await client.logs(of: id, query.kind, since: query.since, limit: query.limit)
    } catch { throw error.failure(doing, token: await tokenWords()) }
  }
}

extension RailwayClient {
  /// Log lines of a deployment, oldest first. Fails before a build has begun.
  func logs(
    of deployment: String, _ kind: LogQuery.Kind, since: Timestamp?, limit: Int, _ manner: Manner = .read
  ) async throws(APIError) -> [LogLine] {
    let operation = kind == .build ? Documents.buildLogs : Documents.deploymentLogs
    let data = try await read(
      operation,
      [
        "deploymentId": .string(deployment), "limit": .int(Int64(min(max(limit, 1), 5000))),
        "startDate": since.map { .string($0.iso8601) } ?? .null,
      ], manner)
    let lines = (data[kind == .build ? "buildLogs" : "deploymentLogs"]?.array ?? []).map { node in
      LogLine(
        at: node["timestamp"]?.string.flatMap { Timestamp(iso8601: $0) },
        severity: node["severity"]?.string ?? "info", text: node["message"]?.string ?? "")
    }
    // One row more than asked for can come back.
    return Array(lines.suffix(limit))
  }
}

/// Follows the build and deploy logs of a deployment by polling. Its failures never matter.
struct LogFollower: Sendable {
  private let client: RailwayClient
  private let deployment: String
  private let report: @Sendable (StepReport) -> Void
  private var since: [LogQuery.Kind: Timestamp] = [:]
  private var seen: [LogQuery.Kind: Set<LogLine>] = [:]
  private var nextLook: Timestamp

  init(client: RailwayClient, deployment: String, report: @escaping @Sendable (StepReport) -> Void) {
    self.client = client
    self.deployment = deployment
    self.report = report
    nextLook = client.clock.now
  }

  /// Reports new lines when it is time to look again, as often as the quota bears.
  mutating func advance(_ status: Deployment.Status) async {
    let now = client.clock.now
    guard now >= nextLook else { return }
    let quota = await client.quota
    switch status {
    case .building: await fetch(.build, limit: 500, .seconds(3))
    case .starting, .live:
      if seen[.build] != nil || quota.isGenerous(now: now) { await fetch(.build, limit: 500, .seconds(3)) }
      await fetch(.deploy, limit: 500, .seconds(3))
    default: return
    }
    nextLook = client.clock.now + (quota.isGenerous(now: now) ? .milliseconds(1500) : .seconds(12))
  }

  /// Everything that is left, once the deployment has ended.
  mutating func finish(limit: Int = 200) async {
    await fetch(.build, limit: limit, .seconds(5))
    await fetch(.deploy, limit: limit, .seconds(5))
  }

  private mutating func fetch(_ kind: LogQuery.Kind, limit: Int, _ timeout: Duration) async {
    guard
      let lines = try? await client.logs(
        of: deployment, kind, since: since[kind], limit: limit, .quick(timeout))
    else { return }
    for line in lines where seen[kind, default: []].insert(line).inserted { report(.log(line.text)) }
    if let latest = lines.compactMap(\.at).max() {
      since[kind] = latest
      // Only lines at the very moment asked from can come again.
      if let all = seen[kind], all.count > 5000 { seen[kind] = all.filter { $0.at ?? latest >= latest } }
    }
  }
}
