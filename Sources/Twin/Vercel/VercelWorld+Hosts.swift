import Concurrency
import Crypto
import JSON

/// Domains and aliases, contract §7.
extension VercelTwin.World {
  private func find(
    _ call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> (project: VercelTwin.Project, index: Int) {
    let project = try project(call.place(0), for: call)
    let wanted = VercelTwin.World.bare(call.place(1))
    guard let index = project.domains.firstIndex(where: { VercelTwin.World.bare($0.name) == wanted }) else {
      throw .notFound("Project domain")
    }
    return (project, index)
  }

  mutating func addDomain(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let name = call.body["name"]?.string, name.contains("."), !name.contains("/") else {
      throw .badRequest("`name` must be a domain")
    }
    let key = VercelTwin.World.bare(name)
    for other in projects.values
    where other.domains.contains(where: { VercelTwin.World.bare($0.name) == key }) {
      if other.id == project.id {
        throw VercelTwin.Problem(400, "domain_already_exists", "The domain is already on this project")
      }
      throw VercelTwin.Problem(409, "domain_already_in_use", "The domain belongs to another project")
    }
    guard plan(of: call.owner) != .hobby || project.domains.count < 50 else {
      throw VercelTwin.Problem(402, "payment_required", "The Hobby plan has 50 domains per project")
    }
    let domain = VercelTwin.Domain(
      name: name, createdAt: now, updatedAt: now, isVerified: dns[key]?.isVerified ?? true,
      gitBranch: call.body["gitBranch"]?.string, environment: call.body["customEnvironmentId"]?.string,
      redirect: call.body["redirect"]?.string,
      redirectStatus: call.body["redirectStatusCode"]?.int.map(Int.init))
    projects[project.id]?.domains.append(domain)
    lead(domain, of: project)
    return VercelTwin.Answer(document(domain, of: project))
  }

  /// A verified production domain of a live project serves at once.
  private mutating func lead(_ domain: VercelTwin.Domain, of project: VercelTwin.Project) {
    guard domain.isVerified, domain.isProduction, let live = project.production else { return }
    point(domain.name, to: live)
  }

  func listDomains(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    return VercelTwin.Answer([
      "domains": .array(project.domains.map { document($0, of: project) }),
      "pagination": ["count": .int(Int64(project.domains.count)), "next": .null, "prev": .null],
    ])
  }

  func readDomain(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try find(call)
    return VercelTwin.Answer(document(found.project.domains[found.index], of: found.project))
  }

  mutating func updateDomain(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try find(call)
    var domain = found.project.domains[found.index]
    for (name, value) in call.body.object ?? [:] {
      switch name {
      case "gitBranch": domain.gitBranch = value.string
      case "redirect": domain.redirect = value.string
      case "redirectStatusCode": domain.redirectStatus = value.int.map(Int.init)
      default: break
      }
    }
    domain.updatedAt = now
    projects[found.project.id]?.domains[found.index] = domain
    return VercelTwin.Answer(document(domain, of: found.project))
  }

  mutating func removeDomain(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try find(call)
    aliases[VercelTwin.World.bare(found.project.domains[found.index].name)] = nil
    projects[found.project.id]?.domains.remove(at: found.index)
    return VercelTwin.Answer([:])
  }

  mutating func verifyDomain(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let found = try find(call)
    let domain = found.project.domains[found.index]
    guard dns[VercelTwin.World.bare(domain.name)]?.isVerified ?? true else {
      throw VercelTwin.Problem(400, "missing_txt_record", "The TXT record for verification was not found")
    }
    projects[found.project.id]?.domains[found.index].isVerified = true
    lead(projects[found.project.id]?.domains[found.index] ?? domain, of: found.project)
    return VercelTwin.Answer(
      document(projects[found.project.id]?.domains[found.index] ?? domain, of: found.project))
  }

  func readDomainConfig(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let key = VercelTwin.World.bare(call.place(0))
    let known = dns[key]
    let isOurs = known == nil && key.hasSuffix(".localhost")
    let configuredBy = known?.configuredBy ?? (isOurs ? "CNAME" : nil)
    let misconfigured = known?.isMisconfigured ?? !isOurs
    let label = SHA1.hex(of: Array(key.utf8)).prefix(16)
    return VercelTwin.Answer([
      "configuredBy": .text(misconfigured ? nil : configuredBy), "misconfigured": .bool(misconfigured),
      "acceptedChallenges": misconfigured ? [] : ["http-01"],
      "recommendedIPv4": [
        ["rank": 1, "value": ["198.51.100.1", "198.51.100.65"]], ["rank": 2, "value": ["203.0.113.21"]],
      ],
      "recommendedCNAME": [
        ["rank": 1, "value": .string("\(label).vercel-dns-017.com.")],
        ["rank": 2, "value": "cname.vercel-dns.com."],
      ],
    ])
  }

  private func document(_ domain: VercelTwin.Domain, of project: VercelTwin.Project) -> JSON {
    let labels = VercelTwin.World.bare(domain.name).split(separator: ".")
    let apex = labels.suffix(2).joined(separator: ".")
    var verification: JSON?
    if !domain.isVerified {
      verification = [
        [
          "type": "TXT", "domain": .string("_vercel.\(apex)"),
          "value": .string("vc-domain-verify=\(domain.name),twin"), "reason": "pending_domain_verification",
        ]
      ]
    }
    return .members([
      "name": .string(domain.name), "apexName": .string(apex), "projectId": .string(project.id),
      "redirect": .text(domain.redirect),
      "redirectStatusCode": domain.redirectStatus.map { .int(Int64($0)) } ?? .null,
      "gitBranch": .text(domain.gitBranch), "customEnvironmentId": domain.environment.map(JSON.string),
      "createdAt": .number(domain.createdAt), "updatedAt": .number(domain.updatedAt),
      "verified": .bool(domain.isVerified), "verification": verification,
    ])
  }

  // MARK: aliases

  mutating func assignAlias(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    guard let host = call.body["alias"]?.string, !host.isEmpty else {
      throw .badRequest("`alias` is required")
    }
    guard deployment.readyState == .ready else {
      throw VercelTwin.Problem(400, "deployment_not_ready", "The deployment is not ready to be aliased")
    }
    let old = aliases[VercelTwin.World.bare(host)]?.deployment
    guard old != deployment.id else {
      throw VercelTwin.Problem(409, "conflict", "The alias already leads to this deployment")
    }
    if let old, deployments[old]?.owner != call.owner { throw .notAuthorized }
    point(host, to: deployment.id)
    deployments[deployment.id]?.userAliases.append(host)
    return VercelTwin.Answer(
      .members([
        "uid": .string(uid(of: host)), "alias": .string(host), "created": .string(now.iso8601),
        "oldDeploymentId": old.map(JSON.string),
      ]))
  }

  func listAliases(of call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let deployment = try deployment(call.place(0), for: call)
    let found = aliases.values.filter { $0.deployment == deployment.id }.sorted { $0.host < $1.host }
    return VercelTwin.Answer([
      "aliases": .array(
        found.map {
          [
            "uid": .string($0.uid), "alias": .string($0.host), "created": .string($0.createdAt.iso8601),
            "redirect": .null,
          ]
        })
    ])
  }

  func listAliases(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try call.query("projectId").map { name throws(VercelTwin.Problem) in
      try self.project(name, for: call)
    }
    let wanted = call.query("domain").map(VercelTwin.World.bare)
    let found = aliases.values.filter { alias in
      projects[alias.project]?.owner == call.owner && (project.map { $0.id == alias.project } ?? true)
        && (wanted.map { VercelTwin.World.bare(alias.host) == $0 } ?? true)
        && (call.token.kind != .project || call.token.project == alias.project)
    }
    let (page, pagination) = self.page(found, call) { $0.createdAt }
    return VercelTwin.Answer(["aliases": .array(page.map(document)), "pagination": pagination])
  }

  func readAlias(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    VercelTwin.Answer(document(try alias(call.place(0), for: call)))
  }

  mutating func deleteAlias(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let alias = try alias(call.place(0), for: call)
    aliases[VercelTwin.World.bare(alias.host)] = nil
    deployments[alias.deployment]?.aliases.removeAll { $0 == alias.host }
    return VercelTwin.Answer(["status": "SUCCESS"])
  }
}
