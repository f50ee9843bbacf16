import CCrypto

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// SHA-1, for protocols that name content by it or ask for it in a handshake. It protects nothing: whoever wants
/// two contents of one digest can make them.
package enum SHA1 {
  /// The 20 bytes of the digest.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    let hash = Hash()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.bytes()
  }

  /// 40 lower-case digits of the digest of `bytes`.
  package static func hex(of bytes: [UInt8]) -> String {
    let hash = Hash()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finish()
  }

  /// The digest of a file's bytes in 40 lower-case digits, and how many they are. Reads in pieces of 64 KiB
  /// and blocks on the disk; nil when the file cannot be read (`errno` says why).
  package static func hex(ofFile path: String) -> (digest: String, size: Int)? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let hash = Hash()
    var size = 0
    return withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
      while true {
        let count = read(file, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { return nil }
        if count == 0 { return (hash.finish(), size) }
        size += count
        hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }

  private final class Hash {
    private let context: OpaquePointer

    init() {
      guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha1(), nil) == 1 else {
        preconditionFailure("libcrypto has no memory for, or no, SHA-1")
      }
      self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
      EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    func bytes() -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 20)
      EVP_DigestFinal_ex(context, &bytes, nil)
      return bytes
    }

    func finish() -> String { Hex.encode(bytes()) }
  }
}
