import Crypto
import Testing

@Suite struct CryptoTests {
  // FIPS 180-2, appendix B.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256OfThePublishedTexts(text: String, digest: String) {
    #expect(SHA256.digest(of: text).hex == digest)
  }

  @Test func sha256OfAMillionLettersInUnevenPieces() {
    let hash = SHA256()
    var left = 1_000_000
    var piece = 1
    while left > 0 {
      hash.update([UInt8](repeating: UInt8(ascii: "a"), count: min(piece, left)))
      left -= piece
      piece = piece * 3 % 4093 + 1
    }
    #expect(hash.finish().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    hash.update(Array("abc".utf8))
    #expect(hash.finish() == SHA256.digest(of: "abc"), "it begins anew after finish")
  }

  // RFC 4231, cases 1, 2, 3 and 6.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ])
  func hmacOfThePublishedCases(key: [UInt8], bytes: [UInt8], code: String) {
    #expect(HMACSHA256.code(for: bytes, key: key).hex == code)
  }

  // RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64OfThePublishedTexts(text: String, encoded: String) {
    let bytes = Array(text.utf8)
    #expect(Base64.encode(bytes) == encoded)
    #expect(Base64.decode(encoded) == bytes)
    let bare = encoded.filter { $0 != "=" }
    #expect(Base64.encode(bytes, padded: false) == bare)
    #expect(Base64.encode(bytes, alphabet: .url) == bare)
    #expect(Base64.decode(bare) == bytes)
    #expect(Base64.decode(encoded, alphabet: .url) == bytes)
  }

  @Test func theAlphabetsDifferInTwoCharacters() {
    #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
    #expect(Base64.encode([0xFB, 0xFF], alphabet: .url) == "-_8")
    #expect(Base64.decode("-_8") == nil)
    #expect(Base64.decode("+/8", alphabet: .url) == nil)
  }

  @Test(arguments: ["Z", "Zg=", "Zm9v=", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9", "====", "Zm9vY"])
  func whatNoEncoderWritesIsNotBase64(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test func everyByteSurvivesEveryEncoding() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Hex.decode(Hex.encode(bytes)) == bytes)
    #expect(Hex.decode(Hex.encode(bytes).uppercased()) == bytes)
    for count in 0...256 {
      let part = Array(bytes.prefix(count))
      #expect(Base64.decode(Base64.encode(part)) == part)
      #expect(Base64.decode(Base64.encode(part, alphabet: .url), alphabet: .url) == part)
    }
    #expect(Hex.decode("abc") == nil)
    #expect(Hex.decode("0g") == nil)
  }

  @Test func onlyEqualBytesAreEqual() {
    #expect(constantTimeEqual([], []))
    #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
    #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
    #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
  }

  @Test func randomBytesDoNotRepeat() {
    #expect(randomBytes(0).isEmpty)
    #expect(randomBytes(33).count == 33)
    #expect(randomBytes(32) != randomBytes(32))
    #expect(Set(randomBytes(10_000)).count == 256)
  }

  // Contract secrets §2.10, as the real libsodium of another language made it.
  @Test func aSealedBoxOpensToWhatTheContractSays() throws {
    let secretKey = Array(0..<UInt8(32))
    let publicKey = try #require(SealedBox.publicKey(of: secretKey))
    #expect(
      Base64.encode(publicKey, alphabet: .standard, padded: true)
        == "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=")
    let box = try #require(
      Base64.decode("jlkox6QNzc8A8wvz9XVKL5z/upPSN0i0HVvvFZoJpQIHyrCGIGEkil8yvLyayTGla5+89zk="))
    #expect(SealedBox.open(box, secretKey: secretKey) == Array("hello".utf8))
  }

  @Test(arguments: ["", "x", "pä$$\n\u{0}end"])
  func aSealedBoxOpensForItsKeyAloneAndUnchangedOnly(text: String) throws {
    let (mine, other) = (try #require(SealedBox.keyPair()), try #require(SealedBox.keyPair()))
    let box = try #require(SealedBox.seal(Array(text.utf8), for: mine.publicKey))
    #expect(box.count == text.utf8.count + SealedBox.overhead)
    #expect(SealedBox.open(box, secretKey: mine.secretKey) == Array(text.utf8))
    #expect(SealedBox.seal(Array(text.utf8), for: mine.publicKey) != box, "each is sealed anew")
    #expect(SealedBox.open(box, secretKey: other.secretKey) == nil)
    var changed = box
    changed[box.count - 1] ^= 1
    #expect(SealedBox.open(changed, secretKey: mine.secretKey) == nil)
    #expect(SealedBox.open(Array(box.prefix(20)), secretKey: mine.secretKey) == nil)
    #expect(SealedBox.seal(Array(text.utf8), for: Array(mine.publicKey.dropLast())) == nil)
  }
}
