/// Redacts bytes that come in pieces, wherever the borders fall.
///
/// It keeps back only what may be the beginning of a secret, and at most one more character; a whole line
/// without such a beginning comes out at once.
package struct RedactionStream: Sendable {
  private let redactor: Redactor
  private var state = Automaton.start
  /// Bytes not given out yet.
  private var pending: [UInt8] = []
  /// What to mask of `pending`, in order, apart from each other.
  private var regions: [Region] = []

  private struct Region {
    var start: Int
    var end: Int
    var length: Int
    var secret: Int
  }

  package init(_ redactor: Redactor) {
    self.redactor = redactor
  }

  /// Takes the next bytes and gives those that are safe by now.
  package mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
    let base = pending.count
    if base == 0 { pending = bytes } else { pending += bytes }
    var regions = regions
    state = bytes.withUnsafeBufferPointer { [pending] bytes in
      redactor.automaton.scan(bytes, from: state) { end, match in
        Self.mark(&regions, end: base + end, match, pending)
      }
    }
    self.regions = regions
    return release(upTo: safeCount())
  }

  /// Gives what was kept back; the stream is as new then.
  package mutating func finish() -> [UInt8] {
    state = Automaton.start
    return release(upTo: pending.count)
  }

  /// How many of the pending bytes no later byte can make part of a secret.
  private func safeCount() -> Int {
    let count = max(0, pending.count - redactor.automaton.heldBytes(state))
    // Base64 that begins here may have bits of the secret in the character before it.
    guard count > 0, redactor.reachesBack, Base64Forms.isCharacter(pending[count - 1]),
      !regions.contains(where: { $0.start < count && $0.end >= count })
    else { return count }
    return count - 1
  }

  private static func mark(
    _ regions: inout [Region], end: Int, _ match: Automaton.Match, _ bytes: [UInt8]
  ) {
    var start = max(0, end - Int(match.length))
    if match.reachesBack, start > 0, start != regions.last?.end, Base64Forms.isCharacter(bytes[start - 1]) {
      start -= 1
    }
    var region = Region(start: start, end: end, length: Int(match.length), secret: Int(match.secret))
    while let last = regions.last, last.end > region.start {
      region.start = min(region.start, last.start)
      if last.length >= region.length {
        region.length = last.length
        region.secret = last.secret
      }
      regions.removeLast()
    }
    regions.append(region)
  }

  private mutating func release(upTo limit: Int) -> [UInt8] {
    var limit = max(0, limit)
    if let open = regions.first(where: { $0.end > limit }) { limit = min(limit, open.start) }
    let done = regions.prefix { $0.end <= limit }
    defer {
      regions.removeFirst(done.count)
      for index in regions.indices {
        regions[index].start -= limit
        regions[index].end -= limit
      }
      if limit == pending.count { pending = [] } else { pending.removeFirst(limit) }
    }
    if done.isEmpty { return limit == pending.count ? pending : Array(pending[..<limit]) }
    var safe: [UInt8] = []
    safe.reserveCapacity(limit)
    var place = 0
    for region in done {
      safe += pending[place..<region.start]
      safe += redactor.replacements[region.secret]
      place = region.end
    }
    safe += pending[place..<limit]
    return safe
  }
}
