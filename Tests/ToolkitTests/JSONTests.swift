import Foundation
import JSON
import Testing

@Suite struct JSONTests {
  /// Our own quick reading and `JSONDecoder` must never differ, on good text and on bad.
  @Test(arguments: [
    #"{"a": [1, -2, 0, "x", true, false, null], "b": {"c": {}}, "d": []}"#, " \n[ 1 ,\t2 ]\r\n", "null",
    "\"\"",
    "17", "-17", "0", "-0", "01", "+1", "1.", ".5", "1.0", "1.5", "-1.5e3", "1e2", "1E400",
    "9223372036854775807",
    "9223372036854775808", "123456789012345678901234567890", #""a\n\t\r\b\f\"\\\/""#, #""\u00e9\u4e2d""#,
    #""\ud83d\ude00""#, #""\ud83d""#, #""\udc00x""#, #""\u12""#, #""\u+123""#, #""\x""#, "\"tab\there\"",
    "\"open", "[1,]", "[,]", "{\"a\":1,}", "{\"a\"}", "{\"a\":1 \"b\":2}", "{a:1}", "[1 2]", "[1]x", "", " ",
    "tru",
    "truex", "nul", "é", "\"é中😀\"", #"{"a":1,"a":2}"#, "[[[[[[[[[[1]]]]]]]]]]", "NaN", "{\"\":\"\"}",
  ])
  func readsAsTheDecoderDoes(text: String) {
    let wanted = try? JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    #expect((try? JSON(parsing: text.utf8)) == wanted)
  }

  @Test func bytesThatAreNoTextAreRefused() {
    #expect(throws: (any Error).self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    #expect(throws: (any Error).self) { try JSON(parsing: [0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
  }

  @Test func deepNestingIsReadOrRefusedButNeverFatal() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: (any Error).self) { try JSON(parsing: deep.utf8) }
    let hundred = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect((try? JSON(parsing: hundred.utf8)) != nil)
  }
}
