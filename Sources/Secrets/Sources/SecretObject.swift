import JSON
import Model

/// The secrets of a JSON object, as programs and services give them.
struct SecretObject {
  let members: [String: JSON]
  /// For messages: what holds it.
  let description: String
  /// By a secret's name, the key it stands under.
  let names: [String: String]
  /// Dots of a key step into objects.
  var isNested = false

  init(_ members: [String: JSON], of description: String, names: [String: String], isNested: Bool = false) {
    self.members = members
    self.description = description
    self.names = names
    self.isNested = isNested
  }

  /// - Throws: `configuration` when the bytes are no JSON object. It holds none of them.
  init(parsing bytes: [UInt8], of description: String, names: [String: String], isNested: Bool = false)
    throws(Failure)
  {
    guard let object = (try? JSON(parsing: bytes))?.object else {
      throw Failure(
        .configuration, "\(description) gave no JSON object of names and values",
        cause: bytes.isEmpty ? "it gave nothing" : "it gave \(bytes.count) bytes of something else")
    }
    self.init(object, of: description, names: names, isNested: isNested)
  }

  /// What it has of the names.
  /// - Throws: `configuration` for a wanted value that is no text: a number loses its zeros, an object its order.
  func readings(_ wanted: Set<String>, version: String? = nil) throws(Failure) -> [String: SecretReading] {
    var readings: [String: SecretReading] = [:]
    for name in wanted.sorted() {
      let key = names[name] ?? name
      guard let value = member(key) else { continue }
      guard let text = value.string else {
        throw Failure(
          .configuration, "\(key) of \(description) is \(SecretObject.kind(of: value)), and a secret is text",
          hint: "keep it as text there, in quotes, so that no digit or sign of it changes")
      }
      guard !text.unicodeScalars.contains("\0") else {
        throw Failure(
          .configuration, "\(key) of \(description) holds a zero byte, which no variable can hold",
          hint: "keep it there as base64")
      }
      readings[name] = SecretReading(Sensitive(text), version: version)
    }
    return readings
  }

  private func member(_ key: String) -> JSON? {
    if let value = members[key] { return value }
    guard isNested else { return nil }
    var place: JSON? = .object(members)
    for part in key.split(separator: ".") { place = place?[String(part)] }
    return place
  }

  private static func kind(of value: JSON) -> String {
    switch value {
    case .null: "null"
    case .bool: "true or false"
    case .int, .double: "a number"
    case .string: "text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
