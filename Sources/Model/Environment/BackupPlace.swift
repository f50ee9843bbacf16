/// Where the copies of a database are kept.
package enum BackupPlace: Sendable, Hashable {
  /// Relative to the project, or absolute.
  case directory(String)
  case bucket(BackupBucket)
  /// With Railway, which copies the volume of the service of that name and keeps the copies.
  case volume(String)

  /// - Throws: `Mistake` for what begins with `s3://` and says no bucket, or with `railway:` and names no service.
  package init(parsing text: String) throws(BackupBucket.Mistake) {
    if text.hasPrefix("railway:") {
      let service = text.dropFirst("railway:".count)
      guard !service.isEmpty, service.first != " ", service.last != " " else {
        throw BackupBucket.Mistake(
          message: "`\(text)` names no service",
          help: "write the one whose volume holds the data: railway:Postgres")
      }
      self = .volume(String(service))
    } else {
      self = text.hasPrefix("s3://") ? .bucket(try BackupBucket(parsing: text)) : .directory(text)
    }
  }
}

/// A bucket of S3, or of a store that speaks its protocol: `s3://BUCKET/PREFIX?region=…&endpoint=…&style=…&role=…`.
package struct BackupBucket: Sendable, Hashable {
  package struct Mistake: Error, Sendable {
    package var message: String
    package var help: String
  }

  package var bucket: String
  /// Without a slash at either end; empty: the keys begin with the copy's name.
  package var prefix: String
  package var region: String
  /// Scheme and host without a slash at the end; nil: that of AWS.
  package var endpoint: String?
  /// The bucket stands in the path of addresses; nil: as is usual there.
  package var isInPath: Bool?
  /// The ARN of the role that a job of GitHub Actions takes on.
  package var role: String?

  static let keys = ["region", "endpoint", "style", "role"]

  /// - Throws: `Mistake`.
  package init(parsing text: String) throws(Mistake) {
    let parts = text.dropFirst("s3://".count).split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = (parts.first ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    bucket = String(path.first ?? "")
    var prefix = path.dropFirst().first.map(String.init) ?? ""
    while prefix.hasSuffix("/") { prefix.removeLast() }
    self.prefix = prefix
    func isPlain(_ text: some StringProtocol, _ more: String) -> Bool {
      text.unicodeScalars.allSatisfy { scalar in
        ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || more.unicodeScalars.contains(scalar)
      }
    }
    guard (3...63).contains(bucket.utf8.count), isPlain(bucket, ".-") else {
      throw Mistake(
        message: "`\(bucket)` is no bucket's name",
        help: "write it like s3://acme-backups/shop?region=eu-north-1")
    }
    let segments = prefix.split(separator: "/", omittingEmptySubsequences: false)
    guard prefix.isEmpty || segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
      isPlain(prefix.lowercased(), "/._-")
    else {
      throw Mistake(
        message: "`\(prefix)` cannot stand before the names of copies",
        help: "use letters, digits, `.`, `_`, `-` and single slashes")
    }
    var values: [String: String] = [:]
    for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
      let halves = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard halves.count == 2, BackupBucket.keys.contains(halves[0]), values[halves[0]] == nil else {
        throw Mistake(
          message: "`\(pair)` says nothing about a bucket",
          help: "there are \(BackupBucket.keys.map { "`\($0)=`" }.joined(separator: ", ")), each once")
      }
      values[halves[0]] = halves[1]
    }
    role = values["role"]
    switch values["style"] {
    case nil: isInPath = nil
    case "path": isInPath = true
    case "host": isInPath = false
    case let other?:
      throw Mistake(message: "`style=\(other)` is none", help: "write style=path or style=host")
    }
    if var endpoint = values["endpoint"] {
      while endpoint.hasSuffix("/") { endpoint.removeLast() }
      guard SecretAddress.isSafe(endpoint), !endpoint.dropFirst(8).contains("/") else {
        throw Mistake(
          message: "`\(endpoint)` is no address for copies",
          help: "write https:// and the host alone; http is for this machine")
      }
      self.endpoint = endpoint
    }
    guard let region = values["region"] ?? (endpoint == nil ? nil : "us-east-1"), isPlain(region, "-") else {
      throw Mistake(
        message: "it does not say in which region the bucket is",
        help: "write it like s3://\(bucket)\(prefix.isEmpty ? "" : "/\(prefix)")?region=eu-north-1")
    }
    self.region = region
  }

  /// `s3://BUCKET/PREFIX`
  package var address: String { "s3://\(bucket)" + (prefix.isEmpty ? "" : "/\(prefix)") }
}

/// The names of the secrets by which a bucket knows who asks.
package struct BackupCredentials: Sendable, Hashable, Codable {
  package var id: String
  package var secret: String

  package init(id: String, secret: String) {
    self.id = id
    self.secret = secret
  }
}
