import Foundation
import Terminal
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct TerminalTests {
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

  @Test func theFlagThenTheEnvironmentThenTheTerminalDecide() {
    let auto = ColorChoice.auto
    #expect(ColorChoice.always.isColored(environment: ["NO_COLOR": "1"], isTerminal: false))
    #expect(!ColorChoice.never.isColored(environment: ["CLICOLOR_FORCE": "1"], isTerminal: true))
    #expect(!auto.isColored(environment: ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"], isTerminal: true))
    #expect(auto.isColored(environment: ["NO_COLOR": "", "CLICOLOR_FORCE": "1"], isTerminal: false))
    #expect(!auto.isColored(environment: ["CLICOLOR_FORCE": "0"], isTerminal: false))
    #expect(auto.isColored(environment: [:], isTerminal: true))
    #expect(!auto.isColored(environment: ["TERM": "dumb"], isTerminal: true))
    #expect(!auto.isColored(environment: [:], isTerminal: false))
  }

  @Test func stylesNestAndCanBeOff() {
    let on = Palette(isColored: true)
    #expect(on.red("a") == "\u{1B}[31ma\u{1B}[39m")
    #expect(on.red("a" + on.green("b") + "c") == "\u{1B}[31ma\u{1B}[32mb\u{1B}[39m\u{1B}[31mc\u{1B}[39m")
    #expect(on.bold("") == "")
    let off = Palette(isColored: false)
    #expect(off.bold(off.red(off.dim("a"))) == "a")
  }

  // MARK: The live block

  private let size = TerminalSize(columns: 10, rows: 5)

  private func framed(_ text: String) -> String { "\u{1B}[?2026h" + text + "\u{1B}[?2026l" }

  @Test func onlyChangedLinesAreRedrawn() {
    var block = LiveBlock()
    #expect(block.render(["a", "b"], in: size) == framed("a\nb\n"))
    #expect(block.render(["a", "b"], in: size) == "")
    #expect(block.render(["a", "B"], in: size) == framed("\r\u{1B}[2A\n\u{1B}[2KB\n"))
    #expect(block.render(["a", "B", "c"], in: size) == framed("\r\u{1B}[2A\n\nc\n"))
    #expect(block.render(["x"], in: size) == framed("\r\u{1B}[3A\u{1B}[2Kx\n\u{1B}[J"))
    #expect(block.erase(in: size) == framed("\r\u{1B}[1A\u{1B}[J"))
    #expect(block.erase(in: size) == "")
  }

  @Test func linesAboveScrollInAndStay() {
    var block = LiveBlock()
    _ = block.render(["live"], in: size)
    #expect(block.render(["live"], above: ["log"], in: size) == framed("\r\u{1B}[1A\u{1B}[Jlog\nlive\n"))
    block.leave()
    #expect(block.render(["new"], in: size) == framed("new\n"))
  }

  @Test func theBlockNeverFillsTheTerminalNorWraps() {
    var block = LiveBlock()
    _ = block.render((1...9).map { "line number \($0)" }, in: size)
    #expect(block.lines == ["line numb…", "line numb…", "line numb…", "… 6 more"])
  }

  @Test func aNarrowerTerminalIsRedrawnFromWhereTheBlockNowBegins() {
    var block = LiveBlock()
    _ = block.render(["0123456789", "b"], in: size)
    let narrow = TerminalSize(columns: 4, rows: 5)
    #expect(block.render(["0123456789", "b"], in: narrow) == framed("\r\u{1B}[4A\u{1B}[J012…\nb\n"))
  }

  // MARK: The device and writing

  @Test func aPipeIsNoTerminalAndEverythingIsWritten() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    #expect(!TerminalDevice(descriptor: writing).isTerminal)
    #expect(TerminalDevice(descriptor: writing).size == nil)
    // Non-blocking, and more than the pipe holds.
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
    let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0) }
    let reader = Thread.detachedReading(reading)
    #expect(Output(descriptor: writing).write(bytes) == nil)
    close(writing)
    #expect(await reader.value == bytes)
    close(reading)
  }

  @Test func aClosedReaderAndAFullDiskAreToldApart() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    #expect(Output(descriptor: ends[1]).write("text") == .closed)
    close(ends[1])
    let full = open("/dev/full", O_WRONLY)
    #expect(Output(descriptor: full).write("text") == .full)
    close(full)
    #expect(Output(descriptor: -1).write("text") == .system(EBADF))
    #expect(Output(descriptor: -1).write("") == nil)
  }

  @Test func aTerminalTellsItsSize() {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    guard terminal >= 0 else { return }
    defer { close(terminal) }
    var window = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    #expect(ioctl(terminal, UInt(TIOCSWINSZ), &window) == 0)
    #expect(TerminalDevice(descriptor: terminal).isTerminal)
    #expect(TerminalDevice(descriptor: terminal).size == TerminalSize(columns: 80, rows: 24))
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
