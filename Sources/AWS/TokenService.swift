package import HTTP

/// What AWS refuses, by its own code.
package struct AWSRefusal: Error, Sendable, CustomStringConvertible {
  package var status: Int
  /// `AccessDenied`, `ThrottlingException`, …, without the namespace before it.
  package var code: String
  package var message: String

  package init(status: Int, code: String, message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  package var description: String { message.isEmpty ? code : "\(code): \(message)" }

  /// Another answer may come a moment later.
  package var isTransient: Bool {
    status == 429 || status >= 500 || code.hasPrefix("Throttling") || code == "TooManyRequestsException"
      || code.hasPrefix("Internal") || code == "ServiceUnavailable" || code == "RequestLimitExceeded"
      || code == "SlowDown"
      || code == "RequestTimeout"
  }

  /// Who asks is not known, or may not.
  package var isAboutAccess: Bool {
    [
      "AccessDenied", "UnrecognizedClient", "InvalidSignature", "SignatureDoesNotMatch", "ExpiredToken",
      "InvalidClientTokenId", "InvalidIdentityToken", "MissingAuthenticationToken", "IncompleteSignature",
      "InvalidToken", "InvalidAccessKeyId", "IDPRejectedClaim", "RequestExpired", "OptInRequired",
      "RequestTimeTooSkewed",
    ].contains { code.hasPrefix($0) }
  }
}

/// The Security Token Service: credentials of a role for the token of a web identity. Such a request is not signed.
package enum TokenService {
  /// The request.
  /// - Parameters:
  ///   - endpoint: `https://sts.REGION.amazonaws.com`, or another one's.
  ///   - session: is written into the audit log of the account.
  package static func request(
    endpoint: String, role: String, session: String, identity: String
  ) -> HTTPRequest {
    let fields = [
      ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
      ("RoleSessionName", session), ("WebIdentityToken", identity),
    ]
    let body = fields.map { "\($0.0)=\(Signature.encode($0.1))" }.joined(separator: "&")
    return HTTPRequest(
      method: "POST", url: "\(endpoint)/",
      headers: [
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("accept", "application/xml"),
      ], body: .bytes(Array(body.utf8)))
  }

  /// - Throws: what the service refuses.
  package static func credentials(from response: HTTPResponse) throws(AWSRefusal) -> Credentials {
    let text = response.text
    if response.status == 200, let id = XMLText.first("AccessKeyId", in: text),
      let secret = XMLText.first("SecretAccessKey", in: text),
      let token = XMLText.first("SessionToken", in: text)
    {
      return Credentials(keyID: id, secret: secret, sessionToken: token)
    }
    throw AWSRefusal(
      status: response.status, code: XMLText.first("Code", in: text) ?? "status \(response.status)",
      message: XMLText.first("Message", in: text) ?? "")
  }
}

/// Where the services of AWS are asked.
package enum Endpoint {
  /// `AWS_ENDPOINT_URL_SERVICE`, `AWS_ENDPOINT_URL`, or the region's own, without a slash at the end.
  /// - Parameters:
  ///   - service: as in host names: `secretsmanager`, `sts`.
  ///   - variable: as in variables: `SECRETS_MANAGER`, `STS`.
  package static func address(
    of service: String, variable: String, region: String, _ process: [String: String]
  ) -> String {
    let written = [process["AWS_ENDPOINT_URL_\(variable)"], process["AWS_ENDPOINT_URL"]]
    if var address = written.compactMap(\.self).first(where: { !$0.isEmpty }) {
      while address.hasSuffix("/") { address.removeLast() }
      return address
    }
    return "https://\(service).\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
  }
}
