import JSON

/// Changes members of a JSON text and leaves every other byte as it was. The text has been parsed before.
struct JSONEdit {
  private(set) var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private struct Member {
    var name: String
    var nameStart: Int
    var value: Range<Int>
  }

  /// Sets the member at `path`; missing objects on the way are made.
  mutating func set(_ path: [String], _ value: JSON) {
    guard let last = path.last, let object = range(of: path.dropLast()) else {
      // Something on the way is missing: its nearest ancestor gets the rest as one value.
      guard path.count > 1 else { return }
      return set(path.dropLast(), .object([path[path.count - 1]: value]))
    }
    let text = Array(value.serialized().utf8)
    let members = members(of: object)
    if let member = members.first(where: { $0.name == last }) {
      bytes.replaceSubrange(member.value, with: text)
    } else if let before = members.last {
      // Laid out as the member before it: what stands between its comma, or the brace, and its name.
      var start = before.nameStart
      while start > object.lowerBound + 1, Self.isBlank(bytes[start - 1]) { start -= 1 }
      let gap = Array(bytes[start..<before.nameStart])
      let name = Array(JSON.string(last).serialized().utf8)
      bytes.insert(
        contentsOf: [UInt8(ascii: ",")] + gap + name + Array(": ".utf8) + text, at: before.value.upperBound)
    } else {
      let name = Array(JSON.string(last).serialized().utf8)
      bytes.insert(contentsOf: name + Array(": ".utf8) + text, at: object.lowerBound + 1)
    }
  }

  /// Takes the member at `path` out, with its comma.
  mutating func remove(_ path: [String]) {
    guard let object = range(of: path.dropLast()) else { return }
    let members = members(of: object)
    guard let index = members.firstIndex(where: { $0.name == path.last }) else { return }
    if index > 0 {
      bytes.removeSubrange(members[index - 1].value.upperBound..<members[index].value.upperBound)
    } else if members.count > 1 {
      bytes.removeSubrange(members[0].nameStart..<members[1].nameStart)
    } else {
      bytes.removeSubrange(members[0].nameStart..<members[0].value.upperBound)
    }
  }

  /// Whether some object on the way to `path` has a name twice: then it is not known which one counts.
  func isAmbiguous(_ path: [String]) -> Bool {
    for depth in path.indices {
      guard let object = range(of: path.prefix(depth)) else { return false }
      if members(of: object).filter({ $0.name == path[depth] }).count > 1 { return true }
    }
    return false
  }

  private func range(of path: some Collection<String>) -> Range<Int>? {
    var start = 0
    while start < bytes.count, Self.isBlank(bytes[start]) { start += 1 }
    var value = start..<end(ofValueAt: start)
    for name in path {
      guard let member = members(of: value).first(where: { $0.name == name }) else { return nil }
      value = member.value
    }
    return bytes.indices.contains(value.lowerBound) && bytes[value.lowerBound] == UInt8(ascii: "{")
      ? value : nil
  }

  private func members(of object: Range<Int>) -> [Member] {
    guard bytes.indices.contains(object.lowerBound), bytes[object.lowerBound] == UInt8(ascii: "{") else {
      return []
    }
    var found: [Member] = []
    var place = object.lowerBound + 1
    while place < object.upperBound {
      while place < object.upperBound, Self.isBlank(bytes[place]) || bytes[place] == UInt8(ascii: ",") {
        place += 1
      }
      guard place < object.upperBound, bytes[place] == UInt8(ascii: "\"") else { break }
      let nameStart = place
      place = end(ofValueAt: place)
      let name = (try? JSON(parsing: bytes[nameStart..<place]))?.string ?? ""
      while place < object.upperBound, Self.isBlank(bytes[place]) || bytes[place] == UInt8(ascii: ":") {
        place += 1
      }
      let start = place
      place = end(ofValueAt: place)
      found.append(Member(name: name, nameStart: nameStart, value: start..<place))
    }
    return found
  }

  /// The place after the value that begins at `start`.
  private func end(ofValueAt start: Int) -> Int {
    var place = start
    var depth = 0
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        place += 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
          place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        place += 1
        if depth == 0 { return min(place, bytes.count) }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return place }
        depth -= 1
        if depth == 0 { return place + 1 }
      case UInt8(ascii: ","): if depth == 0 { return place }
      case let byte: if depth == 0, Self.isBlank(byte) { return place }
      }
      place += 1
    }
    return bytes.count
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }
}
