extension Joiner {
  /// What a person should know of the repository, and no key of the file can say.
  mutating func remark() {
    for service in draft.services where service.standing != .written {
      for leftover in service.leftovers where !draft.remarks.contains(leftover) {
        draft.remarks.append(leftover)
      }
    }
    for service in draft.services { remarkImage(service) }
    for service in draft.services where service.host == .encore { remarkEncore(service) }
    for infrastructure in facts.infrastructures { remarkInfrastructure(infrastructure) }
    remarkStarts()
    if draft.written.isEmpty, !draft.services.isEmpty {
      let isForeign = draft.services.allSatisfy { $0.standing == .foreign }
      draft.remarks.append(
        Sourced(
          isForeign
            ? "no service runs on Railway, Vercel or Encore: shipit cannot deploy this repository"
            : "no service is certain to run on Railway, Vercel or Encore: nothing is written before that is said",
          Evidence(draft.services[0].configs[0])))
    }
  }

  private mutating func remarkImage(_ service: DraftService) {
    guard service.host == .railway, let dockerfile = service.settings[.dockerfile] else { return }
    if service.settings[.builder] == nil, !service.silent.contains(.dockerfile) {
      draft.remarks.append(
        Sourced(
          "\(service.key): a dockerfilePath with no builder; Railway takes the Dockerfile",
          dockerfile.evidence))
    }
    let command = service.settings[.start]?.value ?? ""
    guard let site = facts.packages(in: service.home).first(where: { $0.framework != nil }),
      !command.containsAny("node", "npm", "pnpm", "yarn", "next", "bun", "nginx", "caddy", "serve")
    else { return }
    draft.remarks.append(
      Sourced(
        "the site of \(site.file) is built into the image of \(service.key): one image, two programs, no service of its own",
        dockerfile.evidence))
  }

  private mutating func remarkEncore(_ service: DraftService) {
    if let package = facts.node(in: service.home), let framework = package.framework {
      draft.remarks.append(
        Sourced(
          "\(package.file) speaks of \(framework.value), but encore.app decides: \(service.key) is Encore's",
          framework.evidence))
    }
    draft.remarks.append(
      Sourced(
        "\(service.key): Encore declares databases, caches and secrets in its source code, which is not read here",
        service.evidence))
  }

  private mutating func remarkInfrastructure(_ infrastructure: Infrastructure) {
    if let place = infrastructure.renamed {
      draft.remarks.append(
        Sourced(
          "names of Encore's secrets and of the variables behind them differ: the variables are what a platform holds",
          place))
    }
    if let place = infrastructure.hosts {
      draft.remarks.append(
        Sourced(
          "service_discovery and host names in it belong to a private network, not to an environment file",
          place))
    }
  }

  /// What runs before every start, and repairs by hand what a migration left.
  private mutating func remarkStarts() {
    for service in draft.services {
      guard let start = service.settings[.start] else { continue }
      let folder = service.home.isEmpty ? service.context : service.home
      guard
        let step = facts.behind(start, in: folder).first(where: {
          $0.value.lowercased().contains(#/(fix|skip|repair|resolve)[-_a-z]*migration|migrate\s+resolve/#)
        })
      else { continue }
      draft.dangers.append(
        Danger(
          .swallowedFailure, step.evidence,
          "each start first runs `\(Sensitive.shown(String(step.value.prefix(60))))`: failed migrations are marked as done, and nobody sees them"
        ))
    }
  }
}
