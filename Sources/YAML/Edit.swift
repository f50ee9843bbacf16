/// Why a text is not changed.
package struct EditTrouble: Error, Sendable, Hashable {
  /// In words, without a full stop.
  package var reason: String
  package init(reason: String) { self.reason = reason }
}

/// Changes single values of a YAML text, and leaves every other byte, comments and layout included, as it is.
package struct Edit: Sendable {
  /// What the text is by now.
  package private(set) var text: String

  package init(_ text: String) { self.text = text }

  /// Writes a value at a path of keys; what is missing of the path is made.
  /// - Parameter value: as it is to stand there, on one line: a plain or quoted scalar, or a flow collection.
  package mutating func set(_ path: [String], to text: String) throws(EditTrouble) {
    var place = try root()
    for (index, key) in path.enumerated() {
      guard let mapping = place.mapping else {
        throw EditTrouble(reason: "\(path.prefix(index).joined(separator: ".")) is no mapping")
      }
      guard let entry = mapping[key] else {
        return try insert(Edit.nested(Array(path.dropFirst(index)), text), into: place)
      }
      let value = try own(entry, in: place, path)
      guard index == path.count - 1 || entry.value.isNull else {
        place = value
        continue
      }
      let rest = Array(path.dropFirst(index + 1))
      return try replace(value, of: entry, with: rest.isEmpty ? text : "{\(Edit.nested(rest, text))}", path)
    }
  }

  /// Takes a key out with its value; where it does not stand in this text, writes `null`, which takes it out of what the
  /// text extends.
  package mutating func remove(_ path: [String]) throws(EditTrouble) {
    guard let last = path.last, let parent = try find(path.dropLast()), let mapping = parent.mapping,
      let entry = mapping[last]
    else { return try set(path, to: "null") }
    // A mapping that is left empty would be something else than before.
    guard mapping.entries.count > 1, let index = mapping.entries.firstIndex(where: { $0.key == last }) else {
      // Without a base there is nothing that `null` would take out.
      let isAlone = (try root()).mapping?["extends"] == nil
      return isAlone && path.count > 1 ? try remove(Array(path.dropLast())) : try set(path, to: "null")
    }
    _ = try own(entry, in: parent, path)
    var lines = Lines(text)
    if lines.isFlow(parent) {
      if index > 0 {
        lines.cut(from: mapping.entries[index - 1].value.mark.end, to: entry.value.mark.end)
      } else {
        lines.cut(from: entry.keyMark.start, to: mapping.entries[1].keyMark.start)
      }
    } else {
      guard lines.isBlank(before: entry.keyMark.start) else {
        throw EditTrouble(reason: "\(path.joined(separator: ".")) does not stand on a line of its own")
      }
      lines.removeLines(entry.keyMark.line...Edit.lastLine(entry.value))
    }
    text = lines.text
  }

  /// Adds a value to a list that stands in this text.
  /// - Returns: false when there is no list at the path.
  package mutating func append(_ value: String, to path: [String]) throws(EditTrouble) -> Bool {
    guard let node = try find(path[...]), let items = node.sequence else { return false }
    var lines = Lines(text)
    guard let last = items.last else {
      lines.replace(from: node.mark.start, to: node.mark.end, with: "[\(value)]")
      text = lines.text
      return true
    }
    if lines.isFlow(node) {
      lines.replace(from: last.mark.end, to: last.mark.end, with: ", \(value)")
    } else {
      let blank = lines.indentation(of: last.mark.line)
      lines.insert([blank + "- \(value)"], after: Edit.lastLine(last))
    }
    text = lines.text
    return true
  }

  /// Takes a value out of a list that stands in this text.
  /// - Returns: false when there is no list at the path, or it does not hold the value.
  package mutating func remove(_ value: String, from path: [String]) throws(EditTrouble) -> Bool {
    guard let node = try find(path[...]), let items = node.sequence,
      let index = items.firstIndex(where: { $0.scalar?.text == value })
    else { return false }
    var lines = Lines(text)
    if items.count == 1 {
      guard lines.isFlow(node) else { throw EditTrouble(reason: "it is the last of a list") }
      lines.replace(from: node.mark.start, to: node.mark.end, with: "[]")
    } else if lines.isFlow(node) {
      if index > 0 {
        lines.cut(from: items[index - 1].mark.end, to: items[index].mark.end)
      } else {
        lines.cut(from: items[0].mark.start, to: items[1].mark.start)
      }
    } else {
      lines.removeLines(items[index].mark.line...Edit.lastLine(items[index]))
    }
    text = lines.text
    return true
  }

  /// A text as a scalar that is read back as that text: plain where it can be, else quoted.
  package static func scalar(_ text: String) -> String {
    let isSingleLine = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    if isSingleLine, !text.isEmpty, !text.contains("#"), reads(text, as: text) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// Within braces, where commas and brackets end a plain scalar.
  private static func reads(_ written: String, as text: String) -> Bool {
    let document = Document(bytes: Array("{k: \(written)}".utf8), name: "")
    guard document.problems.isEmpty, let mapping = document.root?.mapping, mapping.entries.count == 1,
      let scalar = mapping["k"]?.value.scalar
    else { return false }
    return scalar.text == text && scalar.style == .plain && scalar.value == .text
  }
}

extension Edit {
  private func root() throws(EditTrouble) -> Node {
    let document = Document(bytes: Array(text.utf8), name: "")
    guard document.problems.isEmpty, let root = document.root else {
      throw EditTrouble(reason: "the file cannot be read")
    }
    return root
  }

  private func find(_ path: ArraySlice<String>) throws(EditTrouble) -> Node? {
    var place = try root()
    for key in path {
      guard let entry = place.mapping?[key] else { return nil }
      place = try own(entry, in: place, Array(path))
    }
    return place
  }

  /// The entry's value, where it stands behind its key: that of an alias or a merged key stands elsewhere and belongs to
  /// others too.
  private func own(
    _ entry: Mapping.Entry, in mapping: Node, _ path: [String]
  ) throws(EditTrouble) -> Node {
    guard entry.keyMark.start >= mapping.mark.start, entry.value.mark.start >= entry.keyMark.end else {
      throw EditTrouble(reason: "\(path.joined(separator: ".")) is written by an anchor that others use too")
    }
    return entry.value
  }

  private mutating func replace(
    _ node: Node, of entry: Mapping.Entry, with value: String, _ path: [String]
  ) throws(EditTrouble) {
    var lines = Lines(text)
    if node.isNull, node.scalar?.text.isEmpty == true {
      guard let colon = lines.colon(after: entry.keyMark.end) else {
        throw EditTrouble(reason: "\(path.joined(separator: ".")) has no value to replace")
      }
      lines.replace(from: colon, to: colon, with: " \(value)")
    } else if case .scalar(let scalar) = node.content {
      guard scalar.style != .block else {
        throw EditTrouble(reason: "\(path.joined(separator: ".")) is a text of several lines")
      }
      lines.replace(from: node.mark.start, to: node.mark.end, with: value)
    } else if lines.isFlow(node) {
      lines.replace(from: node.mark.start, to: node.mark.end, with: value)
    } else {
      throw EditTrouble(reason: "\(path.joined(separator: ".")) is written on several lines")
    }
    text = lines.text
  }

  private mutating func insert(_ entry: String, into node: Node) throws(EditTrouble) {
    guard let mapping = node.mapping else { throw EditTrouble(reason: "it is no mapping") }
    var lines = Lines(text)
    if lines.isFlow(node) {
      if let last = mapping.entries.last, last.value.mark.end >= last.keyMark.end {
        lines.replace(from: last.value.mark.end, to: last.value.mark.end, with: ", \(entry)")
      } else {
        lines.replace(from: node.mark.start, to: node.mark.end, with: "{\(entry)}")
      }
    } else {
      guard let first = mapping.entries.first, let last = mapping.entries.max(by: { $0.keyMark < $1.keyMark })
      else { throw EditTrouble(reason: "it is no mapping") }
      let blank = String(repeating: " ", count: first.keyMark.column - 1)
      lines.insert([blank + entry], after: Edit.lastLine(last.value, from: last.keyMark.line))
    }
    text = lines.text
  }

  /// `a: {b: value}` for the path a, b.
  private static func nested(_ path: [String], _ value: String) -> String {
    guard let first = path.first else { return value }
    let rest = path.dropFirst()
    return rest.isEmpty
      ? "\(first): \(value)" : "\(scalar(first)): {\(nested(Array(rest), value))}"
  }

  /// The line on which a value ends.
  private static func lastLine(_ node: Node, from line: Int = 1) -> Int {
    let children =
      node.mapping?.entries.map { lastLine($0.value, from: $0.keyMark.line) }
      ?? node.sequence?.map { lastLine($0) } ?? []
    // A text of several lines ends at the beginning of the one after it.
    let own = node.mark.endLine - (node.scalar?.style == .block && node.mark.endColumn == 1 ? 1 : 0)
    return max(line, own, children.max() ?? 0)
  }
}

/// A place in a text; both count from 1, columns in Unicode scalars.
private struct Place: Comparable {
  var line: Int
  var column: Int
  static func < (left: Place, right: Place) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

extension Mark {
  fileprivate var start: Place { Place(line: line, column: column) }
  fileprivate var end: Place { Place(line: endLine, column: endColumn) }
}

/// The lines of a text, their ends left on.
private struct Lines {
  private var lines: [[Unicode.Scalar]]

  init(_ text: String) {
    lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
  }

  var text: String {
    var view = String.UnicodeScalarView()
    for (index, line) in lines.enumerated() {
      if index > 0 { view.append("\n") }
      view.append(contentsOf: line)
    }
    return String(view)
  }

  private func offset(_ place: Place) -> Int { min(max(0, place.column - 1), line(place.line).count) }
  private func line(_ number: Int) -> [Unicode.Scalar] {
    lines.indices.contains(number - 1) ? lines[number - 1] : []
  }

  func isFlow(_ node: Node) -> Bool {
    let line = line(node.mark.line)
    let index = node.mark.column - 1
    return line.indices.contains(index) && (line[index] == "{" || line[index] == "[")
  }

  func isBlank(before place: Place) -> Bool {
    line(place.line).prefix(offset(place)).allSatisfy { $0 == " " }
  }

  func indentation(of number: Int) -> String {
    String(repeating: " ", count: line(number).prefix { $0 == " " }.count)
  }

  /// Right behind the colon that follows a key.
  func colon(after place: Place) -> Place? {
    line(place.line).dropFirst(offset(place)).firstIndex(of: ":").map {
      Place(line: place.line, column: $0 + 2)
    }
  }

  mutating func replace(from start: Place, to end: Place, with value: String) {
    guard lines.indices.contains(start.line - 1), lines.indices.contains(end.line - 1) else { return }
    let head = line(start.line).prefix(offset(start))
    let tail = line(end.line).dropFirst(offset(end))
    lines.replaceSubrange(
      (start.line - 1)...(end.line - 1), with: [head + Array(value.unicodeScalars) + tail])
  }

  mutating func cut(from start: Place, to end: Place) { replace(from: start, to: end, with: "") }

  mutating func insert(_ texts: [String], after number: Int) {
    // Windows' line ends stay what they are.
    let ends = line(number).last == "\r" ? "\r" : ""
    let index = min(number, lines.count)
    lines.insert(contentsOf: texts.map { Array(($0 + ends).unicodeScalars) }, at: index)
    if index == lines.count - 1 { lines.append([]) }
  }

  mutating func removeLines(_ numbers: ClosedRange<Int>) {
    lines.removeSubrange((numbers.lowerBound - 1)...min(numbers.upperBound - 1, lines.count - 1))
  }
}
