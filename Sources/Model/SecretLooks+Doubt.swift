/// Whether what somebody typed into a dashboard may be shown or written: in doubt it is a secret, while texts of files are
/// searched for what looks like one.
extension SecretLooks {
  private static let doubtful = [
    "SECRET", "TOKEN", "PASSWORD", "PASSWD", "PRIVATE", "CREDENTIAL", "DSN", "KEY", "AUTH", "COOKIE", "SALT",
    "WEBHOOK", "SIGNATURE",
  ]
  /// Characters of one word from which on letters and digits mixed look made, not written.
  private static let longest = 15

  /// In doubt it may be one: by the variable's name, a password in an address, or a long word of letters and digits.
  package static func mayBe(_ value: String, of name: String) -> Bool {
    let name = name.uppercased()
    if doubtful.contains(where: name.contains) { return true }
    if value.contains("-----BEGIN") { return true }
    if let scheme = value.firstRange(of: "://") {
      let authority = value[scheme.upperBound...].prefix { !"/?#".contains($0) }
      if authority.contains("@") { return true }
    }
    return value.split(whereSeparator: { !$0.isLetter && !$0.isNumber && !"+_".contains($0) }).contains {
      word in
      word.count > longest && word.contains(where: \.isNumber) && word.contains(where: \.isLetter)
    }
  }

  /// The same of a command: also a value that is assigned, or given to an option, whose name is one of secrets.
  package static func mayBe(command: String) -> Bool {
    mayBe(command, of: "") || text(command)
  }
}
