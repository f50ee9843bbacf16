/// What the grammar says of one key.
package struct KeyExplanation: Sendable {
  /// Dotted, without free keys and list elements.
  package var path: String
  package var key: Key
  package var support: Support
  /// The keys below, if any.
  package var below: [Key]

  /// As text for the terminal, at most `width` columns.
  package func text(width: Int = 100) -> String {
    let noun = key.shape.noun
    var lines = ["\(path): \(path.count + noun.count + 2 > width ? "one of the words below" : noun)", ""]
    lines += Self.wrapped(key.doc, width: width, indent: "  ")
    var facts: [(String, String)] = []
    if key.isRequired { facts.append(("required", "yes")) }
    if let standard = key.standard { facts.append(("default", standard)) }
    if let example = key.example { facts.append(("example", "\(key.name): \(example)")) }
    if case .template(let kinds) = key.shape {
      facts.append(
        ("references", ReferenceKind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: " ")))
    }
    if let platforms = key.platforms { facts.append(("platforms", platforms.joined(separator: ", "))) }
    if !key.elsewhere.isEmpty { facts.append(("elsewhere", key.elsewhere.joined(separator: ", "))) }
    if support == .later { facts.append(("state", "not supported yet: plan and deploy refuse it")) }
    lines += Self.table(facts, title: nil, width: width)
    let words = key.shape.words
    lines += Self.table(
      words.map { ($0.text, $0.doc + ($0.support == .later ? " Not supported yet." : "")) }, title: "Words",
      width: width)
    lines += Self.table(
      below.map { below in
        (
          below.name,
          below.doc + (below.isRequired ? " Required." : "")
            + (below.support == .later ? " Not supported yet." : "")
        )
      }, title: "Keys", width: width)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func table(_ rows: [(String, String)], title: String?, width: Int) -> [String] {
    guard let longest = rows.map(\.0.count).max() else { return [] }
    var lines = title.map { ["", "\($0):"] } ?? [""]
    for (name, doc) in rows {
      let lead = "  \(name)" + String(repeating: " ", count: longest - name.count + 2)
      let rest = wrapped(doc, width: width, indent: String(repeating: " ", count: lead.count))
      lines.append(lead + (rest.first ?? "").drop { $0 == " " })
      lines += rest.dropFirst()
    }
    return lines
  }

  private static func wrapped(_ text: String, width: Int, indent: String) -> [String] {
    var lines: [String] = []
    var line = indent
    for word in text.split(separator: " ") {
      if line.count + word.count + 1 > max(width, 40), line != indent {
        lines.append(line)
        line = indent
      }
      line += line == indent ? String(word) : " \(word)"
    }
    return lines + [line]
  }
}

/// What `explain` found.
package enum ExplainResult: Sendable {
  case key(KeyExplanation)
  /// The file as a whole: its keys.
  case file([Key])
  /// A last word several keys share: their paths.
  case several([String])
  /// Nothing; what to try instead.
  case unknown(help: String)
}

extension Grammar {
  /// Explains a key by its dotted path, such as `services.health.within`. Names of your own choice and list
  /// elements may stand in it (`services.api.health`, `run[0].name`), and a path may be its last word.
  package static func explain(_ path: String) -> ExplainResult {
    let words = path.split(separator: ".").map { String($0.prefix { $0 != "[" }) }
    guard !words.isEmpty else { return .file(environment.keys) }
    if let found = walk(words) { return .key(found) }
    let text = words.joined(separator: ".")
    let matches = entries.filter { $0.path == text || $0.path.hasSuffix(".\(text)") }
    if matches.count == 1, let match = matches.first { return .key(explanation(match)) }
    if matches.count > 1 { return .several(matches.map(\.path)) }
    let last = Suggestion.normalized(words.last ?? "")
    let aliases = entries.filter { $0.key.elsewhere.contains(last) }.map(\.path)
    let folder = words.dropLast().joined(separator: ".")
    let meant =
      aliases.first { $0.split(separator: ".").dropLast().joined(separator: ".") == folder }
      ?? Suggestion.nearest(to: text, among: entries.map(\.path)) ?? aliases.first
    if let meant { return .unknown(help: "did you mean `\(meant)`?") }
    if let near = Suggestion.nearest(to: words.last ?? "", among: Set(entries.map(\.key.name)).sorted()),
      let entry = entries.first(where: { $0.key.name == near })
    {
      return .unknown(help: "did you mean `\(entry.path)`?")
    }
    return .unknown(help: "the keys of the file are \(Reading.names(environment))")
  }

  private static func walk(_ words: [String]) -> KeyExplanation? {
    var objects = [environment]
    var canBeFree = false
    var path: [String] = []
    var found: Key?
    for word in words {
      if let key = objects.lazy.compactMap({ $0.key(word) }).first {
        path.append(word)
        found = key
        objects = key.shape.objects
        canBeFree = key.shape.hasFreeKeys
      } else if canBeFree, !objects.contains(where: { KeyAdvice.meant(by: word, in: $0) != nil }) {
        canBeFree = false
      } else {
        return nil
      }
    }
    guard found != nil, let entry = entries.first(where: { $0.path == path.joined(separator: ".") }) else {
      return nil
    }
    return explanation(entry)
  }

  private static func explanation(_ entry: Entry) -> KeyExplanation {
    KeyExplanation(
      path: entry.path, key: entry.key, support: entry.support,
      below: entry.key.shape.objects.flatMap(\.keys))
  }
}

extension Shape {
  /// The words that may stand here, alone or in a list.
  var words: [Word] {
    switch self {
    case .word(let words): words
    case .either(let shapes): shapes.flatMap(\.words)
    case .list(let element, _): element.words
    case .map(_, let value): value.words
    default: []
    }
  }

  var hasFreeKeys: Bool {
    switch self {
    case .map: true
    case .list(let element, _): element.hasFreeKeys
    case .either(let shapes): shapes.contains(where: \.hasFreeKeys)
    default: false
    }
  }
}
