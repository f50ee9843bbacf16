import Concurrency
import Dispatch
import Model
import Runner

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Turns the first signal into an interruption and the second into the end.
final class Signals: Sendable {
  private let sources: Locked<[any DispatchSourceSignal]> = Locked([])

  /// - Parameter onLeave: run before leaving on the second signal: shows the cursor again.
  init(_ interrupter: Interrupter, onLeave: @escaping @Sendable () -> Void) {
    let count = Locked(0)
    let queue = DispatchQueue(label: "signals")
    for (number, interruption) in [
      (SIGINT, Interruption.interrupt), (SIGTERM, .terminate), (SIGHUP, .hangup),
    ] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        let seen = count.withLock { seen in
          seen += 1
          return seen
        }
        guard seen > 1 else {
          interrupter.interrupt(interruption)
          return
        }
        onLeave()
        _exit(interruption.exitCode.rawValue)
      }
      source.resume()
      sources.withLock { $0.append(source) }
    }
    // A reader that went away shows as an error of write, not as the end of the process.
    signal(SIGPIPE, SIG_IGN)
  }
}
