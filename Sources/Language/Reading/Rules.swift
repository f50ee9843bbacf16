import Model
import YAML
import Zones

/// What the parts of an environment say of each other.
struct Rules {
  let fields: Fields
  private(set) var services: [(key: String, mark: Mark, fields: Fields)] = []

  /// The names of the project's environments; asked only when one is referred to.
  let environments: () -> [String]
  let zones: ZoneDatabase
  /// The bytes of a file of the project.
  let example: (String) throws -> [UInt8]

  init(
    fields: Fields, environments: @escaping () -> [String], zones: ZoneDatabase,
    example: @escaping (String) throws -> [UInt8]
  ) {
    self.fields = fields
    self.example = example
    self.environments = environments
    self.zones = zones
    services = (fields["services"]?.map ?? []).compactMap { entry in
      entry.value.fields.map { (entry.key, entry.mark, $0) }
    }
  }

  mutating func check(_ reading: inout Reading) {
    checkPlatforms(&reading)
    for service in services { checkService(service.fields, key: service.key, &reading) }
    checkNames(&reading)
    checkImages(&reading)
    checkChecks(&reading)
    checkTexts(&reading)
    checkCommands(&reading)
    checkSecretSources(&reading)
    checkActionsSecrets(&reading)
    Needs(fields: fields).check(&reading)
    checkProtection(&reading)
    checkSecrets(&reading)
    checkDatabases(&reading)
    checkRollouts(&reading)
    checkPreview(&reading)
  }

  private func checkPlatforms(_ reading: inout Reading) {
    let declared = fields["platforms"]?.fields
    for service in services {
      guard let platform = service.fields["platform"], let name = platform.text else { continue }
      guard declared?.has(name) != true else { continue }
      let known = Grammar.platforms.keys.map(\.name).filter { declared?.has($0) == true }
      reading.error(
        .undeclaredPlatform, "`\(service.key)` runs on \(name), which `platforms` does not declare",
        at: platform.mark,
        path: platform.path,
        help: known.isEmpty || name != "railway"
          ? "add `platforms: {\(name): {…}}`; `shipit explain platforms.\(name)` lists its keys"
          : "add `railway:` beside \(known.joined(separator: ", "))")
    }
    var names: [String: (key: String, mark: Mark)] = [:]
    for service in services {
      guard let platform = service.fields["platform"]?.text else { continue }
      let name = service.fields["name"]?.text ?? service.key
      let mark = service.fields["name"]?.mark ?? service.mark
      // Railway finds services by name without regard to case.
      let identity = "\(platform)/\(name.lowercased())"
      if let first = names[identity] {
        reading.error(
          .duplicateName, "`\(service.key)` and `\(first.key)` are both called \(name) on \(platform)",
          at: mark,
          path: "\(service.fields.path).name", help: "give one of them another `name`",
          related: [.init(mark: first.mark, message: "the other one")])
      } else {
        names[identity] = (service.key, mark)
      }
    }
  }

  private func checkService(_ service: Fields, key: String, _ reading: inout Reading) {
    let platform = service["platform"]?.text
    if let platform { checkSource(service["source"]?.fields, platform, &reading) }
    if let domains = service.keyMarks["domains"] {
      switch platform.flatMap(PlatformName.init(rawValue:)) {
      case .railway where fields["provision"]?.text != "create":
        reading.notSupported(
          "`\(service.path).domains` on Railway without `provision: create`", at: domains,
          path: "\(service.path).domains")
      case .encore:
        reading.error(
          .wrongPlatform, "encore takes no `domains` from shipit", at: domains,
          path: "\(service.path).domains",
          help: "remove it and add them in Encore's dashboard; `health.url` is where shipit asks")
      default: break
      }
    }
    for key in ["volume", "tcp-proxy", "private-name"] {
      guard let platform, platform != PlatformName.railway.rawValue, let mark = service.keyMarks[key] else {
        continue
      }
      reading.error(
        .wrongPlatform, "\(platform) has no `\(key)`", at: mark, path: "\(service.path).\(key)",
        help: "remove it: only services on Railway have one")
    }
    if let volume = service.keyMarks["volume"], let replicas = service["settings"]?.fields?["replicas"],
      replicas.int != 1
    {
      reading.error(
        .contradiction, "a service with a volume has exactly one replica", at: replicas.mark,
        path: replicas.path, help: "remove `replicas`",
        related: [.init(mark: volume, message: "the volume")])
    }
    if let settings = service["settings"]?.fields, let platform {
      for key in settings.shape.keys {
        guard let mark = settings.keyMarks[key.name], let platforms = key.platforms,
          !platforms.contains(platform)
        else { continue }
        let others = settings.shape.keys.filter { $0.platforms?.contains(platform) ?? true }.map(\.name)
        reading.error(
          .wrongPlatform, "\(platform) has no setting `\(key.name)`", at: mark,
          path: "\(settings.path).\(key.name)",
          help: others.isEmpty
            ? "remove it: shipit sets nothing there" : "its settings are \(others.joined(separator: ", "))")
      }
      if let cron = settings.keyMarks["cron"], let replicas = settings["replicas"], replicas.int != 1 {
        reading.error(
          .contradiction, "a service with a schedule has exactly one replica", at: replicas.mark,
          path: replicas.path, help: "remove `replicas`",
          related: [.init(mark: cron, message: "the schedule")])
      }
    }
    if let health = service["health"]?.fields, let identity = health["identity"], let kind = identity.fields,
      !health.has("path")
    {
      let kinds = kind.shape.exactlyOne.filter(kind.has).map { "`\($0)`" }.joined()
      reading.error(
        .identityWithoutPath, "identity \(kinds) is read from an answer, but `\(health.path)` has no `path`",
        at: identity.mark, path: identity.path, help: "add `path: /health`, or write `identity: platform`")
    }
    if let platform, let identity = service["health"]?.fields?["identity"], let word = identity.text,
      let own = PlatformName(rawValue: word), own.rawValue != platform,
      service["source"]?.fields?.has("encore") != true
    {
      reading.error(
        .wrongPlatform, "identity `\(word)` is only for services on \(own.title)", at: identity.mark,
        path: identity.path, help: "remove it, or write `identity: {json: MEMBER}`")
    }
    for entry in service["variables"]?.map ?? [] {
      checkVariable(entry.key, at: entry.mark, entry.value, platform, &reading)
    }
  }

  func checkVariable(
    _ name: String, at mark: Mark, _ value: Placed, _ platform: String?, _ reading: inout Reading
  ) {
    checkReferences(value, platform, &reading)
    if ["SHIPIT_COMMIT", "SHIPIT_RELEASE"].contains(name) {
      reading.error(.badName, "`\(name)` is set by shipit", at: mark, path: value.path, help: "remove it")
    }
  }

  /// `${railway.…}` becomes Railway's own reference, which no other platform resolves.
  private func checkReferences(_ value: Placed, _ platform: String?, _ reading: inout Reading) {
    guard let platform, platform != PlatformName.railway.rawValue else { return }
    for case .reference(.platformVariable(.railway, let service, let variable)) in value.template?.parts ?? []
    {
      reading.error(
        .wrongPlatform, "${railway.\(service).\(variable)} is only for services on Railway", at: value.mark,
        path: value.path, help: "give \(platform) the value itself: {secret: \(variable)}")
    }
  }

  /// What each platform can deploy.
  private func checkSource(_ source: Fields?, _ platform: String, _ reading: inout Reading) {
    guard let source else { return }
    let kinds: [String: [String]] = [
      "railway": ["directory", "image", "repository", "encore"],
      "vercel": ["directory", "repository", "prebuilt"],
      "encore": ["directory"],
    ]
    let known = kinds[platform] ?? []
    for key in source.shape.exactlyOne {
      guard let mark = source.keyMarks[key], !known.contains(key) else { continue }
      reading.error(
        .wrongPlatform, "\(platform) deploys no `\(key)`", at: mark, path: "\(source.path).\(key)",
        help: platform == "encore"
          ? "write `directory: DIR`, where its encore.app is: Encore builds the pushed commit itself"
          : "its sources are \(known.joined(separator: ", "))")
    }
    if let mark = source.keyMarks["root"], platform == PlatformName.encore.rawValue {
      reading.error(
        .wrongPlatform, "encore has no `root` in a source", at: mark, path: "\(source.path).root",
        help: "remove it; `directory` is where the encore.app is")
    }
    if let mark = source.keyMarks["build"], platform != "vercel" {
      reading.error(
        .wrongPlatform, "\(platform) has no `build` in a source", at: mark, path: "\(source.path).build",
        help: "remove it; the build command is `settings.build`")
    }
  }

  private func checkImages(_ reading: inout Reading) {
    for service in services {
      guard let image = service.fields["source"]?.fields?["image"], let template = image.template else {
        continue
      }
      let isGood = template.parts.allSatisfy { part in
        if case .text(let text) = part { text.allSatisfy { !$0.isWhitespace } } else { true }
      }
      if !isGood || template.parts.isEmpty {
        reading.error(
          .badText, "`\(image.path)` is not a container image", at: image.mark, path: image.path,
          help: "write it like ghcr.io/acme/api:${commit}")
      }
    }
  }

  private func checkNames(_ reading: inout Reading) {
    for (list, what) in [("run", "step"), ("checks", "check")] {
      var seen: [String: (name: String, mark: Mark)] = [:]
      for element in fields[list]?.list ?? [] {
        guard let name = element.fields?["name"], let text = name.text else { continue }
        // Steps are known by their slug.
        let slug = CommandStep(name: text, command: []).slug
        if let first = seen[slug] {
          reading.error(
            .duplicateName,
            first.name == text
              ? "two \(what)s are called `\(text)`" : "`\(text)` and `\(first.name)` are too much alike",
            at: name.mark,
            path: name.path, help: "give one of them another name",
            related: [.init(mark: first.mark, message: "the other one")])
        } else {
          seen[slug] = (text, name.mark)
        }
        if list == "run", let service = services.first(where: { $0.key == text }) {
          reading.error(
            .duplicateName, "a step and a service are both called `\(text)`", at: name.mark, path: name.path,
            help: "`needs` could mean either; rename the step",
            related: [.init(mark: service.mark, message: "the service")])
        }
      }
    }
  }
}
