// Not run: this project has been built on Linux only so far.
#if canImport(Darwin)
  import Darwin

  /// Waits on many descriptors at once: kqueue, woken by a user event, ends of processes by EVFILT_PROC.
  final class Poller: Sendable {
    private let queue: Int32
    private static let wakeToken = UInt64.max

    /// - Throws: `ProcessError` when the process has no descriptor left.
    init() throws {
      queue = kqueue()
      guard queue >= 0 else { throw ProcessError.system(errno, "cannot watch processes") }
      _ = fcntl(queue, F_SETFD, FD_CLOEXEC)
      try add(0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, Self.wakeToken)
    }

    deinit { close(queue) }

    /// Reports `token` while `descriptor` can be read.
    func watchReading(_ descriptor: Int32, _ token: PollToken) throws {
      try add(UInt(descriptor), EVFILT_READ, EV_ADD, 0, token.rawValue)
    }

    /// Reports `token` while `descriptor` can be written.
    func watchWriting(_ descriptor: Int32, _ token: PollToken) throws {
      try add(UInt(descriptor), EVFILT_WRITE, EV_ADD, 0, token.rawValue)
    }

    /// Reports `token` once the process behind `handle` has ended, also when it ended before.
    func watchExit(_ handle: ExitHandle, _ token: PollToken) throws {
      do {
        try add(
          UInt(handle.process), EVFILT_PROC, EV_ADD | EV_ONESHOT, UInt32(bitPattern: NOTE_EXIT),
          token.rawValue)
      } catch  where errno == ESRCH {
        // It is a zombie already: a timer of zero delivers the same token.
        try add(UInt(handle.process), EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, token.rawValue)
      }
    }

    /// Ends the present or next `wait` early; from any thread.
    func wake() {
      var event = kevent64_s()
      event.filter = Int16(EVFILT_USER)
      event.fflags = UInt32(NOTE_TRIGGER)
      event.udata = Self.wakeToken
      _ = kevent64(queue, &event, 1, nil, 0, 0, nil)
    }

    /// What is ready, after at most `milliseconds` (below 0: without limit).
    func wait(milliseconds: Int32) -> [PollToken] {
      var limit = timespec(
        tv_sec: Int(milliseconds) / 1000, tv_nsec: Int(milliseconds) % 1000 * 1_000_000)
      return withUnsafeTemporaryAllocation(of: kevent64_s.self, capacity: 64) { events in
        let count =
          milliseconds < 0
          ? kevent64(queue, nil, 0, events.baseAddress, 64, 0, nil)
          : kevent64(queue, nil, 0, events.baseAddress, 64, 0, &limit)
        guard count > 0 else { return [] }
        return events[..<Int(count)].filter { $0.udata != Self.wakeToken }.map {
          PollToken(rawValue: $0.udata)
        }
      }
    }

    private func add(
      _ identifier: UInt, _ filter: Int32, _ flags: Int32, _ filterFlags: UInt32, _ token: UInt64
    ) throws {
      var event = kevent64_s()
      event.ident = UInt64(identifier)
      event.filter = Int16(filter)
      event.flags = UInt16(flags)
      event.fflags = filterFlags
      event.udata = token
      guard kevent64(queue, &event, 1, nil, 0, 0, nil) == 0 else {
        throw ProcessError.system(errno, "cannot watch a process")
      }
    }
  }

  /// What tells the end of one process: its id.
  struct ExitHandle {
    let process: pid_t

    init(process: pid_t) throws { self.process = process }

    func close() {}
  }
#endif
