import Concurrency
import JSON
import Model

/// A domain of a project (contract §7).
struct ProjectDomain: Sendable, Hashable {
  var name: String
  /// Its ownership is proven.
  var isVerified = true
  /// It leads elsewhere, or to a branch or custom environment: not to production.
  var isElsewhere = false
  /// The TXT records that would prove it: name and value.
  var proofs: [String] = []

  init(name: String) { self.name = name }

  init?(_ json: JSON) {
    guard let name = json["name"]?.string else { return nil }
    self.name = name
    isVerified = json["verified"]?.bool ?? true
    isElsewhere =
      json["redirect"]?.string != nil || json["gitBranch"]?.string != nil
      || json["customEnvironmentId"]?.string != nil
    proofs = (json["verification"]?.array ?? []).compactMap { proof in
      guard let domain = proof["domain"]?.string, let value = proof["value"]?.string else { return nil }
      return "\(proof["type"]?.string ?? "TXT") \(domain) = \(value)"
    }
  }
}

extension VercelClient {
  func domains(of place: Place, _ manner: Manner = .ordinary) async throws(APIError) -> [ProjectDomain] {
    var domains: [ProjectDomain] = []
    var until: Int64?
    for _ in 0..<20 {
      let answer = try await send(Endpoint.domains(place, until: until), manner).body
      domains += (answer["domains"]?.array ?? []).compactMap { ProjectDomain($0) }
      guard let next = answer["pagination"]?["next"]?.int, next != until else { break }
      until = next
    }
    return domains
  }

  /// What a domain's DNS needs, in Vercel's own recommendation; nil when nothing.
  func advice(on domain: ProjectDomain, of place: Place) async -> String? {
    var parts: [String] = []
    if !domain.isVerified {
      parts.append(
        domain.proofs.isEmpty
          ? "its ownership is not verified"
          : "to prove its ownership add \(domain.proofs.joined(separator: " or "))")
    }
    if let answer = try? await send(Endpoint.domainConfiguration(place, domain.name), .quick(.seconds(10)))
      .body,
      answer["misconfigured"]?.bool == true
    {
      func best(_ list: JSON?) -> JSON? {
        (list?.array ?? []).min { ($0["rank"]?.double ?? 0) < ($1["rank"]?.double ?? 0) }?["value"]
      }
      let name = best(answer["recommendedCNAME"])?.string.map { "CNAME \($0)" }
      let addresses = (best(answer["recommendedIPv4"])?.array ?? []).compactMap(\.string)
      let records = [name, addresses.isEmpty ? nil : "A \(addresses.joined(separator: ", "))"]
        .compactMap(\.self)
      parts.append(
        records.isEmpty
          ? "its DNS does not lead to Vercel" : "its DNS should be \(records.joined(separator: ", or "))")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}

/// Turns hosts into addresses.
struct Addresses: Sendable {
  /// The API's own address; on loopback its port is the last resort for a host without one.
  var baseURL: String

  /// Scheme, host and port: https, except on loopback hosts, which have the port they are told with.
  /// - Parameter others: hosts of the same project, whose port is taken when this one has none.
  func address(of host: String, beside others: [String] = []) -> String {
    guard Addresses.isLoopback(Addresses.bare(host)) else { return "https://\(host)" }
    if host.contains(":") { return "http://\(host)" }
    let authority = baseURL.split(separator: "://", maxSplits: 1).last ?? ""
    let known = others.first { Addresses.isLoopback(Addresses.bare($0)) && $0.contains(":") }
    let port = (known ?? String(authority.prefix { $0 != "/" })).split(separator: ":").dropFirst().last
    return "http://\(host)" + (port.map { ":\($0)" } ?? "")
  }

  /// A host without its port.
  static func bare(_ host: String) -> String { String(host.prefix { $0 != ":" }).lowercased() }

  static func isSame(_ one: String, _ other: String) -> Bool { bare(one) == bare(other) }

  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host.hasSuffix(".localhost") { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  /// The production host of a service: a declared domain that the project has, else the project's own.
  static func host(declared: [String], domains: [ProjectDomain], aliases: [String]) -> String? {
    let own = domains.filter { !$0.isElsewhere && $0.isVerified }.map(\.name)
    for wanted in declared {
      if let found = (own + aliases).first(where: { isSame($0, wanted) }) { return found }
    }
    return own.first { !bare($0).hasSuffix(".vercel.app") } ?? own.first ?? aliases.first
  }
}
