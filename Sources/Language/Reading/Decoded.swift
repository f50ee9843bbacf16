import Model
import YAML

/// A value that has passed its shape.
indirect enum Decoded {
  case text(String)
  case template(Template)
  case bool(Bool)
  case int(Int)
  case number(Double)
  case duration(Duration)
  case size(Int64)
  case word(String)
  case secret(String)
  case list([Placed])
  case map([(key: String, mark: Mark, value: Placed)])
  case object(Fields)
  case any
}

/// A value with its place.
struct Placed {
  var value: Decoded
  var mark: Mark
  var path: String

  var text: String? {
    switch value {
    case .text(let text), .word(let text): text
    default: nil
    }
  }
  var template: Template? { if case .template(let template) = value { template } else { nil } }
  var bool: Bool? { if case .bool(let value) = value { value } else { nil } }
  var int: Int? { if case .int(let value) = value { value } else { nil } }
  var number: Double? { if case .number(let value) = value { value } else { nil } }
  var duration: Duration? { if case .duration(let value) = value { value } else { nil } }
  var size: Int64? { if case .size(let value) = value { value } else { nil } }
  var secret: String? { if case .secret(let name) = value { name } else { nil } }
  var list: [Placed] { if case .list(let elements) = value { elements } else { [] } }
  var map: [(key: String, mark: Mark, value: Placed)] {
    if case .map(let entries) = value { entries } else { [] }
  }
  var fields: Fields? { if case .object(let fields) = value { fields } else { nil } }
}

/// The values of a mapping with declared keys. Keys whose value was refused are missing from it.
struct Fields {
  var shape: ObjectShape
  /// The mapping itself.
  var mark: Mark
  var path: String
  /// Where each key stands that was written, also those with a refused value.
  var keyMarks: [String: Mark] = [:]
  private var values: [String: Placed] = [:]

  init(shape: ObjectShape, mark: Mark, path: String) {
    self.shape = shape
    self.mark = mark
    self.path = path
  }

  /// The value of a declared key.
  subscript(key: String) -> Placed? {
    get {
      assert(shape.key(key) != nil, "\(key) is not declared for \(shape.noun)")
      return values[key]
    }
    set { values[key] = newValue }
  }

  /// Whether the key was written, whatever came of its value.
  func has(_ key: String) -> Bool { keyMarks[key] != nil }
}
