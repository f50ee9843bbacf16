import Adoption
import Crypto
import HTTP
import Interface
import Model
import Processes
import Source

/// Asks the platforms whose tokens are at hand what stands there, for `init`. Nothing is changed.
enum LivePlatforms {
  /// Names under which a token is usually kept, the best first.
  static let tokens: [(platform: PlatformName, names: [String])] = [
    (.railway, ["RAILWAY_API_TOKEN", "RAILWAY_TOKEN"]), (.vercel, ["VERCEL_TOKEN"]),
  ]

  /// - Parameters:
  ///   - draft: what the files say, with the names to look for.
  ///   - project: Railway's project, where somebody has said it.
  static func facts(
    _ draft: Draft, _ tree: FileTree, at root: String, project: String?, _ console: Console
  ) async throws(Failure) -> LiveFacts {
    var facts = LiveFacts()
    let variables = processEnvironment()
    let endpoints = try Endpoints(variables)
    for (platform, names) in tokens {
      guard let name = names.first(where: { variables[$0]?.isEmpty == false }), let token = variables[name],
        let registration = platformTable.first(where: { $0.name == platform })
      else {
        facts.notes.append(
          "\(platform.title) was not asked: \(names[0]) is not set. What stands there was not looked at")
        continue
      }
      console.hide([(name, Sensitive(token))])
      if !console.wantsJSON { console.note(["looking at what stands on \(platform.title), by \(name)"]) }
      let parts = parts(platform, name, token, root, variables, console)
      guard
        let reader = try registration.make(parts, endpoints.endpoint(of: registration)) as? any ExistingReader
      else { continue }
      let query = ExistingQuery(
        project: project ?? draft.app, environment: Draft.platformEnvironment(draft.environment),
        names: Set(
          draft.services.flatMap { [$0.key, $0.name.value.lowercased()] } + [draft.app.lowercased()]),
        repository: tree.repository, tokenSecret: name)
      do throws(Failure) {
        switch try await reader.existing(query) {
        case .found(let existing):
          facts.notes += existing.notes
          if let live = LiveProject(existing, platform, token: name) { facts.projects.append(live) }
        case .choose(let names): choose(names, platform, query, &facts)
        }
      } catch {
        // A token that is refused does not keep from writing what the files say.
        facts.notes.append(
          "\(platform.title) was not read: \(error.message)\(error.cause.map { ": \($0)" } ?? "")\(error.hint.map { "; \($0)" } ?? "")"
        )
      }
    }
    return facts
  }

  private static func choose(
    _ names: [String], _ platform: PlatformName, _ query: ExistingQuery, _ facts: inout LiveFacts
  ) {
    if platform == .railway, !names.isEmpty {
      facts.questions.append(
        Question(
          "project",
          "which project of Railway is it? None is called \(query.project), or several are; the repository's name is written",
          .choice(
            [.init(query.project, "as the repository is called; nothing there was read")]
              + names.prefix(30).map { .init($0, "it stands there, and is read") })))
    } else {
      facts.notes.append(
        names.isEmpty
          ? "nothing of this repository was found on \(platform.title)"
          : "projects of several accounts fit on \(platform.title), and none was read: \(names.joined(separator: ", "))"
      )
    }
  }

  /// What an adapter needs that reads, and no more.
  private static func parts(
    _ platform: PlatformName, _ name: String, _ token: String, _ root: String, _ variables: [String: String],
    _ console: Console
  ) -> AdapterParts {
    let temporaryDirectory = variables["TMPDIR"] ?? "/tmp"
    let environment = Model.Environment(
      name: "init", app: "init",
      platforms: platform == .railway
        ? Platforms(railway: RailwayTarget(project: "", environment: "", tokenSecret: name))
        : Platforms(vercel: VercelTarget(tokenSecret: name)))
    let packer = CommitPacker(root: root, source: nil, temporaryDirectory: temporaryDirectory)
    return AdapterParts(
      environment: environment, root: root, http: HTTPClient(), clock: Session.clock, launcher: Launcher(),
      process: variables, secrets: SecretValues(values: [name: Sensitive(token)]), packer: packer,
      history: ProjectHistory(source: nil, packer: packer, environment: environment),
      repository: ProjectRepository(source: nil, temporaryDirectory: temporaryDirectory),
      temporaryDirectory: temporaryDirectory, version: shipitVersion,
      hide: { name, value in console.hide([(name, value)]) })
  }
}

extension LiveProject {
  /// Nil where nothing was read.
  init?(_ existing: ExistingProject, _ platform: PlatformName, token: String) {
    guard let host = Host(rawValue: platform.rawValue), !existing.services.isEmpty else { return nil }
    self.init(
      host, token: token, account: existing.account, project: existing.project,
      environment: existing.environment,
      services: existing.services.map { service in
        LiveService(
          name: service.name, settings: LiveProject.settings(service.settings), variables: service.variables,
          references: service.references, domains: service.domains, repository: service.repository,
          image: service.image, hasVolume: service.hasVolume, deploysPushes: service.deploysPushes)
      })
  }

  /// As the environment file says them.
  private static func settings(_ settings: ServiceSettings) -> [SettingKey: String] {
    var found: [SettingKey: String] = [:]
    func put(_ key: SettingKey, _ value: String?) { if let value, !value.isEmpty { found[key] = value } }
    func seconds(_ duration: Duration?) -> String? { duration.map { "\($0.components.seconds)s" } }
    put(.build, settings.build)
    put(.start, settings.start)
    put(.preDeploy, settings.preDeploy?.joined(separator: "\n"))
    put(.dockerfile, settings.dockerfile)
    // What Railway shows where nothing is chosen.
    put(.builder, settings.builder == "railpack" ? nil : settings.builder)
    put(.root, settings.root)
    put(.replicas, settings.replicas.map(String.init))
    put(.region, settings.region)
    put(.memory, settings.memory.map(size))
    put(.cpu, settings.cpu.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" })
    put(.overlap, seconds(settings.overlap))
    put(.drain, seconds(settings.drain))
    put(.restart, settings.restart?.rawValue)
    put(.restartLimit, settings.restartLimit.map(String.init))
    put(.cron, settings.cron)
    put(.sleep, settings.sleep == true ? "true" : nil)
    put(.framework, settings.framework)
    put(.install, settings.install)
    put(.output, settings.output)
    put(.node, settings.node)
    put(.healthPath, settings.healthPath)
    if settings.healthPath != nil { put(.healthTimeout, seconds(settings.healthTimeout)) }
    return found
  }

  private static func size(_ bytes: Int64) -> String {
    for (unit, name) in [(Int64(1_000_000_000), "GB"), (1_000_000, "MB"), (1000, "KB")]
    where bytes % unit == 0 { return "\(bytes / unit)\(name)" }
    return "\(bytes)B"
  }
}
