/// A parameter of a statement. Values go into statements only this way, never as text of theirs.
package enum PostgresValue: Sendable, Hashable {
  case null
  case int(Int64)
  case text(String)
  case bytes([UInt8])

  package init(_ value: Int?) { self = value.map { .int(Int64($0)) } ?? .null }
  package init(_ value: Int64?) { self = value.map { .int($0) } ?? .null }
  package init(_ value: String?) { self = value.map { .text($0) } ?? .null }

  /// In PostgreSQL's text format; nil for null.
  var sent: String? {
    switch self {
    case .null: nil
    case .int(let number): String(number)
    case .text(let text): text
    case .bytes(let bytes): "\\x" + bytes.map { Self.hex($0 >> 4) + Self.hex($0 & 15) }.joined()
    }
  }

  private static func hex(_ digit: UInt8) -> String { String(digit, radix: 16) }
}

/// One row of a result, by the names of its columns.
package struct PostgresRow: Sendable {
  let values: [String?]
  let columns: [String]

  /// The text of a column; nil when it is null or there is none of the name.
  package subscript(name: String) -> String? {
    guard let index = columns.firstIndex(of: name) else { return nil }
    return values[index]
  }

  /// Every column that is not null, by name.
  package var texts: [String: String] {
    var texts: [String: String] = [:]
    for (name, value) in zip(columns, values) { if let value { texts[name] = value } }
    return texts
  }

  /// The whole number of a column.
  package func int(_ name: String) -> Int64? { self[name].flatMap { Int64($0) } }

  /// The bytes of a `bytea` column.
  package func bytes(_ name: String) -> [UInt8]? {
    guard let text = self[name], text.hasPrefix("\\x") else { return nil }
    let digits = text.utf8.dropFirst(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
