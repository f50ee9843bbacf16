import JSON
import Model

extension VercelPlatform {
  /// Writes the managed settings in one call, then adds the domains that are missing.
  func perform(_ write: SettingsWrite) async -> Outcome {
    let place = write.target.place
    let doing = "writing the settings of \(place.name)"
    let before: ProjectAnswer
    do { before = try await client.project(place) } catch {
      return error.readingOutcome(doing, scope: scope(place))
    }
    var done: [String] = []
    let missing = write.missing(in: before)
    if !missing.isEmpty {
      var body = ProjectSettings.body(write.settings, clear: write.clear)
      if let pushes = write.autoDeploys, pushes != before.deploysPushes {
        body["deploymentPolicy"] = PushPolicy.changed(before.policy, pushes: pushes)
      }
      do {
        _ = try await client.send(Endpoint.updateProject(place, .object(body)))
      } catch {
        // The write is the same when repeated: whether it took place is seen by looking.
        guard !error.certainlyNoEffect, let after = try? await client.project(place),
          write.missing(in: after).isEmpty
        else { return error.outcome(doing, scope: scope(place)) }
      }
      done.append("\(missing.joined(separator: ", ")) written")
    }
    for domain in write.domains {
      do { done.append(try await add(domain, to: place)) } catch {
        return error.outcome("adding the domain \(domain) to \(place.name)", scope: scope(place), moved: true)
      }
    }
    return .done(
      StepResult(summary: done.isEmpty ? "settings were so already" : done.joined(separator: "; ")))
  }

  /// Adds a domain and says what its DNS needs.
  private func add(_ domain: String, to place: Place) async throws(APIError) -> String {
    do {
      _ = try await client.send(Endpoint.addDomain(place, domain))
    } catch {
      // There already is what was wanted; and an answer that was lost is looked up.
      let known =
        (try? await client.domains(of: place))?.contains { Addresses.isSame($0.name, domain) } ?? false
      guard known else { throw error }
    }
    let found = (try? await client.domains(of: place))?.first { Addresses.isSame($0.name, domain) }
    let advice = await client.advice(on: found ?? ProjectDomain(name: domain), of: place)
    return "\(domain) added" + (advice.map { ": \($0)" } ?? "")
  }

  /// Nobody can tell who wrote settings, and it does not matter: they are so, or are written again.
  func probe(_ write: SettingsWrite) async -> Finding {
    guard let project = try? await client.project(write.target.place), write.missing(in: project).isEmpty,
      await hasDomains(write)
    else { return .absent }
    return .done(StepResult(summary: "settings are written"))
  }

  private func hasDomains(_ write: SettingsWrite) async -> Bool {
    if write.domains.isEmpty { return true }
    guard let domains = try? await client.domains(of: write.target.place) else { return false }
    return write.domains.allSatisfy { wanted in domains.contains { Addresses.isSame($0.name, wanted) } }
  }
}

extension SettingsWrite {
  /// What the write asks for and is not so yet, by name.
  func missing(in project: ProjectAnswer) -> [String] {
    var names = settings.differences(from: project.settings).map(\.name)
    let present = ProjectSettings.body(project.settings, clear: [])
    for name in ProjectSettings.names
    where clear.contains(name.setting) && !names.contains(name.setting) && name.setting != "node" {
      if present[name.field] != nil { names.append(name.setting) }
    }
    if let autoDeploys, autoDeploys != project.deploysPushes { names.append("deploys of pushes") }
    return names
  }
}
