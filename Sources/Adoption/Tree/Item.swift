import YAML

/// A value of a JSON, TOML or YAML file with its line.
package struct Item: Sendable, Hashable {
  package indirect enum Value: Sendable, Hashable {
    /// As written; `isText` when it was quoted or can be nothing else.
    case scalar(String, isText: Bool)
    case null
    case list([Item])
    case table([Member])
  }

  package struct Member: Sendable, Hashable {
    package var key: String
    package var line: Int
    package var item: Item
  }

  package var value: Value
  /// From 1.
  package var line: Int
}

extension Item {
  var text: String? { if case .scalar(let text, _) = value { text } else { nil } }
  var list: [Item]? { if case .list(let items) = value { items } else { nil } }
  var members: [Member]? { if case .table(let members) = value { members } else { nil } }
  var isNull: Bool { value == .null }
  var int: Int? { text.flatMap { Int($0) } }
  var bool: Bool? {
    switch text {
    case "true": true
    case "false": false
    default: nil
    }
  }

  func member(_ key: String) -> Member? { members?.first { $0.key == key } }
  subscript(key: String) -> Item? { member(key)?.item }

  /// Steps into tables.
  func at(_ path: String...) -> Item? {
    var item: Item? = self
    for key in path { item = item?[key] }
    return item
  }

  /// A text, or the texts of a list.
  var texts: [String] { text.map { [$0] } ?? list?.compactMap(\.text) ?? [] }

  /// Every scalar with the keys that lead to it.
  func leaves(_ path: [String] = []) -> [(path: [String], item: Item)] {
    switch value {
    case .scalar, .null: [(path, self)]
    case .list(let items): items.enumerated().flatMap { $1.leaves(path + ["\($0)"]) }
    case .table(let members): members.flatMap { $0.item.leaves(path + [$0.key]) }
    }
  }
}

extension Item {
  init(_ node: Node) {
    line = node.mark.line
    switch node.content {
    case .scalar(let scalar):
      value = scalar.value == .null ? .null : .scalar(scalar.text, isText: scalar.value == .text)
    case .sequence(let nodes): value = .list(nodes.map(Item.init))
    case .mapping(let mapping):
      value = .table(
        mapping.entries.map { Member(key: $0.key, line: $0.keyMark.line, item: Item($0.value)) })
    }
  }

  /// Reads YAML, the first document of it.
  /// - Throws: `Unreadable` with the place of the first mistake.
  static func yaml(_ text: String, file: String) throws(Unreadable) -> Item {
    let document = Document(bytes: Array(text.utf8), name: file)
    if let root = document.root { return Item(root) }
    guard let problem = document.problems.first else { return Item(value: .null, line: 1) }
    throw Unreadable(line: problem.mark.line, message: "it is no YAML that can be read")
  }
}

/// A file that is not what its name says.
package struct Unreadable: Error, Hashable {
  package var line: Int
  package var message: String
}
