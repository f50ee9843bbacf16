/// Commands of the Encore program that plans and tutorials quote and that do not exist, with the real way
/// (contract encore §1). Some of them print help and exit 0, so that they seem to work.
package struct EncoreCommand: Sendable, Hashable {
  /// As it is usually written: `encore app rollback`.
  package var written: String
  /// What running it does.
  package var effect: String
  /// The real way, as an order.
  package var instead: String

  /// What is wrong, in one sentence.
  package var sentence: String {
    written.hasPrefix("encore") ? "there is no `\(written)`: it \(effect)" : "`\(written)` \(effect)"
  }

  /// The first such command in the words of a command line; nil when there is none.
  package init?(in words: [String]) {
    // A shell's whole line may be one argument.
    let words = words.flatMap(Self.pieces)
    if words.contains(where: { $0 == "ENCORE_AUTH_TOKEN" || $0.hasPrefix("ENCORE_AUTH_TOKEN=") }) {
      self = Self.token
      return
    }
    for (index, word) in words.enumerated()
    where word == "encore" || word.hasSuffix("/encore") && !word.contains("@") {
      let rest = words[(index + 1)...].prefix { !Self.separators.contains($0) }
      if let found = Self.command(Array(rest)) {
        self = found
        return
      }
    }
    return nil
  }

  private init(_ written: String, _ effect: String, _ instead: String) {
    self.written = written
    self.effect = effect
    self.instead = instead
  }

  private static let separators: Set<String> = [";", "&&", "||", "|", "&"]

  private static func pieces(_ text: String) -> [String] {
    var text = text
    for mark in ["&&", "||", ";", "|"] { text = text.replacing(mark, with: " \(mark) ") }
    return text.split(whereSeparator: \.isWhitespace).map { word in
      String(word.drop { "\"'`$({".contains($0) }.reversed().drop { "\"'`)}".contains($0) }.reversed())
    }
  }

  private static func command(_ words: [String]) -> EncoreCommand? {
    let plain = words.filter { !$0.hasPrefix("-") }
    let hasEnvironment = words.contains { $0 == "--env" || $0.hasPrefix("--env=") }
    switch (plain.first, plain.dropFirst().first) {
    case ("app", "deploy"), ("deploy", _):
      return EncoreCommand(
        plain.first == "app" ? "encore app deploy" : "encore deploy",
        plain.first == "app"
          ? "ends with an unknown flag, or without flags prints help and ends with 0: nothing is deployed"
          : "ends with an unknown command",
        "let shipit roll out: a service with `platform: encore`; by hand push to the linked branch, or "
          + "`encore alpha deploy --env ENV --commit SHA`")
    case ("db", "migrate"):
      return EncoreCommand(
        "encore db migrate",
        "ends with an unknown flag, or without flags prints help and ends with 0: nothing is migrated",
        "remove it: Encore Cloud migrates by itself inside every deploy; out of that, run psql on "
          + "`encore db conn-uri DB --env ENV --admin`")
    case ("app", "rollback"), ("rollback", _):
      return EncoreCommand(
        plain.first == "app" ? "encore app rollback" : "encore rollback",
        "ends with an unknown flag, or without flags prints help and ends with 0: nothing is rolled back",
        "write `shipit rollback ENV`, which rolls the earlier commit out again")
    case ("run", _) where hasEnvironment:
      return EncoreCommand(
        "encore run --env",
        "ends with an unknown flag: `encore run` starts the application on this machine only",
        "run the script against a tunnel: `encore db proxy --env ENV` or `encore db conn-uri DB --env ENV`")
    case ("exec", _) where hasEnvironment:
      return EncoreCommand(
        "encore exec --env", "ends with an unknown flag: `encore exec` reaches the local application only",
        "run the script against a tunnel: `encore db proxy --env ENV` or `encore db conn-uri DB --env ENV`")
    default: return nil
    }
  }

  private static let token = EncoreCommand(
    "ENCORE_AUTH_TOKEN", "is read by nothing: commands then run logged out",
    "use an auth key (`encore auth login --auth-key`), or `platforms.encore.client` for what shipit does")
}
