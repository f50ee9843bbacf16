import Concurrency
import GraphQL
import JSON

/// Hosts and ports of services, and staged changes.
extension Answers {
  func domains(_ arguments: [String: JSON]) throws -> GraphQLNode {
    let instance = try world.instance(
      arguments["serviceId"]?.string ?? "", in: arguments["environmentId"]?.string ?? "", for: token)
    return domains(of: instance)
  }

  func domains(of instance: ServiceInstance) -> GraphQLNode {
    .object([
      "serviceDomains": .list(serviceDomain(of: instance).map { [$0] } ?? []),
      "customDomains": .list(instance.customDomains.map { customDomain($0, of: instance) }),
    ])
  }

  func serviceDomain(of instance: ServiceInstance) -> GraphQLNode? {
    instance.address.map { address in
      var members = common(instance, id: instance.domainID, domain: address, at: instance.createdAt)
      for name in ["suffix", "edgeId", "newDomainName", "newHostLabel"] { members[name] = .json(.null) }
      return .object(members)
    }
  }

  func customDomain(_ domain: World.CustomDomain, of instance: ServiceInstance) -> GraphQLNode {
    var members = common(instance, id: domain.id, domain: domain.name, at: domain.createdAt)
    let isRight = world.dns.contains { domain.name == $0 || domain.name.hasSuffix("." + $0) }
    let labels = domain.name.split(separator: ".")
    let zone = labels.suffix(2).joined(separator: ".")
    let host = labels.dropLast(2).joined(separator: ".")
    members["status"] = .object([
      "verified": .flag(isRight), "verificationDnsHost": .text("_railway-verify.\(domain.name)"),
      "verificationToken": .text(domain.token),
      "certificateStatus": .text(
        isRight ? "CERTIFICATE_STATUS_TYPE_VALID" : "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP"),
      "certificateErrorMessage": .json(.null), "certificateErrorType": .json(.null),
      "certificateStatusDetailed": .json(.null), "certificateRetryable": .flag(false),
      "dnsRecords": .json([
        [
          "fqdn": .string(domain.name), "hostlabel": .string(host), "zone": .string(zone),
          "recordType": "DNS_RECORD_TYPE_CNAME", "purpose": "DNS_RECORD_PURPOSE_TRAFFIC_ROUTE",
          "requiredValue": .string(domain.target), "currentValue": .string(isRight ? domain.target : ""),
          "status": isRight ? "DNS_RECORD_STATUS_PROPAGATED" : "DNS_RECORD_STATUS_REQUIRES_UPDATE",
        ]
      ]),
    ])
    return .object(members)
  }

  private func common(
    _ instance: ServiceInstance, id: String, domain: String, at: Timestamp
  ) -> [String: GraphQLNode] {
    [
      "id": .text(id), "domain": .text(domain), "targetPort": .json(.null),
      "environmentId": .text(instance.key.environment), "serviceId": .text(instance.key.service),
      "projectId": .text(world.services[instance.key.service]?.project), "syncStatus": .text("ACTIVE"),
      "createdAt": .time(at), "updatedAt": .time(at), "deletedAt": .json(.null),
    ]
  }

  func tcpProxies(_ arguments: [String: JSON]) throws -> GraphQLNode {
    let instance = try world.instance(
      arguments["serviceId"]?.string ?? "", in: arguments["environmentId"]?.string ?? "", for: token)
    return .list(
      instance.proxies.map { proxy in
        .object([
          "id": .text(proxy.id), "domain": .text("proxy.rlwy.net"), "proxyPort": .number(proxy.proxyPort),
          "applicationPort": .number(proxy.port), "environmentId": .text(instance.key.environment),
          "serviceId": .text(instance.key.service),
          "syncStatus": .text(proxy.activeFrom <= world.now ? "ACTIVE" : "CREATING"),
          "createdAt": .time(proxy.createdAt), "updatedAt": .time(proxy.createdAt), "deletedAt": .json(.null),
        ])
      })
  }

  /// What waits in an environment; an empty text when nothing does.
  func stagedChanges(_ arguments: [String: JSON]) throws -> GraphQLNode {
    let environment = try world.environment(arguments["environmentId"]?.string ?? "", for: token)
    return patch(environment.staged, of: environment)
  }

  func patch(_ staged: World.StagedPatch?, of environment: World.Environment) -> GraphQLNode {
    .object([
      "id": .text(staged?.id ?? "none-\(environment.id)"), "environmentId": .text(environment.id),
      "status": .text("STAGED"), "message": .json(.null), "appliedAt": .json(.null),
      "lastAppliedError": .json(.null), "createdAt": .time(staged?.createdAt ?? environment.createdAt),
      "updatedAt": .time(staged?.createdAt ?? environment.createdAt), "patch": .json(staged?.patch ?? [:]),
    ])
  }
}
