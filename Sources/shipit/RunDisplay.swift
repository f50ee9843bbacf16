import Concurrency
import Interface
import Model
import Terminal

/// Shows a run while it goes on: redrawn in place on a terminal, a line per event elsewhere.
actor RunDisplay {
  private var face: any RunFace
  private let console: Console
  private let clock: any TimeSource
  private var block = LiveBlock()
  private var ticker: Task<Void, Never>?
  private let events: AsyncStream<RunEvent>
  private let post: AsyncStream<RunEvent>.Continuation
  private var reader: Task<Void, Never>?

  init(_ console: Console, clock: any TimeSource) {
    self.console = console
    self.clock = clock
    (events, post) = AsyncStream.makeStream(of: RunEvent.self, bufferingPolicy: .unbounded)
    let canvas = console.noteCanvas
    face =
      if console.wantsJSON {
        JSONFace(redact: console.redactor)
      } else if console.isQuiet {
        QuietFace(canvas)
      } else if console.isInteractive {
        TerminalFace(canvas)
      } else if console.actions != nil {
        ActionsFace(canvas)
      } else {
        PlainFace(canvas)
      }
  }

  /// Takes an event from anywhere, without waiting.
  nonisolated func watch(_ event: RunEvent) { post.yield(event) }

  func start() {
    reader = Task {
      for await event in events { show(face.handle(event)) }
    }
    ticker = Task {
      while !Task.isCancelled {
        do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
        show(face.tick(now: clock.now))
      }
    }
  }

  /// Everything that was told has been shown on return, and the cursor is back.
  func finish() async {
    post.finish()
    await reader?.value
    ticker?.cancel()
    await ticker?.value
    erase()
  }

  private func show(_ lines: [String]) {
    if console.wantsJSON {
      for line in lines { console.write(line) }
      return
    }
    if face is ActionsFace {
      console.commands(lines)
      return
    }
    guard console.isInteractive && !console.isQuiet else {
      if !lines.isEmpty { console.raw(lines.joined(separator: "\n") + "\n") }
      return
    }
    let size = size
    let frame = face.frame(now: clock.now, height: size.rows - 1)
    let text = block.render(settled: lines, live: frame, rows: size.rows)
    if !text.isEmpty { console.raw(text) }
  }

  private func erase() {
    guard console.isInteractive && !console.isQuiet && !console.wantsJSON else { return }
    console.raw(block.finish())
  }

  private var size: TerminalSize {
    TerminalSize.of(2) ?? TerminalSize(columns: 80, rows: 24)
  }
}
