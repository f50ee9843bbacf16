import Concurrency
import Interface
import Model
import Runner

enum LogsCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let (project, environment) = (subject.project, subject.environment)
      let limit = try invocation.count("lines", in: 1...5000, default: 100)
      let name = ServiceName(rawValue: invocation.positional(1) ?? "")
      guard let service = environment.service(name) else {
        throw Failure(
          .configuration, "\(environment.name) has no service “\(name)”",
          hint: "its services are \(environment.services.map(\.key.rawValue).joined(separator: ", "))")
      }
      let session = try await Session(
        project, environment, console, needsVariables: false, isPartial: true)
      let platform = try session.platform(service.platform)
      guard let observed = try await platform.observe(environment).services[name] else {
        throw Failure(.configuration, "\(name) was not found on \(service.platform.rawValue)")
      }
      // Who reads logs at night has the token and not the other secrets: their values come from the platform.
      console.hide(
        service.variables.compactMap { name, value in
          guard case .secret = value, let stored = observed.variables[name], let stored else { return nil }
          return (name, stored)
        })
      var query = LogQuery(
        target: observed.target, deployment: invocation.value("deployment") ?? observed.live?.id,
        kind: invocation.has("build") ? .build : .deploy, limit: limit)
      guard query.deployment != nil else {
        throw Failure(
          .failed, "nothing of \(name) is live: there are no logs to show",
          hint: "shipit logs \(environment.name) \(name) --deployment ID, for one that failed")
      }
      var lines = try await platform.logs(query)
      console.result(
        LogsReport(environment: environment.name, service: name, deployment: query.deployment, lines))
      while invocation.has("follow") {
        do { try await session.clock.sleep(for: .seconds(2)) } catch { return .done }
        query.since = lines.last?.at ?? query.since
        let seen = Set(lines.suffix(500))
        let fresh = try await platform.logs(query).filter { !seen.contains($0) }
        guard !fresh.isEmpty else { continue }
        console.result(
          LogsReport(environment: environment.name, service: name, deployment: query.deployment, fresh))
        lines = Array((lines + fresh).suffix(1000))
      }
      return .done
    }
  }
}
