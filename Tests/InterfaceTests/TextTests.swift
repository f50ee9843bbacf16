import Interface
import Model
import Testing

@Suite struct `Text of others` {
  @Test(arguments: [
    ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}]0;title\u{07}shown", "shown"), ("a\u{9B}2Jb", "ab"),
    ("one\ttwo\nthree", "one two three"), ("safe\u{202E}desrever", "safedesrever"),
    ("bell\u{07}back\u{08}", "bellback"),
  ])
  func `cannot steer the terminal`(_ sample: (String, String)) {
    #expect(Canvas.coloured.draw(Line(Span(sample.0))) == [sample.1])
  }

  @Test func `is clipped to the width without splitting a character`() {
    let canvas = Canvas(width: 8)
    #expect(canvas.draw(Line("日本語日本語")) == ["日本語…"])
    #expect(canvas.draw(Line("exactly8")) == ["exactly8"])
    #expect(Canvas(width: nil).draw(Line("as long as it likes")) == ["as long as it likes"])
  }

  @Test func `wraps under its label and breaks a word longer than the row`() {
    let canvas = Canvas(width: 24)
    let line = Line.labelled("because", ["one two three four https://example.com/very/long"], width: 9)
    let drawn = canvas.draw(line)
    #expect(drawn.first == "  because  one two three")
    expectFits(drawn, 24)
    #expect(drawn.dropFirst().allSatisfy { $0.hasPrefix("           ") })
  }

  @Test func `is redacted before it is clipped`() {
    let canvas = Canvas(width: 12, redact: hiding("hunter2"))
    #expect(!canvas.draw(Line("token is hunter2 and more")).joined().contains("hunt"))
  }

  @Test func `is coloured only after measuring, and never when the palette is plain`() {
    let coloured = Canvas(palette: .coloured, width: 5).draw(Line(.bad("12345")))
    #expect(coloured == ["\u{1B}[31m12345\u{1B}[39m"])
    #expect(Canvas(width: 5).draw(Line(.bad("12345"))) == ["12345"])
  }

  @Test(
    arguments: [
      (["LANG": "C.UTF-8"], true), (["LANG": "en_US.utf8"], true), (["LANG": "C"], false), ([:], false),
      (["LC_ALL": "C", "LANG": "C.UTF-8"], false), (["LC_ALL": "", "LANG": "C.UTF-8"], true),
    ] as [([String: String], Bool)])
  func `shows Unicode signs only where the locale says UTF-8`(_ sample: ([String: String], Bool)) {
    #expect((Symbols.suiting(sample.0) == .unicode) == sample.1)
  }

  @Test(
    arguments: [
      (250, "250 ms"), (4_230, "4.2 s"), (42_000, "42 s"), (185_000, "3 m 05 s"), (2000, "2 s"),
      (300_000, "5 m"), (7_800_000, "2 h 10 m"),
      (260_000_000, "3 d"),
    ] as [(Int64, String)])
  func `gives durations as people say them`(_ sample: (Int64, String)) {
    #expect(Duration.milliseconds(sample.0).words == sample.1)
  }
}
