/// One file of a source, before its bytes are read.
struct SourceEntry: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case file(isExecutable: Bool)
    case link
    /// A repository within the repository, of which git keeps only the commit.
    case submodule
  }

  /// Where its bytes are.
  enum Content: Sendable, Equatable {
    /// In git.
    case object(String, size: Int)
    /// In this file of the working tree.
    case file(String)
  }

  /// Relative to the packed directory.
  var path: String
  var kind: Kind
  var content: Content

  /// Bytes in git; 0 for a file of the working tree, which is read one by one.
  var objectSize: Int {
    if case .object(_, let size) = content { size } else { 0 }
  }

  /// Never packed, whoever tracks it.
  var isDropped: Bool {
    path.split(separator: "/").contains { $0 == ".git" || $0 == "node_modules" }
  }
}

/// A file that must not or cannot be packed.
struct RefusedFile: Sendable, Equatable {
  enum Reason: Sendable, Equatable {
    case environmentFile, privateKey, submodule, largeFilePointer, outwardLink
  }

  var path: String
  var reason: Reason
}

/// What may leave this machine.
enum FileRules {
  private static let samples = [".example", ".sample", ".template"]
  private static let keyNames: Set<String> = [
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk",
  ]
  private static let keyEndings = [".p12", ".pfx", ".key", ".jks", ".keystore", ".ppk", ".p8"]
  /// Endings of files that hold a private key or only certificates.
  private static let keyContainers = [".pem", ".crt", ".cer", ".asc"]

  /// What the name alone forbids.
  static func refusal(_ entry: SourceEntry) -> RefusedFile.Reason? {
    if entry.kind == .submodule { return .submodule }
    let name = (entry.path.split(separator: "/").last.map(String.init) ?? entry.path).lowercased()
    if samples.contains(where: { name.hasSuffix($0) }) { return nil }
    if name.hasPrefix(".env") { return .environmentFile }
    if keyNames.contains(name) || keyEndings.contains(where: { name.hasSuffix($0) }) { return .privateKey }
    return nil
  }

  /// What its bytes forbid.
  static func refusal(_ entry: SourceEntry, bytes: [UInt8]) -> RefusedFile.Reason? {
    if entry.kind == .link {
      return leadsOut(String(decoding: bytes, as: UTF8.self), from: entry.path) ? .outwardLink : nil
    }
    if case .object = entry.content, bytes.count < 1024, bytes.starts(with: pointerStart) {
      return .largeFilePointer
    }
    let name = entry.path.lowercased()
    if keyContainers.contains(where: { name.hasSuffix($0) }),
      String(decoding: bytes.prefix(1 << 20), as: UTF8.self).contains("PRIVATE KEY-----")
    {
      return .privateKey
    }
    return nil
  }

  private static let pointerStart = Array("version https://git-lfs.github.com/spec/".utf8)

  /// Whether the link at `path` points outside of the packed directory.
  private static func leadsOut(_ target: String, from path: String) -> Bool {
    if target.hasPrefix("/") { return true }
    var depth = path.split(separator: "/").count - 1
    for name in target.split(separator: "/") where name != "." {
      depth += name == ".." ? -1 : 1
      if depth < 0 { return true }
    }
    return false
  }
}
