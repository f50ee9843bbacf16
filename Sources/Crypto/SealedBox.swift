import CSodium

/// Boxes that only the holder of a secret key can open, and that nobody can tell who sealed: X25519 and
/// XSalsa20-Poly1305, as libsodium's `crypto_box_seal` (contract secrets §2.10).
package enum SealedBox {
  /// The bytes of either key.
  package static let keyLength = 32
  /// The bytes that a box has beyond what is in it.
  package static let overhead = 48

  private static let isReady: Bool = sodium_init() >= 0

  /// - Returns: nil for a key that is none.
  package static func seal(_ bytes: [UInt8], for publicKey: [UInt8]) -> [UInt8]? {
    guard isReady, publicKey.count == keyLength else { return nil }
    var box = [UInt8](repeating: 0, count: bytes.count + overhead)
    return crypto_box_seal(&box, bytes, UInt64(bytes.count), publicKey) == 0 ? box : nil
  }

  /// - Returns: nil for what was not sealed for this key, or was changed since.
  package static func open(_ box: [UInt8], secretKey: [UInt8]) -> [UInt8]? {
    guard isReady, box.count >= overhead, let publicKey = publicKey(of: secretKey) else { return nil }
    var bytes = [UInt8](repeating: 0, count: box.count - overhead)
    return crypto_box_seal_open(&bytes, box, UInt64(box.count), publicKey, secretKey) == 0 ? bytes : nil
  }

  /// A new pair.
  /// - Returns: nil where libsodium has no randomness.
  package static func keyPair() -> (publicKey: [UInt8], secretKey: [UInt8])? {
    var publicKey = [UInt8](repeating: 0, count: keyLength)
    var secretKey = publicKey
    guard isReady, crypto_box_keypair(&publicKey, &secretKey) == 0 else { return nil }
    return (publicKey, secretKey)
  }

  /// - Returns: nil for a key that is none.
  package static func publicKey(of secretKey: [UInt8]) -> [UInt8]? {
    guard isReady, secretKey.count == keyLength else { return nil }
    var publicKey = [UInt8](repeating: 0, count: keyLength)
    return crypto_scalarmult_base(&publicKey, secretKey) == 0 ? publicKey : nil
  }
}
