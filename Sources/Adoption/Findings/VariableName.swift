/// What the name of a variable says of it.
package enum VariableName {
  static func isOne(_ name: String) -> Bool {
    guard let first = name.utf8.first, first == UInt8(ascii: "_") || isLetter(first) else { return false }
    return name.utf8.allSatisfy { isLetter($0) || $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// Prefixes by which frameworks put a value into what browsers get: known at build time, and never secret.
  private static let publicPrefixes = [
    "NEXT_PUBLIC_", "VITE_", "REACT_APP_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "EXPO_PUBLIC_",
    "NG_APP_", "VUE_APP_",
  ]

  static func isPublic(_ name: String) -> Bool { publicPrefixes.contains { name.hasPrefix($0) } }
  static func isMobile(_ name: String) -> Bool { name.hasPrefix("EXPO_PUBLIC_") }

  /// The address of a database, a cache or a queue.
  static func store(_ name: String) -> String? {
    let words = Set(name.split(separator: "_").map(String.init))
    let isAddress = ["URL", "URI", "DSN", "HOST"].contains { words.contains($0) }
    guard isAddress else { return nil }
    if words.contains("UPSTASH") { return "redis" }
    if words.contains("REDIS") || words.contains("VALKEY") { return "redis" }
    if words.contains("MONGODB") || words.contains("MONGO") { return "mongodb" }
    if words.contains("MYSQL") || words.contains("MARIADB") { return "mysql" }
    if words.contains("DATABASE") || words.contains("POSTGRES") || words.contains("POSTGRESQL")
      || name == "DB_URL"
    {
      return "database"
    }
    return nil
  }

  private static let secretWords: Set<String> = [
    "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "TOKEN", "KEY", "APIKEY", "DSN",
    "PRIVATE", "CREDENTIAL", "CREDENTIALS", "SALT", "SID", "PWD",
  ]

  /// Whether the value is one that must not be read by everybody.
  static func isSecret(_ name: String) -> Bool {
    if isPublic(name) { return false }
    if let store = store(name) { return store != "host" && !name.hasSuffix("_HOST") }
    if ["DIRECT_URL"].contains(name) || name.hasSuffix("WEBHOOK_URL") || name.hasSuffix("_WEBHOOK") {
      return true
    }
    let words = name.uppercased().split(separator: "_").map(String.init)
    if words.contains("PUBLIC") || words.contains("PUBLISHABLE") { return false }
    // Numbers and names about a secret: JWT_SECRET_TTL, TOKEN_LIFETIME_SECONDS, ACCESS_TOKEN_EXPIRE_MINUTES.
    let measures: Set<String> = [
      "TTL", "SECONDS", "MINUTES", "HOURS", "DAYS", "EXPIRES", "EXPIRE", "EXPIRY", "LIFETIME", "LENGTH",
      "SIZE", "LIMIT", "COUNT", "PATH", "FILE", "LOCATION", "NAME", "ENABLED", "ROUNDS",
    ]
    if words.contains(where: measures.contains) { return false }
    return words.contains(where: secretWords.contains)
  }

  /// Whether the value is another one in each environment: where something is, and who this is to others.
  static func isOwn(_ name: String) -> Bool {
    if isPublic(name) { return true }
    let words = Set(name.uppercased().split(separator: "_").map(String.init))
    return !words.isDisjoint(with: [
      "URL", "URI", "URLS", "ORIGIN", "ORIGINS", "DOMAIN", "ENDPOINT", "ID", "USERNAME",
    ])
  }

  /// Whether the value of an example says no more than that one is wanted.
  static func isPlaceholder(_ value: String) -> Bool {
    let text = value.lowercased()
    return text.isEmpty || text.hasPrefix("<") || text.hasPrefix("your") || text.contains("your-")
      || text.contains("your_") || text.contains("example.com") || text.contains("xxx")
      || text.hasPrefix("change") || text.contains("changeme") || text.contains("replace") || text == "..."
  }

  /// Whether a key of a configuration file is one that credentials stand under.
  static func isCredential(_ key: String) -> Bool {
    let name = key.lowercased()
    return [
      "access_key_id", "secret_access_key", "password", "secret", "api_key", "token", "auth_string",
      "private_key",
    ].contains(name)
  }

  /// Why a name of an example belongs to no service; nil when it may.
  static func exclusion(_ name: String) -> String? {
    if name == "PORT" { return "the platform sets it" }
    if name == "HOST" || name == "HOSTNAME" { return "the address to listen on is the platform's" }
    if name.hasPrefix("RAILWAY_") { return "a name of Railway's own, or of a tool that asks Railway" }
    if ["VERCEL", "VERCEL_TOKEN", "VERCEL_ORG_ID", "VERCEL_PROJECT_ID", "VERCEL_TEAM_ID"].contains(name) {
      return "Vercel's own, or for jobs"
    }
    if name == "FLY_API_TOKEN" || name == "SLACK_DEPLOY_WEBHOOK" { return "for jobs" }
    let words = name.split(separator: "_")
    if words.first == "TEST" || words.last == "TEST" || words.first == "E2E" { return "for tests" }
    if words.first == "DEV" || words.contains("LOCALHOST") || words.first == "NGROK" {
      return "for a developer's machine"
    }
    if ["APPLE", "MATCH", "FASTLANE", "ITC"].contains(words.first ?? "") || name == "TEAM_ID" {
      return "for an application store"
    }
    if isMobile(name) { return "for an application on phones" }
    return nil
  }

  /// Whether a value of true would be wrong where real people are served.
  static func isPretence(_ name: String) -> Bool {
    let words = Set(name.split(separator: "_").map(String.init))
    return words.contains("MOCK") || words.contains("FAKE") || words.contains("DEMO")
      || words.contains("BYPASS")
  }
}
