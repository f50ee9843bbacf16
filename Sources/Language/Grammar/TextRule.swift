import Concurrency
import Model
import Zones
import _StringProcessing

/// What a text must look like, once, for the check and for the schema.
package struct TextRule: Sendable {
  /// With its article, for messages.
  package var noun: String
  /// A regular expression the whole text must match; in the common subset of Swift's and JSON Schema's.
  package var pattern: String?
  /// What to write instead.
  package var help: String?
  /// Whether `${…}` belongs to somebody else here, such as a shell.
  package var isForeign: Bool
  /// What `${…}` can name all the same: filled in when the text is used.
  package var references: [String]
  /// Whether a mistake is one of naming.
  package var isName: Bool
  /// A further check the schema cannot express, or the words for what `pattern` refuses: why a text is refused.
  package var refusal: (@Sendable (String) -> String?)?

  init(
    _ noun: String, _ pattern: String? = nil, help: String? = nil, isForeign: Bool = false,
    references: [String] = [], isName: Bool = false, refusal: (@Sendable (String) -> String?)? = nil
  ) {
    self.noun = noun
    self.pattern = pattern
    self.help = help
    self.isForeign = isForeign
    self.references = references
    self.isName = isName
    self.refusal = refusal
  }

  /// Why a text is refused; nil when it is not.
  package func mistake(in text: String) -> String? {
    if text.isEmpty { return "\(noun) cannot be empty" }
    // No rule's text is longer, and a pattern may take long over what is.
    if text.utf8.count > (isForeign ? 65536 : 4096) { return "this is too long for \(noun)" }
    if let pattern, !TextRule.matches(text, pattern) { return refusal?(text) ?? "`\(text)` is not \(noun)" }
    return refusal?(text)
  }

  /// Compiled once each: a file has hundreds of texts under the same few patterns.
  private static let compiled = Locked<[String: Regex<AnyRegexOutput>]>([:])

  private static func matches(_ text: String, _ pattern: String) -> Bool {
    compiled.withLock { known in
      if known[pattern] == nil {
        known[pattern] = try? Regex("(?:\(pattern))").matchingSemantics(.unicodeScalar)
      }
      guard let regex = known[pattern] else { return true }
      return (try? regex.wholeMatch(in: text)) != nil
    }
  }
}

extension TextRule {
  static let line = TextRule("text")
  static let name = TextRule(
    "a name", "[a-z][a-z0-9-]{0,62}", help: "use lower-case letters, digits and hyphens, a letter first",
    isName: true)
  /// A title people read, such as that of a check.
  static let title = TextRule(
    "a name", #"[^\s/](?:[^/\n]{0,98}[^\s/])?"#, help: "use one line without `/`", isName: true)
  /// What may be a part of a marker.
  static let app = TextRule(
    "an application's name", "[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    help: "use letters, digits, dots and hyphens", isName: true)
  static let serviceName = TextRule(
    "a service's name on the platform", #"[^\s./](?:[^/\n]{0,98}[^\s/])?"#, help: "use one line without `/`",
    isName: true)
  static let variable = TextRule(
    "a variable's name", "[A-Za-z_][A-Za-z0-9_]*", help: "use letters, digits and `_`, no digit first",
    isName: true)
  static let secret = TextRule(
    "a secret's name", "[A-Za-z_][A-Za-z0-9_]*",
    help: "use letters, digits and `_`, no digit first; write the name, not the value", isName: true)
  static let need = TextRule(
    "the name of a service, of a `run:` step, `DB.migrations` or `DB.scripts`", #"\S(?:.*\S)?"#)
  /// Inside the project.
  static let path = TextRule(
    "a path inside the project", #"(?!/)(?!~).+"#,
    help: "write it relative to the project's root, such as ./backend"
  ) { path in
    path.split(separator: "/").contains("..") ? "`\(path)` leaves the project" : nil
  }
  /// A directory inside the project, or a bucket.
  static let backupPlace = TextRule(
    "a place for copies", #"(?!/)(?!~).+"#,
    help:
      "write a directory of the project such as ./backups, s3://BUCKET/PREFIX?region=eu-north-1, or railway:SERVICE"
  ) { text in
    do throws(BackupBucket.Mistake) {
      guard case .directory(let directory) = try BackupPlace(parsing: text) else { return nil }
      return directory.split(separator: "/").contains("..") ? "`\(directory)` leaves the project" : nil
    } catch { return "\(error.message); \(error.help)" }
  }
  /// Relative to the file it stands in.
  static let base = TextRule(
    "the path of a base file", #"(?!/)(?!~).+\.ya?ml"#,
    help: "write it relative to this file, such as base.yaml")
  static let glob = TextRule(
    "a pattern of paths", "(?!/).+", help: "write it relative to `directory`, such as dist/**")
  static let urlPath = TextRule("a path of the service", #"/\S*"#, help: "begin it with `/`")
  /// In the service's container.
  static let hostLabel = TextRule(
    "one label of a host's name", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    help: "small letters, digits and dashes, such as api")
  static let mountPath = TextRule(
    "a path in the container", #"/[^\s/]\S*"#, help: "write where it is mounted, such as /data")
  static let url = TextRule(
    "an address", #"https?://[^\s/]+(/\S*)?"#, help: "begin it with https:// (or http:// for loopback)")
  static let origin = TextRule(
    "an address without a path", #"https?://[^\s/]+/?"#,
    help: "write scheme, host and port; the path stands in `path`")
  static let domain = TextRule(
    "a domain", #"(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}"#,
    help: "write the host alone, such as api.example.com")
  static let repository = TextRule(
    "a repository", "[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", help: "write owner/name, such as acme/api")
  static let branch = TextRule("a branch", #"[^\s~^:?*\[\\]+"#)
  static let header = TextRule(
    "a header's name", "[A-Za-z0-9!#$%&'*+.^_`|~-]+", help: "write the name alone, such as X-Revision")
  static let jsonPath = TextRule(
    "a dotted path in a JSON answer", #"[^\s.]+(\.[^\s.]+)*"#, help: "write it like version or build.commit")
  static let environmentName = TextRule(
    "an environment's name", "[a-z0-9][a-z0-9-]{0,62}", help: "use lower-case letters, digits and hyphens",
    isName: true)
  static let command = TextRule("a command", isForeign: true)
  static let argument = TextRule("an argument", isForeign: true)
  static let query = TextRule(
    "a query", isForeign: true, references: ["commit", "environment", "release", "variant"])
  static let pattern = TextRule(
    "a regular expression", help: "its first group is the revision", isForeign: true
  ) {
    text in
    guard text.count <= 500 else { return "this is too long for a regular expression" }
    guard (try? Regex(text)) != nil else { return "`\(text)` is not a regular expression" }
    let hasGroup = text.replacing(#/\\./#, with: "").contains(#/\((?!\?[:=!<>])/#)
    return hasGroup ? nil : "`\(text)` has no group to take the revision from"
  }
  /// Matched against values that are never shown.
  static let secretPattern = TextRule("a regular expression", isForeign: true) { text in
    guard text.count <= 500 else { return "this is too long for a regular expression" }
    return (try? Regex(text)) == nil ? "`\(text)` is not a regular expression" : nil
  }
  static let cron = TextRule(
    "a schedule", #"\S+( +\S+){4}"#, help: "write five fields in UTC, such as 0 6 * * 1"
  ) { text in
    cronMistake(text)
  }
  /// By the clock of a zone that stands beside it.
  static let schedule = TextRule(
    "a schedule", #"\S+( +\S+){4}"#, help: "write five fields of cron, such as 0 3 * * *"
  ) { text in
    cronMistake(text)
      ?? (CronSchedule(text, zone: .utc) == nil ? "`\(text)` is not a schedule" : nil)
  }
  /// A private key here would be everybody's.
  static let recipient = TextRule(
    "a public key of age", #"age1[0-9a-z]{10,}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?"#,
    help: "write the line after `Public key:` of age-keygen, or an SSH public key")
  static let moment = TextRule(
    "a moment", #"(mon|tue|wed|thu|fri|sat|sun) \d{2}:\d{2}|\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?"#,
    help: "write a weekday and a time (fri 16:00), or a date (2026-12-19 or 2026-12-19T09:30)"
  ) { text in
    do throws(FreezeMoment.Mistake) {
      _ = try FreezeMoment(parsing: text)
      return nil
    } catch { return error.message }
  }
  static let clockTime = TextRule("a time of day", #"([01]\d|2[0-3]):[0-5]\d"#, help: "write it like 09:00")
  static let timezone = TextRule(
    "a time zone", "[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", help: "write a name such as Europe/Oslo")
  static let mailServer = TextRule(
    "a mail server", #"smtps?://[A-Za-z0-9.-]+(:\d{1,5})?/?"#,
    help:
      "write smtp://HOST:587, which must offer STARTTLS, or smtps://HOST:465; user and password stand beside it"
  )
  static let mailAddress = TextRule(
    "a mail address", #"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"#,
    help: "write the address alone, such as deploys@example.com")
  static let channel = TextRule(
    "a channel of Slack", #"#?[^\s#@]+"#, help: "write its id, such as C0123ABCD, or its name")
  static let person = TextRule("a person's user name", #"\S+"#)
  static let threshold = TextRule(
    "a threshold", #"(<|<=|>|>=) ?-?\d+(\.\d+)?"#, help: "write a comparison such as \"> 95\"")
  /// A value of a JSON answer, or a comparison with it; `Comparison` says what it means.
  static let comparison = TextRule(
    "a value or a comparison",
    #"(<|<=|>|>=) *-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|!= *[^\s][\s\S]*|=( *[^=<>\s][\s\S]*| +[^\s][\s\S]*)|\s*[^<>=!\s][\s\S]*|!([^=][\s\S]*)?"#
  ) { text in
    do throws(Comparison.Mistake) {
      _ = try Comparison(parsing: text)
      return nil
    } catch { return "\(error.message); \(error.help)" }
  }
  static let address = TextRule(
    "an address in numbers", #"(\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*"#,
    help: "write it like 203.0.113.7 or 2001:db8::7")
  static let label = TextRule(
    "a label's name", "[A-Za-z_][A-Za-z0-9_]*", help: "use letters, digits and `_`, no digit first",
    isName: true)
  static let step = TextRule("a step's percentage", #"\d{1,3}(\.\d{1,3})?"#)
  static let flag = TextRule("a flag's key", "[A-Za-z0-9][A-Za-z0-9._-]*", isName: true)

  /// Checks numbers, ranges and steps of the five fields.
  private static func cronMistake(_ text: String) -> String? {
    let limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    let names = ["minute", "hour", "day", "month", "weekday"]
    for (index, field) in text.split(separator: " ").enumerated() where index < limits.count {
      for part in field.split(separator: ",", omittingEmptySubsequences: false) {
        let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let ends = (pieces.first ?? "").split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let isStep = pieces.count < 2 || (Int(pieces[1]).map { $0 > 0 } ?? false)
        let isRange = ends.allSatisfy { end in
          guard let number = Int(end) else {
            return end == "*" || (index > 2 && end.count == 3 && end.allSatisfy(\.isLetter))
          }
          return (limits[index].0...limits[index].1).contains(number)
        }
        if !isStep || !isRange { return "`\(field)` is no \(names[index]) of a schedule" }
      }
    }
    return nil
  }
}
