/// The rules of ignore files, as git reads them: the last that matches decides, and nothing below an
/// ignored directory comes back.
struct IgnoreRules: Sendable {
  private struct Rule: Sendable {
    var pattern: GlobPattern
    /// The directory of its file, ending in a slash; empty at the top.
    var base: String
    var brings: Bool
    var directoriesOnly: Bool
  }

  private var rules: [Rule] = []
  private var directories: [String: Bool] = [:]

  var isEmpty: Bool { rules.isEmpty }

  /// Adds an ignore file. Files of outer directories come first.
  /// - Parameter base: its directory, relative and ending in a slash; empty at the top.
  mutating func add(_ text: String, base: String = "") {
    directories = [:]
    // One character to Swift is a line end of either kind.
    for line in text.split(whereSeparator: \.isNewline) {
      if let rule = Self.rule(String(line), base: base) { rules.append(rule) }
    }
  }

  /// Whether the file, or a directory it lies in, is ignored.
  mutating func ignores(_ path: String) -> Bool {
    if rules.isEmpty { return false }
    if let slash = path.lastIndex(of: "/"), ignoresDirectory(String(path[..<slash])) { return true }
    return verdict(path, isDirectory: false)
  }

  /// Whether everything in the directory is ignored.
  mutating func ignoresDirectory(_ path: String) -> Bool {
    if rules.isEmpty { return false }
    if let known = directories[path] { return known }
    var isIgnored = false
    if let slash = path.lastIndex(of: "/") { isIgnored = ignoresDirectory(String(path[..<slash])) }
    isIgnored = isIgnored || verdict(path, isDirectory: true)
    directories[path] = isIgnored
    return isIgnored
  }

  private func verdict(_ path: String, isDirectory: Bool) -> Bool {
    for rule in rules.reversed() where isDirectory || !rule.directoriesOnly {
      guard path.hasPrefix(rule.base) else { continue }
      if rule.pattern.matches(path.dropFirst(rule.base.count)) { return !rule.brings }
    }
    return false
  }

  private static func rule(_ line: String, base: String) -> Rule? {
    var text = Substring(line)
    while text.hasSuffix(" "), !text.hasSuffix("\\ ") { text.removeLast() }
    guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
    let brings = text.hasPrefix("!")
    if brings { text.removeFirst() }
    let directoriesOnly = text.hasSuffix("/")
    if directoriesOnly { text.removeLast() }
    // An empty name matches no path.
    guard !text.isEmpty, text != "/", !text.contains("//"), !text.hasSuffix("/") else { return nil }
    // Without a slash before its end a pattern holds at any depth.
    let pattern = text.contains("/") ? String(text) : "**/" + text
    return Rule(
      pattern: GlobPattern(pattern), base: base, brings: brings, directoriesOnly: directoriesOnly)
  }
}
