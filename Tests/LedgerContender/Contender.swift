import Concurrency
import FoundationEssentials
import Ledgers
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A process that contends for a lease, holds it for a while, and tells what happens to it on standard output.
///
/// While it may act, it writes down the moments at which it does, so that a judge can see whether two ever
/// acted at once. Arguments: kind, project or address, name, log, lease, heartbeat and hold in milliseconds.
@main struct Contender {
  let ledger: any Ledger
  let name: String
  let log: Int32
  let hold: Duration
  let clock = SystemClock()

  static func main() async {
    let arguments = CommandLine.arguments
    do {
      let contender = try await Contender(arguments)
      while true { try await contender.contend() }
    } catch {
      tell("ended \(error)")
      exit(1)
    }
  }

  init(_ arguments: [String]) async throws {
    guard arguments.count == 8, let lease = Int(arguments[5]), let heartbeat = Int(arguments[6]),
      let hold = Int(arguments[7])
    else { throw Failure(.configuration, "seven arguments are needed") }
    let timing = LeaseTiming(duration: .milliseconds(lease), heartbeat: .milliseconds(heartbeat))
    name = arguments[3]
    self.hold = .milliseconds(hold)
    log = open(arguments[4], O_WRONLY | O_APPEND | O_CREAT, 0o600)
    switch arguments[1] {
    case "git":
      var options = GitLedger.Options()
      options.timing = timing
      ledger = try await GitLedger.open(
        root: arguments[2], app: "shop", environment: "prod", time: SystemClock(),
        process: ProcessInfo.processInfo.environment, options: options)
    case "postgres":
      // By the environment: arguments are seen by everybody.
      let url = ProcessInfo.processInfo.environment["CONTENDER_URL"] ?? ""
      ledger = try await PostgresLedger.open(
        url: Sensitive(url), app: arguments[2], environment: "prod", timing: timing)
    default:
      ledger = try await LocalLedger.open(
        root: arguments[2], environment: "prod", time: SystemClock(), timing: timing)
    }
  }

  /// Takes the lease once, holds it, and gives it back.
  private func contend() async throws {
    let holder = Holder(
      name: name, purpose: "contend", process: getpid(), nonce: "\(name)-\(clock.now.milliseconds)")
    var confirmedAt = clock.now
    var lease: Lease
    do throws(Failure) {
      lease = try await ledger.acquire(holder: holder)
    } catch {
      guard error.kind == .leaseHeld || error.kind == .failed else { throw error }
      if error.kind == .failed { Self.tell("trouble \(error.message): \(error.cause ?? "")") }
      try await clock.sleep(for: .milliseconds(20))
      return
    }
    // After a long watch the asking lies too far back, as for every holder.
    if clock.now - confirmedAt > lease.heartbeat {
      confirmedAt = clock.now
      lease = try await ledger.renew(lease)
    }
    act(lease, until: confirmedAt + lease.duration * 2 / 3)
    let end = clock.now + hold
    var seenAt = clock.now
    // Whoever is told may stop or kill this process at once.
    Self.tell("held \(lease.fence)")
    while clock.now < end {
      let now = clock.now
      if now - seenAt > lease.duration / 2 { return await writeLate(lease) }
      seenAt = now
      act(lease, until: confirmedAt + lease.duration * 2 / 3)
      if now >= confirmedAt + lease.heartbeat {
        do throws(Failure) {
          lease = try await ledger.renew(lease)
          confirmedAt = now
          seenAt = clock.now
        } catch {
          if clock.now - now > lease.duration / 2 { return await writeLate(lease) }
          if error.kind == .stale { return Self.tell("lost \(lease.fence)") }
        }
      }
      try await clock.sleep(for: .milliseconds(10))
    }
    await ledger.release(lease)
    Self.tell("released \(lease.fence)")
  }

  /// It was suspended for a good part of its lease: what the ledger says to a write of it.
  private func writeLate(_ lease: Lease) async {
    do throws(Failure) {
      try await ledger.markBad("late-\(lease.fence)", release: 1, lease: lease)
      Self.tell("late \(lease.fence) accepted")
    } catch {
      Self.tell("late \(lease.fence) refused \(error.kind.rawValue)")
    }
  }

  /// One effect while that is allowed, with the moment at which it was decided.
  private func act(_ lease: Lease, until limit: Timestamp) {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    // The moment is read before the look at the limit: a process that is held up in between acts late only here.
    guard clock.now < limit else { return }
    let line = "\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000) \(lease.fence) \(getpid())\n"
    _ = line.withCString { write(log, $0, strlen($0)) }
  }

  private static func tell(_ line: String) {
    _ = (line + "\n").withCString { write(STDOUT_FILENO, $0, strlen($0)) }
  }
}
