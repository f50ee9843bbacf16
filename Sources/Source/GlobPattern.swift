/// A path pattern: `*` and `?` within a name, `[…]`, and `**` as a whole name for any number of names.
struct GlobPattern: Sendable, Equatable {
  private enum Token: Sendable, Equatable {
    case byte(UInt8)
    /// Any one byte, as git has it.
    case one
    /// Any number of characters.
    case many
    case set([ClosedRange<UInt8>], negated: Bool)
  }

  private enum Part: Sendable, Equatable {
    case anyDepth
    case name([Token])
  }

  private let parts: [Part]

  /// - Parameter text: names joined by slashes; a backslash takes the next character as it is.
  init(_ text: some StringProtocol) {
    parts = text.split(separator: "/").map { name in
      name == "**" ? .anyDepth : .name(Self.tokens(Array(name.utf8)))
    }
  }

  /// The names before the first with a wildcard: where to look for matches.
  var literalPrefix: [String] {
    var names: [String] = []
    for case .name(let tokens) in parts.prefix(while: { $0 != .anyDepth }) {
      var bytes: [UInt8] = []
      for token in tokens {
        guard case .byte(let byte) = token else { return names }
        bytes.append(byte)
      }
      names.append(String(decoding: bytes, as: UTF8.self))
    }
    return names
  }

  /// Whether the whole path matches.
  func matches(_ path: some StringProtocol) -> Bool {
    let names = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    // The classic walk with one point of return per `**`, the last, which is enough.
    var name = 0
    var part = 0
    var retry: (part: Int, name: Int)?
    while name < names.count {
      if part < parts.count {
        switch parts[part] {
        case .anyDepth:
          // At the end it stands for what is inside, hence for one name at least.
          if part == parts.count - 1 { return true }
          retry = (part + 1, name)
          part += 1
          continue
        case .name(let tokens):
          if Self.match(tokens, names[name]) {
            part += 1
            name += 1
            continue
          }
        }
      }
      guard let point = retry else { return false }
      retry = (point.part, point.name + 1)
      part = point.part
      name = point.name + 1
    }
    return part == parts.count
  }

  private static func match(_ tokens: [Token], _ name: [UInt8]) -> Bool {
    var position = 0
    var token = 0
    var retry: (token: Int, position: Int)?
    while position < name.count {
      if token < tokens.count {
        if tokens[token] == .many {
          retry = (token + 1, position)
          token += 1
          continue
        }
        if match(tokens[token], name[position]) {
          token += 1
          position += 1
          continue
        }
      }
      guard let point = retry else { return false }
      retry = (point.token, point.position + 1)
      token = point.token
      position = point.position + 1
    }
    return tokens[token...].allSatisfy { $0 == .many }
  }

  private static func match(_ token: Token, _ byte: UInt8) -> Bool {
    switch token {
    case .byte(let wanted): return byte == wanted
    case .one: return true
    case .set(let ranges, let negated): return ranges.contains { $0.contains(byte) } != negated
    case .many: return false
    }
  }

  private static func tokens(_ text: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    var index = 0
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "*"):
        if tokens.last != .many { tokens.append(.many) }
      case UInt8(ascii: "?"): tokens.append(.one)
      case UInt8(ascii: "\\") where index + 1 < text.count:
        index += 1
        tokens.append(.byte(text[index]))
      case UInt8(ascii: "["):
        if let (set, end) = set(text, from: index + 1) {
          tokens.append(set)
          index = end
        } else {
          // Not closed: git lets it match nothing.
          tokens.append(.set([], negated: false))
        }
      case let byte: tokens.append(.byte(byte))
      }
      index += 1
    }
    return tokens
  }

  /// A bracket expression and the index of its `]`; nil when it is not closed.
  private static func set(_ text: [UInt8], from start: Int) -> (Token, Int)? {
    var index = start
    var ranges: [ClosedRange<UInt8>] = []
    let negated = index < text.count && (text[index] == UInt8(ascii: "!") || text[index] == UInt8(ascii: "^"))
    if negated { index += 1 }
    let first = index
    while index < text.count {
      if text[index] == UInt8(ascii: "]"), index > first { return (.set(ranges, negated: negated), index) }
      if let (named, end) = namedSet(text, from: index) {
        ranges += named
        index = end + 1
        continue
      }
      if text[index] == UInt8(ascii: "\\"), index + 1 < text.count { index += 1 }
      let low = text[index]
      if index + 2 < text.count, text[index + 1] == UInt8(ascii: "-"), text[index + 2] != UInt8(ascii: "]") {
        if low <= text[index + 2] { ranges.append(low...text[index + 2]) }
        index += 2
      } else {
        ranges.append(low...low)
      }
      index += 1
    }
    return nil
  }

  /// `[:alpha:]` and the like within brackets, and the index of its last `]`.
  private static func namedSet(_ text: [UInt8], from start: Int) -> ([ClosedRange<UInt8>], Int)? {
    guard text[start...].starts(with: Array("[:".utf8)) else { return nil }
    for end in (start + 2)..<max(start + 2, text.count - 1)
    where text[end...].starts(with: Array(":]".utf8)) {
      return named[String(decoding: text[(start + 2)..<end], as: UTF8.self)].map { ($0, end + 1) }
    }
    return nil
  }

  private static let named: [String: [ClosedRange<UInt8>]] = {
    let digit: ClosedRange<UInt8> = 48...57
    let upper: ClosedRange<UInt8> = 65...90
    let lower: ClosedRange<UInt8> = 97...122
    return [
      "digit": [digit], "upper": [upper], "lower": [lower], "alpha": [upper, lower],
      "alnum": [digit, upper, lower], "xdigit": [digit, 65...70, 97...102], "blank": [9...9, 32...32],
      "space": [9...13, 32...32], "cntrl": [0...31, 127...127], "print": [32...126], "graph": [33...126],
      "punct": [33...47, 58...64, 91...96, 123...126],
    ]
  }()
}
