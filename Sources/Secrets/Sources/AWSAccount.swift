package import AWS
import FoundationEssentials
package import Model

/// By what AWS knows shipit: the credentials of the environment, or those of a role, got for the token of a web
/// identity (contract secrets §2.4).
package struct AWSAccount: Sendable {
  let access: SecretAccess
  let service: SecretService
  let region: String
  /// The ARN of the role that a job of GitHub Actions takes on; nil: what the environment says.
  let role: String?

  /// - Parameter description: of what is asked, for messages.
  package init(_ access: SecretAccess, description: String, region: String, role: String?) {
    self.init(
      access: access, service: SecretService(access, description: description), region: region, role: role)
  }

  init(access: SecretAccess, service: SecretService, region: String, role: String?) {
    self.access = access
    self.service = service
    self.region = region
    self.role = role
  }

  /// - Throws: `configuration` when there are none; `authentication` when AWS gives none for the role.
  package func credentials() async throws(Failure) -> Credentials {
    if let role {
      let identity = try await GitHubIdentity.token(
        audience: "sts.amazonaws.com", of: service.description, service, access.process)
      return try await assume(role, identity)
    }
    if let id = value("AWS_ACCESS_KEY_ID"), let secret = value("AWS_SECRET_ACCESS_KEY") {
      return Credentials(keyID: id, secret: secret, sessionToken: value("AWS_SESSION_TOKEN"))
    }
    if let file = value("AWS_WEB_IDENTITY_TOKEN_FILE"), let role = value("AWS_ROLE_ARN") {
      guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: file)) else {
        throw Failure(
          .configuration,
          "\(service.description) cannot be asked: AWS_WEB_IDENTITY_TOKEN_FILE cannot be read",
          place: file, hint: "ls -l \(file)")
      }
      return try await assume(role, Sensitive(String(decoding: bytes, as: UTF8.self).trimmingSpaces))
    }
    throw Failure(
      .configuration, "\(service.description) cannot be asked: there are no credentials of AWS",
      cause: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, nor AWS_WEB_IDENTITY_TOKEN_FILE and "
        + "AWS_ROLE_ARN, nor `role` in the file",
      hint:
        "export them, `eval \"$(aws configure export-credentials --format env)\"` for a profile; in GitHub "
        + "Actions write `role:` and `permissions: {id-token: write}`")
  }

  private func assume(_ role: String, _ identity: Sensitive) async throws(Failure) -> Credentials {
    let endpoint = Endpoint.address(of: "sts", variable: "STS", region: region, access.process)
    guard SecretAddress.isSafe(endpoint) else { throw AWSSource.unsafe(service.description, "STS") }
    let request = TokenService.request(
      endpoint: endpoint, role: role, session: "shipit", identity: identity.reveal())
    let response = try await service.send { request }
    do throws(AWSRefusal) { return try TokenService.credentials(from: response) } catch {
      throw Failure(
        .authentication, "\(service.description): AWS gives no credentials of \(role)",
        cause: error.description,
        hint:
          "the role's trust policy must name the identity's issuer, its audience sts.amazonaws.com, and its subject"
      )
    }
  }

  private func value(_ name: String) -> String? { access.process[name].flatMap { $0.isEmpty ? nil : $0 } }
}
