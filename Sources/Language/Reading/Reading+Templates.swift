import Model
import YAML

extension Reading {
  /// The text with its references, or nil after a report.
  mutating func template(
    _ text: String, allowed: Set<ReferenceKind>, mark: Mark, path: String
  ) -> Template? {
    var parts: [Template.Part] = []
    var literal = ""
    var rest = text[...]
    var isGood = true
    while let character = rest.first {
      if rest.hasPrefix("$${") {
        literal += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${{") {
        let piece = Reading.piece(rest, closing: "}}")
        foreign(piece, inner: piece.dropFirst(3).dropLast(2), mark, path)
        isGood = false
        rest = rest.dropFirst(piece.count)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else {
          error(
            .unclosedReference, "`${` is never closed", at: place(of: "${", mark), path: path,
            help: "add the `}`, or write `$${` for the two characters themselves")
          return nil
        }
        let piece = rest[...end]
        if let reference = reference(
          String(piece.dropFirst(2).dropLast()), allowed, String(piece), mark, path)
        {
          if !literal.isEmpty { parts.append(.text(literal)) }
          literal = ""
          parts.append(.reference(reference))
        } else {
          isGood = false
        }
        rest = rest[rest.index(after: end)...]
      } else if character == "{", let piece = Reading.braced(rest) {
        foreign(piece, inner: piece.drop { $0 == "{" }.prefix { $0 != "}" }, mark, path)
        isGood = false
        rest = rest.dropFirst(piece.count)
      } else {
        literal.append(character)
        rest = rest.dropFirst()
      }
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    return isGood ? Template(parts) : nil
  }

  private mutating func reference(
    _ name: String, _ allowed: Set<ReferenceKind>, _ piece: String, _ mark: Mark, _ path: String
  ) -> Reference? {
    let place = place(of: piece, mark)
    guard let (reference, kind) = Reading.parse(name) else {
      error(
        .unknownReference, "`\(piece)` names nothing", at: place, path: path,
        help: Reading.advice(name, allowed))
      return nil
    }
    guard allowed.contains(kind) else {
      let list = Reading.list(allowed)
      error(
        .misplacedReference, "`\(piece)` cannot stand in `\(path)`", at: place, path: path,
        help: "here \(list.isEmpty ? "nothing is replaced" : "stand \(list)")")
      return nil
    }
    return reference
  }

  static func parse(_ name: String) -> (Reference, ReferenceKind)? {
    switch name {
    case "commit": return (.commit, .commit)
    case "release": return (.release, .release)
    case "environment": return (.environment, .environment)
    default: break
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !parts.contains("") else { return nil }
    if parts.count == 3, parts[0] == "services" {
      switch parts[2] {
      case "url": return (.serviceURL(ServiceName(rawValue: parts[1])), .serviceURL)
      case "host": return (.serviceHost(ServiceName(rawValue: parts[1])), .serviceHost)
      default: return nil
      }
    }
    // The service's name on Railway may hold dots; a variable's cannot.
    if parts.count >= 3, parts[0] == "railway", let variable = parts.last,
      TextRule.variable.mistake(in: variable) == nil
    {
      let service = parts.dropFirst().dropLast().joined(separator: ".")
      return (
        .platformVariable(platform: .railway, service: service, variable: variable), .railwayVariable
      )
    }
    return nil
  }

  private static func advice(_ name: String, _ allowed: Set<ReferenceKind>) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 3, parts[0] == "services" {
      return "a service has ${services.\(parts[1]).url} and ${services.\(parts[1]).host}"
    }
    let known = ["commit", "release", "environment"]
    if let near = Suggestion.nearest(to: name, among: known) { return "did you mean ${\(near)}?" }
    if LiteralSecret.variable(in: name) != nil {
      return
        "for a secret write {secret: \(name)} as the whole value; $${\(name)} stands for the characters themselves"
    }
    if parts.count == 2, let service = parts.last {
      switch parts[0] {
      case "railway": return "name the variable too: ${railway.\(service).VARIABLE}"
      case "services": return "say what of it: ${services.\(service).url} or ${services.\(service).host}"
      default: break
      }
    }
    return "here stand \(list(allowed)); write $${ for the characters themselves"
  }

  private static func list(_ allowed: Set<ReferenceKind>) -> String {
    ReferenceKind.allCases.filter(allowed.contains).map(\.rawValue).joined(separator: ", ")
  }

  private mutating func foreign(_ piece: Substring, inner: Substring, _ mark: Mark, _ path: String) {
    let name = inner.split(separator: " ").joined()
    let parts = name.split(separator: ".")
    var meant: String?
    if Reading.parse(name) != nil {
      meant = "${\(name)}"
    } else if piece.hasPrefix("${{"), parts.count == 2, parts[0] == "secrets" {
      meant = "{secret: \(parts[1])} as the whole value"
    } else if piece.hasPrefix("${{"), parts.count == 2, parts[0] != "env", parts[0] != "github" {
      meant = "${railway.\(name)}"
    } else if name == "sha" || name == "github.sha" || name == "git.sha" {
      meant = "${commit}"
    }
    error(
      .foreignReference, "`\(piece)` is another tool's syntax", at: place(of: String(piece), mark),
      path: path,
      help: meant.map { "write \($0)" }
        ?? "references are written ${…}; here stand \(Reading.list(Set(ReferenceKind.allCases)))")
  }

  private func place(of piece: String, _ mark: Mark) -> Mark {
    sources[mark.file]?.mark(of: piece, within: mark) ?? mark
  }

  private static func piece(_ rest: Substring, closing: String) -> Substring {
    guard let end = rest.firstRange(of: closing) else { return rest }
    return rest[..<end.upperBound]
  }

  /// `{commit}` or `{{commit}}` and their like at the start of a text: what is a reference but for its `$`.
  private static func braced(_ rest: Substring) -> Substring? {
    let isDouble = rest.hasPrefix("{{")
    let piece = piece(rest, closing: isDouble ? "}}" : "}")
    let inner = piece.drop { $0 == "{" }.prefix { $0 != "}" }.split(separator: " ").joined()
    guard piece.hasSuffix(isDouble ? "}}" : "}") else { return nil }
    return parse(inner) != nil || ["sha", "git.sha"].contains(inner) ? piece : nil
  }
}
