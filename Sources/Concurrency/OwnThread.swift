#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Blocking work on a thread of its own, so that the few threads of the cooperative pool stay free.
package enum OwnThread {
  /// Runs `work` to its end. Nil when no thread could be started.
  package static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value? {
    await withCheckedContinuation { continuation in
      let once = Once(continuation)
      if !start({ once.resume(work()) }) { once.resume(nil) }
    }
  }

  /// Runs `work` for as long as the task wants it: when the task is cancelled the answer is nil at once, and the
  /// thread ends by itself, unheard. For calls that cannot be interrupted, such as those of the resolver.
  package static func runAbandonable<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value?
  {
    let once = Once<Value>(nil)
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard once.expect(continuation) else { return }
        if !start({ once.resume(work()) }) { once.resume(nil) }
      }
    } onCancel: {
      once.resume(nil)
    }
  }

  /// Starts a detached thread that no signal reaches. False when the system has none to give.
  private static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let body = Unmanaged.passRetained(Body(work))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    guard pthread_create(&thread, &attributes, runBody, body.toOpaque()) == 0 else {
      body.release()
      return false
    }
    return true
  }
}

/// What the thread is handed at its start.
private final class Body: Sendable {
  let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

/// Resumes a continuation exactly once; a cancel may come before the continuation does.
private final class Once<Value: Sendable>: Sendable {
  typealias Waiter = CheckedContinuation<Value?, Never>

  private struct State {
    var waiter: Waiter?
    var isOver = false
  }
  private let state: Locked<State>

  init(_ waiter: Waiter?) { state = Locked(State(waiter: waiter)) }

  /// False when it is over already; the waiter is resumed with nil then.
  func expect(_ waiter: Waiter) -> Bool {
    let isOver = state.withLock { state in
      if !state.isOver { state.waiter = waiter }
      return state.isOver
    }
    if isOver { waiter.resume(returning: nil) }
    return !isOver
  }

  func resume(_ value: Value?) {
    let waiter = state.withLock { state in
      defer {
        state.waiter = nil
        state.isOver = true
      }
      return state.waiter
    }
    waiter?.resume(returning: value)
  }
}

#if canImport(Darwin)
  private func runBody(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().work()
    return nil
  }
#else
  private func runBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().work() }
    return nil
  }
#endif
