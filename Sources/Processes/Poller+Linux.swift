#if canImport(Glibc)
  import CSystem
  import Glibc

  /// Waits on many descriptors at once: epoll, woken through an eventfd, ends of processes by pidfd.
  final class Poller: Sendable {
    private let epoll: Int32
    private let wakeup: Int32
    private static let wakeToken = UInt64.max

    /// - Throws: `ProcessError` when the process has no descriptor left.
    init() throws {
      epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
      guard epoll >= 0 else { throw ProcessError.system(errno, "cannot watch processes") }
      wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
      guard wakeup >= 0 else { throw ProcessError.system(errno, "cannot watch processes") }
      try add(wakeup, EPOLLIN.rawValue, Self.wakeToken)
    }

    deinit {
      close(wakeup)
      close(epoll)
    }

    /// Reports `token` while `descriptor` can be read.
    func watchReading(_ descriptor: Int32, _ token: PollToken) throws {
      try add(descriptor, EPOLLIN.rawValue, token.rawValue)
    }

    /// Reports `token` while `descriptor` can be written.
    func watchWriting(_ descriptor: Int32, _ token: PollToken) throws {
      try add(descriptor, EPOLLOUT.rawValue, token.rawValue)
    }

    /// Reports `token` once the process behind `handle` has ended.
    func watchExit(_ handle: ExitHandle, _ token: PollToken) throws {
      try add(handle.descriptor, EPOLLIN.rawValue, token.rawValue)
    }

    /// Ends the present or next `wait` early; from any thread.
    func wake() {
      var one: UInt64 = 1
      _ = write(wakeup, &one, 8)
    }

    /// What is ready, after at most `milliseconds` (below 0: without limit).
    func wait(milliseconds: Int32) -> [PollToken] {
      withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
        let count = epoll_wait(epoll, events.baseAddress, 64, milliseconds)
        guard count > 0 else { return [] }
        var ready: [PollToken] = []
        for event in events[..<Int(count)] {
          if event.data.u64 == Self.wakeToken {
            var sink: UInt64 = 0
            _ = read(wakeup, &sink, 8)
          } else {
            ready.append(PollToken(rawValue: event.data.u64))
          }
        }
        return ready
      }
    }

    private func add(_ descriptor: Int32, _ events: UInt32, _ token: UInt64) throws {
      var event = epoll_event(events: events, data: epoll_data_t(u64: token))
      guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
        throw ProcessError.system(errno, "cannot watch a process")
      }
    }
  }

  /// What tells the end of one process: a pidfd.
  struct ExitHandle {
    let descriptor: Int32

    init(process: pid_t) throws {
      descriptor = system_pidfd_open(process)
      guard descriptor >= 0 else { throw ProcessError.system(errno, "cannot watch a process") }
    }

    func close() { _ = Glibc.close(descriptor) }
  }
#endif
