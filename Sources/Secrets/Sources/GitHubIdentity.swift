import HTTP
import JSON
import Model

/// The token with which GitHub vouches for a job: who runs it, for which repository and environment.
enum GitHubIdentity {
  /// - Parameter audience: whom it is meant for; nil: GitHub's own.
  /// - Throws: `configuration` outside of a job that may have one; what GitHub says.
  static func token(
    audience: String?, of description: String, _ service: SecretService, _ process: [String: String]
  ) async throws(Failure) -> Sensitive {
    guard let address = process["ACTIONS_ID_TOKEN_REQUEST_URL"], !address.isEmpty,
      let key = process["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], !key.isEmpty
    else {
      throw Failure(
        .configuration,
        "\(description) lets in a job of GitHub Actions, and this is none that may prove itself",
        cause: "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set",
        hint:
          "in the workflow: `permissions: {id-token: write, contents: read}`; elsewhere reach it by a token")
    }
    guard SecretAddress.isSafe(address) else {
      throw Failure(.configuration, "ACTIONS_ID_TOKEN_REQUEST_URL is no https address")
    }
    var url = address
    if let audience {
      url += (url.contains("?") ? "&" : "?") + "audience=" + VaultSource.encoded(audience)
    }
    let request = HTTPRequest(
      url: url, headers: [("authorization", "Bearer \(key)"), ("accept", "application/json")])
    let response = try await service.send { request }
    guard response.status == 200, let token = (try? JSON(parsing: response.body))?["value"]?.string else {
      throw Failure(
        .authentication, "GitHub gave this job no token to prove itself with",
        cause: "it answered \(response.status)",
        hint: "in the workflow: `permissions: {id-token: write, contents: read}`")
    }
    return Sensitive(token)
  }
}
