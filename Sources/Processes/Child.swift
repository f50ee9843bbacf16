import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One started process: its pipes, its timers, and what it has said so far.
///
/// All of it is driven by the watcher's thread; other threads only signal it and wait for its end.
final class Child: @unchecked Sendable {
  // `@unchecked`: the watcher's thread alone touches the `var` fields once `ChildWatcher.adopt` has
  // taken the child; `life` has its own lock; the rest is constant.

  let id: UInt64
  let process: pid_t
  let exitHandle: ExitHandle
  private(set) var input: ChildInput
  private(set) var output: ChildOutput
  private(set) var error: ChildOutput
  private let ladder: StopLadder
  private let onLine: (@Sendable (ProcessLine) -> Void)?

  private var timeoutAt: Timestamp?
  private var stop: StopProgress?
  private var stopCause: StopCause?
  private var exit: ProcessExit?
  private var drainUntil: Timestamp?
  private let life = Locked(Life())

  /// Why a child was stopped before its own end.
  enum StopCause: Sendable { case timeout, cancelled, asked }

  private struct Life {
    var reaped = false
    var end: ChildEnd?
    var waiting: [CheckedContinuation<ChildEnd, Never>] = []
  }

  /// How long after the exit output is still awaited: a grandchild outside the group may hold the pipe.
  private static let drainLimit: Duration = .milliseconds(500)

  init(
    id: UInt64, process: pid_t, exitHandle: ExitHandle, input: ChildInput, output: ChildOutput,
    error: ChildOutput, ladder: StopLadder, timeoutAt: Timestamp?,
    onLine: (@Sendable (ProcessLine) -> Void)?
  ) {
    self.id = id
    self.process = process
    self.exitHandle = exitHandle
    self.input = input
    self.output = output
    self.error = error
    self.ladder = ladder
    self.timeoutAt = timeoutAt
    self.onLine = onLine
  }

  // MARK: From any thread

  /// Signals the group, unless the leader is reaped and its number may belong to somebody else.
  func signal(_ signal: Int32) {
    life.withLock { life in
      if !life.reaped { kill(-process, signal) }
    }
  }

  /// Suspends until the child has ended and its output is read, also in a cancelled task.
  func end() async -> ChildEnd {
    await withCheckedContinuation { continuation in
      let end: ChildEnd? = life.withLock { life in
        if life.end == nil { life.waiting.append(continuation) }
        return life.end
      }
      if let end { continuation.resume(returning: end) }
    }
  }

  // MARK: On the watcher's thread

  /// Begins to stop the group, or hurries a stop under way when `ladder` (default: its own) ends sooner.
  func stop(by ladder: StopLadder? = nil, because cause: StopCause, now: Timestamp) {
    guard exit == nil else { return }
    if stopCause == nil || cause == .cancelled { stopCause = cause }
    let progress = StopProgress(ladder ?? self.ladder, start: now)
    if let stop, stop.end <= progress.end { return }
    stop = progress
    climb(now: now)
  }

  /// Acts on a readiness report.
  func handle(_ part: PollToken.Part, now: Timestamp) {
    switch part {
    case .exit: reap(now: now)
    case .input: input.write()
    case .output: output.read { line(.output, $0) }
    case .error: error.read { line(.error, $0) }
    }
  }

  /// Acts on the passing of time.
  func handleTime(now: Timestamp) {
    if exit != nil {
      if let drainUntil, now >= drainUntil {
        output.readRest { line(.output, $0) }
        error.readRest { line(.error, $0) }
      }
      return
    }
    if let timeoutAt, now >= timeoutAt {
      self.timeoutAt = nil
      stop(because: .timeout, now: now)
    }
    climb(now: now)
  }

  /// When `handleTime` has something to do next.
  var nextMoment: Timestamp? {
    if exit != nil { return drainUntil }
    guard let next = stop?.next else { return timeoutAt }
    return timeoutAt.map { min($0, next) } ?? next
  }

  /// Whether the process is reaped and nothing more can come out of its pipes.
  var isFinished: Bool { exit != nil && !output.isOpen && !error.isOpen }

  /// Publishes the end to everyone who waits. Called once, when finished.
  func conclude() {
    guard let exit else { return }
    output.finish { line(.output, $0) }
    error.finish { line(.error, $0) }
    let end = ChildEnd(
      exit: exit, output: output.kept, errorOutput: error.kept,
      truncated: output.isTruncated || error.isTruncated, stopCause: stopCause)
    let waiting: [CheckedContinuation<ChildEnd, Never>] = life.withLock { life in
      life.end = end
      defer { life.waiting = [] }
      return life.waiting
    }
    for continuation in waiting { continuation.resume(returning: end) }
  }

  private func climb(now: Timestamp) {
    while let signal = stop?.advance(now: now) { self.signal(signal) }
  }

  /// The leader is a zombie, so its number still belongs to its group: what is left of the group goes first.
  private func reap(now: Timestamp) {
    guard exit == nil else { return }
    var status: Int32 = 0
    let reaped = life.withLock { life in
      kill(-process, SIGKILL)
      var result: pid_t
      repeat { result = waitpid(process, &status, 0) } while result < 0 && errno == EINTR
      life.reaped = true
      return result
    }
    // Somebody else reaped it: then only that it has ended is known.
    exit = reaped == process ? ProcessExit(waitStatus: status) : .code(-1)
    exitHandle.close()
    input.close()
    drainUntil = now + Self.drainLimit
  }

  private func line(_ stream: ProcessLine.Stream, _ text: String) {
    onLine?(ProcessLine(stream: stream, text: text))
  }
}

/// What a child left: how it ended, what was kept of its output, and whether it was stopped.
struct ChildEnd: Sendable {
  var exit: ProcessExit
  var output: [UInt8]
  var errorOutput: [UInt8]
  var truncated: Bool
  var stopCause: Child.StopCause?
}

extension ProcessExit {
  /// Reads what `waitpid` reports.
  init(waitStatus status: Int32) {
    let signal = status & 0x7F
    self = signal == 0 ? .code((status >> 8) & 0xFF) : .signal(signal)
  }
}
