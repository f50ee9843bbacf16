import Concurrency
import JSON
package import Model

extension VercelPlatform {
  package func logs(_ query: LogQuery) async throws(Failure) -> [LogLine] {
    let place = query.target.place
    do throws(APIError) {
      var id = query.deployment
      if id == nil {
        let project = try await client.project(place)
        id = (project.production ?? project.newest)?.id
      }
      guard let id else {
        throw APIError(
          .notFound, "the project has no production deployment", operation: "getProject", subject: place.name)
      }
      let lines: [LogLine]
      switch query.kind {
      case .build:
        lines = try await client.events(place, id, since: query.since.map(\.milliseconds)).map(\.line)
      case .deploy:
        lines = try await client.runtimeLogs(place, id).filter { line in
          query.since.map { since in line.at.map { $0 >= since } ?? true } ?? true
        }
      }
      return Array(lines.suffix(query.limit))
    } catch { throw error.failure("reading the logs of \(place.name)", scope: scope(place)) }
  }
}

/// One record of a deployment's events, in either of its two shapes (contract §3.1).
struct DeploymentEvent: Sendable, Hashable {
  var id: String
  var type: String
  var text: String
  /// Milliseconds since 1970.
  var date: Int64

  /// Nil for what is no line of a log.
  init?(_ json: JSON) {
    let payload = json["payload"]?.object == nil ? json : json["payload"] ?? json
    guard let type = json["type"]?.string, DeploymentEvent.logs.contains(type),
      let text = payload["text"]?.string ?? json["text"]?.string
    else { return nil }
    self.type = type
    self.text = text
    date = payload["date"]?.int ?? json["date"]?.int ?? payload["created"]?.int ?? json["created"]?.int ?? 0
    id = payload["id"]?.string ?? json["id"]?.string ?? payload["serial"]?.string ?? "\(date) \(text)"
  }

  private static let logs: Set<String> = ["command", "stdout", "stderr", "fatal"]

  var line: LogLine {
    LogLine(
      at: Timestamp(milliseconds: date), severity: type == "stderr" || type == "fatal" ? "error" : "info",
      text: text)
  }
}

extension VercelClient {
  /// Build log records from a moment on, oldest first.
  func events(_ place: Place, _ deployment: String, since: Int64?, _ manner: Manner = .ordinary)
    async throws(APIError) -> [DeploymentEvent]
  {
    let answer = try await send(Endpoint.events(place, deployment, since: since), manner)
    return VercelClient.records(answer).compactMap { DeploymentEvent($0) }
  }

  /// What functions printed, as far as Vercel keeps it.
  func runtimeLogs(_ place: Place, _ deployment: String) async throws(APIError) -> [LogLine] {
    let records = try await lines(
      Endpoint.runtimeLogs(place, deployment), within: .seconds(15), pause: .seconds(3))
    return records.compactMap { record in
      guard let message = record["message"]?.string else { return nil }
      let request = [
        record["requestMethod"]?.string, record["requestPath"]?.string,
        record["responseStatusCode"]?.int.flatMap { $0 > 0 ? "\($0)" : nil },
      ].compactMap(\.self).joined(separator: " ")
      return LogLine(
        at: record["timestampInMs"]?.int.map { Timestamp(milliseconds: $0) },
        severity: record["level"]?.string ?? "info",
        text: request.isEmpty ? message : message.isEmpty ? request : "\(request)  \(message)")
    }
  }

  /// An array, one object, or one object a line.
  static func records(_ answer: Answer) -> [JSON] {
    if let array = answer.body.array { return array }
    if answer.body.object != nil { return [answer.body] }
    return answer.text.split(separator: "\n").compactMap { try? JSON(parsing: $0.utf8) }
  }
}

/// Follows the build log of a deployment, going on from the last record seen. Its failures never matter.
struct LogFollower: Sendable {
  private let client: VercelClient
  private let place: Place
  private let deployment: String
  private let report: @Sendable (StepReport) -> Void
  private var since: Int64?
  private var seen: Set<String> = []
  private var nextLook: Timestamp

  init(
    client: VercelClient, place: Place, deployment: String, report: @escaping @Sendable (StepReport) -> Void
  ) {
    self.client = client
    self.place = place
    self.deployment = deployment
    self.report = report
    nextLook = client.clock.now
  }

  /// Tells new lines when it is time to look again.
  mutating func advance() async {
    guard client.clock.now >= nextLook else { return }
    await fetch(.seconds(5))
    nextLook = client.clock.now + .milliseconds(1500)
  }

  /// Everything that is left, once the deployment has ended.
  mutating func finish() async { await fetch(.seconds(10)) }

  private mutating func fetch(_ timeout: Duration) async {
    guard let events = try? await client.events(place, deployment, since: since, .quick(timeout)) else {
      return
    }
    for event in events where seen.insert(event.id).inserted { report(.log(event.text)) }
    if let latest = events.map(\.date).max() { since = max(since ?? latest, latest) }
  }
}
