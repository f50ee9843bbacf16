import Concurrency
import JSON
package import Model

extension VercelPlatform {
  package func examine(_ environment: Environment) async -> [Examination] {
    guard let target = environment.platforms.vercel else {
      return [Examination("Vercel", .skipped, "the environment file has no `platforms.vercel`")]
    }
    let services = environment.services.filter { $0.platform == .vercel }
    var found = [await tokenExamination(target)]
    if found.contains(where: { $0.verdict == .bad }) { return found }
    do throws(Failure) {
      let team = try await team(environment)
      found.append(
        Examination(
          "Vercel team", .good,
          team.map { "\($0.slug) (\($0.id))" + ($0.plan.map { plan in ", plan \(plan)" } ?? "") }
            ?? "none declared: the token's personal scope"))
      for service in services { found += await examine(service, team) }
    } catch { found.append(bad("Vercel team", error)) }
    if services.contains(where: { if case .commandLineBuild = $0.source { true } else { false } }) {
      do throws(Failure) {
        found.append(Examination("Vercel CLI", .good, "version \(try await builder.version())"))
      } catch { found.append(bad("Vercel CLI", error)) }
    }
    found.append(await quotaExamination())
    found.append(await clockExamination())
    return found
  }

  /// What kind of token it is: one of a project knows no user (contract §1).
  private func tokenExamination(_ target: VercelTarget) async -> Examination {
    let subject = "Vercel token"
    let isProject = client.token.reveal().hasPrefix("vcp_")
    do throws(APIError) {
      let user = try await client.send(Endpoint.user).body["user"]
      let name = user?["username"]?.string ?? user?["email"]?.string ?? "somebody"
      return Examination(
        subject, .good,
        "\(target.tokenSecret) is a token of \(name)\(user?["limited"]?.bool == true ? ", limited" : "")")
    } catch {
      if isProject, error.kind == .notFound || error.kind == .forbidden {
        return Examination(
          subject, .good, "\(target.tokenSecret) is a token of one project: it works for that project alone")
      }
      if error.kind == .notFound {
        return Examination(
          subject, .warning, "\(target.tokenSecret) belongs to no user: \(error.words)",
          hint: "a token of one project works only for that project")
      }
      return bad(subject, error.failure("reading whose the token \(target.tokenSecret) is"))
    }
  }

  private func examine(_ service: Service, _ team: Team?) async -> [Examination] {
    let subject = "Vercel project \(service.key)"
    let place: Place
    let project: ProjectAnswer
    do throws(Failure) { (place, project) = try await self.project(of: service, team) } catch {
      return [bad(subject, error)]
    }
    var found = [
      project.isPaused
        ? Examination(
          subject, .bad, "\(project.name) (\(project.id)) is paused", hint: "unpause it on vercel.com")
        : Examination(
          subject, .good,
          "\(project.name) (\(project.id))"
            + (project.production.map { ", serves \($0.origin)" } ?? ", serves nothing yet"))
    ]
    if !project.assignsDomains {
      found.append(
        Examination(
          "Vercel pin of \(service.key)", .warning,
          "production is pinned" + (project.rollback.map { " by a rollback \($0)" } ?? ""),
          hint: "the next promotion lifts it; deployments of others stay staged until then"))
    }
    if let link = project.linkWords {
      found.append(
        project.deploysPushes
          ? Examination(
            "Vercel pushes of \(service.key)", .warning, "\(link) deploys on each push as well",
            hint: "the next deploy by shipit turns that off for production")
          : Examination(
            "Vercel pushes of \(service.key)", .good, "\(link) is connected, pushes deploy nothing"))
    }
    if let rolling = project.rollingRelease {
      found.append(
        Examination(
          "Vercel rolling release of \(service.key)", rolling.needsApproval ? .warning : .good, rolling.words,
          hint: rolling.needsApproval ? "a deploy waits for each approval, at most five minutes" : nil))
    }
    found += await domainExaminations(service, place)
    return found
  }

  private func domainExaminations(_ service: Service, _ place: Place) async -> [Examination] {
    guard !service.domains.isEmpty else { return [] }
    let domains: [ProjectDomain]
    do { domains = try await client.domains(of: place) } catch {
      return [
        bad("Vercel domains of \(service.key)", error.failure("reading the domains", scope: scope(place)))
      ]
    }
    var found: [Examination] = []
    for name in service.domains {
      let subject = "Vercel domain \(name)"
      guard let domain = domains.first(where: { Addresses.isSame($0.name, name) }) else {
        found.append(
          Examination(subject, .warning, "not on the project yet", hint: "the next deploy adds it"))
        continue
      }
      if let advice = await client.advice(on: domain, of: place) {
        found.append(Examination(subject, .warning, advice, hint: "set it where the domain's DNS is kept"))
      } else {
        found.append(Examination(subject, .good, "verified, and its DNS leads to Vercel"))
      }
    }
    return found
  }

  private func quotaExamination() async -> Examination {
    guard let (operation, quota) = await client.tightest, let remaining = quota.remaining else {
      return Examination("Vercel quota", .skipped, "no rate limit was announced")
    }
    let words =
      "\(remaining)" + (quota.limit.map { " of \($0)" } ?? "") + " \(operation) requests left"
      + (quota.resetsAt.map { " until \($0.iso8601)" } ?? "")
    return remaining < 20
      ? Examination("Vercel quota", .warning, words, hint: "wait for the quota to reset before deploying")
      : Examination("Vercel quota", .good, words)
  }

  private func clockExamination() async -> Examination {
    guard let skew = await client.skew else {
      return Examination("clock", .skipped, "Vercel told no time")
    }
    let seconds = abs(skew.components.seconds)
    return seconds < 5
      ? Examination("clock", .good, "within \(seconds + 1) s of Vercel's")
      : Examination(
        "clock", .warning, "\(seconds) s \(skew > .zero ? "behind" : "ahead of") Vercel's",
        hint: "set this machine's clock by NTP")
  }

  private func bad(_ subject: String, _ failure: Failure) -> Examination { Examination(subject, failure) }
}
