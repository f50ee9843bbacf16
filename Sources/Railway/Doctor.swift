import Concurrency
package import Model

extension RailwayPlatform {
  package func examine(_ environment: Environment) async -> [Examination] {
    guard let target = environment.platforms.railway else {
      return [Examination("Railway", .skipped, "the environment file has no `platforms.railway`")]
    }
    var found: [Examination] = []
    do {
      let kind = try await client.identity(.read)
      found.append(Examination("Railway token", .good, "\(target.tokenSecret) is a \(kind.description)"))
    } catch {
      let failure = error.tokenFailure(secret: target.tokenSecret)
      return [bad("Railway token", failure)]
    }
    found += await names(environment)
    let notes = await incidentNotes()
    found.append(
      notes.isEmpty
        ? Examination("Railway status", .good, "no incident announced")
        : Examination("Railway status", .warning, notes.joined(separator: "; "), hint: "deploys may queue"))
    found.append(await quotaExamination())
    found.append(await clockExamination())
    return found
  }

  private func names(_ environment: Environment) async -> [Examination] {
    var found: [Examination] = []
    do throws(Failure) {
      let resolved = try await resolve(environment)
      found.append(
        Examination(
          "Railway project", .good,
          "\(resolved.project) / \(resolved.environment) (\(resolved.place.project) / \(resolved.place.environment))"
        ))
      let state: EnvironmentState
      do throws(APIError) { state = try await client.state(of: resolved.place) } catch {
        throw error.failure("reading the Railway environment", token: resolved.token.description)
      }
      if !state.canAccess { throw Resolution.restricted(resolved.environment, resolved.token) }
      found.append(Examination("Railway access", .good, "the environment may be entered"))
      for service in environment.services where service.platform == .railway {
        do throws(Failure) {
          let targets = try await Resolution(client: client).services([service], in: state, resolved)
          guard let target = targets[service.key] else { continue }
          found.append(
            Examination("Railway service \(service.key)", .good, "\(target.name) (\(target.serviceID))"))
          found += await snapshotRight(service, state.services[target.serviceID])
        } catch { found.append(bad("Railway service \(service.key)", error)) }
      }
    } catch { found.append(bad("Railway project", error)) }
    return found
  }

  /// Whether the old values of variables can be read, on which restoring them rests.
  private func snapshotRight(_ service: Service, _ state: ServiceState?) async -> [Examination] {
    guard let live = state?.live else { return [] }
    let subject = "Railway snapshot of \(service.key)"
    do {
      let names = try await client.snapshotVariables(of: live.id)
      return [Examination(subject, .good, "the \(names.count) variables of \(live.id) can be read back")]
    } catch {
      return [
        Examination(
          subject, .warning, "the variables of \(live.id) cannot be read back: \(error.message)",
          hint: "a rollback of this release cannot restore secret values that changed; use a workspace token")
      ]
    }
  }

  private func quotaExamination() async -> Examination {
    let quota = await client.quota
    guard let remaining = quota.remaining else {
      return Examination("Railway quota", .skipped, "no rate limit was announced")
    }
    let words =
      "\(remaining)" + (quota.limit.map { " of \($0)" } ?? "") + " requests left"
      + (quota.resetsAt.map { " until \($0.iso8601)" } ?? "")
    if remaining < 60 {
      return Examination(
        "Railway quota", .warning, words, hint: "wait for the quota to reset before deploying")
    }
    return Examination("Railway quota", .good, words)
  }

  private func clockExamination() async -> Examination {
    guard let skew = await client.skew else {
      return Examination("clock", .skipped, "Railway's answers carry no date")
    }
    let seconds = abs(skew.components.seconds)
    return seconds <= 30
      ? Examination("clock", .good, "within \(seconds + 1) s of Railway's")
      : Examination(
        "clock", .warning, "\(seconds) s \(skew > .zero ? "behind" : "ahead of") Railway's",
        hint: "set this machine's clock by NTP")
  }

  private func bad(_ subject: String, _ failure: Failure) -> Examination {
    Examination(subject, failure)
  }
}
