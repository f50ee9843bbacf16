import Foundation
import Model
import Testing
import YAML

@testable import Language

@Suite("Values")
struct ValueTests {
  @Test(
    "durations",
    arguments: [
      ("90s", 90_000), ("5m", 300_000), ("4h", 14_400_000), ("500ms", 500), ("1h30m", 5_400_000),
      ("7d", 604_800_000),
      ("1d2h3m4s5ms", 93_784_005), ("0s", 0), ("007s", 7000), ("104249991d", 9_007_199_222_400_000),
    ])
  func durations(text: String, milliseconds: Int64) throws {
    #expect(try Quantity.duration(text) == .milliseconds(milliseconds))
  }

  @Test(
    "what is no duration says what to write",
    arguments: [
      ("90", "write 90s for seconds or 90m for minutes"), ("5min", "write 5m"), ("5 m", "write 5m"),
      ("10secs", "write 10s"),
      ("2 Hours", "write 2h"), ("1.5h", "combine whole numbers, such as 1h30m or 1s500ms"),
      ("30m1h", "write the larger unit first, and each once"),
      ("1m1m", "write the larger unit first, and each once"),
      ("5w", "the units are d, h, m, s and ms"),
      ("m", "write a number and a unit, such as 90s, 5m, 4h, 500ms or 1h30m"),
      ("", "write a number and a unit, such as 90s, 5m, 4h, 500ms or 1h30m"),
      ("-5m", "write a number and a unit, such as 90s, 5m, 4h, 500ms or 1h30m"),
      ("99999999999999999999s", "write a smaller number"), ("9223372036854775807d", "write a smaller number"),
      ("5m30", "the units are d, h, m, s and ms"),
      ("٥m", "write a number and a unit, such as 90s, 5m, 4h, 500ms or 1h30m"),
    ])
  func badDurations(text: String, help: String) {
    #expect { try Quantity.duration(text) } throws: { ($0 as? Quantity.Mistake)?.help == help }
  }

  @Test(
    "sizes",
    arguments: [
      ("512MB", 512_000_000), ("1GB", 1_000_000_000), ("1GiB", 1_073_741_824), ("2TB", 2_000_000_000_000),
      ("10KB", 10_000),
      ("1KiB", 1024), ("7B", 7),
    ])
  func sizes(text: String, bytes: Int64) throws {
    #expect(try Quantity.size(text) == bytes)
  }

  @Test(
    "what is no size says what to write",
    arguments: [
      ("512", "write 512MB or 512GB"), ("2gb", "write 2GB"), ("1G", "write 1GB"), ("512 MB", "write 512MB"),
      ("1.5GB", "use a smaller unit, such as 1500MB"),
      ("MB", "write a number and a unit, such as 512MB or 1GB"),
      ("9999999999999TB", "write a smaller number"),
      ("1PB", "the units are KB, MB, GB, TB, and KiB, MiB, GiB, TiB"),
    ])
  func badSizes(text: String, help: String) {
    #expect { try Quantity.size(text) } throws: { ($0 as? Quantity.Mistake)?.help == help }
  }

  @Test("a duration is written back as short as can be")
  func writing() throws {
    for text in ["90s", "1h30m", "500ms", "7d", "0s"] {
      let duration = try Quantity.duration(text)
      #expect(try Quantity.duration(Quantity.text(duration)) == duration)
    }
    #expect(Quantity.text(.seconds(90)) == "1m30s")
  }

  private func variable(_ value: String) -> VariableValue? {
    readProd(minimal(service: "variables: {A: \(value)}")).environment?.service("api")?.variables["A"]
  }

  @Test("references become parts of the text, and are written back the same")
  func references() {
    #expect(
      variable("\"a ${commit} ${release}/${environment}${services.api.url}\"")
        == .text(
          Template([
            .text("a "), .reference(.commit), .text(" "), .reference(.release), .text("/"),
            .reference(.environment),
            .reference(.serviceURL("api")),
          ])))
    #expect(
      variable("\"${railway.My Service.v2.URL}\"")
        == .text(
          Template([
            .reference(.platformVariable(platform: .railway, service: "My Service.v2", variable: "URL"))
          ])))
    for text in ["${commit}", "${services.a.host}", "${railway.Postgres.PGHOST}"] {
      #expect(Reading.parse(String(text.dropFirst(2).dropLast()))?.0.description == text)
    }
  }

  @Test(
    "what is no reference stays text",
    arguments: [
      ("\"$${commit}\"", "${commit}"), ("\"$$ $5 {x} {}\"", "$$ $5 {x} {}"),
      ("\"{\\\"commit\\\": 1}\"", "{\"commit\": 1}"),
      ("1.10", "1.10"), ("no", "no"), ("0x10", "0x10"), ("true", "true"), ("\"\"", ""),
      ("\"$commit\"", "$commit"),
      ("\"a}b{\"", "a}b{"),
    ])
  func plainText(value: String, text: String) {
    #expect(variable(value) == .text(Template(text: text)))
  }

  @Test(
    "the nearest word is found, and only a near one",
    arguments: [
      ("imge", "image"), ("iamge", "image"), ("images", "image"), ("pre_deploy", "pre-deploy"),
      ("restartLimit", "restart-limit"),
      ("drian", "drain"), ("x", nil), ("something", nil), ("cpus", "cpu"),
    ])
  func suggestions(word: String, nearest: String?) {
    let words = ["image", "pre-deploy", "restart-limit", "drain", "cpu", "memory"]
    #expect(Suggestion.nearest(to: word, among: words) == nearest)
  }

  @Test("swapped letters count once")
  func distance() {
    #expect(Suggestion.distance("ab", "ba") == 1)
    #expect(Suggestion.distance("", "abc") == 3)
    #expect(Suggestion.distance("kitten", "sitting") == 3)
    #expect(Suggestion.distance("ca", "abc") == 3)
  }

  @Test("every rule's pattern is a regular expression, and every help follows it")
  func patterns() {
    for entry in Grammar.entries {
      guard case .text(let rule) = entry.key.shape, let pattern = rule.pattern else { continue }
      #expect((try? Regex(pattern)) != nil, "\(entry.path): \(pattern)")
    }
    #expect(TextRule.cron.mistake(in: "*/5 0-6,12 1 jan mon-fri") == nil)
    #expect(TextRule.cron.mistake(in: "*/0 * * * *") == "`*/0` is no minute of a schedule")
    #expect(TextRule.domain.mistake(in: "*.example.com") == nil)
    #expect(TextRule.path.mistake(in: "a/../b") == "`a/../b` leaves the project")
    #expect(
      TextRule.domain.mistake(in: String(repeating: "a.", count: 50_000)) == "this is too long for a domain")
  }
}
