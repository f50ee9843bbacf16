/// A YAML value with its place. Aliases are expanded: the same node may stand in several places.
package struct Node: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    case scalar(Scalar)
    case sequence([Node])
    case mapping(Mapping)
  }

  package var content: Content
  package var mark: Mark
  /// How many nodes the full expansion has, this one included.
  package let weight: Int
  /// How many levels the full expansion has; 1 for a scalar.
  package let height: Int

  package init(_ content: Content, mark: Mark) {
    self.content = content
    self.mark = mark
    switch content {
    case .scalar:
      weight = 1
      height = 1
    case .sequence(let nodes):
      weight = nodes.reduce(1) { Node.sum($0, $1.weight) }
      height = 1 + (nodes.map(\.height).max() ?? 0)
    case .mapping(let mapping):
      weight = mapping.entries.reduce(1) { Node.sum($0, $1.value.weight + 1) }
      height = 1 + (mapping.entries.map(\.value.height).max() ?? 0)
    }
  }

  package var scalar: Scalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
  package var sequence: [Node]? { if case .sequence(let nodes) = content { nodes } else { nil } }
  package var mapping: Mapping? { if case .mapping(let mapping) = content { mapping } else { nil } }

  /// Whether this is the null of YAML 1.2 core: nothing at all, `~`, `null`.
  package var isNull: Bool { scalar?.value == .null }

  /// Saturates, for a bomb's weight passes any integer.
  static func sum(_ left: Int, _ right: Int) -> Int {
    let (result, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : result
  }
}

/// The entries of a mapping in the order of the file. Keys are text and occur once.
package struct Mapping: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var key: String
    package var keyMark: Mark
    package var value: Node

    package init(key: String, keyMark: Mark, value: Node) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
    }
  }

  package private(set) var entries: [Entry]
  private var positions: [String: Int]

  /// Of several entries with one key the first counts.
  package init(_ entries: [Entry]) {
    self.entries = []
    positions = [:]
    for entry in entries where positions[entry.key] == nil { append(entry) }
  }

  package subscript(_ key: String) -> Entry? { positions[key].map { entries[$0] } }

  private mutating func append(_ entry: Entry) {
    positions[entry.key] = entries.count
    entries.append(entry)
  }
}

/// A scalar: its text and how it was written.
package struct Scalar: Sendable, Hashable {
  package enum Style: Sendable, Hashable { case plain, quoted, block }

  /// The meaning under the YAML 1.2 core schema.
  package enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case text
  }

  package var text: String
  package var style: Style
  package var value: Value

  /// - Parameter tag: `!!str` and its like; nil lets the style and text decide.
  package init(text: String, style: Style, tag: String? = nil) {
    self.text = text
    self.style = style
    value =
      switch tag {
      case nil: style == .plain ? CoreSchema.value(of: text) : .text
      case "tag:yaml.org,2002:str", "!": .text
      default: CoreSchema.value(of: text)
      }
  }
}
