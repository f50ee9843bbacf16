import Concurrency
import HTTP
import JSON

/// Reads answers of the three kinds Encore gives: bare objects of the public API, envelopes of the command
/// line's routes, and GraphQL (contract §3, §4).
enum EncoreAnswer {
  struct Problem {
    var kind: EncoreError.Kind
    var message: String
    /// Nil: as the kind says.
    var certainlyNoEffect: Bool?
  }

  /// What is inside: `data` of an envelope or of GraphQL, else the answer itself.
  static func content(_ answer: JSON) -> JSON {
    guard case .object(let members) = answer else { return answer }
    if members["ok"]?.bool == true { return members["data"] ?? .null }
    if let data = members["data"], members.keys.allSatisfy({ ["data", "errors", "extensions"].contains($0) })
    {
      return data
    }
    return answer
  }

  /// What is wrong with an answer; nil: nothing.
  static func error(_ response: HTTPResponse, _ answer: JSON?, _ operation: String, _ now: Timestamp)
    -> Problem?
  {
    let status = response.status
    let envelope = answer?["error"] ?? answer?["Error"]
    // OAuth's own form is a text; the envelope's an object whose keys come in either case.
    let code =
      envelope?.string ?? envelope?["code"]?.string ?? envelope?["Code"]?.string ?? answer?["code"]?.string
    let detail = envelope?["detail"] ?? envelope?["Detail"] ?? answer?["details"]
    let words =
      [code, answer?["message"]?.string ?? answer?["error_description"]?.string, detail.map(text)]
      .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    let message = words.isEmpty ? "HTTP \(status): \(response.text)" : words
    if let first = answer?["errors"]?[0] { return graphQL(first, answer, status) }
    switch status {
    case 429:
      return Problem(
        kind: .rateLimited(after: retryAfter(response.header("retry-after"), now)), message: message)
    case 500...: return Problem(kind: .unavailable, message: "HTTP \(status): \(response.text)")
    case 401: return Problem(kind: .unauthorized, message: message)
    case 403: return Problem(kind: .forbidden, message: message)
    default: break
    }
    let isRefused =
      answer?["ok"]?.bool == false || answer?["Ok"]?.bool == false || !(200..<300).contains(status)
    guard isRefused else { return nil }
    switch code {
    case "app_not_found", "env_not_found", "not_found": return Problem(kind: .notFound, message: message)
    case "validation": return Problem(kind: .invalid(field: detail?["field"]?.string), message: message)
    case "invalid_client", "unauthorized_client", "unauthenticated", "invalid_grant":
      return Problem(kind: .unauthorized, message: message)
    case "permission_denied": return Problem(kind: .forbidden, message: message)
    default: return Problem(kind: status == 404 ? .notFound : .refused, message: message)
    }
  }

  private static func graphQL(_ first: JSON, _ answer: JSON?, _ status: Int) -> Problem {
    let message = first["message"]?.string ?? "an error without a message"
    if let conflict = first["extensions"]?["conflict"],
      let entries = (conflict["Conflicts"] ?? conflict["conflicts"])?.array
    {
      let groups = entries.compactMap { ($0["GroupID"] ?? $0["groupID"])?.string }
      return Problem(kind: .overlap(groups: groups), message: message)
    }
    switch status {
    case 401: return Problem(kind: .unauthorized, message: message)
    case 403: return Problem(kind: .forbidden, message: message)
    case 500...: return Problem(kind: .unavailable, message: message)
    // An error beside 200 comes from a resolver: what it did before is not known.
    default:
      return Problem(kind: .refused, message: message, certainlyNoEffect: answer?["data"]?.object == nil)
    }
  }

  private static func text(_ value: JSON) -> String {
    value.string ?? (value.isNull ? "" : value.serialized())
  }

  /// `Retry-After`: seconds, or a date.
  static func retryAfter(_ text: String?, _ now: Timestamp) -> Duration? {
    guard let text else { return nil }
    if let seconds = Double(text), seconds >= 0, seconds < 1e7 { return .milliseconds(Int64(seconds * 1000)) }
    return Timestamp(httpDate: text).map { max(.zero, $0 - now) }
  }
}

/// A GraphQL document of the command line's own (contract §3, §10).
struct EncoreDocument: Sendable {
  var name: String
  var text: String

  static let secretGroups = EncoreDocument(
    name: "ListSecretGroups",
    text: """
      query ListSecretGroups($appSlug: String!, $keys: [String!]) {
        app(slug: $appSlug) {
          secrets(keys: $keys) {
            key
            groups {
              id etag description archivedAt
              selector {
                __typename
                ... on SecretSelectorEnvType { kind }
                ... on SecretSelectorSpecificEnv { env { id name } }
              }
              versions { id }
            }
          }
        }
      }
      """)

  static let createGroups = EncoreDocument(
    name: "CreateSecretGroup",
    text: """
      mutation CreateSecretGroup($input: CreateSecretGroups!) {
        createSecretGroups(input: $input) { id }
      }
      """)

  static let createVersion = EncoreDocument(
    name: "CreateSecretVersion",
    text: """
      mutation CreateSecretVersion($input: CreateSecretVersion!) {
        createSecretVersion(input: $input) { id }
      }
      """)
}
