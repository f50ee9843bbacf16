import Crypto
import Foundation
import Redaction
import Testing

/// Numbers that are the same in every run.
private struct Dice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

@Suite struct RedactionTests {
  private func redact(_ text: String, _ value: String, _ style: Redactor.Style = .stars) -> String {
    Redactor(secrets: [("KEY", value)], style: style).redact(text)
  }

  // MARK: Forms

  @Test func theValueIsReplacedByItsNameOrByStars() {
    #expect(redact("a hunter2! b hunter2!", "hunter2!", .named) == "a [secret KEY] b [secret KEY]")
    #expect(redact("hunter2!hunter2!", "hunter2!") == "******")
    #expect(redact("hunter2", "hunter2!") == "hunter2")
    #expect(redact("", "hunter2!") == "")
    #expect(Redactor(secrets: []).redact("as it is") == "as it is")
  }

  @Test(arguments: ["pass", "hunter2!", "ÿ?>ÿ?>ÿ", "0123456789abcdef0123456789abcdef"])
  func base64IsMaskedWhereverTheValueLiesInIt(value: String) {
    for before in ["", "u", "us", "user:"] {
      for after in ["", "a", "ab", "abc", "\n"] {
        let plain = Array((before + value + after).utf8)
        let around = 4 * (before.utf8.count / 3)
        for alphabet in [Base64.Alphabet.standard, .url] {
          for padded in [true, false] {
            let encoded = Base64.encode(plain, alphabet: alphabet, padded: padded)
            let safe = redact("<\(encoded)>", value)
            let kept = safe.dropFirst().dropLast().split(separator: "***", omittingEmptySubsequences: false)
            #expect(kept.count == 2, "\(encoded) became \(safe)")
            #expect(kept.first == encoded.prefix(kept.first?.count ?? 0))
            // Only characters that hold no bit of the secret stay.
            #expect((kept.first?.count ?? 99) * 6 <= before.utf8.count * 8, "\(encoded) became \(safe)")
            #expect((kept.first?.count ?? 0) >= around)
            let tail = (kept.last ?? "").filter { $0 != "=" }
            let touched = ((before + value).utf8.count * 8 + 5) / 6
            #expect(tail.count <= encoded.filter { $0 != "=" }.count - touched, "\(encoded) became \(safe)")
          }
        }
      }
    }
  }

  @Test func ofADocumentEachTextIsMaskedByItself() {
    let account = #"""
      {"type": "short", "project": {"id": "shop-prod-1"}, "tries": 12345678,
       "keys": ["first-key-1", "say \"hi\" twice", "{\"inner\": \"deep-secret\"}"],
       "private_key": "-----BEGIN KEY-----\nMIIBVgIBADAN\n-----END KEY-----\n"}
      """#
    for leaf in ["shop-prod-1", "first-key-1", #"say "hi" twice"#, "deep-secret", "MIIBVgIBADAN"] {
      #expect(redact("<\(leaf)>", account) == "<***>")
    }
    #expect(
      redact(Base64.encode(Array("first-key-1".utf8), alphabet: .standard, padded: true), account) == "***")
    // Short texts, numbers and names are ordinary words.
    for word in ["short", "12345678", "private_key", "project"] { #expect(redact(word, account) == word) }
    #expect(
      redact("not-closed", #"{"key": "not-closed""#) == "not-closed", "what is no document has no parts")
    #expect(redact("hunter2!!", #"["hunter2!!"]"#) == "***")
  }

  @Test(arguments: [
    "p%40ss%2Fw%20rd%7E", "p%40ss%2fw%20rd~", "p%40ss%2Fw+rd~", "p@ss/w%20rd~", "p%40ss/w%20rd~",
    "p%40ss/w+rd~",
  ])
  func percentEncodedFormsAreMasked(encoded: String) {
    #expect(redact("https://x/?a=\(encoded)&b", "p@ss/w rd~") == "https://x/?a=***&b")
  }

  @Test(arguments: [
    #"a\"b\\c/d<é🙂\n1"#, #"a\"b\\c\/d<é🙂\n1"#, #"a\"b\\c/d\u003c\u00e9\ud83d\ude42\n1"#,
    #"a\"b\\c/d<\u00E9\uD83D\uDE42\n1"#, #"a\\\"b\\\\c/d<é🙂\\n1"#,
  ])
  func jsonEscapedFormsAreMasked(encoded: String) {
    #expect(redact("{\"k\":\"\(encoded)\"}", "a\"b\\c/d<é🙂\n1") == "{\"k\":\"***\"}")
  }

  @Test func theLinesOfAKeyAreMaskedEach() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nshort\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    #expect(redact("[\(key)]", key) == "[***]")
    #expect(redact("[\(key.dropLast())]", key) == "[***]")
    #expect(redact("x MIIEvQIBADANBgkq y\r\nhkiG9w0BAQEFAASC\r\n", key) == "x *** y\r\n***\r\n")
    #expect(redact(Data("hkiG9w0BAQEFAASC".utf8).base64EncodedString(), key) == "***")
    #expect(redact("this is short", key) == "this is short")
    #expect(redact("trailing token\n", "token\r\n") == "trailing ***\n")
  }

  @Test(arguments: ["6869204ec3a9210a7e", "6869204EC3A9210A7E"])
  func hexadecimalIsMaskedInBothCases(encoded: String) {
    #expect(redact("<00\(encoded)ff>", "hi Né!\n~") == "<00***ff>")
  }

  /// As bash 5.2, zsh 5.9, dash and Python 3.11 quote it.
  @Test(arguments: [
    #"a b'\''c"d$e\f`g!é"#, #"a b'"'"'c"d$e\f`g!é"#, #"a b'c\"d\$e\\f\`g!é"#,
    #"a b'c\"d\$e\\f\`g\!é"#, #"a\ b\'c\"d\$e\\f\`g\!é"#,
    #"a b\'c"d$e\\f`g!é"#, #"a b\'c"d$e\\f`g!\303\251"#,
  ])
  func shellQuotedFormsAreMasked(quoted: String) {
    #expect(redact("KEY=<\(quoted)>", #"a b'c"d$e\f`g!é"#) == "KEY=<***>")
  }

  @Test(arguments: [
    "a&amp;b&lt;c&gt;\"d'e", "a&amp;b&lt;c&gt;&quot;d&#39;e", "a&amp;b&lt;c&gt;&quot;d&#x27;e",
    "a&amp;b&lt;c&gt;&#34;d&#39;e",
  ])
  func markupIsMasked(escaped: String) {
    #expect(redact("<p>\(escaped)</p>", "a&b<c>\"d'e") == "<p>***</p>")
  }

  @Test func severalLinesAreMaskedWithOtherLineEndsToo() {
    let value = "alpha\nbeta\ngamma"
    for form in ["alpha\r\nbeta\r\ngamma", "alpha beta gamma", "alphabetagamma", #"alpha\nbeta\ngamma"#] {
      #expect(redact("[\(form)]", value) == "[***]")
    }
    #expect(redact("alpha beta", value) == "alpha beta")
  }

  @Test(arguments: [64, 76]) func base64InLinesLeavesNothing(width: Int) {
    let value = (0..<40).map { "part\($0)" }.joined(separator: "-")
    for plain in [value, value + "\n"] {
      let encoded = Base64.encode(Array(plain.utf8))
      var lines: [String] = []
      var rest = Substring(encoded)
      while !rest.isEmpty {
        lines.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      let safe = redact(lines.joined(separator: "\n"), value)
      #expect(safe.filter { $0.isLetter || $0.isNumber }.count < 8, "\(safe)")
    }
  }

  @Test func thePasswordOfAnAddressIsMaskedByItself() {
    let address = "postgresql://app:p%40ss%2Fword@db.example.com:5432/app"
    #expect(redact("[\(address)]", address) == "[***]")
    #expect(redact("password p@ss/word is wrong", address) == "password *** is wrong")
    #expect(redact("p%40ss%2Fword", address) == "***")
    #expect(redact("app db.example.com", address) == "app db.example.com")
    #expect(redact("abc", "redis://x:abc@h") == "abc")
  }

  // MARK: Several secrets

  @Test func theLongestWinsAndOverlapsLeaveNoRemainder() {
    let redactor = Redactor(secrets: [("A", "abcdef"), ("B", "efghij"), ("C", "abcdefgh"), ("D", "cdef")])
    #expect(redactor.redact("xabcdefx") == "x[secret A]x")
    #expect(redactor.redact("xabcdefghx") == "x[secret C]x")
    #expect(redactor.redact("xabcdefghijx") == "x[secret C]x")
    #expect(redactor.redact("xabcdefgx") == "x[secret A]gx")
    #expect(redactor.redact("xcdefghijx") == "x[secret B]x")
    #expect(redactor.redact("abcdefefghij") == "[secret A][secret B]")
    #expect(Redactor(secrets: [("A", "aaaa")]).redact("baaaaaaab") == "b[secret A]b")
  }

  @Test func shortValuesAreReportedAndLeftAlone() {
    let secrets = [("PIN", "123"), ("EMPTY", ""), ("LONG", "12345"), ("NEWLINE", "123\n")]
    let redactor = Redactor(secrets: secrets)
    #expect(redactor.unmaskable == ["PIN", "NEWLINE"])
    #expect(redactor.redact("123 12345") == "123 [secret LONG]")
    #expect(Redactor(secrets: secrets, minimumLength: 6).unmaskable == ["PIN", "LONG", "NEWLINE"])
  }

  // MARK: Streams

  @Test func onlyWhatMayBeASecretIsKeptBack() {
    var stream = RedactionStream(Redactor(secrets: [("K", "hunter2!")], style: .stars))
    func feed(_ text: String) -> String { String(decoding: stream.feed(Array(text.utf8)), as: UTF8.self) }
    #expect(feed("a line\n") == "a line\n")
    #expect(feed("x hun") == "x ")
    #expect(feed("ter2!") == "***")
    #expect(feed("hunt") == "")
    #expect(feed("ing\n") == "hunting\n")
    #expect(feed("hunter2") == "")
    #expect(String(decoding: stream.finish(), as: UTF8.self) == "hunter2")
    #expect(feed("!") == "!")
  }

  /// Texts in which all forms of many secrets stand between and in each other, cut anywhere.
  @Test func noChunkingLetsASecretThrough() async {
    var dice = Dice(state: 20_260_821)
    let alphabet = Array("abAB01+/=%\\\"'\n é<")
    func word(_ range: ClosedRange<Int>) -> String {
      String(
        (0..<Int.random(in: range, using: &dice)).map { _ in alphabet.randomElement(using: &dice) ?? "a" })
    }
    func percent(_ text: String) -> String {
      text.utf8.map { byte in
        let character = Character(Unicode.Scalar(byte))
        return byte < 128 && (character.isLetter || character.isNumber)
          ? String(character) : "%" + Hex.encode([byte]).uppercased()
      }.joined()
    }
    func json(_ text: String) -> String {
      text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
    func shell(_ text: String) -> String { text.replacing("'", with: #"'\''"#) }
    var chunkings = 0
    var misses = 0
    for _ in 0..<20 {
      let values = (0..<6).map { _ in "k" + word(6...20) + "z" }
      let redactor = Redactor(secrets: values.enumerated().map { ("S\($0)", $1) }, style: .stars)
      for _ in 0..<50 {
        let text = (0..<4).map { _ -> String in
          let value = values.randomElement(using: &dice) ?? ""
          let form: String
          switch Int.random(in: 0..<9, using: &dice) {
          case 0: form = value
          case 1: form = Base64.encode(Array((word(0...4) + value + word(0...4)).utf8))
          case 2: form = percent(value)
          case 3: form = json(value)
          case 4: form = Hex.encode(Array(value.utf8))
          case 5: form = shell(value)
          case 6: form = value.replacing("\n", with: "\r\n")
          case 7: form = String(value.dropLast(Int.random(in: 1...4, using: &dice)))
          default: form = ""
          }
          return word(0...6) + form
        }.joined()
        // Other tests share the threads.
        await Task.yield()
        let whole = redactor.redact(text)
        for value in values {
          for form in [value, percent(value), json(value), Hex.encode(Array(value.utf8)), shell(value)]
          where whole.contains(form) { misses += 1 }
        }
        let bytes = Array(text.utf8)
        for _ in 0..<10 {
          var stream = RedactionStream(redactor)
          var safe: [UInt8] = []
          var place = 0
          while place < bytes.count {
            let end = min(bytes.count, place + Int.random(in: 1...24, using: &dice))
            safe += stream.feed(Array(bytes[place..<end]))
            place = end
          }
          safe += stream.finish()
          if String(decoding: safe, as: UTF8.self) != whole { misses += 1 }
          chunkings += 1
        }
      }
    }
    #expect(chunkings == 10_000)
    #expect(misses == 0)
  }
}
