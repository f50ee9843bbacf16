import Model
import YAML

extension Reading {
  /// The value of a scalar under the type that is wanted: a text field takes the text as it is written.
  mutating func scalar(_ scalar: Scalar, as shape: Shape, mark: Mark, path: String) -> Decoded? {
    let text = scalar.text
    switch shape {
    case .text(let rule): return self.text(text, rule, mark: mark, path: path)
    case .template(let allowed):
      return template(text, allowed: allowed, mark: mark, path: path).map { .template($0) }
    case .bool: return bool(text, scalar, mark: mark, path: path)
    case .int(let range): return int(text, range, mark: mark, path: path)
    case .number(let range): return number(scalar, range, mark: mark, path: path)
    case .duration(let minimum): return duration(text, minimum, mark: mark, path: path)
    case .size:
      do throws(Quantity.Mistake) {
        return .size(try Quantity.size(text))
      } catch {
        self.error(.badSize, "`\(path)`: \(error.message)", at: mark, path: path, help: error.help)
        return nil
      }
    case .word(let words): return word(text, words, mark: mark, path: path)
    default: return nil
    }
  }

  private mutating func text(_ text: String, _ rule: TextRule, mark: Mark, path: String) -> Decoded? {
    if !rule.references.isEmpty {
      guard hasOnlyKnownReferences(text, rule, mark: mark, path: path) else { return nil }
    } else if rule.isForeign {
      for name in ["${commit}", "${release}", "${environment}", "${services."] where text.contains(name) {
        let piece = sources[mark.file]?.mark(of: name, within: mark) ?? mark
        error(
          .misplacedReference, "`\(name)\(name.hasSuffix(".") ? "…}" : "")` is not replaced in \(rule.noun)",
          at: piece,
          path: path, help: "use $SHIPIT_COMMIT, $SHIPIT_RELEASE or a variable of the service")
        return nil
      }
    } else if text.utf8.contains(UInt8(ascii: "$")), let start = text.range(of: "${") {
      let rest = text[start.lowerBound...]
      let piece = String(rest[...(rest.firstIndex(of: "}") ?? rest.index(before: rest.endIndex))])
      error(
        .misplacedReference, "`\(path)` takes no references",
        at: sources[mark.file]?.mark(of: piece, within: mark) ?? mark,
        path: path, help: "write the text itself")
      return nil
    }
    if let mistake = rule.mistake(in: text) {
      error(rule.isName ? .badName : .badText, "`\(path)`: \(mistake)", at: mark, path: path, help: rule.help)
      return nil
    }
    return .text(text)
  }

  /// `$${` is a plain `${`.
  private mutating func hasOnlyKnownReferences(
    _ text: String, _ rule: TextRule, mark: Mark, path: String
  ) -> Bool {
    var rest = text.replacing("$${", with: "")[...]
    while let start = rest.firstRange(of: "${") {
      rest = rest[start.upperBound...]
      let name = String(rest.prefix { $0 != "}" })
      if rest.contains("}"), rule.references.contains(name) { continue }
      let written = rest.contains("}") ? "${\(name)}" : "${"
      error(
        .misplacedReference,
        rest.contains("}")
          ? "`\(written)` is nothing that \(rule.noun) can refer to" : "a reference does not end",
        at: sources[mark.file]?.mark(of: written, within: mark) ?? mark, path: path,
        help:
          "there are \(rule.references.map { "${\($0)}" }.joined(separator: ", ")); a plain `${` is written `$${`"
      )
      return false
    }
    return true
  }

  private mutating func bool(_ text: String, _ scalar: Scalar, mark: Mark, path: String) -> Decoded? {
    if text == "true" { return .bool(true) }
    if text == "false" { return .bool(false) }
    let meant: String? =
      switch text.lowercased() {
      case "yes", "on", "y", "1", "true", "enabled": "true"
      case "no", "off", "n", "0", "false", "disabled": "false"
      default: nil
      }
    error(
      .notABoolean, "`\(path)` must be true or false, not `\(text)`", at: mark, path: path,
      help: meant.map {
        "write \($0)"
          + (["yes", "no", "on", "off"].contains(text.lowercased())
            ? "; `\(text)` is text since YAML 1.2" : "")
      })
    return nil
  }

  private mutating func int(_ text: String, _ range: ClosedRange<Int>, mark: Mark, path: String) -> Decoded? {
    guard case .int(let wide) = Scalar(text: text, style: .plain).value, let value = Int(exactly: wide) else {
      error(.badNumber, "`\(path)` must be a whole number, not `\(text)`", at: mark, path: path)
      return nil
    }
    guard range.contains(value) else {
      if range.lowerBound == range.upperBound {
        error(
          .outOfRange, "`\(path)` must be \(range.lowerBound), not \(value)", at: mark, path: path,
          help: path == "shipit" ? "this shipit reads version \(range.lowerBound) of the language" : nil)
      } else {
        error(
          .outOfRange, "`\(path)` must be \(range.lowerBound) to \(range.upperBound), not \(value)", at: mark,
          path: path)
      }
      return nil
    }
    return .int(value)
  }

  private mutating func number(_ scalar: Scalar, _ range: ClosedRange<Double>, mark: Mark, path: String)
    -> Decoded?
  {
    let value: Double
    switch Scalar(text: scalar.text, style: .plain).value {
    case .int(let whole): value = Double(whole)
    case .float(let fraction) where fraction.isFinite: value = fraction
    default:
      error(.badNumber, "`\(path)` must be a number, not `\(scalar.text)`", at: mark, path: path)
      return nil
    }
    guard range.contains(value) else {
      let ends = [range.lowerBound, range.upperBound].map { Int(exactly: $0).map(String.init) ?? String($0) }
      error(
        .outOfRange, "`\(path)` must be \(ends[0]) to \(ends[1]), not \(scalar.text)", at: mark, path: path)
      return nil
    }
    return .number(value)
  }

  private mutating func duration(_ text: String, _ minimum: Duration, mark: Mark, path: String) -> Decoded? {
    do throws(Quantity.Mistake) {
      let value = try Quantity.duration(text)
      guard value >= minimum else {
        error(
          .outOfRange, "`\(path)` must be at least \(Quantity.text(minimum)), not \(text)", at: mark,
          path: path)
        return nil
      }
      return .duration(value)
    } catch {
      self.error(.badDuration, "`\(path)`: \(error.message)", at: mark, path: path, help: error.help)
      return nil
    }
  }

  private mutating func word(_ text: String, _ words: [Word], mark: Mark, path: String) -> Decoded? {
    guard let word = words.first(where: { $0.text == text }) else {
      let near = Suggestion.nearest(to: text, among: words.map(\.text))
      error(
        .unknownWord, "`\(path)` cannot be `\(text)`", at: mark, path: path,
        help: near.map { "did you mean `\($0)`?" } ?? "it is \(Shape.word(words).noun)")
      return nil
    }
    if word.support == .later { notSupported("`\(path): \(text)`", at: mark, path: path) }
    return .word(text)
  }

  /// `{secret: NAME}`
  mutating func secret(_ node: Node, path: String) -> Placed? {
    guard let mapping = node.mapping else {
      let name = node.scalar.flatMap { LiteralSecret.variable(in: $0.text) }
      error(
        .notASecret, "`\(path)` must name a secret, not hold its value", at: node.mark, path: path,
        help: "write {secret: \(name ?? "NAME")} and give the value to shipit's environment",
        conceals: name == nil)
      return nil
    }
    guard let entry = mapping["secret"], mapping.entries.count == 1 else {
      let extra = mapping.entries.first { $0.key != "secret" }
      error(
        .notASecret, "`\(path)` must be `{secret: NAME}`", at: extra?.keyMark ?? node.mark, path: path,
        help: mapping.entries.contains { $0.value.isNull && $0.key != "secret" }
          ? "put a value with braces in quotes"
          : extra.flatMap { Suggestion.nearest(to: $0.key, among: ["secret"]) }.map {
            "did you mean `\($0)`?"
          })
      return nil
    }
    guard let text = entry.value.scalar?.text, !entry.value.isNull else {
      error(.notASecret, "`\(path).secret` must be a secret's name", at: entry.value.mark, path: path)
      return nil
    }
    if TextRule.secret.mistake(in: text) != nil {
      error(
        .badName, "`\(path).secret` is not a secret's name", at: entry.value.mark, path: path,
        help: TextRule.secret.help, conceals: true)
      return nil
    }
    return Placed(value: .secret(text), mark: entry.value.mark, path: path)
  }
}

extension String {
  /// The first occurrence of a piece.
  func range(of piece: String) -> Range<String.Index>? { firstRange(of: piece) }
}
