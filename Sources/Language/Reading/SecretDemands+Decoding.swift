import Model
import YAML

extension SecretDemands {
  /// - Parameters:
  ///   - fields: of `secrets`; have passed their shape.
  ///   - declared: variables that services have as plain text: they have their values.
  ///   - example: the lines of the file that lists the names; nil where it could not be read.
  init(fields: Fields?, declared: Set<String>, example: (String) -> [(name: String, line: Int)]?) {
    self.init()
    for entry in fields?["rules"]?.map ?? [] {
      if let fields = entry.value.fields { rules[entry.key] = SecretRule(fields: fields, place: entry.mark) }
    }
    guard let written = fields?["required"] else { return }
    var found: [RequiredSecret] = []
    if let file = written.fields {
      let path = file["file"]?.text ?? ""
      let ignored = Set((file["ignore"]?.list ?? []).compactMap(\.text))
      found = (example(path) ?? []).filter { !ignored.contains($0.name) }.map {
        RequiredSecret($0.name, place: WrittenPlace("\(path):\($0.line)"))
      }
    } else {
      found = written.list.compactMap { name in
        name.text.map { RequiredSecret($0, place: WrittenPlace("\(name.mark)")) }
      }
    }
    var seen = declared
    required = found.filter { rules[$0.name]?.isOptional != true && seen.insert($0.name).inserted }
  }
}

extension SecretRule {
  fileprivate init(fields: Fields, place: Mark) {
    self.init(
      pattern: fields["pattern"]?.text, atLeast: fields["min-length"]?.int, atMost: fields["max-length"]?.int,
      allowsPlaceholder: fields["placeholder"]?.bool ?? false,
      differsFrom: (fields["differs-from"]?.list ?? []).compactMap(\.text),
      isOptional: fields["optional"]?.bool ?? false,
      rotation: fields["rotate"]?.fields?["every"]?.duration,
      keep: fields["keep"]?.text.flatMap(SecretRule.Keep.init(rawValue:)), place: WrittenPlace("\(place)"))
  }
}

/// The names in an example file. Every dialect of `.env` agrees on where a name stands, whatever it makes of the rest;
/// lines of a value in quotes that goes over several lines are no names.
enum ExampleFile {
  static func names(_ bytes: [UInt8]) -> [(name: String, line: Int)] {
    var names: [(name: String, line: Int)] = []
    var open: Character?
    for (index, line) in String(decoding: bytes, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline
    ).enumerated() {
      if let quote = open {
        if line.contains(quote) { open = nil }
        continue
      }
      var rest = line.drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
      if rest.hasPrefix("export ") { rest = rest.dropFirst(7).drop { $0 == " " } }
      let name = String(rest.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) })
      rest = rest.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
      guard let first = name.first, !first.isNumber, rest.first == "=" else { continue }
      names.append((name, index + 1))
      let value = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
      if let quote = value.first, quote == "\"" || quote == "'", !value.dropFirst().contains(quote) {
        open = quote
      }
    }
    return names
  }
}
