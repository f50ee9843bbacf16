/// Collects a response's status and header fields from the lines libcurl hands over. Pure.
struct ResponseHead {
  /// Header bytes accepted of one response.
  static let limit = 1 << 20

  private(set) var status = 0
  private(set) var headers: [(name: String, value: String)] = []
  /// True once the final head is whole; 1xx heads come before it, trailers after it.
  private(set) var complete = false
  private var size = 0

  /// Takes one line with its line end.
  /// - Returns: false when the head is longer than `limit`.
  mutating func take(_ line: UnsafeRawBufferPointer) -> Bool {
    size += line.count
    guard size <= ResponseHead.limit else { return false }
    guard !complete else { return true }
    var end = line.count
    while end > 0, line[end - 1] == UInt8(ascii: "\n") || line[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    let text = String(decoding: line[..<end], as: UTF8.self)
    if text.isEmpty {
      complete = status >= 200
    } else if text.hasPrefix("HTTP/") {
      let words = text.split(separator: " ")
      status = words.count > 1 ? Int(words[1]) ?? 0 : 0
      headers = []
    } else if text.hasPrefix(" ") || text.hasPrefix("\t") {
      // An obsolete folded line continues the value before it.
      guard var last = headers.popLast() else { return true }
      last.value += " " + trimmed(text[...])
      headers.append(last)
    } else if let colon = text.firstIndex(of: ":") {
      headers.append((String(text[..<colon]), trimmed(text[text.index(after: colon)...])))
    }
    return true
  }
}

private func trimmed(_ text: Substring) -> String {
  func blank(_ character: Character) -> Bool { character == " " || character == "\t" }
  var text = text.drop(while: blank)
  while let last = text.last, blank(last) { text.removeLast() }
  return String(text)
}
