import CCrypto

/// SHA-1, for protocols that ask for it where nobody's trust rests on it, such as the WebSocket handshake.
package enum SHA1 {
  /// The 20 bytes of the digest.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 20)
    let made = EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil)
    precondition(made == 1, "libcrypto has no memory for, or no, SHA-1")
    return digest
  }
}
