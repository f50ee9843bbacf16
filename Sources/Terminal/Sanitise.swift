/// Text of others without what could command the terminal or deceive the eye.
///
/// Escape sequences, control characters and marks that turn the direction of writing are removed; tabs and
/// line ends become a space, so that one line stays one line.
/// - Parameter keepingLines: leaves `\n` as it is.
package func sanitise(_ text: String, keepingLines: Bool = false) -> String {
  // Most texts are plain, and then there is nothing to look for.
  if text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text }
  var safe = ""
  for piece in TextPieces(text) {
    switch piece {
    case .escape: continue
    case .control("\n") where keepingLines: safe += "\n"
    case .control("\t"), .control("\n"), .control("\r"): if safe.last != " " { safe += " " }
    case .control: continue
    case .visible(let part):
      for scalar in part.unicodeScalars where !turnsDirection(scalar) { safe.unicodeScalars.append(scalar) }
    }
  }
  return safe
}

private func turnsDirection(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x200E, 0x200F, 0x061C, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
  default: false
  }
}
