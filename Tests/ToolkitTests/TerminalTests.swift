import Foundation
import Terminal
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct TerminalTests {
  // MARK: Width and clipping

  @Test(arguments: [
    ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한글", 4), ("ｆｕ", 4), ("🙂", 2), ("👩‍👩‍👧", 2),
    ("🇳🇴", 2), ("❤️", 2), ("❤", 1), ("1️⃣", 2), ("…", 1), ("✓", 1), ("─", 1), ("a\u{200B}b", 2),
    ("\u{1B}[1;31mred\u{1B}[0m", 3), ("\u{1B}]8;;http://x\u{7}link\u{1B}]8;;\u{1B}\\", 4),
  ])
  func widthIsWhatTheTerminalShows(text: String, width: Int) {
    #expect(displayWidth(of: text) == width)
  }

  @Test(arguments: [
    ("hello", 5, "hello"), ("hello", 4, "hel…"), ("hello", 1, "…"), ("hello", 0, ""), ("日本語", 5, "日本…"),
    ("日本語", 4, "日…"), ("🙂🙂", 3, "🙂…"),
    ("\u{1B}[31mhello\u{1B}[39m world", 4, "\u{1B}[31mhel…\u{1B}[39m"),
    ("\u{1B}[31mhello\u{1B}[39m", 5, "\u{1B}[31mhello\u{1B}[39m"),
  ])
  func clippingCountsColumnsAndEndsColours(text: String, columns: Int, clipped: String) {
    #expect(clip(text, to: columns) == clipped)
    #expect(displayWidth(of: clip(text, to: columns)) <= columns)
  }

  // MARK: Untrusted text

  @Test(arguments: [
    ("plain ærlig 日本 🙂", "plain ærlig 日本 🙂"), ("a\u{1B}[2Jb\u{1B}[31mc", "abc"),
    ("a\u{1B}]0;title\u{7}b", "ab"),
    ("a\u{1B}]52;c;AAAA\u{1B}\\b", "ab"), ("a\u{9B}31mb\u{9D}0;t\u{9C}c", "abc"),
    ("a\u{1B}cb\u{1B}(0d", "abd"),
    ("bell\u{7} back\u{8}\u{7F}", "bell back"), ("one\r\ntwo\tthree", "one two three"),
    ("evil\u{202E}txt.exe", "eviltxt.exe"),
    ("cut\u{1B}", "cut"), ("cut\u{1B}[12", "cut"), ("cut\u{1B}]0;never ended", "cut"),
    ("a\u{1B}]0;never ended\nnext line", "a next line"), ("x\u{1B}\u{1B}[31my", "xy"), ("\0nul", "nul"),
  ])
  func nothingThatCommandsTheTerminalIsLeft(text: String, safe: String) {
    #expect(sanitise(text) == safe)
  }

  @Test func linesAreKeptOnRequest() {
    #expect(sanitise("a\r\nb\n\u{1B}[1mc", keepingLines: true) == "a \nb\nc")
  }

  // MARK: Colours

  @Test(arguments: [
    (true, ["NO_COLOR": "1"], false, true), (false, ["CLICOLOR_FORCE": "1"], true, false),
    (nil, ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"], true, false),
    (nil, ["NO_COLOR": "", "CLICOLOR_FORCE": "1"], false, true), (nil, ["CLICOLOR_FORCE": "0"], false, false),
    (nil, [:], true, true), (nil, ["TERM": "dumb"], true, false), (nil, [:], false, false),
  ])
  func theFlagThenTheEnvironmentThenTheTerminalDecide(
    flag: Bool?, environment: [String: String], isTerminal: Bool, isWanted: Bool
  ) {
    #expect(
      TerminalColour.isWanted(flag: flag, environment: environment, isTerminal: isTerminal) == isWanted)
  }

  @Test func stylesNestAndCanBeOff() {
    #expect(TextStyle.red.applied(to: "a") == "\u{1B}[31ma\u{1B}[39m")
    #expect(
      TextStyle.red.applied(to: "a" + TextStyle.green.applied(to: "b") + "c")
        == "\u{1B}[31ma\u{1B}[32mb\u{1B}[39m\u{1B}[31mc\u{1B}[39m")
    #expect(TextStyle.bold.applied(to: "") == "")
    #expect(TextStyle.bold.applied(to: "a", isColoured: false) == "a")
  }

  // MARK: The live block

  private func framed(_ text: String) -> String { "\u{1B}[?2026h" + text + "\u{1B}[?2026l" }

  @Test func onlyChangedLinesAreRedrawn() {
    var block = LiveBlock()
    #expect(block.render(live: ["a", "b"], rows: 5) == framed("\u{1B}[?25la\nb\n"))
    #expect(block.render(live: ["a", "b"], rows: 5) == "")
    #expect(block.render(live: ["a", "B"], rows: 5) == framed("\r\u{1B}[2A\n\u{1B}[2KB\n"))
    #expect(block.render(live: ["a", "B", "c"], rows: 5) == framed("\r\u{1B}[2A\n\nc\n"))
    #expect(block.render(live: ["x"], rows: 5) == framed("\r\u{1B}[3A\u{1B}[2Kx\n\u{1B}[J"))
    #expect(block.finish() == framed("\r\u{1B}[1A\u{1B}[J\u{1B}[?25h"))
    #expect(block.finish() == "")
  }

  @Test func settledLinesScrollInAboveAndStay() {
    var block = LiveBlock()
    #expect(block.render(settled: ["first"], live: [], rows: 5) == framed("first\n"))
    _ = block.render(live: ["live"], rows: 5)
    #expect(
      block.render(settled: ["log"], live: ["live"], rows: 5) == framed("\r\u{1B}[1A\u{1B}[Jlog\nlive\n"))
    #expect(
      block.render(settled: ["end"], live: [], rows: 5) == framed("\r\u{1B}[1A\u{1B}[Jend\n\u{1B}[?25h"))
  }

  @Test func theBlockNeverFillsTheTerminalNorWraps() {
    var block = LiveBlock()
    _ = block.render(live: (1...9).map { "line number \($0)" }, rows: 5, columns: 10)
    #expect(block.lines == ["line numb…", "line numb…", "line numb…", "… 6 more"])
  }

  @Test func aNarrowerTerminalIsRedrawnFromWhereTheBlockNowBegins() {
    var block = LiveBlock()
    _ = block.render(live: ["0123456789", "b"], rows: 5, columns: 10)
    #expect(
      block.render(live: ["0123456789", "b"], rows: 5, columns: 4)
        == framed("\r\u{1B}[4A\u{1B}[J012…\nb\n"))
  }

  // MARK: The device and writing

  private func failure(_ result: Result<Void, OutputFailure>) -> OutputFailure? {
    if case .failure(let failure) = result { failure } else { nil }
  }

  @Test func aPipeIsNoTerminalAndEverythingIsWritten() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    #expect(!isTerminal(writing))
    #expect(TerminalSize.of(writing) == nil)
    // Non-blocking, and more than the pipe holds.
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
    let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0) }
    let reader = Thread.detachedReading(reading)
    #expect(failure(Output(descriptor: writing).write(bytes)) == nil)
    close(writing)
    #expect(await reader.value == bytes)
    close(reading)
  }

  @Test func aClosedReaderAndAFullDiskAreToldApart() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    #expect(failure(Output(descriptor: ends[1]).write("text")) == .closed)
    close(ends[1])
    let full = open("/dev/full", O_WRONLY)
    #expect(failure(Output(descriptor: full).write("text")) == .full)
    close(full)
    #expect(failure(Output(descriptor: -1).write("text")) == .system(EBADF))
    #expect(failure(Output(descriptor: -1).write("")) == nil)
  }

  @Test func aTerminalTellsItsSize() {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    guard terminal >= 0 else { return }
    defer { close(terminal) }
    var window = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    #expect(ioctl(terminal, UInt(TIOCSWINSZ), &window) == 0)
    #expect(isTerminal(terminal))
    #expect(TerminalSize.of(terminal) == TerminalSize(columns: 80, rows: 24))
  }
}

extension Thread {
  /// Reads to the end on a thread of its own.
  fileprivate static func detachedReading(_ descriptor: Int32) -> Task<[UInt8], Never> {
    Task {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread {
          var bytes: [UInt8] = []
          var buffer = [UInt8](repeating: 0, count: 4096)
          while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
          }
          continuation.resume(returning: bytes)
        }
      }
    }
  }
}
