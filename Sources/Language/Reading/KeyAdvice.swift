/// What to tell somebody who wrote a key that does not exist.
enum KeyAdvice {
  /// In this order: what other tools call it, a slip of the pen, the place where it belongs, the list of all keys.
  static func help(for word: String, in shape: ObjectShape, path: String) -> String {
    if let key = meant(by: word, in: shape) { return "did you mean `\(key)`?" }
    let normal = Suggestion.normalized(word)
    if let place = placeBelow(normal, shape) { return "it stands under `\(place)`" }
    let places = placesAnywhere(normal).filter { $0 != path }
    if let place = places.first, places.count == 1 { return "it stands under `\(place)`" }
    return "the keys here are \(Reading.names(shape))"
  }

  /// The key of this object that a word stands for: by another spelling or another tool's name, else the nearest,
  /// unless the word is a key further down.
  static func meant(by word: String, in shape: ObjectShape) -> String? {
    let normal = Suggestion.normalized(word)
    if let key = shape.key(normal) ?? shape.keys.first(where: { $0.elsewhere.contains(normal) }) {
      return key.name
    }
    return placeBelow(normal, shape) == nil
      ? Suggestion.nearest(to: word, among: shape.keys.map(\.name)) : nil
  }

  /// The key of this object under which the word is declared.
  private static func placeBelow(_ word: String, _ shape: ObjectShape) -> String? {
    for key in shape.keys {
      if key.shape.objects.contains(where: { object in
        object.keys.contains { $0.name == word || $0.elsewhere.contains(word) }
      }) {
        return key.name
      }
    }
    return nil
  }

  private static func placesAnywhere(_ word: String) -> [String] {
    Grammar.entries.filter { $0.key.name == word }
      .map { $0.path.split(separator: ".").dropLast().joined(separator: ".") }
      .filter { !$0.isEmpty }
  }
}

extension Grammar {
  /// One declared key with its dotted path, free keys and list elements left out.
  package struct Entry: Sendable {
    package var path: String
    package var key: Key
    /// Whether it, or something above it, is not acted on yet.
    package var support: Support
  }

  /// Every declared key, in the order of the declaration.
  package static let entries: [Entry] = entries(of: environment, below: "", support: .now)

  private static func entries(of shape: ObjectShape, below path: String, support: Support) -> [Entry] {
    shape.keys.flatMap { key -> [Entry] in
      let below = path.isEmpty ? key.name : "\(path).\(key.name)"
      let support: Support = support == .later ? .later : key.support
      return [Entry(path: below, key: key, support: support)]
        + key.shape.objects.flatMap { entries(of: $0, below: below, support: support) }
    }
  }
}
