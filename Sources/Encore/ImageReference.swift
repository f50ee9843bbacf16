import Model

/// The name of an image with its tag, `registry/name:tag`, taken apart for its registry.
struct ImageReference: Sendable, Hashable {
  /// Host and port: `registry-1.docker.io` where none is written.
  var registry: String
  var name: String
  var tag: String

  /// - Throws: `Failure` of kind configuration unless the tag is one that stays.
  init(_ text: String, service: ServiceName) throws(Failure) {
    func refused(_ what: String, hint: String) -> Failure {
      Failure(
        .configuration, "the image \(text) \(what)", place: "services.\(service).source.encore.image",
        hint: hint)
    }
    let advice = "write a tag that names the commit: \"ghcr.io/OWNER/NAME:${commit}\""
    guard !text.contains("@") else { throw refused("names a digest, which only a push gives", hint: advice) }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let last = parts.last, !parts.contains("") else {
      throw refused("is no image reference", hint: advice)
    }
    guard let colon = last.lastIndex(of: ":") else { throw refused("has no tag", hint: advice) }
    tag = String(last[last.index(after: colon)...])
    guard !tag.isEmpty, tag != "latest" else {
      throw refused(
        "has the tag \(tag.isEmpty ? "of no name" : tag), which moves: there would be nothing to go back to",
        hint: advice)
    }
    var names = parts
    names[names.count - 1] = String(last[..<colon])
    if names.count > 1, let host = names.first,
      host.contains(".") || host.contains(":") || host == "localhost"
    {
      registry = host == "docker.io" || host == "index.docker.io" ? Self.hub : host
      names.removeFirst()
    } else {
      registry = Self.hub
    }
    if registry == Self.hub, names.count == 1 { names.insert("library", at: 0) }
    name = names.joined(separator: "/")
    let isPlain = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || "._-/".utf8.contains(byte)
    }
    guard isPlain, tag.utf8.count <= 128,
      tag.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) })
    else {
      throw refused("is no image reference", hint: "lower case, digits and . _ - / in the name; \(advice)")
    }
  }

  static let hub = "registry-1.docker.io"

  /// http is for registries on this machine alone.
  var isLoopback: Bool {
    let host = registry.prefix { $0 != ":" }
    return host == "localhost" || host.hasPrefix("127.")
  }

  var baseURL: String { (isLoopback ? "http://" : "https://") + registry }
}
