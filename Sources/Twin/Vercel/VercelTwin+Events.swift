import Concurrency
import HTTPServer
import JSON

/// Build logs and requests of a deployment, contract §3.1 and point 12 of §13.
extension VercelTwin {
  /// An array, or a line for each event while the deployment goes on.
  /// - Parameter cutting: the stream breaks off after two records.
  func events(_ call: Call, cutting: Bool) throws(Problem) -> ServerResponse {
    let deployment = try world.deployment(call.place(0), for: call)
    guard deployment.createdAt + world.switches.hidesNewDeployments <= world.now else {
      throw .notFound("Deployment")
    }
    let since = call.number("since")
    if call.query("follow") == "1" { return follow(deployment.id, since: since, cutting: cutting) }
    var found = selected(deployment, since: since, until: call.number("until"))
    if call.query("direction") == "backward" { found.reverse() }
    if let limit = call.number("limit"), limit >= 0 { found = Array(found.prefix(Int(limit))) }
    return .json(200, .array(found.map { document($0, of: deployment) }))
  }

  private func selected(_ deployment: Deployment, since: Int64?, until: Int64?) -> [Event] {
    deployment.events.filter { event in
      (since.map { event.date.milliseconds >= $0 } ?? true)
        && (until.map { event.date.milliseconds <= $0 } ?? true)
    }
  }

  private func follow(_ id: String, since: Int64?, cutting: Bool) -> ServerResponse {
    let (lines, sink) = AsyncStream<[UInt8]>.makeStream()
    let task = Task { [clock = time.source] in
      var sent = 0
      while !Task.isCancelled {
        let (news, isOver) = news(of: id, after: sent, since: since)
        for line in news {
          sent += 1
          if cutting, sent > 2 { break }
          sink.yield(Array((line.serialized() + "\n").utf8))
        }
        if isOver || (cutting && sent > 2) { break }
        guard (try? await clock.sleep(for: .milliseconds(100))) != nil else { break }
      }
      sink.finish()
    }
    sink.onTermination = { _ in task.cancel() }
    return ServerResponse(
      status: 200, headers: [("Content-Type", "application/stream+json")], body: .stream(lines))
  }

  private func news(of id: String, after sent: Int, since: Int64?) -> (lines: [JSON], isOver: Bool) {
    settle()
    guard let deployment = world.deployments[id] else { return ([], true) }
    let found = selected(deployment, since: since, until: nil)
    let isOver = deployment.readyState.isFinal && (deployment.readyState != .ready || !deployment.isAssigning)
    return (found.dropFirst(sent).map { document($0, of: deployment) }, isOver)
  }

  private func document(_ event: Event, of deployment: Deployment) -> JSON {
    if event.kind == "alias-assigned" {
      return [
        "type": "alias-assigned", "deploymentId": .string(deployment.id), "date": .number(event.date),
        "alias": .texts(deployment.aliases), "aliasError": deployment.aliasError ?? .null,
        "aliasWarning": .null,
      ]
    }
    var info: [String: JSON] = [
      "type": "build", "name": .string("bld_" + deployment.id.suffix(9)), "entrypoint": ".",
    ]
    if event.kind == "deployment-state" { info["readyState"] = .string(event.text) }
    let fields: [String: JSON] = [
      "deploymentId": .string(deployment.id), "id": .string(event.id), "date": .number(event.date),
      "serial": .string(String(event.serial)), "text": .string(event.text), "info": .object(info),
    ]
    guard world.switches.nestsEvents else {
      return .object(fields.merging(["type": .string(event.kind), "created": .number(event.date)]) { $1 })
    }
    return ["type": .string(event.kind), "created": .number(event.date), "payload": .object(fields)]
  }

  /// A line for each request that the deployment answered.
  func runtimeLogs(_ call: Call) throws(Problem) -> ServerResponse {
    let project = try world.project(call.place(0), for: call)
    let deployment = try world.deployment(call.place(1), for: call)
    guard deployment.project == project.id else { throw .notFound("Deployment") }
    let lines = edgeLog.records.filter { $0.deployment == deployment.id }.map { record -> JSON in
      [
        "level": .string(record.status < 500 ? "info" : "error"), "message": "",
        "rowId": .string("\(record.number)"),
        "source": "request", "timestampInMs": .number(record.time), "domain": .string(record.host),
        "messageTruncated": false, "requestMethod": "GET", "requestPath": .string(record.path),
        "responseStatusCode": .int(Int64(record.status)),
      ]
    }
    return ServerResponse(
      status: 200, headers: [("Content-Type", "application/stream+json")],
      body: .bytes(Array(lines.map { $0.serialized() + "\n" }.joined().utf8)))
  }
}
