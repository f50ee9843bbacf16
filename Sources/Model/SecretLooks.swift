/// What looks like a secret, wherever it is written out: in a command, a setting, a value of a variable. Used before
/// a text is copied into a file or shown; it says where in the text, so that the rest may be.
package enum SecretLooks {
  /// A part of a text that looks like a secret.
  package struct Part: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
      /// `NAME=value`.
      case assignment
      /// `--token value`.
      case option
      /// `Authorization: Bearer value`.
      case header
      /// `scheme://user:password@host`.
      case address
      /// A token of a known service.
      case token
      /// Nothing but many letters and digits.
      case random
    }

    package var kind: Kind
    /// What it is, without the value: ``the value of `API_KEY` ``, ``the value of `--token` ``.
    package var what: String
    /// Where the value stands.
    package var range: Range<String.Index>
    /// Of an address, in lower case.
    package var host: String?
  }

  /// Whether the name of a variable or option, in any spelling, is that of a secret. What is about a secret, such as
  /// `TOKEN_TTL`, is none, nor is what browsers get.
  package static func name(_ name: String) -> Bool {
    let words = self.words(of: name)
    guard words.allSatisfy({ !about.contains($0) }), words.first != "NO" else { return false }
    return words.contains { word in
      secretWords.contains(word) || secretEnds.contains { word.hasSuffix($0) && word.count > $0.count }
    }
  }

  /// Whether a text has something in it that looks like a secret.
  package static func text(_ text: String) -> Bool { !parts(of: text).isEmpty }

  /// Whether the value of a variable is a secret that is written out: its name says so and the value is no reference,
  /// or the value itself looks like one.
  package static func value(_ text: String, of name: String) -> Bool {
    self.name(name) && literal(text[...]) != nil || self.text(text)
  }

  /// Whether a value only stands in for a secret: for tests and examples people write words.
  package static func isPretence(_ value: some StringProtocol) -> Bool {
    let text = value.lowercased()
    let marks = [
      "test", "dummy", "fake", "example", "placeholder", "mock", "sample", "change", "local", "ci-", "ci_",
      "your-", "your_", "not-", "password", "postgres", "secret", "xxx", "dev-", "dev_", "build", "insecure",
      "replace", "redacted",
    ]
    return text.count < 6 || text.hasPrefix("1234") || text.hasPrefix("abc123")
      || !text.contains(where: \.isNumber) || marks.contains(where: text.contains)
  }

  /// The text with dots in place of what looks like a secret.
  package static func masked(_ text: String) -> String {
    var result = ""
    var place = text.startIndex
    for part in parts(of: text) where part.range.lowerBound >= place {
      result += text[place..<part.range.lowerBound] + "•••"
      place = part.range.upperBound
    }
    return result + text[place...]
  }

  /// A line of YAML or JSON with dots in place of what looks like a secret, also by the name it stands under. The name
  /// of a secret, as in `{secret: API_KEY}`, is none.
  package static func masked(line: String) -> String {
    var result = ""
    var place = line.startIndex
    for match in line.matches(
      of: #/([A-Za-z_][A-Za-z0-9_-]*)["']?:\s+("[^"]*"|'[^']*'|[^\s,{}\[\]#|>&*"']+)/#)
    {
      guard match.1 != "secret", name(String(match.1)), literal(match.2) != nil else { continue }
      result += line[place..<match.2.startIndex] + "•••"
      place = match.2.endIndex
    }
    return masked(result + line[place...])
  }

  /// Everything in a text that looks like a secret, in its order.
  package static func parts(of text: String) -> [Part] {
    // Nothing shorter holds one, and most texts are words.
    guard text.utf8.count > 6 else { return [] }
    var found: [Part] = []
    found += assignments(text)
    found += options(text)
    found += headers(text)
    found += addresses(text)
    found += shapes(text)
    return found.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  // MARK: - Names

  private static let secretWords: Set<String> = [
    "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "PWD", "TOKEN", "KEY", "APIKEY", "DSN",
    "CREDENTIAL", "CREDENTIALS", "SALT", "SID", "PIN", "AUTH", "PRIVATE", "REQUIREPASS", "MASTERAUTH",
  ]
  /// Of words without a hyphen between: PGPASSWORD, DBPASS, ACCESSTOKEN.
  private static let secretEnds = ["PASSWORD", "PASSWD", "PASS", "SECRET", "TOKEN", "APIKEY", "ACCESSKEY"]
  /// Words by which a name speaks of a secret and holds none.
  private static let about: Set<String> = [
    "TTL", "SECONDS", "MINUTES", "HOURS", "DAYS", "EXPIRES", "EXPIRE", "EXPIRY", "EXPIRATION", "LIFETIME",
    "LENGTH", "SIZE", "LIMIT", "COUNT", "PATH", "FILE", "LOCATION", "NAME", "ENABLED", "DISABLED", "ROUNDS",
    "PUBLIC", "PUBLISHABLE", "STDIN", "PROMPT", "URL", "URI", "HOST", "DOMAIN", "ISSUER", "AUDIENCE",
    "PROVIDER", "TYPE", "MODE", "METHOD", "ALGORITHM", "HEADER", "PREFIX", "VERSION", "CACHE", "PRIMARY",
    "FOREIGN", "SORT", "PARTITION", "REQUIRED", "BYPASS", "SKIP", "MAX", "MIN", "BUDGET", "ALIAS",
  ]

  /// `apiKey`, `api-key` and `API_KEY` are the same words.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word = ""
    var wasLower = false
    for character in name {
      if !character.isLetter && !character.isNumber {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        if character.isUppercase, wasLower {
          words.append(word)
          word = ""
        }
        word += character.uppercased()
      }
      wasLower = character.isLowercase
    }
    return word.isEmpty ? words : words + [word]
  }

  // MARK: - Values

  /// What a value has of its own, without what a shell or a platform puts in its place; nil when that is nothing that
  /// could be a secret.
  private static func literal(_ value: Substring) -> String? {
    var text = String(value)
    if text.count > 1, let first = text.first, first == text.last, first == "\"" || first == "'" {
      text = String(text.dropFirst().dropLast())
    }
    text = text.replacing(#/\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=]([^}$]*)\}/#) { $0.1 }
    text.replace(
      #/\$\{\{.*?\}\}|\$\{[^}]*\}?|\$\([^)]*\)?|\$\w+|`[^`]*`|<[^>]*>|%\w+%|\{\{.*?\}\}/#, with: "")
    let bare = text.filter { $0.isLetter || $0.isNumber }
    guard !bare.isEmpty else { return nil }
    let words: Set<String> = [
      "true", "false", "0", "1", "yes", "no", "on", "off", "null", "none", "undefined", "required",
      "optional",
      "auto", "disabled", "enabled", "basic", "bearer", "inherit",
    ]
    if words.contains(bare.lowercased()) || bare.allSatisfy({ $0 == "x" || $0 == "X" }) { return nil }
    // A file that holds it.
    if text.hasPrefix("/") && !text.contains(":") || text.hasPrefix("./") || text.hasPrefix("../")
      || text.hasPrefix("~/") || text.contains(#/\.(pem|key|crt|json|ya?ml|txt|env)$/#)
    {
      return nil
    }
    return text
  }

  /// `NAME=value`, also inside quotes, and `//registry/:_authToken=value`.
  private static func assignments(_ text: String) -> [Part] {
    guard text.contains("=") else { return [] }
    return text.matches(
      of: #/(?:^|[\s;&|("'`:\/,?])([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|'[^']*'|[^\s;&|)"'`]+)/#
    ).compactMap { match in
      guard name(String(match.1)), literal(match.2) != nil else { return nil }
      return Part(
        kind: .assignment, what: "the value of `\(match.1)`", range: match.2.startIndex..<match.2.endIndex)
    }
  }

  /// `--token value`, `--password=value`, `-pvalue` of MySQL, `-u user:password` of curl.
  private static func options(_ text: String) -> [Part] {
    guard text.contains("-") else { return [] }
    var found: [Part] = []
    for match in text.matches(
      of: #/(?:^|\s)(--?[A-Za-z][A-Za-z0-9-]+)(?:=|\s+)(?!-)("[^"]*"|'[^']*'|[^\s;&|)"'`]+)/#)
    {
      guard name(String(match.1)), let value = literal(match.2) else { continue }
      // `--key` and `--auth` name many other things.
      if ["--key", "--auth", "--pass", "--pin", "-key"].contains(String(match.1)),
        !value.contains(where: \.isNumber), value.count < 12
      {
        continue
      }
      found.append(
        Part(kind: .option, what: "the value of `\(match.1)`", range: match.2.startIndex..<match.2.endIndex))
    }
    func add(_ option: String, _ value: Substring) {
      guard literal(value) != nil else { return }
      found.append(
        Part(kind: .option, what: "the value of `\(option)`", range: value.startIndex..<value.endIndex))
    }
    for match in text.matches(of: #/\b(?:mysql\w*|mariadb[\w-]*|sshpass)\b[^;&|]*?\s-p([^\s;&|]+)/#) {
      add("-p", match.1)
    }
    for match in text.matches(
      of: #/\b(?:docker|podman|helm|az|oc)\b[^;&|]*\slogin\b[^;&|]*?\s-p\s+([^\s;&|]+)/#)
    {
      add("-p", match.1)
    }
    for match in text.matches(
      of: #/\b(?:curl|wget|http)\b[^;&|]*?\s(?:-u|--user)(?:=|\s*)["']?[^\s:"'$]+:([^\s;&|"']+)/#)
    {
      add("-u", match.1)
    }
    for match in text.matches(of: #/\bredis-cli\b[^;&|]*?\s-a\s+([^\s;&|]+)/#) { add("-a", match.1) }
    return found
  }

  /// `Authorization: Bearer value`, `X-Api-Key: value`.
  private static func headers(_ text: String) -> [Part] {
    guard text.contains(":") else { return [] }
    return text.matches(
      of:
        #/\b((?:proxy-)?authorization|(?:[A-Za-z]+-)+(?:token|key|secret|password))\s*:\s+(?:(?:bearer|basic|token)\s+)?([^\s"';&|{}\[\]]+)/#
        .ignoresCase()
    ).compactMap { match in
      guard let value = literal(match.2), value.count >= 6 else { return nil }
      return Part(
        kind: .header, what: "the header `\(match.1)`", range: match.2.startIndex..<match.2.endIndex)
    }
  }

  /// `scheme://user:password@host`.
  private static func addresses(_ text: String) -> [Part] {
    guard text.contains("://") else { return [] }
    return text.matches(of: #/[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\/\s:@"']*:([^\/\s@"']+)@([^\/\s:"'?]*)/#)
      .compactMap {
        match in
        guard literal(match.1) != nil else { return nil }
        return Part(
          kind: .address, what: "the password of an address", range: match.1.startIndex..<match.1.endIndex,
          host: match.2.lowercased())
      }
  }

  // MARK: - Shapes

  /// How the tokens of well-known services begin, with what they are.
  package static let prefixes: [(prefix: String, what: String)] = [
    ("ghp_", "a GitHub token"), ("gho_", "a GitHub token"), ("ghs_", "a GitHub token"),
    ("github_pat_", "a GitHub token"), ("glpat-", "a GitLab token"), ("sk_live_", "a Stripe key"),
    ("sk_test_", "a Stripe key"), ("rk_live_", "a Stripe key"), ("whsec_", "a webhook's secret"),
    ("sk-ant-", "an Anthropic key"), ("sk-proj-", "an OpenAI key"), ("xoxb-", "a Slack token"),
    ("xoxp-", "a Slack token"), ("xapp-", "a Slack token"), ("AKIA", "an AWS access key"),
    ("ASIA", "an AWS access key"), ("AIza", "a Google key"), ("ya29.", "a Google token"),
    ("SG.", "a SendGrid key"), ("dp.st.", "a Doppler token"), ("dp.pt.", "a Doppler token"),
    ("hvs.", "a Vault token"), ("npm_", "an npm token"), ("pypi-", "a PyPI token"),
    ("dop_v1_", "a DigitalOcean token"), ("shpat_", "a Shopify token"), ("sbp_", "a Supabase token"),
    ("sb_secret_", "a Supabase key"), ("phx_", "a PostHog key"), ("re_", "a Resend key"),
    ("eyJhbGciOi", "a JSON web token"), ("AGE-SECRET-KEY-", "an age key"),
  ]

  /// Tokens that their beginning tells of, webhooks, and long runs of letters and digits.
  private static func shapes(_ text: String) -> [Part] {
    var found: [Part] = []
    for word in text.matches(of: #/[A-Za-z0-9_+][A-Za-z0-9_+.-]{15,}/#) {
      let known = prefixes.first { prefix, _ in
        word.0.hasPrefix(prefix) && word.0.count >= prefix.count + 12
          && (prefix.count > 4 || word.0.contains(where: \.isNumber))
      }
      let what = known?.what ?? (isRandom(word.0) ? "a long run of letters and digits" : nil)
      if let what {
        found.append(
          Part(
            kind: known == nil ? .random : .token, what: what, range: word.0.startIndex..<word.0.endIndex))
      }
    }
    for match in text.matches(of: #/hooks\.slack\.com\/services\/(\S+)/#) {
      found.append(
        Part(kind: .token, what: "a Slack webhook", range: match.1.startIndex..<match.1.endIndex))
    }
    return found
  }

  /// Digests, which name images and commits, and whole sentences are none.
  private static func isRandom(_ word: Substring) -> Bool {
    word.split(whereSeparator: { $0 == "-" || $0 == "." }).contains { part in
      let isDigest = (part.count == 40 || part.count == 64) && part.allSatisfy(\.isHexDigit)
      return part.count >= 24 && !isDigest && part.contains(where: \.isNumber)
        && part.contains(where: \.isLetter)
    }
  }
}
