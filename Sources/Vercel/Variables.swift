import Concurrency
import JSON
import Model

/// A stored variable of a project (contract §6).
struct StoredVariable: Sendable, Hashable {
  var id: String?
  var key: String
  /// Nil: it exists, but Vercel does not give it back.
  var value: Sensitive?
  var type: String
  var targets: [String]
  /// For one branch of the previews, or for custom environments.
  var isNarrow: Bool
  var updatedAt: Timestamp?

  /// - Parameter decrypt: values were asked for.
  init?(_ json: JSON, decrypt: Bool) {
    guard let key = json["key"]?.string, let type = json["type"]?.string else { return nil }
    id = json["id"]?.string
    self.key = key
    self.type = type
    targets =
      (json["target"]?.array ?? []).compactMap(\.string) + [json["target"]?.string].compactMap(\.self)
    isNarrow = json["gitBranch"]?.string != nil || !(json["customEnvironmentIds"]?.array ?? []).isEmpty
    updatedAt = (json["updatedAt"]?.int ?? json["createdAt"]?.int).map { Timestamp(milliseconds: $0) }
    let isReadable = type == "plain" || type == "system" || (json["decrypted"]?.bool ?? decrypt)
    value =
      type == "sensitive" || type == "secret" || !isReadable
      ? nil : json["value"]?.string.map { Sensitive($0) }
  }

  var isForProduction: Bool { targets.contains("production") && !isNarrow }
}

extension VercelClient {
  /// Every stored variable; values where Vercel gives them back and `decrypt` asks for it.
  func variables(_ place: Place, decrypt: Bool, _ manner: Manner = .ordinary)
    async throws(APIError) -> [StoredVariable]
  {
    let answer = try await send(Endpoint.variables(place, decrypt: decrypt), manner).body
    return (answer["envs"]?.array ?? answer.array ?? []).compactMap { StoredVariable($0, decrypt: decrypt) }
  }
}

/// What Vercel accepts as variables (contract §6.2, §6.3).
enum VariableRules {
  /// Keys that frameworks write into the code browsers get: they can hold no secret, and Vercel refuses them
  /// as `sensitive`. docs/vercel.md lists them.
  static let publicPrefixes = [
    "NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "NUXT_ENV_", "GATSBY_", "PUBLIC_", "VUE_APP_",
    "EXPO_PUBLIC_", "SNOWPACK_PUBLIC_", "STORYBOOK_", "REDWOOD_ENV_", "SANITY_STUDIO_", "GRIDSOME_",
  ]

  static let reserved: Set<String> = [
    "AWS_SECRET_KEY", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "NOW_REGION", "TZ", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
  ]

  static let longestKey = 256
  static let longestValue = 65_536
  /// Names and values of one deployment together.
  static let total = 65_536
  static let most = 1000

  static func isPublic(_ key: String) -> Bool { publicPrefixes.contains { key.hasPrefix($0) } }

  /// `sensitive`, `encrypted` or `plain`.
  static func type(of key: String, isSecret: Bool) -> String {
    if isPublic(key) { return isSecret ? "encrypted" : "plain" }
    return isSecret ? "sensitive" : "plain"
  }

  /// What is wrong with a variable; nil: nothing. Never tells the value.
  static func refusal(_ key: String, _ value: Sensitive) -> String? {
    if reserved.contains(key) { return "Vercel reserves the name \(key)" }
    if key.isEmpty || key.count > longestKey {
      return "the name \(key.prefix(40)) has not 1 to \(longestKey) characters"
    }
    let isNamed = key.utf8.allSatisfy {
      ($0 >= 48 && $0 <= 57) || ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == 95
    }
    if !isNamed { return "the name \(key) may hold letters, digits and _ only" }
    if value.reveal().utf8.count > longestValue {
      return "the value of \(key) is longer than \(longestValue) bytes"
    }
    return nil
  }
}
