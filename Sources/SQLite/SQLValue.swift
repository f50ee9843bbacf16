/// A value as SQLite stores it. Values go into statements only as parameters, never as text.
package enum SQLValue: Sendable, Hashable {
  case null
  case int(Int64)
  case double(Double)
  case text(String)
  case blob([UInt8])
}

extension SQLValue {
  /// The number or null.
  package init(_ value: Int?) { self = value.map { .int(Int64($0)) } ?? .null }

  /// The number or null.
  package init(_ value: Int64?) { self = value.map { .int($0) } ?? .null }

  /// The text or null.
  package init(_ value: String?) { self = value.map { .text($0) } ?? .null }

  /// The bytes or null.
  package init(_ value: [UInt8]?) { self = value.map { .blob($0) } ?? .null }

  /// 1 or 0, as SQLite has no truth values.
  package init(_ value: Bool) { self = .int(value ? 1 : 0) }

  /// The number when it is one.
  package var int: Int64? {
    if case .int(let value) = self { value } else { nil }
  }

  /// The number, whole or not, when it is one.
  package var double: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  /// The text when it is one.
  package var text: String? {
    if case .text(let value) = self { value } else { nil }
  }

  /// The bytes when they are some.
  package var blob: [UInt8]? {
    if case .blob(let value) = self { value } else { nil }
  }

  /// Whether it is null.
  package var isNull: Bool { self == .null }
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(stringLiteral value: String) { self = .text(value) }
}

/// One row of a result.
package struct Row: Sendable, Equatable {
  /// The values, in the order of the columns.
  package let values: [SQLValue]
  /// The names of the columns; all rows of a result share them.
  package let columns: [String]

  /// The value at `index`; null beyond the last column.
  package subscript(index: Int) -> SQLValue {
    values.indices.contains(index) ? values[index] : .null
  }

  /// The value of the first column called `name`; null when there is none.
  package subscript(name: String) -> SQLValue {
    columns.firstIndex(of: name).map { values[$0] } ?? .null
  }
}
