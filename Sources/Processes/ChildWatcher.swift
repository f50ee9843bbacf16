import CSystem
import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The one thread that reads the pipes, awaits the ends and keeps the times of all children of a launcher.
///
/// The thread lives while there are children, so that an idle launcher holds no thread and no descriptor.
final class ChildWatcher: Sendable {
  private let inbox = Locked(Inbox())
  private let clock = SystemClock()

  /// How many milliseconds the thread waits for another child: commands in a chain follow each other at once.
  private static let lingering: Int32 = 20

  private struct Inbox {
    /// Present while the thread runs.
    var poller: Poller?
    var lastID: UInt64 = 0
    var arrivals: [Child] = []
    var orders: [Order] = []
  }

  private struct Order {
    var child: Child
    var ladder: StopLadder?
    var cause: Child.StopCause
  }

  var now: Timestamp { clock.now }

  func nextID() -> UInt64 {
    inbox.withLock { inbox in
      inbox.lastID += 1
      return inbox.lastID
    }
  }

  /// Takes over a child that has just been started.
  /// - Throws: `ProcessError` when it cannot be watched; it is the caller's then.
  func adopt(_ child: Child) throws {
    try inbox.withLock { inbox in
      let poller = try inbox.poller ?? Poller()
      // Reports about the child cannot be handled before its arrival: both happen under this lock.
      try poller.watchExit(child.exitHandle, PollToken(child: child.id, .exit))
      try poller.watchReading(child.output.descriptor, PollToken(child: child.id, .output))
      try poller.watchReading(child.error.descriptor, PollToken(child: child.id, .error))
      if child.input.isOpen {
        try poller.watchWriting(child.input.descriptor, PollToken(child: child.id, .input))
      }
      if inbox.poller == nil {
        try startThread(poller)
        inbox.poller = poller
      }
      inbox.arrivals.append(child)
      poller.wake()
    }
  }

  /// Stops a child by `ladder` (default: its own). Nothing happens when it has ended.
  func stop(_ child: Child, by ladder: StopLadder?, because cause: Child.StopCause) {
    inbox.withLock { inbox in
      guard let poller = inbox.poller else { return }
      inbox.orders.append(Order(child: child, ladder: ladder, cause: cause))
      poller.wake()
    }
  }

  // MARK: The thread

  private func startThread(_ poller: Poller) throws {
    let job = Unmanaged.passRetained(ThreadJob { [self] in watch(poller) })
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let fault = pthread_create(&thread, nil, runThreadJob, job.toOpaque())
    guard fault == 0 else {
      job.release()
      throw ProcessError.system(fault, "cannot watch processes")
    }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
  }

  private func watch(_ poller: Poller) {
    system_block_signals()
    var children: [UInt64: Child] = [:]
    while true {
      let ready = poller.wait(milliseconds: wait(for: children.values))
      guard let orders = collect(into: &children) else { return }
      let now = clock.now
      for order in orders where children[order.child.id] != nil {
        order.child.stop(by: order.ladder, because: order.cause, now: now)
      }
      for token in ready { children[token.child]?.handle(token.part, now: now) }
      for child in children.values {
        if let moment = child.nextMoment, moment <= now { child.handleTime(now: now) }
        guard child.isFinished else { continue }
        children[child.id] = nil
        child.conclude()
      }
    }
  }

  /// Takes what came in. Nil: there is nothing left to watch and the thread is to end.
  private func collect(into children: inout [UInt64: Child]) -> [Order]? {
    let (arrivals, orders, isDone) = inbox.withLock { inbox in
      defer {
        inbox.arrivals = []
        inbox.orders = []
      }
      let isDone = children.isEmpty && inbox.arrivals.isEmpty
      if isDone { inbox.poller = nil }
      return (inbox.arrivals, inbox.orders, isDone)
    }
    for child in arrivals { children[child.id] = child }
    return isDone ? nil : orders
  }

  private func wait(for children: Dictionary<UInt64, Child>.Values) -> Int32 {
    // Without children the thread ends soon; with them it sleeps until something is due.
    if children.isEmpty { return ChildWatcher.lingering }
    guard let next = children.compactMap(\.nextMoment).min() else { return -1 }
    return Int32(clamping: max(0, (next - clock.now).wholeMilliseconds))
  }
}

/// Work handed to a new thread.
private final class ThreadJob: Sendable {
  let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) {
    self.work = work
  }
}

#if canImport(Darwin)
  private func runThreadJob(_ job: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<ThreadJob>.fromOpaque(job).takeRetainedValue().work()
    return nil
  }
#else
  private func runThreadJob(_ job: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let job { Unmanaged<ThreadJob>.fromOpaque(job).takeRetainedValue().work() }
    return nil
  }
#endif
