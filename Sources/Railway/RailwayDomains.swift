import JSON
import Model

/// The hosts of a service in an environment (contract railway §11).
struct RailwayDomains: Sendable {
  /// Hosts that Railway named.
  var own: [(id: String, name: String)]
  var custom: [CustomDomain]

  init(_ node: JSON?) {
    own = (node?["serviceDomains"]?.array ?? []).compactMap { domain in
      guard let id = domain["id"]?.string, let name = domain["domain"]?.string else { return nil }
      return (id, name)
    }
    custom = (node?["customDomains"]?.array ?? []).compactMap { CustomDomain($0) }
  }
}

/// A host of the file's, and how far it has come.
struct CustomDomain: Sendable {
  var id: String
  var name: String
  var isVerified: Bool
  var certificate: String
  var isActive: Bool
  /// What its registrar has to say: `CNAME api.example.com → x.up.railway.app`.
  var records: [String]

  init?(_ node: JSON) {
    guard let id = node["id"]?.string, let name = node["domain"]?.string else { return nil }
    self.id = id
    self.name = name
    let status = node["status"]
    isVerified = status?["verified"]?.bool ?? false
    certificate = status?["certificateStatus"]?.string ?? ""
    isActive = node["syncStatus"]?.string == "ACTIVE"
    records = (status?["dnsRecords"]?.array ?? []).compactMap { record in
      guard record["status"]?.string != "DNS_RECORD_STATUS_PROPAGATED",
        let host = record["fqdn"]?.string, let value = record["requiredValue"]?.string
      else { return nil }
      let kind = (record["recordType"]?.string ?? "").replacing("DNS_RECORD_TYPE_", with: "")
      let now = record["currentValue"]?.string ?? ""
      return "\(kind) \(host) → \(value)" + (now.isEmpty ? "" : "  (now \(now))")
    }
    // It stands in none of those records (contract §11).
    if !isVerified, let host = status?["verificationDnsHost"]?.string,
      let token = status?["verificationToken"]?.string
    {
      let mark = "railway-verify="
      records.append("TXT \(host) → \(token.hasPrefix(mark) ? token : mark + token)")
    }
  }

  var isReady: Bool { isVerified && isActive && certificate == "CERTIFICATE_STATUS_TYPE_VALID" }

  var task: ManualTask {
    var lines = records
    if lines.isEmpty {
      lines.append(
        certificate == "CERTIFICATE_STATUS_TYPE_VALID"
          ? "nothing to enter: Railway takes it up"
          : "nothing to enter: Railway issues the certificate, for up to 72 h")
    }
    return ManualTask("DNS of \(name)", lines, at: "the domain's registrar")
  }
}

extension RailwayClient {
  func domains(of target: ServiceTarget, _ manner: Manner = .read) async throws(APIError) -> RailwayDomains {
    let data = try await read(
      Documents.domains,
      [
        "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
        "serviceId": .string(target.serviceID),
      ], manner)
    return RailwayDomains(data["domains"])
  }
}
