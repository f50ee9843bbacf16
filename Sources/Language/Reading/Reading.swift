import Model
import YAML

/// One pass over an environment file: values by their shapes, and everything found on the way.
struct Reading {
  private(set) var diagnostics: [Diagnostic] = []
  /// By name, to find a piece of a text in its line.
  let sources: [String: SourceFile]
  /// Within something not supported yet, the parts need no note of their own.
  private var silence = 0

  init(sources: [String: SourceFile]) { self.sources = sources }

  /// A file with more findings than this is not an environment file; finding them all would take long.
  static let limit = 1000

  mutating func report(_ diagnostic: Diagnostic) {
    guard diagnostic.code != .notSupported || silence == 0, diagnostics.count < Self.limit else { return }
    var diagnostic = diagnostic
    diagnostic.message = LiteralSecret.masked(diagnostic.message)
    if diagnostic.message.count > 400 { diagnostic.message = diagnostic.message.prefix(400) + "…" }
    if let help = diagnostic.help, help.count > 400 { diagnostic.help = help.prefix(400) + "…" }
    diagnostics.append(diagnostic)
  }

  mutating func error(
    _ code: Diagnostic.Code, _ message: String, at mark: Mark, path: String, help: String? = nil,
    related: [Diagnostic.Related] = [], conceals: Bool = false
  ) {
    report(
      Diagnostic(
        .error, code, message, at: mark, path: path, help: help, related: related, conceals: conceals))
  }

  mutating func notSupported(_ what: String, at mark: Mark, path: String) {
    report(
      Diagnostic(.note, .notSupported, "not supported yet: \(what)", at: mark, path: path))
  }

  // MARK: - Shapes

  /// The value of a node, or nil after a report.
  /// - Parameter keyMark: where its key stands, for values that are not there.
  mutating func read(_ node: Node, as shape: Shape, path: String, keyMark: Mark? = nil) -> Placed? {
    if node.isNull, case .any = shape {
    } else if node.isNull {
      error(
        .noValue, "`\(path)` has no value", at: keyMark ?? node.mark, path: path,
        help: emptyHelp(shape))
      return nil
    }
    switch shape {
    case .either(let shapes):
      guard let fitting = shapes.first(where: { Reading.fits(node, $0) }) else {
        return wrongType(node, shape, path)
      }
      if case .word = fitting, let scalar = node.scalar, !Reading.accepts(fitting, scalar.text),
        shapes.contains(where: \.isMapping)
      {
        return unknownWord(scalar.text, node, fitting, others: shapes, path)
      }
      return read(node, as: fitting, path: path, keyMark: keyMark)
    case .list(let element, let minimum):
      guard let nodes = node.sequence else { return wrongType(node, shape, path) }
      if nodes.count < minimum {
        error(
          .emptyList, "`\(path)` is empty", at: node.mark, path: path,
          help: "it needs at least \(minimum) element\(minimum == 1 ? "" : "s")")
        return nil
      }
      let values = nodes.enumerated().map { read($1, as: element, path: "\(path)[\($0)]") }
      return Placed(value: .list(values.compactMap(\.self)), mark: node.mark, path: path)
    case .map(let rule, let value):
      guard let mapping = node.mapping else { return wrongType(node, shape, path) }
      var entries: [(key: String, mark: Mark, value: Placed)] = []
      for entry in mapping.entries {
        if entry.key.hasPrefix("x-") && value.isMapping { continue }
        if let mistake = rule.mistake(in: entry.key) {
          error(.badName, mistake, at: entry.keyMark, path: path, help: rule.help)
        }
        let below = "\(path).\(entry.key)"
        if let placed = read(entry.value, as: value, path: below, keyMark: entry.keyMark) {
          entries.append((entry.key, entry.keyMark, placed))
        }
      }
      return Placed(value: .map(entries), mark: node.mark, path: path)
    case .object(let object):
      guard let mapping = node.mapping else { return wrongType(node, shape, path) }
      return Placed(value: .object(fields(mapping, object, node.mark, path)), mark: node.mark, path: path)
    case .secret: return secret(node, path: path)
    case .any: return Placed(value: .any, mark: node.mark, path: path)
    default:
      guard let scalar = node.scalar else { return wrongType(node, shape, path) }
      return self.scalar(scalar, as: shape, mark: node.mark, path: path).map {
        Placed(value: $0, mark: node.mark, path: path)
      }
    }
  }

  mutating func fields(_ mapping: Mapping, _ shape: ObjectShape, _ mark: Mark, _ path: String) -> Fields {
    var fields = Fields(shape: shape, mark: mark, path: path)
    var meant: Set<String> = []
    for entry in mapping.entries {
      let below = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      if entry.key.hasPrefix("x-") { continue }
      guard let key = shape.key(entry.key) else {
        unknownKey(entry, shape, path)
        if diagnostics.count < Self.limit, let key = KeyAdvice.meant(by: entry.key, in: shape) {
          meant.insert(key)
        }
        continue
      }
      fields.keyMarks[key.name] = entry.keyMark
      if key.support == .later { notSupported("`\(below)`", at: entry.keyMark, path: below) }
      silence += key.support == .later ? 1 : 0
      fields[key.name] = read(entry.value, as: key.shape, path: below, keyMark: entry.keyMark)
      silence -= key.support == .later ? 1 : 0
    }
    checkKeys(fields, meant: meant)
    return fields
  }

  /// - Parameter meant: keys that were written with a slip, which is reported already.
  private mutating func checkKeys(_ fields: Fields, meant: Set<String>) {
    let shape = fields.shape
    // Words for a report, which is rare.
    var place: String { fields.path.isEmpty ? "the file" : "`\(fields.path)`" }
    for key in shape.keys where key.isRequired && !fields.has(key.name) && !meant.contains(key.name) {
      let example =
        key.example.map { "add it, such as `\(key.name): \($0)`" }
        ?? "add `\(key.name):`; `shipit explain \(key.name)` tells more"
      error(
        .missingKey, "\(place) has no `\(key.name)`", at: fields.mark, path: fields.path, help: example)
    }
    let chosen = shape.exactlyOne.filter(fields.has)
    var choice: String { Shape.alternatives(shape.exactlyOne.map { "`\($0)`" }) }
    if !shape.exactlyOne.isEmpty && chosen.isEmpty && meant.isDisjoint(with: shape.exactlyOne) {
      error(.missingKey, "\(place) needs one of \(choice)", at: fields.mark, path: fields.path)
    }
    if !shape.atLeastOne.isEmpty, !shape.atLeastOne.contains(where: { fields.has($0) || meant.contains($0) })
    {
      let names = Shape.alternatives(shape.atLeastOne.map { "`\($0)`" })
      error(.missingKey, "\(place) needs \(names)", at: fields.mark, path: fields.path)
    }
    if chosen.count > 1, let mark = fields.keyMarks[chosen[1]], let first = fields.keyMarks[chosen[0]] {
      error(
        .conflictingKeys, "\(place) has both `\(chosen[0])` and `\(chosen[1])`", at: mark, path: fields.path,
        help: "keep one of \(choice)", related: [.init(mark: first, message: "`\(chosen[0])` stands here")])
    }
    for (key, partner) in shape.onlyWith.sorted(by: { $0.key < $1.key }) {
      guard let mark = fields.keyMarks[key], !fields.has(partner), !meant.contains(partner), chosen.count < 2
      else {
        continue
      }
      error(
        .conflictingKeys, "`\(key)` means something only with `\(partner)`", at: mark, path: fields.path,
        help: "remove it, or write `\(partner):`")
    }
    for (key, other) in shape.neverWith.sorted(by: { $0.key < $1.key }) {
      guard let mark = fields.keyMarks[key], let place = fields.keyMarks[other], chosen.count < 2 else {
        continue
      }
      error(
        .conflictingKeys, "`\(key)` means nothing with `\(other)`", at: mark, path: fields.path,
        help: "remove it", related: [.init(mark: place, message: "`\(other)` stands here")])
    }
  }

  // MARK: - What does not fit

  private static func fits(_ node: Node, _ shape: Shape) -> Bool {
    switch (node.content, shape) {
    case (_, .any), (.mapping, .object), (.mapping, .map), (.mapping, .secret), (.sequence, .list): true
    case (.scalar, .object), (.scalar, .map), (.scalar, .secret), (.scalar, .list): false
    case (.scalar, _): true
    default: false
    }
  }

  private static func accepts(_ shape: Shape, _ text: String) -> Bool {
    if case .word(let words) = shape { words.contains { $0.text == text } } else { true }
  }

  private mutating func wrongType(_ node: Node, _ shape: Shape, _ path: String) -> Placed? {
    let found =
      switch node.content {
      case .scalar(let scalar): scalar.value == .text ? "text" : "`\(scalar.text)`"
      case .sequence: "a list"
      case .mapping: "a mapping"
      }
    var help: String?
    switch (node.content, shape) {
    case (.scalar(let scalar), .list(let element, _)) where !element.isMapping:
      let words = scalar.text.split(whereSeparator: { $0 == " " || $0 == "," })
      help = "write it in brackets: [\(words.joined(separator: ", "))]"
    case (.scalar, .object(let object)):
      help = "its keys are \(Reading.names(object))"
    case (.mapping(let mapping), .template), (.mapping(let mapping), .text):
      // `{NAME}` and `{{ NAME }}` without quotes are mappings to YAML.
      if mapping.entries.contains(where: { $0.value.isNull }) { help = "put a value with braces in quotes" }
    case (.mapping(let mapping), .list(let element, _)) where element.isMapping && !mapping.entries.isEmpty:
      help = "begin each element with `- `"
    case (.sequence, .map), (.sequence, .object): help = "write `name: value` without `- `"
    default: break
    }
    let conceals = shape.isSecret && node.scalar != nil
    if let text = node.scalar?.text, let word = LiteralSecret.variable(in: text), shape.isSecret {
      help = "write {secret: \(word)}"
    }
    error(
      .wrongType, "`\(path)` must be \(shape.noun), not \(found)", at: node.mark, path: path, help: help,
      conceals: conceals)
    return nil
  }

  private mutating func unknownWord(
    _ text: String, _ node: Node, _ shape: Shape, others: [Shape], _ path: String
  ) -> Placed? {
    guard case .word(let words) = shape else { return nil }
    let near = Suggestion.nearest(to: text, among: words.map(\.text))
    let keys = others.flatMap(\.objects).flatMap(\.exactlyOne)
    let nearKey = keys.contains(text) ? text : Suggestion.nearest(to: text, among: keys)
    error(
      .unknownWord, "`\(path)` cannot be `\(text)`", at: node.mark, path: path,
      help: near.map { "did you mean `\($0)`?" } ?? nearKey.map { "did you mean {\($0): …}?" }
        ?? "it is \(Shape.either(others).noun)")
    return nil
  }

  private mutating func unknownKey(_ entry: Mapping.Entry, _ shape: ObjectShape, _ path: String) {
    guard diagnostics.count < Self.limit else { return }
    let where_ = path.isEmpty ? "of an environment file" : "of `\(path)`"
    error(
      .unknownKey, "`\(entry.key)` is not a key \(where_)", at: entry.keyMark, path: path,
      help: KeyAdvice.help(for: entry.key, in: shape, path: path))
  }

  private func emptyHelp(_ shape: Shape) -> String? {
    switch shape {
    case .either(let shapes) where shapes.contains(where: { if case .template = $0 { true } else { false } }):
      "write \"\" for an empty text"
    case .template: "write \"\" for an empty text"
    case .list: "write [] for none, or remove the key"
    case .map: "write {} for none, or remove the key"
    default: "remove the key, or give it \(shape.noun)"
    }
  }

  static func names(_ shape: ObjectShape) -> String {
    shape.keys.map(\.name).joined(separator: ", ")
  }
}

extension Shape {
  /// Whether a mapping is wanted here.
  var isMapping: Bool {
    switch self {
    case .object, .map, .secret: true
    default: false
    }
  }

  var isSecret: Bool {
    switch self {
    case .secret: true
    default: false
    }
  }
}
