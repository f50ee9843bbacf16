import CCrypto

/// 32 bytes that identify content.
package struct Digest: Sendable, Hashable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// 64 lower-case digits.
  package var hex: String { Hex.encode(bytes) }

  package var description: String { hex }
}

/// SHA-256 over bytes that come in pieces. Not to be shared between tasks.
package final class SHA256 {
  private let context: OpaquePointer

  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto has no memory for, or no, SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// The digest of `bytes`.
  package static func digest(of bytes: [UInt8]) -> Digest {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// The digest of the UTF-8 bytes of `text`.
  package static func digest(of text: String) -> Digest { digest(of: Array(text.utf8)) }

  /// Adds the next bytes.
  package func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Adds the next bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest of everything since the start or the last `finish`; it is ready for new bytes then.
  package func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(context, &bytes, nil)
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
    return Digest(bytes: bytes)
  }
}

/// Keyed digests: only who has the key can make or check them.
package enum HMACSHA256 {
  /// The code that proves `bytes` under `key`.
  package static func code(for bytes: [UInt8], key: [UInt8]) -> Digest {
    var code = [UInt8](repeating: 0, count: 32)
    // A null key would mean "the key of the call before".
    let made = (key.isEmpty ? [0] : key).withUnsafeBytes { keyBytes in
      HMAC(EVP_sha256(), keyBytes.baseAddress, Int32(key.count), bytes, bytes.count, &code, nil)
    }
    precondition(made != nil, "libcrypto has no memory for HMAC")
    return Digest(bytes: code)
  }

  /// The code that proves the UTF-8 bytes of `text` under `key`.
  package static func code(for text: String, key: [UInt8]) -> Digest { code(for: Array(text.utf8), key: key) }
}

/// Whether both are equal, in a time that tells nothing about where they differ; their lengths are no secret.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}

/// Bytes nobody can foresee, from the generator of the operating system.
package func randomBytes(_ count: Int) -> [UInt8] {
  var generator = SystemRandomNumberGenerator()
  return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
