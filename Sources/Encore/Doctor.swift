import Concurrency
import FoundationEssentials
package import Model

extension EncorePlatform {
  package func examine(_ environment: Environment) async -> [Examination] {
    guard let target = environment.platforms.encore else {
      return [Examination("Encore", .skipped, "the environment file has no `platforms.encore`")]
    }
    let service = environment.services.first { $0.platform == .encore }
    let place = EncorePlace(
      app: target.app, environment: target.environment,
      address: service?.health.url
        ?? EncorePlace.standardAddress(app: target.app, environment: target.environment),
      directory: service?.source.tree?.path ?? ".")
    var found = await credentials(place)
    found.append(await healthExamination(place))
    found.append(await remoteExamination())
    found.append(programExamination())
    found += workflowExaminations()
    found.append(await clockExamination())
    return found
  }

  /// Workflows that call commands which do not exist: some of those end with 0 and do nothing.
  private func workflowExaminations() -> [Examination] {
    guard let root else { return [] }
    let directory = root + "/.github/workflows"
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    var found: [Examination] = []
    for name in names where name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
      guard let data = try? Data(contentsOf: URL(filePath: "\(directory)/\(name)")) else { continue }
      let lines = String(decoding: data, as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() {
        let code = line.prefix { $0 != "#" }
        guard let command = EncoreCommand(in: [String(code.replacing(":", with: " "))]) else { continue }
        found.append(
          Examination(
            ".github/workflows/\(name):\(index + 1)", .bad, command.sentence,
            hint: command.instead))
      }
    }
    return found
  }

  private func credentials(_ place: EncorePlace) async -> [Examination] {
    var found: [Examination] = []
    do throws(EncoreError) {
      try await client.authenticate(.client)
      found.append(
        Examination(
          "Encore client", .good, "\(target.clientIDSecret) gets a token; its role shows with a rollout"))
      found += await role(place)
    } catch { found.append(bad("Encore client", error.failure("getting a token"))) }
    guard client.hasKey else {
      found.append(
        Examination(
          "Encore auth key", .skipped,
          "`platforms.encore.key` is not set: names cannot be checked, and secrets not written"))
      return found
    }
    do throws(EncoreError) {
      try await client.authenticate(.key)
      found.append(Examination("Encore auth key", .good, "it logs in"))
      let environment = try await environment(place)
      found.append(
        Examination("Encore environment", .good, "\(place.name) exists, of type \(environment.type)"))
      let names = try await groups(place, of: [])
      found.append(Examination("Encore secrets", .good, "the names of \(names.count) can be read"))
    } catch { found.append(bad("Encore auth key", error.failure("looking at \(place.name)"))) }
    return found
  }

  /// Whether the client may read this application's rollouts: one that does not exist is asked for.
  private func role(_ place: EncorePlace) async -> [Examination] {
    do throws(EncoreError) {
      _ = try await rollout("roll_doctor", .init(timeout: .seconds(15), attempts: 2))
      return []
    } catch {
      switch error.kind {
      case .forbidden, .unauthorized:
        return [bad("Encore role", error.failure("reading rollouts of \(place.app)"))]
      case .notFound, .refused, .invalid:
        return [Examination("Encore role", .good, "rollouts of \(place.app) may be asked for")]
      default: return [bad("Encore role", error.failure("reading rollouts of \(place.app)"))]
      }
    }
  }

  private func healthExamination(_ place: EncorePlace) async -> Examination {
    switch await health(at: place.address, attempts: 2) {
    case .success(let health):
      return Examination(
        "Encore health", health.code == "ok" ? .good : .warning,
        "\(place.address) runs \(health.revision.prefix(7)) (\(health.id)), \(health.code)")
    case .failure(let trouble):
      return Examination(
        "Encore health", .warning, "\(place.address)/__encore/healthz: \(trouble.words)",
        hint:
          "before a first deploy that is so; else set `health.url` to the environment's address, and let proxies "
          + "pass /__encore/")
    }
  }

  private func remoteExamination() async -> Examination {
    do throws(Failure) {
      let remotes = try await repository.remotes()
      guard !remotes.isEmpty else {
        return Examination(
          "Encore remote", .bad, "the repository has no remote: Encore builds pushed commits only",
          hint: "git remote add origin URL, and link it in Encore's dashboard", because: .configuration)
      }
      return Examination(
        "Encore remote", .good, remotes.map { "\($0.name) (\($0.url))" }.joined(separator: ", "))
    } catch { return bad("Encore remote", error) }
  }

  /// Only its path: `encore version` may start an upgrade (contract §12).
  private func programExamination() -> Examination {
    if let path = programPath("encore") { return Examination("encore program", .good, path) }
    return Examination(
      "encore program", .skipped, "not installed; only `source: {encore: …}` needs it, to build images")
  }

  private func clockExamination() async -> Examination {
    guard let skew = await client.skew else {
      return Examination("clock", .skipped, "Encore's answers carry no date")
    }
    let seconds = abs(skew.components.seconds)
    return seconds <= 30
      ? Examination("clock", .good, "within \(seconds + 1) s of Encore's")
      : Examination(
        "clock", .warning, "\(seconds) s \(skew > .zero ? "behind" : "ahead of") Encore's",
        hint: "set this machine's clock by NTP")
  }

  private func bad(_ subject: String, _ failure: Failure) -> Examination {
    Examination(subject, failure)
  }
}
