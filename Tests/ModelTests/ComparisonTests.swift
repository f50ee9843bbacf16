import FoundationEssentials
import JSON
import Model
import Testing

@Suite("Comparisons and addresses of checks")
struct ComparisonTests {
  @Test("a text of the file holds for a value of an answer, or does not")
  func holds() throws {
    let rows: [(String, JSON, Bool)] = [
      ("ok", "ok", true), ("ok", "OK", false), ("true", true, true), ("null", nil, true), ("3", 3, true),
      ("3", "3", true),
      // Numbers are compared as numbers, texts as texts.
      ("5", 5.0, true), ("1e2", 100, true), ("1.10", 1.1, true), ("1.10", "1.1", false), ("-0", 0, true),
      ("9007199254740993", 9_007_199_254_740_993, true), ("9007199254740993", 9_007_199_254_740_992, false),
      ("> 5", 6, true), ("> 5", 5, false), (">5", 5.5, true), (">= 1.2", 1.2, true), (">= 1.2", 1.19, false),
      ("< 100", 99, true), ("< 100", 100, false), ("<= -3", -3, true), ("<= -3", -2.5, false),
      ("> 9007199254740992", 9_007_199_254_740_993, true),
      // A text is no number, whatever it looks like: versions are not ordered so.
      ("> 1.9", "1.10", false), ("< 1.9", "1.10", false), ("> 5", true, false), ("> 5", nil, false),
      ("!= error", "ok", true), ("!= error", "error", false), ("!= 5", 5.0, false), ("!= 5", 6, true),
      ("!= null", nil, false), ("= > 5", "> 5", true), ("= > 5", 6, false), ("= ok", "ok", true),
      ("[1]", [1], true), ("!error", "!error", true),
    ]
    for (text, value, wanted) in rows {
      #expect(try Comparison(parsing: text).holds(for: value) == wanted, "\(text) for \(value)")
    }
  }

  @Test("nonsense after a sign is a mistake that says what to write")
  func mistakes() {
    let rows = [
      (">", "add a number, such as `> 5`"), ("!=", "add what it is compared with"),
      ("> many", "for this very text write `= > many`"), ("< 300ms", "write a plain number after `<`"),
      ("== ok", "did you mean `ok`?"), ("=> 5", "did you mean `>= 5`?"), ("=< 5", "did you mean `<= 5`?"),
      ("<> error", "did you mean `!= error`?"), (" > 5", "write `> 5`"), ("> 1e999", "write a plain number"),
    ]
    for (text, help) in rows {
      #expect("\(text)") { _ = try Comparison(parsing: text) } throws: {
        ($0 as? Comparison.Mistake)?.help.contains(help) == true
      }
    }
  }

  @Test(
    "it is stored as its text, so that plans of before are read as they were meant",
    arguments: [
      "ok", "> 5", "!= error", "= > 5", "<= -1.5", "true", "=",
    ])
  func stored(text: String) throws {
    let comparison = Comparison(stringLiteral: text)
    let data = try JSONEncoder().encode([comparison])
    #expect(try JSONDecoder().decode([Comparison].self, from: data) == [comparison])
    #expect(try JSON(parsing: data) == [.string(comparison.description)])
  }

  @Test("a check without the newer keys, as an earlier plan has it, is read")
  func earlier() throws {
    let minute = String(decoding: try JSONEncoder().encode(Duration.seconds(60)), as: UTF8.self)
    let text = """
      {"name":"a","timeout":\(minute),"kind":{"http":{"url":{"parts":[]},"expect":{"status":200,"json":{"s":"ok"},
      "headers":{}}}}}
      """
    let check = try JSONDecoder().decode(Check.self, from: Data(text.utf8))
    #expect(
      check
        == Check(
          name: "a", kind: .http(url: Template([]), expect: HTTPExpectation(status: 200, json: ["s": "ok"]))))
  }

  @Test("hosts and ports are read from what people write")
  func endpoints() throws {
    let rows: [(String, Int?, String?)] = [
      ("db.example.com:5432", nil, "db.example.com:5432"), ("db.example.com", nil, nil),
      ("db.example.com", 443, "db.example.com:443"),
      ("https://a.example.com/health?x=1", nil, "a.example.com:443"),
      ("http://127.0.0.1:8080", nil, "127.0.0.1:8080"), ("[::1]:80", nil, "[::1]:80"),
      ("[::1]", 443, "[::1]:443"),
      ("a:0", nil, nil), ("a:65536", nil, nil), ("a:b", nil, nil), (":80", nil, nil),
      ("127.0.0.1:80:5432", nil, nil),
      ("user@host:22", nil, nil), ("a b:80", nil, nil), ("", 443, nil),
    ]
    for (text, standard, wanted) in rows {
      #expect((try? CheckAddress.endpoint(text, standardPort: standard).description) == wanted, "\(text)")
    }
  }

  @Test("a WebSocket is encrypted, or on this machine; a service's address is taken for its like")
  func webSockets() {
    let rows: [(String, String?)] = [
      ("wss://a.example.com/feed", "wss://a.example.com/feed"),
      ("https://a.example.com/feed", "wss://a.example.com/feed"),
      ("http://127.0.0.1:8080/feed", "ws://127.0.0.1:8080/feed"), ("ws://[::1]:80/", "ws://[::1]:80/"),
      ("ws://localhost", "ws://localhost"), ("ws://a.example.com/", nil),
      ("http://127.0.0.1.example.com/", nil),
      ("a.example.com", nil), ("wss://", nil),
    ]
    for (text, wanted) in rows { #expect((try? CheckAddress.websocket(text)) == wanted, "\(text)") }
  }

  @Test("names are names")
  func names() {
    let rows: [(String, String?)] = [
      ("api.example.com", "api.example.com"), ("https://api.example.com/x", "api.example.com"),
      ("127.0.0.1:80", "127.0.0.1"), ("_dmarc.example.com", "_dmarc.example.com"),
      ("example.com.", "example.com."),
      ("not a name", nil), ("[::1]", nil), ("-.example.com", nil), (String(repeating: "a", count: 64), nil),
      ("", nil),
    ]
    for (text, wanted) in rows { #expect((try? CheckAddress.name(text)) == wanted, "\(text)") }
  }
}
