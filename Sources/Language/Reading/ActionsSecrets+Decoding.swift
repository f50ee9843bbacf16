import Model

extension ActionsSecretsTarget {
  /// - Parameter fields: have passed their shape; what was refused there is left out here.
  init?(fields: Fields) {
    guard let repository = fields["repository"]?.text, let token = fields["token"]?.secret else { return nil }
    let there = Dictionary(
      (fields["names"]?.map ?? []).compactMap { entry in entry.value.text.map { (entry.key, $0) } },
      uniquingKeysWith: { first, _ in first })
    self.init(
      place: ActionsSecretsPlace(repository: repository, environment: fields["environment"]?.text),
      tokenSecret: token,
      names: Dictionary(
        (fields["write"]?.list.compactMap(\.text) ?? []).map { ((there[$0] ?? $0).uppercased(), $0) },
        uniquingKeysWith: { first, _ in first }))
  }
}

extension Rules {
  /// What GitHub would refuse, and what would overwrite itself (contract secrets §2.10).
  func checkActionsSecrets(_ reading: inout Reading) {
    guard let fields = fields["secrets"]?.fields?["github"]?.fields else { return }
    if let repository = fields["repository"], let text = repository.text, !Self.isRepository(text) {
      reading.error(
        .badText, "`\(text)` is no repository of GitHub", at: repository.mark, path: repository.path,
        help: "write owner/name, such as acme/shop")
    }
    let renamed = fields["names"]?.map ?? []
    let written = fields["write"]?.list ?? []
    for entry in renamed where !written.contains(where: { $0.text == entry.key }) {
      reading.error(
        .contradiction, "`\(entry.key)` gets a name here and is not written", at: entry.mark,
        path: entry.value.path, help: "add it to `write`, or take it out of `names`")
    }
    var seen: [String: String] = [:]
    for place in written {
      guard let secret = place.text else { continue }
      let other = renamed.first { $0.key == secret }?.value
      let name = (other?.text ?? secret).uppercased()
      let mark = other ?? place
      if name.hasPrefix("GITHUB_") {
        reading.error(
          .badText, "GitHub keeps names that begin with GITHUB_ for itself: `\(name)`", at: mark.mark,
          path: mark.path, help: "give it another name there: names: {\(secret): OTHER_NAME}")
      }
      if let first = seen[name] {
        reading.error(
          .contradiction, "`\(secret)` and `\(first)` would both be `\(name)` there", at: mark.mark,
          path: mark.path, help: "write it once, or give one of them another name in `names`")
      }
      seen[name] = seen[name] ?? secret
    }
  }

  private static func isRepository(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && part != "." && part != ".."
          && part.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
              || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
          }
      }
  }
}
