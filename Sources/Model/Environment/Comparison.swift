package import JSON

/// What must hold for one value of a JSON answer: `ok`, `= ok`, `!= error`, `> 5`, `>= 1.2`, `< 100`, `<= 3`.
///
/// Equality compares numbers as numbers when both sides are numbers, and texts otherwise: `5` holds for `5.0`,
/// but `1.10` does not hold for the text `"1.1"`. The ordered signs hold for JSON numbers alone, never for
/// texts, so that versions are not mistaken for numbers. It is stored as the text of the file.
package struct Comparison: Sendable, Hashable {
  package enum Sign: String, Sendable, Hashable, CaseIterable {
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
    case equal = "="
    case notEqual = "!="

    /// Whether it orders numbers.
    package var isOrdered: Bool { self != .equal && self != .notEqual }
  }

  /// Why a text is no comparison, and what to write instead.
  package struct Mistake: Error, Sendable, Hashable {
    package var message: String
    package var help: String
  }

  package let sign: Sign
  package let operand: String

  package init(_ sign: Sign, _ operand: String) {
    self.sign = sign
    self.operand = operand
  }

  /// Reads a value of the environment file.
  /// - Throws: `Mistake` when a sign is followed by what it cannot compare with.
  package init(parsing text: String) throws(Mistake) {
    let slips = ["==": "", "=>": ">= ", "=<": "<= ", "<>": "!= "]
    let trimmed = String(text.drop(while: \.isWhitespace))
    let rest = { (count: Int) in String(trimmed.dropFirst(count).drop(while: \.isWhitespace)) }
    if let slip = slips.first(where: { trimmed.hasPrefix($0.key) }) {
      throw Mistake(
        message: "`\(slip.key)` is no sign of a comparison", help: "did you mean `\(slip.value)\(rest(2))`?")
    }
    let signs: [Sign] = [.atMost, .atLeast, .notEqual, .less, .greater, .equal]
    guard let sign = signs.first(where: { trimmed.hasPrefix($0.rawValue) }) else {
      self.init(.equal, text)
      return
    }
    guard trimmed.count == text.count else {
      throw Mistake(message: "a blank stands before the sign", help: "write `\(trimmed)`")
    }
    let operand = rest(sign.rawValue.count)
    guard !operand.isEmpty else {
      throw Mistake(
        message: "`\(text)` compares with nothing",
        help: sign.isOrdered ? "add a number, such as `\(sign.rawValue) 5`" : "add what it is compared with")
    }
    guard !sign.isOrdered || Comparison.isNumber(operand) else {
      throw Mistake(
        message: "`\(text)` compares with `\(operand)`, which is no number",
        help: "write a plain number after `\(sign.rawValue)`; for this very text write `= \(text)`")
    }
    self.init(sign, operand)
  }

  /// Whether it holds for a value of the answer.
  package func holds(for value: JSON) -> Bool {
    switch sign {
    case .equal: return isEqual(to: value)
    case .notEqual: return !isEqual(to: value)
    case .less: return order(of: value).map { $0 < 0 } ?? false
    case .atMost: return order(of: value).map { $0 <= 0 } ?? false
    case .greater: return order(of: value).map { $0 > 0 } ?? false
    case .atLeast: return order(of: value).map { $0 >= 0 } ?? false
    }
  }

  private func isEqual(to value: JSON) -> Bool {
    if let order = order(of: value) { return order == 0 }
    return (value.string ?? value.serialized()) == operand
  }

  /// Below, at or above zero, as the value is below, at or above the operand; nil unless both are numbers.
  private func order(of value: JSON) -> Int? {
    guard Comparison.isNumber(operand) else { return nil }
    if case .int(let whole) = value, let wanted = Int64(operand) {
      return whole < wanted ? -1 : whole == wanted ? 0 : 1
    }
    guard let number = value.double, let wanted = Double(operand) else { return nil }
    return number < wanted ? -1 : number == wanted ? 0 : number > wanted ? 1 : nil
  }

  /// A decimal number as JSON writes it.
  private static func isNumber(_ text: String) -> Bool {
    text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil && Double(text)?.isFinite == true
  }
}

extension Comparison: CustomStringConvertible {
  /// As it would be written in the file.
  package var description: String {
    if sign != .equal { return "\(sign.rawValue) \(operand)" }
    // A plain text that begins like a sign needs one of its own.
    if let plain = try? Comparison(parsing: operand), plain == self { return operand }
    return "= \(operand)"
  }
}

extension Comparison: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) { self.init(lenient: text) }

  /// A text that is no comparison stands for itself.
  private init(lenient text: String) {
    self = (try? Comparison(parsing: text)) ?? Comparison(.equal, text)
  }
}

extension Comparison: Codable {
  package init(from decoder: any Decoder) throws {
    self.init(lenient: try decoder.singleValueContainer().decode(String.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
