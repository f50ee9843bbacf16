/// Finds the answers in what an HTTP/1 server sends over one connection: their statuses, in order.
///
/// Answers to HEAD with a length are taken for ones with a body; after an upgrade nothing is counted.
struct ResponseMeter: Sendable {
  private enum State: Sendable {
    case head
    case body(Int)
    /// At the line that gives the next chunk's size.
    case size
    case chunk(Int)
    case trailer
    case rest
  }

  private var state = State.head
  private var line: [UInt8] = []
  private var status = 0
  private var length: Int?
  private var isChunked = false

  /// - Returns: the status of each answer whose head ended within these bytes.
  mutating func take(_ bytes: [UInt8]) -> [Int] {
    var found: [Int] = []
    var index = 0
    while index < bytes.count {
      switch state {
      case .rest: return found
      case .body(let left), .chunk(let left):
        let step = min(left, bytes.count - index)
        index += step
        let isChunk = if case .chunk = state { true } else { false }
        if step < left {
          state = isChunk ? .chunk(left - step) : .body(left - step)
        } else {
          state = isChunk ? .size : .head
        }
      case .head, .size, .trailer:
        let byte = bytes[index]
        index += 1
        guard byte == UInt8(ascii: "\n") else {
          // A line that long is none of HTTP's.
          if line.count < 16 << 10 { line.append(byte) } else { state = .rest }
          continue
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        line = []
        if let status = read(text) { found.append(status) }
      }
    }
    return found
  }

  /// One line of a head, a chunk's size or a trailer.
  private mutating func read(_ text: String) -> Int? {
    switch state {
    case .size:
      guard let size = Int(text.prefix { $0.isHexDigit }, radix: 16), size < 1 << 40 else {
        state = .rest
        return nil
      }
      state = size == 0 ? .trailer : .chunk(size + 2)
    case .trailer: if text.isEmpty { state = .head }
    default: return readHead(text)
    }
    return nil
  }

  private mutating func readHead(_ text: String) -> Int? {
    if status == 0 {
      let words = text.split(separator: " ")
      guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let number = Int(words[1]) else {
        if !text.isEmpty { state = .rest }
        return nil
      }
      (status, length, isChunked) = (number, nil, false)
      return nil
    }
    guard text.isEmpty else {
      let parts = text.split(separator: ":", maxSplits: 1)
      let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
      switch parts.first?.lowercased() {
      case "content-length": length = Int(value)
      case "transfer-encoding": isChunked = value.lowercased().contains("chunked")
      default: break
      }
      return nil
    }
    let ended = status
    status = 0
    if ended == 101 {
      state = .rest
    } else if ended < 200 {
      // The real answer follows.
      return nil
    } else if ended == 204 || ended == 304 {
      state = .head
    } else if isChunked {
      state = .size
    } else if let length {
      state = length > 0 ? .body(length) : .head
    } else {
      state = .rest
    }
    return ended
  }
}
